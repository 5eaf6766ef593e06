"""What statistics ask of a store: totals of rollups, by day range and dimensions. Never raw records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from smart_ai_router.domain.money import Pico


class Dimension(StrEnum):
    """What totals can be grouped by."""

    DAY = "day"
    PROVIDER = "provider"
    CHANNEL = "channel"
    MODEL = "model"
    USER = "user"
    API_KEY = "api_key"
    TAG = "tag"
    USAGE_TYPE = "usage_type"
    REGION = "region"


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a set of calls, in one currency."""

    currency: str
    requests: int
    successes: int
    failures: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    input_cost: Pico
    output_cost: Pico
    total_cost: Pico
    duration_ms: int
    unpriced: int  # calls whose price was unknown
    estimated: int  # calls whose usage was estimated
    images: int = 0
    media_ms: int = 0  # of sound or video


@dataclass(frozen=True, slots=True)
class TotalsRow:
    """Totals of one group. `keys` follow the asked dimensions; a channel's key is its id."""

    keys: tuple[str, ...]
    totals: Totals


class StatisticsStore(Protocol):
    """Totals from rollups. Costs of different currencies come as different rows."""

    def totals(
        self,
        first: date,
        last: date,
        by: Sequence[Dimension] = (),
        where: Mapping[Dimension, str] | None = None,
    ) -> list[TotalsRow]:
        """Totals of the days first..last, both included, of the calls that have all values of `where`.

        Raises GroupingUnavailable for a combination of dimensions that no rollup has.
        """

    def channel_names(self) -> dict[str, str]:
        """Channel id to its latest name."""


@dataclass(frozen=True, slots=True)
class AttemptTotals:
    """A channel's upstream tries. An operation that moved on to a second channel is a try of both."""

    attempts: int
    failures: int


class AttemptStore(Protocol):
    """Totals of upstream tries, by which a channel's failure rate is judged."""

    def channel_attempts(self, first: date, last: date) -> dict[str, AttemptTotals]:
        """Channel id to the tries of the days first..last, both included."""


class GroupingUnavailable(ValueError):
    """No rollup holds this combination of dimensions; the message lists those that exist."""
