"""Rollups: what the books sum up as records arrive, so that statistics never read records.

A rollup holds one cell for each period and combination of its dimensions, in each currency. Those in `LIVE` take every
batch as it comes. The `FOLDED` ones are made of a live one when a day is over: they hold the days before `live_from`
(the newest day that any record belongs to), so that a busy day writes each of their cells once and not once a batch.
A record that arrives late, for a day before `live_from`, goes to both. What a folded rollup holds therefore depends
on the set of records alone, not on their order, and a rebuild ends with the same cells.

A call counts under each of its tags: the cells of the tag rollups do not sum to the number of calls.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from operator import add
from typing import Final, NamedTuple, Protocol, TypeAlias

from smart_ai_router.core.local_days import month_number
from smart_ai_router.core.posting import Posting, Try
from smart_ai_router.core.statistics_store import Dimension

Name: TypeAlias = int | str  # how a store writes a dimension's value: as itself, or as a number of its dictionary
Key: TypeAlias = tuple[Name, ...]  # period, dimensions, currency
Row: TypeAlias = tuple[int, ...]  # the fields of `Measures`; plain, because several are made for each record

MS_PER_HOUR: Final = 3_600_000
LATENCY_BOUNDS_MS: Final = (50, 100, 200, 350, 500, 750, 1000, 1500, 2500, 4000, 6000, 10_000, 15_000, 30_000, 60_000)
TAGS_MAX: Final = 64  # of one record; more than any query or model name has


class Measures(NamedTuple):
    """The sums of one cell. Costs are picos; a batch's cell may pass 64 bits, and stores hold it in two parts."""

    requests: int = 0
    successes: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    input_cost: int = 0
    output_cost: int = 0
    other_cost: int = 0
    duration_ms: int = 0
    unpriced: int = 0
    estimated: int = 0
    images: int = 0
    media_ms: int = 0


class AttemptMeasures(NamedTuple):
    """The sums of one cell of upstream tries. `latencies` counts the successful ones by `LATENCY_BOUNDS_MS`."""

    attempts: int
    failures: int
    input_tokens: int
    output_tokens: int
    cost: int
    duration_ms: int
    latencies: tuple[int, ...]  # one more than the bounds: the last one is beyond them


class Grain(Enum):
    """What the period of a rollup counts: days, months, or hours of UTC since 1970."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Rollup(NamedTuple):
    """One table of cells."""

    name: str
    grain: Grain
    dimensions: tuple[Dimension, ...]


_CUBE: Final = (Dimension.MODEL, Dimension.CHANNEL, Dimension.PROVIDER, Dimension.USAGE_TYPE)
_USER: Final = (Dimension.USER, Dimension.API_KEY)
_CHANNEL: Final = (Dimension.CHANNEL, Dimension.PROVIDER)
_MODEL: Final = (Dimension.MODEL, Dimension.USAGE_TYPE)

HOUR: Final = Rollup("hour", Grain.HOUR, ())
CUBE_DAY: Final = Rollup("cube_day", Grain.DAY, _CUBE)
CUBE_MONTH: Final = Rollup("cube_month", Grain.MONTH, _CUBE)
CHANNEL_DAY: Final = Rollup("channel_day", Grain.DAY, _CHANNEL)
CHANNEL_MONTH: Final = Rollup("channel_month", Grain.MONTH, _CHANNEL)
MODEL_DAY: Final = Rollup("model_day", Grain.DAY, _MODEL)
MODEL_MONTH: Final = Rollup("model_month", Grain.MONTH, _MODEL)
USER_CUBE_DAY: Final = Rollup("user_cube_day", Grain.DAY, _USER + _CUBE)
USER_DAY: Final = Rollup("user_day", Grain.DAY, _USER)
USER_MONTH: Final = Rollup("user_month", Grain.MONTH, _USER)
TAG_DAY: Final = Rollup("tag_day", Grain.DAY, (Dimension.TAG,))
TAG_MONTH: Final = Rollup("tag_month", Grain.MONTH, (Dimension.TAG,))
REGION_DAY: Final = Rollup("region_day", Grain.DAY, (Dimension.REGION,))
REGION_MONTH: Final = Rollup("region_month", Grain.MONTH, (Dimension.REGION,))

LIVE: Final = (HOUR, CUBE_DAY, USER_CUBE_DAY, TAG_DAY, REGION_DAY)
FOLDED: Final = {
    CUBE_MONTH: CUBE_DAY,
    CHANNEL_DAY: CUBE_DAY,
    CHANNEL_MONTH: CUBE_DAY,
    MODEL_DAY: CUBE_DAY,
    MODEL_MONTH: CUBE_DAY,
    USER_DAY: USER_CUBE_DAY,
    USER_MONTH: USER_CUBE_DAY,
    TAG_MONTH: TAG_DAY,
    REGION_MONTH: REGION_DAY,
}
ROLLUPS: Final = (*LIVE, *FOLDED)
ATTEMPT_HOUR: Final = Rollup("attempt_hour", Grain.HOUR, (Dimension.CHANNEL,))
ATTEMPT_DAY: Final = Rollup("attempt_day", Grain.DAY, (Dimension.CHANNEL,))
ATTEMPT_ROLLUPS: Final = (ATTEMPT_HOUR, ATTEMPT_DAY)

Cells: TypeAlias = dict[Key, Row]  # each the fields of `Measures`
AttemptCells: TypeAlias = dict[Key, AttemptMeasures]


class Deltas(NamedTuple):
    """What a batch adds to the live rollups and to the tries."""

    cells: dict[Rollup, Cells]
    attempts: dict[Rollup, AttemptCells]


class Names(Protocol):
    """How a store writes the values of dimensions. A mapping answers every text; "" is the value of a missing one."""

    @property
    def model(self) -> Mapping[str, Name]: ...
    @property
    def channel(self) -> Mapping[str, Name]: ...
    @property
    def provider(self) -> Mapping[str, Name]: ...
    @property
    def user(self) -> Mapping[str, Name]: ...
    @property
    def api_key(self) -> Mapping[str, Name]: ...
    @property
    def usage_type(self) -> Mapping[str, Name]: ...
    @property
    def currency(self) -> Mapping[str, Name]: ...
    @property
    def region(self) -> Mapping[str, Name]: ...
    @property
    def tag(self) -> Mapping[str, Name]: ...


def fold(postings: Sequence[Posting], names: Names) -> Deltas:
    """The cells of some records. Measures are gathered by key and summed by column, which costs least."""
    everything: dict[tuple[int, int, Name, Name], list[Row]] = defaultdict(list)
    cube: dict[Key, list[Row]] = defaultdict(list)
    user_cube: dict[Key, list[Row]] = defaultdict(list)
    tagged: dict[tuple[int, tuple[str, ...], Name], list[Row]] = defaultdict(list)
    models, channels, providers, users = names.model, names.channel, names.provider, names.user
    api_keys, usage_types, currencies, regions = names.api_key, names.usage_type, names.currency, names.region
    for posting in postings:
        record = posting.record
        day = posting.day
        currency = currencies[record.cost_currency]
        cube_key = (
            models[record.model],
            channels[record.channel_id],
            providers[record.provider],
            usage_types[record.usage_type],
            currency,
        )
        row = _row(posting)
        everything[day, posting.at_ms // MS_PER_HOUR, regions[record.region or ""], currency].append(row)
        cube[(day, *cube_key)].append(row)
        user_cube[(day, users[record.user_id or ""], api_keys[record.api_key_id or ""], *cube_key)].append(row)
        if record.tags:
            tagged[day, record.tags, currency].append(row)
    hours: dict[Key, list[Row]] = defaultdict(list)
    by_region: dict[Key, list[Row]] = defaultdict(list)
    for (day, hour, region, currency), rows in everything.items():
        total = _total(rows)
        hours[hour, currency].append(total)
        by_region[day, region, currency].append(total)
    cells = {HOUR: _summed(hours), CUBE_DAY: _summed(cube), USER_CUBE_DAY: _summed(user_cube)}
    cells |= {TAG_DAY: _summed(_by_tag(tagged, names.tag)), REGION_DAY: _summed(by_region)}
    return Deltas(cells, _attempt_cells(postings, names))


def fold_over(cells: Mapping[Key, Row], source: Rollup, target: Rollup) -> Cells:
    """The cells of a folded rollup that some cells of its source add up to."""
    places = [0, *(1 + source.dimensions.index(dimension) for dimension in target.dimensions), -1]
    gathered: dict[Key, list[Row]] = defaultdict(list)
    for key, row in cells.items():
        projected = [key[place] for place in places]
        if target.grain is Grain.MONTH:
            projected[0] = month_number(int(key[0]))
        gathered[tuple(projected)].append(row)
    return _summed(gathered)


def latest_names(postings: Iterable[Posting]) -> dict[str, tuple[int, str]]:
    """Channel id to the time and the name of its latest record; of two at one time the greater name."""
    borne: dict[tuple[str, str], int] = {}
    for posting in postings:
        record, at_ms = posting.record, posting.at_ms
        pair = (record.channel_id, record.channel_name)
        if at_ms > borne.get(pair, -1):
            borne[pair] = at_ms
        for each in record.attempts:
            if each.channel_id != record.channel_id:
                pair = (each.channel_id, each.channel_name)
                borne[pair] = max(at_ms, borne.get(pair, -1))
    names: dict[str, tuple[int, str]] = {}
    for (channel_id, name), at_ms in borne.items():
        if channel_id and name:
            names[channel_id] = max(names.get(channel_id, (-1, "")), (at_ms, name))
    return names


def add_attempt_measures(one: AttemptMeasures | None, other: AttemptMeasures) -> AttemptMeasures:
    """The sums of two cells, or the other one when there is only that."""
    if one is None:
        return other
    return AttemptMeasures(
        one.attempts + other.attempts,
        one.failures + other.failures,
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cost + other.cost,
        one.duration_ms + other.duration_ms,
        tuple(map(add, one.latencies, other.latencies)),
    )


def add_rows(one: Row | None, other: Row) -> Row:
    """The sums of two cells, or the other one when there is only that."""
    return other if one is None else tuple(map(add, one, other))


def latency_ms(latencies: Sequence[int], share: float) -> int | None:
    """The latency that `share` (0..1) of the counted tries did not exceed, straight-lined within its bucket.

    None when nothing is counted; beyond the last bound that bound is all that is known.
    """
    rank = share * sum(latencies)
    if not sum(latencies):
        return None
    lower = 0
    for count, upper in zip(latencies, LATENCY_BOUNDS_MS, strict=False):
        if count and rank <= count:
            return round(lower + (upper - lower) * rank / count)
        rank -= count
        lower = upper
    return LATENCY_BOUNDS_MS[-1]


def _row(posting: Posting) -> Row:
    record = posting.record
    return (
        1,
        1 if posting.is_success else 0,
        record.input_tokens,
        record.output_tokens,
        record.cached_tokens,
        record.reasoning_tokens,
        posting.input_cost,
        posting.output_cost,
        posting.other_cost,
        posting.duration_ms,
        1 if record.cost_basis == "unpriced" else 0,
        1 if record.usage_source == "estimated" else 0,
        posting.images,
        posting.media_ms,
    )


def _total(rows: Sequence[Row]) -> Row:
    return rows[0] if len(rows) == 1 else tuple(map(sum, zip(*rows, strict=True)))


def _summed(gathered: Mapping[Key, Sequence[Row]]) -> Cells:
    return {key: _total(rows) for key, rows in gathered.items()}


def _by_tag(
    tagged: Mapping[tuple[int, tuple[str, ...], Name], list[Row]], names: Mapping[str, Name]
) -> dict[Key, list[Row]]:
    """Records of one model bear the same tags: they are summed before each tag takes its share."""
    by_tag: dict[Key, list[Row]] = defaultdict(list)
    for (day, tags, currency), rows in tagged.items():
        total = _total(rows)
        for tag in dict.fromkeys(tags[:TAGS_MAX]):
            by_tag[day, names[tag], currency].append(total)
    return by_tag


def _attempt_cells(postings: Sequence[Posting], names: Names) -> dict[Rollup, AttemptCells]:
    by_hour: dict[Key, list[Try]] = defaultdict(list)
    by_day: dict[Key, list[Try]] = defaultdict(list)
    channels, currencies = names.channel, names.currency
    for posting in postings:
        for each in posting.tries:
            channel, currency = channels[each[0]], currencies[posting.record.cost_currency]
            by_hour[posting.at_ms // MS_PER_HOUR, channel, currency].append(each)
            by_day[posting.day, channel, currency].append(each)
    return {
        ATTEMPT_HOUR: {key: _attempt_measures(tries) for key, tries in by_hour.items()},
        ATTEMPT_DAY: {key: _attempt_measures(tries) for key, tries in by_day.items()},
    }


def _attempt_measures(tries: Sequence[Try]) -> AttemptMeasures:
    latencies = [0] * (len(LATENCY_BOUNDS_MS) + 1)
    for each in tries:
        if not each[2]:
            latencies[bisect_left(LATENCY_BOUNDS_MS, each[6])] += 1
    if len(tries) == 1:
        _, attempts, failures, tokens_in, tokens_out, cost, duration_ms = tries[0]
    else:
        columns = list(zip(*tries, strict=True))[1:]
        attempts, failures, tokens_in, tokens_out, cost, duration_ms = map(sum, columns)
    return AttemptMeasures(attempts, failures, tokens_in, tokens_out, cost, duration_ms, tuple(latencies))
