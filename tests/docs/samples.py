"""A sample answer against a real one: the same keys, the same values, except what no two runs share.

A sample may be shorter than the answer where that shows nothing new: a list is compared with the beginning of the
answer's, a map of names (`models`, `providers`, …) may leave names out, and an object that carries the key "…" may
leave out keys. Moments, ids, versions and durations only have to look alike.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

MORE = "…"
NAMED_MAPS = frozenset(("providers", "channels", "models", "channel_details"))
DIFFERS = frozenset(("avg_duration_ms", "comparison", "week_start", "week_end", "year", "month", "port"))
_LOOKS = (
    re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z"),
    re.compile(r"\d{4}-\d{2}-\d{2}"),
    re.compile(r"alt_[0-9a-f]{16}"),
    re.compile(r"req_[0-9a-z]{18}"),
    re.compile(r"\S+#[0-9a-f]{8}"),
)


def differences(sample: object, answer: object, where: str = "") -> Iterator[str]:
    """Where the sample says something that the answer does not."""
    if isinstance(sample, Mapping) and isinstance(answer, Mapping):
        yield from _of_objects(sample, answer, where)
    elif isinstance(sample, list) and isinstance(answer, list):
        yield from _of_lists(sample, answer, where)
    elif _kind(sample) != _kind(answer):
        yield f"{where}: the sample has {sample!r}, the router answers {answer!r}"
    elif where.rpartition(".")[2] not in DIFFERS and not _alike(sample, answer):
        yield f"{where}: the sample says {sample!r}, the router answers {answer!r}"


def _of_objects(sample: Mapping[str, object], answer: Mapping[str, object], where: str) -> Iterator[str]:
    shown = [key for key in sample if key != MORE]
    missing = [key for key in shown if key not in answer]
    hidden = [key for key in answer if key not in sample]
    if missing:
        yield f"{where}: the router answers no {', '.join(missing)}"
    if hidden and MORE not in sample and where.rpartition(".")[2] not in NAMED_MAPS:
        yield f"{where}: the sample leaves out {', '.join(hidden)}"
    if not missing and not hidden and shown != list(answer):
        yield f"{where}: the router answers in the order {', '.join(answer)}"
    for key in shown:
        if key in answer:
            inside = f"{where}.{key}"
            yield from differences(sample[key], answer[key], inside)


def _of_lists(sample: Sequence[object], answer: Sequence[object], where: str) -> Iterator[str]:
    if len(sample) > len(answer):
        yield f"{where}: the sample has {len(sample)} entries, the router answers {len(answer)}"
    for position, (mine, theirs) in enumerate(zip(sample, answer, strict=False)):
        yield from differences(mine, theirs, f"{where}[{position}]")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | Decimal):
        return "number"
    return type(value).__name__


def _alike(sample: object, answer: object) -> bool:
    if isinstance(sample, str) and isinstance(answer, str):
        return sample == answer or any(look.fullmatch(sample) and look.fullmatch(answer) for look in _LOOKS)
    return sample == answer
