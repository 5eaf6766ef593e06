"""One request to the test upstream, understood: what it asks for, and which misbehaviour it chose.

A mode is written `NAME[,option=value…]` and chosen, first match wins, by

1. the header `x-fault: NAME…`,
2. the model: `fault:NAME…`, or `some-model+fault:NAME…` where the reply then names `some-model`,
3. the key: `Authorization: Bearer …fault:NAME…`,
4. the server's own default (`--mode`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

MARK = "fault:"
WORDS = ("Every ", "call ", "is ", "on ", "the ", "books, ", "每一笔", "都有账可查。")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a server answers when nothing else is said."""

    mode: str = "normal"
    prompt_tokens: int = 150
    completion_tokens: int = 300
    pieces: int = 8  # content pieces of a stream
    models: tuple[str, ...] = ("gpt-4o-mini", "deepseek-chat", "qwen3-8b", "text-embedding-3-small")


@dataclass(frozen=True, slots=True)
class Request:
    """What came in on the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the body, in hex."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Call:
    """A request understood."""

    request: Request
    asked: Mapping[str, object]  # the JSON body; empty when it is not an object
    model: str  # as asked, mark and all
    mode: str
    options: Mapping[str, str]
    defaults: Defaults = field(default=Defaults())

    @property
    def reply_model(self) -> str:
        """The model that the reply names."""
        return self.model.partition(f"+{MARK}")[0]

    @property
    def is_stream(self) -> bool:
        return self.asked.get("stream") is True

    @property
    def includes_usage(self) -> bool:
        """True when the caller asked for the usage chunk."""
        options = self.asked.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def choice_count(self) -> int:
        n = self.asked.get("n")
        return min(n, 8) if isinstance(n, int) and n > 0 else 1

    @property
    def reply_id(self) -> str:
        """The same for the same body, so that two runs can be compared."""
        return f"chatcmpl-{self.request.digest[:24]}"

    @property
    def pieces(self) -> tuple[str, ...]:
        """The answer's text, in the pieces a stream sends."""
        count = self.number("pieces", self.defaults.pieces)
        return tuple(WORDS[index % len(WORDS)] for index in range(count))

    @property
    def prompt_tokens(self) -> int:
        return self.number("prompt", self.defaults.prompt_tokens)

    @property
    def completion_tokens(self) -> int:
        return self.number("completion", self.defaults.completion_tokens)

    def number(self, option: str, default: int) -> int:
        """An option that is a whole number."""
        return int(self.options.get(option, default))

    def seconds(self, option: str, default_ms: int) -> float:
        """An option in milliseconds, as seconds."""
        return self.number(option, default_ms) / 1000


def understand(request: Request, defaults: Defaults) -> Call:
    """Read the body and find the mode. A body that is not JSON is served like an empty one."""
    asked: Mapping[str, object] = {}
    if request.body:
        try:
            parsed = json.loads(request.body)
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            asked = parsed
    model = asked.get("model")
    model = model if isinstance(model, str) else ""
    mode, options = parse_mode(_chosen(request, model, defaults))
    return Call(request, asked, model, mode, options, defaults)


def parse_mode(text: str) -> tuple[str, dict[str, str]]:
    """Split `NAME,option=value,…`. An option without a value is `1`."""
    name, *pairs = text.removeprefix(MARK).split(",")
    options = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        options[key.strip()] = value.strip() or "1"
    return name.strip(), options


def _chosen(request: Request, model: str, defaults: Defaults) -> str:
    header = request.headers.get("x-fault")
    if header:
        return header
    for place in (model, request.headers.get("authorization", "")):
        _, mark, mode = place.partition(MARK)
        if mark:
            return mode
    return defaults.mode
