"""The shapes of the answers. The guide's keys come first, in the order in which its readers know them."""

from decimal import Decimal
from typing import TypedDict


class Share(TypedDict):
    """What one provider or model did."""

    requests: int
    cost: Decimal
    tokens: int
    successful_requests: int
    failed_requests: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    unpriced_requests: int


class ChannelShare(Share):
    """What all channels of one name did."""

    channel_ids: list[str]


class ChannelDetail(Share):
    """What one channel did. `attempts` are upstream tries, failed-over ones included; null when not counted."""

    channel_name: str
    attempts: int | None
    failed_attempts: int | None
    failure_rate: Decimal  # percent of the attempts, or of the requests while attempts are not counted


class CurrencyShare(TypedDict):
    """What was billed in a currency other than the one shown."""

    requests: int
    cost: Decimal
    tokens: int


class Figures(TypedDict):
    """The guide's figures of a day, a week or a month."""

    total_requests: int
    total_cost: Decimal
    total_input_tokens: int
    total_output_tokens: int
    total_tokens: int
    successful_requests: int
    failed_requests: int
    providers: dict[str, Share]
    channels: dict[str, ChannelShare]
    models: dict[str, Share]
    avg_cost_per_request: Decimal
    avg_cost_per_1k_tokens: Decimal


class FurtherFigures(TypedDict):
    """What we add to each of them."""

    channel_details: dict[str, ChannelDetail]
    currency: str
    other_currencies: dict[str, CurrencyShare]
    cached_tokens: int
    reasoning_tokens: int
    unpriced_requests: int
    estimated_requests: int
    estimated_share: Decimal  # percent of the requests
    complete: bool


class _DayNamed(TypedDict):
    date: str


class _WeekNamed(TypedDict):
    week_start: str
    week_end: str


class _MonthNamed(TypedDict):
    year: int
    month: int


class DailyStatistics(_DayNamed, Figures, FurtherFigures):
    """One day."""


class WeeklyStatistics(Figures, _WeekNamed, FurtherFigures):
    """Monday to Sunday."""


class MonthlyStatistics(Figures, _MonthNamed, FurtherFigures):
    """One calendar month."""


class Comparison(TypedDict):
    """How today compares with the week's daily average, and the week with the month's; 0 without a base."""

    daily_vs_weekly_avg: Decimal
    weekly_vs_monthly_avg: Decimal


class SummaryStatistics(TypedDict):
    """A day, its week and its month, each up to that day."""

    today: DailyStatistics
    this_week: WeeklyStatistics
    this_month: MonthlyStatistics
    comparison: Comparison
    complete: bool


class RankedFigures(TypedDict):
    """One row's figures; the row also names its model, channel, user or tag."""

    requests: int
    cost: Decimal
    tokens: int
    avg_cost_per_request: Decimal
    avg_tokens_per_request: Decimal
    successful_requests: int
    failed_requests: int


class RankedModel(RankedFigures):
    """A model's place in a ranking."""

    model: str


class RankedChannel(RankedFigures):
    """A channel's place in a ranking; two channels may share a name."""

    channel: str
    channel_id: str


class RankedUser(RankedFigures):
    """A user's place in a ranking."""

    user: str


class RankedTag(RankedFigures):
    """A tag's place in a ranking. A call with three tags counts under each of them."""

    tag: str


class _Asked(TypedDict):
    period: str
    target_date: str


class _Answered(TypedDict):
    currency: str
    complete: bool


class TopModels(_Asked, _Answered):
    """Models by requests."""

    models: list[RankedModel]


class TopChannels(_Asked, _Answered):
    """Channels by cost."""

    channels: list[RankedChannel]


class TopUsers(_Asked, _Answered):
    """Users by cost."""

    users: list[RankedUser]


class TopTags(_Asked, _Answered):
    """Tags by requests."""

    tags: list[RankedTag]


class BreakdownFigures(TypedDict):
    """One row's figures."""

    cost: Decimal
    percentage: Decimal  # of the total cost, two decimals
    requests: int
    tokens: int
    successful_requests: int
    failed_requests: int


class BreakdownRow(BreakdownFigures, total=False):
    """One row: its name under the key that was asked for, and a channel's id."""

    provider: str
    channel: str
    model: str
    channel_id: str


class CostBreakdown(TypedDict):
    """Where the cost of a period came from, most expensive first."""

    period: str
    breakdown_by: str
    target_date: str
    total_cost: Decimal
    breakdown: list[BreakdownRow]
    currency: str
    complete: bool
