"""OpenAI's endpoints as clients call them: a request in, a `Call` out; errors in OpenAI's envelope."""

from collections.abc import Mapping
from typing import Final

import msgspec

from smart_ai_router.api.json_gate import read_object
from smart_ai_router.core.calls import Call, Endpoint
from smart_ai_router.core.plain_json import encode_plain
from smart_ai_router.domain.errors import Refusal, RequestMalformed
from smart_ai_router.domain.failures import Failure
from smart_ai_router.domain.meters import UsageType
from smart_ai_router.domain.tags import feature_tags

MODEL_CHARACTERS_MAX: Final = 4096  # a tag query can be long; no model name is
TOKENS_ASKED_MAX: Final = 100_000_000
CHOICES_MAX: Final = 128  # OpenAI's own limit of n
TEXT_CHARACTERS_MAX: Final = 256  # of the caller's own words that a record keeps
COST_HEADER: Final = "x-smart-ai-router-usage-cost"
SESSION_HEADER: Final = "x-session-id"


class OpenAIErrors:
    """Implements `core.calls.ErrorShape`: `{"error": {message, type, param, code}}`."""

    def body(self, failure: Failure, request_id: str) -> bytes:
        error = {"error": {**_error(failure), "request_id": request_id}}
        if failure.details is None:
            return msgspec.json.encode(error)
        return encode_plain({**error, "code": failure.status, "message": failure.message, **failure.details})

    def event(self, failure: Failure, request_id: str) -> bytes:
        return b"data: " + self.body(failure, request_id) + b"\n\ndata: [DONE]\n\n"


def _error(failure: Failure) -> dict[str, str | None]:
    return {"message": failure.message, "type": failure.type, "param": failure.param, "code": failure.code}


OPENAI_ERRORS: Final = OpenAIErrors()
ENDPOINTS: Final = {
    endpoint.path: endpoint
    for endpoint in (
        Endpoint("/v1/chat/completions", "chat", UsageType.TEXT_GENERATION, "chat", OPENAI_ERRORS),
        Endpoint("/v1/completions", "completion", UsageType.TEXT_GENERATION, "chat", OPENAI_ERRORS),
        Endpoint("/v1/embeddings", "embedding", UsageType.EMBEDDING, "embedding", OPENAI_ERRORS),
    )
}
_REQUIRED: Final = {"chat": "messages", "completion": "prompt", "embedding": "input"}


def read_call(endpoint: Endpoint, headers: Mapping[str, str], body: bytes, region_header: str | None) -> Call:
    """Check what the books and the routing depend on; everything else passes as it came. Raises RequestMalformed."""
    fields = read_object(body)
    model = fields.get("model")
    if not isinstance(model, str) or not model.strip():
        raise RequestMalformed("'model' must name a model, an alias or a tag query such as tag:free", param="model")
    if len(model) > MODEL_CHARACTERS_MAX:
        raise RequestMalformed(f"'model' is longer than {MODEL_CHARACTERS_MAX} characters", param="model")
    required = _REQUIRED[endpoint.request_type]
    if fields.get(required) is None:
        raise RequestMalformed(f"'{required}' is missing", param=required)
    if endpoint.request_type == "chat" and (not isinstance(fields["messages"], list) or not fields["messages"]):
        raise RequestMalformed("'messages' must be a list with at least one message", param="messages")
    stream = _flag(fields, "stream")
    asked = [_count(fields, name, 1, TOKENS_ASKED_MAX) for name in ("max_tokens", "max_completion_tokens")]
    limits = [each for each in asked if each is not None]
    tokens_max = min(limits) if limits else None
    options = fields.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise RequestMalformed("'stream_options' must be an object", param="stream_options")
    usage_asked = fields.get("usage")
    return Call(
        endpoint=endpoint,
        model=model,
        body=body,
        stream=stream,
        wants_usage=bool(options and options.get("include_usage")),
        wants_cost=COST_HEADER in headers or (isinstance(usage_asked, dict) and usage_asked.get("include") is True),
        output_tokens_max=tokens_max,
        choices=_count(fields, "n", 1, CHOICES_MAX) or 1,
        features=feature_tags(stream, bool(fields.get("tools") or fields.get("functions")), tokens_max),
        end_user=_text(fields.get("user")),
        session_id=_text(headers.get(SESSION_HEADER)),
        region=_text(headers.get(region_header)) if region_header else None,
        prompt_bytes=len(body),
    )


def flawed_call(
    endpoint: Endpoint, headers: Mapping[str, str], body: bytes, region_header: str | None, flaw: Refusal
) -> Call:
    """A call that is refused for its form, with what its record can say: the model, if that can be read."""
    try:
        model = _text(read_object(body).get("model"))
    except RequestMalformed:
        model = None
    return Call(
        endpoint=endpoint,
        model=model or "",
        body=b"",
        session_id=_text(headers.get(SESSION_HEADER)),
        region=_text(headers.get(region_header)) if region_header else None,
        flaw=flaw.anew(),
    )


def _flag(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise RequestMalformed(f"'{name}' must be true or false", param=name)


def _count(fields: Mapping[str, object], name: str, smallest: int, largest: int) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int or not smallest <= value <= largest:
        raise RequestMalformed(f"'{name}' must be a whole number from {smallest} to {largest}", param=name)
    return value


def _text(value: object) -> str | None:
    return value[:TEXT_CHARACTERS_MAX] if isinstance(value, str) and value else None
