"""The strict reading of a request body: what passes here can be trusted by everything behind it.

Refused: invalid UTF-8, NaN and infinities (also numbers too large for a double), duplicate keys anywhere (two
readers of one body must never see two models), nesting deeper than 64, lone surrogates, a top level that is no
object. One pass of the standard library's C scanner does the work; errors never echo the input.
"""

import json
import re
from collections.abc import Callable
from math import isinf
from typing import Final, NoReturn

from smart_ai_router.domain.errors import RequestMalformed

DEPTH_MAX: Final = 64

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89abAB]|\\u[dD][c-fC-F]")


def read_object(body: bytes) -> dict[str, object]:
    """The JSON object in a body; raises RequestMalformed with what is wrong."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestMalformed(f"the body is not valid UTF-8 (byte {error.start})") from error
    try:
        value = _scan(text)
    except RecursionError as error:
        raise RequestMalformed(f"the body is nested deeper than {DEPTH_MAX} levels") from error
    except json.JSONDecodeError as error:
        raise RequestMalformed(f"the body is not valid JSON: {error.msg} at character {error.pos}") from error
    except ValueError as error:
        raise RequestMalformed(
            str(error) if isinstance(error, _Refused) else "a number in the body is too long"
        ) from error
    if not isinstance(value, dict):
        raise RequestMalformed("the body must be a JSON object")
    if body.count(b"{") + body.count(b"[") > DEPTH_MAX and _depth(value) > DEPTH_MAX:
        raise RequestMalformed(f"the body is nested deeper than {DEPTH_MAX} levels")
    if _SURROGATE_ESCAPE.search(body):
        _refuse_lone_surrogates(value)
    return value


class _Refused(ValueError):
    """Something that valid JSON may hold and a request may not."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("the body has an object with duplicate keys")
    return value


def _float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise _Refused("a number in the body is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise _Refused(f"the body contains {name}, which is not JSON")


_scan_once: Final[Callable[[str, int], tuple[object, int]]] = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_constant=_constant
).scan_once  # type: ignore[attr-defined]  # documented in json.scanner's source only; there since Python 2.6
_WHITESPACE: Final = " \t\n\r"


def _scan(text: str) -> object:
    """What `JSONDecoder.decode` does, without its two regular expressions and two frames for every call."""
    start = 0 if text[:1] == "{" else len(text) - len(text.lstrip(_WHITESPACE))
    try:
        value, end = _scan_once(text, start)
    except StopIteration as stop:
        raise json.JSONDecodeError("Expecting value", text, stop.value) from None
    if end != len(text) and text[end:].strip(_WHITESPACE):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _depth(value: object) -> int:
    deepest = 0
    waiting = [(value, 1)]
    while waiting:
        each, depth = waiting.pop()
        if isinstance(each, dict):
            waiting.extend([(child, depth + 1) for child in each.values() if isinstance(child, dict | list)])
        elif isinstance(each, list):
            waiting.extend([(child, depth + 1) for child in each if isinstance(child, dict | list)])
        deepest = max(deepest, depth)
    return deepest


def _refuse_lone_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise RequestMalformed("a text in the body has half of a surrogate pair") from error
