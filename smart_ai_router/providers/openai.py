"""The dialect of OpenAI-compatible providers: same dialect on both sides, so bytes pass through.

The body goes upstream as it came, except where it must differ: the model's name when the client used an alias or a
tag, and `stream_options.include_usage` on a stream, so that the provider's own count arrives. Those two values are
spliced in; every other byte of the body stays.
"""

from typing import Final

import msgspec

from smart_ai_router.core.calls import Call, ReplyReader, Target
from smart_ai_router.core.ports import Headers, UpstreamRequest
from smart_ai_router.domain.channel import Channel
from smart_ai_router.providers.openai_replies import JsonReader, StreamReader

CLIENT_PREFIX: Final = "/v1"

_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


class OpenAIDialect:
    """Implements `core.calls.Dialect`."""

    def __init__(self) -> None:
        self._heads: dict[tuple[str, str], tuple[Channel, str, Headers]] = {}

    def request(self, call: Call, target: Target) -> UpstreamRequest:
        channel = target.channel
        key = (channel.id, call.endpoint.path)
        head = self._heads.get(key)
        if head is None or head[0] is not channel:  # a new snapshot has new channels
            head = self._heads[key] = (channel, _url(channel.base_url, call.endpoint.path), _headers(channel))
        return UpstreamRequest("POST", head[1], head[2], self.body(call, target))

    def body(self, call: Call, target: Target) -> bytes:
        """The client's body, with only what must differ spliced in."""
        renames = target.model.upstream_name != call.model
        injects = call.stream and not call.wants_usage
        if not renames and not injects:
            return call.body
        fields = _object_decoder.decode(call.body)
        if renames:
            fields["model"] = msgspec.Raw(msgspec.json.encode(target.model.upstream_name))
        if injects:
            options = fields.get("stream_options")
            given = _object_decoder.decode(options) if options is not None and bytes(options) != b"null" else {}
            given["include_usage"] = msgspec.Raw(b"true")
            fields["stream_options"] = msgspec.Raw(msgspec.json.encode(given))
        return msgspec.json.encode(fields)

    def reader(self, call: Call, is_stream: bool) -> ReplyReader:
        return StreamReader(call) if is_stream else JsonReader(call)


def _url(base_url: str, client_path: str) -> str:
    """`https://host/v1` and `/v1/chat/completions` make `https://host/v1/chat/completions`."""
    return base_url.rstrip("/") + client_path.removeprefix(CLIENT_PREFIX)


def _headers(channel: Channel) -> Headers:
    """Headers of our own making only: nothing of the client's request reaches a provider but its body."""
    headers = [
        ("content-type", "application/json"),
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
        ("user-agent", "smart-ai-router"),
        *channel.extra_headers,
    ]
    if channel.auth_type == "x-api-key":
        headers.append(("x-api-key", channel.api_key))
    elif channel.auth_type == "bearer" and channel.api_key:
        headers.append(("authorization", f"Bearer {channel.api_key}"))
    return tuple(headers)
