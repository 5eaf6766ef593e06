"""Figures of one run, kept as JSON and compared with the last kept run."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.statistic import Spread

KEPT: Final = Path(__file__).parent / "results"
WORTH_TELLING: Final = 1.05  # a smaller change is not told, whatever the noise


class Side(StrEnum):
    """What of a figure a goal is about."""

    RATIO = "ratio"
    VALUE = "value"


class Goal(msgspec.Struct, frozen=True):
    """A figure must not be above this."""

    side: Side
    limit: float


class Figure(msgspec.Struct, frozen=True):
    """One measured quantity. `ratio` is to the section's reference, taken round by round."""

    section: str
    name: str
    unit: str
    value: Spread
    ratio: Spread | None = None
    goal: Goal | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether the median keeps the goal; None without one."""
        if self.goal is None:
            return None
        measured = self.value if self.goal.side is Side.VALUE else self.ratio
        return measured is not None and measured.median <= self.goal.limit


class Run(msgspec.Struct, frozen=True):
    """Everything one command measured."""

    command: str
    facts: dict[str, str]
    settings: dict[str, float]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()  # what was left out, and why


class Change(msgspec.Struct, frozen=True):
    """A figure that moved since the kept run by more than its noise."""

    section: str
    name: str
    factor: float  # above 1: more than before

    @property
    def is_regression(self) -> bool:
        return self.factor > 1


def save(run: Run, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=1) + b"\n")


def load(path: Path) -> Run:
    return msgspec.json.decode(path.read_bytes(), type=Run)


def last_kept(command: str, folder: Path = KEPT) -> Run | None:
    """The newest kept run of a command; None when none is kept."""
    paths = sorted(folder.glob(f"{command}-*.json"))
    return load(paths[-1]) if paths else None


def kept_path(run: Run, folder: Path = KEPT) -> Path:
    """Where a run is kept: one file a day and command."""
    return folder / f"{run.command}-{run.facts['date'][:10].replace('-', '')}.json"


def changes(before: Run, now: Run) -> Iterator[Change]:
    """Figures whose middle halves no longer touch. Ratios are compared where there are any: machines differ."""
    known = {(each.section, each.name): each for each in before.figures}
    for figure in now.figures:
        old = known.get((figure.section, figure.name))
        if old is None or old.unit != figure.unit:
            continue
        was, is_now = _comparable(old, figure)
        if was.overlaps(is_now) or not was.median > 0 or not is_now.median > 0:
            continue
        factor = is_now.median / was.median
        if max(factor, 1 / factor) >= WORTH_TELLING:
            yield Change(figure.section, figure.name, factor)


def sections(figures: Sequence[Figure]) -> list[tuple[str, list[Figure]]]:
    """Figures by section, both in the order they were measured."""
    found: dict[str, list[Figure]] = {}
    for figure in figures:
        found.setdefault(figure.section, []).append(figure)
    return list(found.items())


def _comparable(old: Figure, new: Figure) -> tuple[Spread, Spread]:
    if old.ratio is not None and new.ratio is not None:
        return old.ratio, new.ratio
    return old.value, new.value
