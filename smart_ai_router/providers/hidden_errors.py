"""Errors that an upstream puts into a reply with the status 200, in the shapes that vendors use.

| shape                                               | who                                                           |
|-----------------------------------------------------|---------------------------------------------------------------|
| `{"error": {...}}`, `{"error": "text"}`             | OpenAI's shape: OpenRouter, most relays                       |
| `{"choices": [{"error": {...}}]}`                   | OpenRouter, when the provider behind it failed while it wrote |
| `{"base_resp": {"status_code": 1008, ...}}`, not 0  | MiniMax                                                       |
| `{"code": "Throttling", "message": ...}`            | DashScope's own dialect, SiliconFlow                          |
| `{"code": 500, "msg": ..., "success": false}`       | Zhipu                                                         |
| `{"error_code": 18, "error_msg": ...}`              | Qianfan                                                       |
| `{"detail": ...}`, `{"errors": {...}}`              | web frameworks, ModelScope                                    |

Which fault it is, `domain/fault_classes.py` tells from the words.
"""

from typing import Final

import msgspec

from smart_ai_router.domain.fault_classes import classify_error_body
from smart_ai_router.domain.faults import Fault, FaultKind

_CODES: Final = ("code", "error_code", "status_code")
_WORDS: Final = ("message", "msg", "error_msg", "error_message", "detail")
_ERRORS: Final = ("error", "errors")
_ALL_WELL: Final = frozenset((0, 200, "", "0", "200", "ok", "success"))  # codes of a reply that is no error

_decoder: Final = msgspec.json.Decoder(dict[str, object])


def is_refused_by(base_resp: object) -> bool:
    """Whether MiniMax's own status, which stands in its answers too, says that this is none."""
    return isinstance(base_resp, dict) and base_resp.get("status_code") not in (None, *_ALL_WELL)


def names_error(body: bytes) -> bool:
    """Whether a JSON object without an answer in it says that something went wrong. False for what is no object."""
    try:
        fields = _decoder.decode(body)
    except (ValueError, RecursionError):
        return False
    if any(fields.get(name) for name in _ERRORS) or is_refused_by(fields.get("base_resp")):
        return True
    if any(_is_bad_code(fields.get(name)) for name in _CODES):
        return True
    return any(isinstance(fields.get(name), str) and fields[name] for name in _WORDS)


def fault_in_answer(body: bytes) -> Fault:
    """The fault of a 200 whose JSON is no answer: what it says, or that it says nothing."""
    failed = _failed_choice(body)
    if failed is not None:
        return classify_error_body(200, failed)
    if names_error(body):
        return classify_error_body(200, body)
    return Fault(FaultKind.MALFORMED, "the upstream answered 200 with JSON that holds no answer", 200)


def _is_bad_code(code: object) -> bool:
    if isinstance(code, str):
        return code.lower() not in _ALL_WELL
    return type(code) is int and code not in _ALL_WELL


def _failed_choice(body: bytes) -> bytes | None:
    """The error that stands in place of the first choice, as a body of its own."""
    try:
        choices = _decoder.decode(body).get("choices")
    except (ValueError, RecursionError):
        return None
    first = choices[0] if isinstance(choices, list) and choices else None
    error = first.get("error") if isinstance(first, dict) else None
    return msgspec.json.encode({"error": error}) if error else None
