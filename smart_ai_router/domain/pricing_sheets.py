"""A price sheet: every price one call may meet, chosen once at admission and used at settlement.

Theory of operation. A price list is a set of rows, each for one meter, each with conditions. Three of them are
known before the call (whose price, which model, which time) and are settled when the sheet is made. The others
are known only from the reply and stay open in the sheet:

- the service tier that was served: one `Tier` per tier that has rows of its own. A tier takes from `standard`
  the meters for which it has no row.
- the size of the call: context and output thresholds, whether it reasoned, and which variant was made. All
  combinations of the thresholds that occur are laid out as `Band`s, the most demanding first; a bill uses the first
  band whose conditions hold. Thresholds are cliffs: beyond them the whole call is billed at the band's rates.

Within a band the row of a meter is the one with the most specific conditions, compared in this order: variant,
context threshold, output threshold, reasoning, window. Of rows with the same meter, tier and variant only those
with the newest `effective_from` count, so a later price list never mixes with the bands or windows of an earlier one.

A meter without a row borrows the rate of another (`_BORROWED`): a cached or written or image input token costs what
an input token costs, a reasoning token what an output token costs, a 1 h cache write what a 5 min one costs. Audio
tokens and image output tokens borrow nothing: they cost many times a text token, and a guess would be an invented
price. Seconds and minutes stand for each other at 60 to 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import Final

from smart_ai_router.domain.meters import COUNT_METERS, INPUT_METERS, OUTPUT_METERS, TOKEN_METERS, Meter
from smart_ai_router.domain.pricing_bounds import Bound, bound_of
from smart_ai_router.domain.pricing_rates import Rate, compile_rate
from smart_ai_router.domain.pricing_versions import (
    STANDARD_TIER,
    PriceConflict,
    PriceVersion,
    instant_text,
    model_scope,
)

# Names by which replies call the standard tier, and other names of one tier (OpenAI renamed priority to fast).
STANDARD_TIER_NAMES: Final = (None, "", "auto", "default", "on_demand", STANDARD_TIER)
TIER_ALIASES: Final = {"fast": "priority"}

_BORROWED: Final = (  # in this order, so that a 1 h write may borrow what the 5 min write has just borrowed
    (Meter.CACHED_INPUT, Meter.INPUT),
    (Meter.CACHE_WRITE_5M, Meter.INPUT),
    (Meter.CACHE_WRITE_1H, Meter.CACHE_WRITE_5M),
    (Meter.IMAGE_INPUT, Meter.INPUT),
    (Meter.REASONING, Meter.OUTPUT),
)


@dataclass(frozen=True, slots=True)
class Band:
    """The rates of calls that exceed both thresholds, made the variant, and reasoned if it says so."""

    context_over: int
    output_over: int
    with_reasoning: bool
    variant: str
    rates: Mapping[Meter, Rate]
    request_rate: Rate | None  # charged once per bill
    bills_tokens: bool
    bills_counts: bool
    bound: Bound

    @property
    def bills_requests_only(self) -> bool:
        """True when the price of a call does not depend on what it used."""
        return self.request_rate is not None and not self.rates


@dataclass(frozen=True, slots=True)
class Tier:
    """All bands of one service tier, the most demanding first; the last one takes every call."""

    name: str
    bands: tuple[Band, ...]
    only: Band | None  # the band, when there is just one


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """All prices one call may meet, in integers. Made at admission, used at settlement, never changed."""

    id: str  # names the rows it was made of: openai/gpt-4o-mini@2024-07-18#1f9a3c07
    basis: str  # channel | provider | book
    currency: str
    valid_from: float  # seconds since 1970 UTC; this very sheet applies from here ...
    valid_until: float  # ... to here, exclusive; infinity when nothing is planned
    tiers: Mapping[str | None, Tier]  # by every name a reply may use
    distinct_tiers: tuple[Tier, ...]
    variants: frozenset[str]
    version_ids: tuple[str, ...]

    @property
    def standard(self) -> Tier:
        """The tier of a call that asked for none."""
        return self.tiers[None]


def compile_sheet(rows: Sequence[PriceVersion], basis: str, valid_from: float, valid_until: float) -> PriceSheet:
    """Make the sheet of rows that are all in force and all for one model of one owner.

    Raises PriceConflict when they are in more than one currency.
    """
    currencies = {row.currency for row in rows}
    if len(currencies) != 1:
        raise PriceConflict(f"{model_scope(rows[0])} has prices in {' and '.join(sorted(currencies))} at one time")
    newest = newest_generation(rows)
    tiers = _compile_tiers(newest)
    return PriceSheet(
        id=_sheet_id(newest),
        basis=basis,
        currency=newest[0].currency,
        valid_from=valid_from,
        valid_until=valid_until,
        tiers=tiers,
        distinct_tiers=tuple({tier.name: tier for tier in tiers.values()}.values()),
        variants=frozenset(row.variant for row in newest if row.variant),
        version_ids=tuple(sorted(row.id for row in newest)),
    )


def newest_generation(rows: Iterable[PriceVersion]) -> list[PriceVersion]:
    """Of rows in force for one model, those that count: per meter, tier and variant the ones that began last."""
    groups: dict[tuple[Meter, str, str], list[PriceVersion]] = {}
    for row in rows:
        groups.setdefault((row.meter, row.service_tier, row.variant), []).append(row)
    kept = []
    for group in groups.values():
        newest = max(row.effective_from for row in group)
        kept += [row for row in group if row.effective_from == newest]
    return kept


def _compile_tiers(rows: Sequence[PriceVersion]) -> dict[str | None, Tier]:
    by_tier: dict[str, list[PriceVersion]] = {STANDARD_TIER: []}
    for row in rows:
        by_tier.setdefault(row.service_tier, []).append(row)
    standard_rows = by_tier[STANDARD_TIER]
    tiers: dict[str | None, Tier] = {}
    for name, own_rows in by_tier.items():
        own_meters = {row.meter for row in own_rows}
        borrowed = [row for row in standard_rows if row.meter not in own_meters]
        tiers[name] = _compile_tier(name, [*own_rows, *borrowed])
    for name_in_reply in STANDARD_TIER_NAMES:
        tiers[name_in_reply] = tiers[STANDARD_TIER]
    for alias, name in TIER_ALIASES.items():
        if name in tiers:
            tiers.setdefault(alias, tiers[name])
    return tiers


def _compile_tier(name: str, rows: Sequence[PriceVersion]) -> Tier:
    corners = product(
        sorted({row.variant for row in rows} | {""}, reverse=True),
        sorted({row.context_over for row in rows} | {0}, reverse=True),
        sorted({row.output_over for row in rows} | {0}, reverse=True),
        sorted({row.with_reasoning for row in rows} | {False}, reverse=True),
    )
    bands = tuple(_compile_band(rows, *corner) for corner in corners)
    return Tier(name, bands, bands[0] if len(bands) == 1 else None)


def _compile_band(
    rows: Sequence[PriceVersion], variant: str, context_over: int, output_over: int, with_reasoning: bool
) -> Band:
    chosen: dict[Meter, PriceVersion] = {}
    for row in rows:
        applies = (
            row.variant in ("", variant)
            and row.context_over <= context_over
            and row.output_over <= output_over
            and row.with_reasoning <= with_reasoning
        )
        if applies and (row.meter not in chosen or _specificity(row) > _specificity(chosen[row.meter])):
            chosen[row.meter] = row
    rates: dict[Meter, Rate] = {meter: compile_rate(row) for meter, row in chosen.items() if meter is not Meter.REQUEST}
    _lend(rates, chosen)
    request_row = chosen.get(Meter.REQUEST)
    request_rate = None if request_row is None else compile_rate(request_row)
    return Band(
        context_over=context_over,
        output_over=output_over,
        with_reasoning=with_reasoning,
        variant=variant,
        rates=rates,
        request_rate=request_rate,
        bills_tokens=not TOKEN_METERS.isdisjoint(rates),
        bills_counts=not COUNT_METERS.isdisjoint(rates),
        bound=bound_of(
            [rate for meter, rate in rates.items() if meter in INPUT_METERS],
            [rate for meter, rate in rates.items() if meter in OUTPUT_METERS],
            request_rate,
        ),
    )


def _specificity(row: PriceVersion) -> tuple[bool, int, int, bool, bool]:
    return (row.variant != "", row.context_over, row.output_over, row.with_reasoning, row.window_utc is not None)


def _lend(rates: dict[Meter, Rate], chosen: Mapping[Meter, PriceVersion]) -> None:
    for borrower, lender in _BORROWED:
        if borrower not in rates and lender in rates:
            rates[borrower] = rates[lender]
    for borrower, lender in ((Meter.SECOND, Meter.MINUTE), (Meter.MINUTE, Meter.SECOND)):
        if borrower not in rates and lender in chosen:
            rates[borrower] = compile_rate(chosen[lender], borrower)


def _sheet_id(rows: Sequence[PriceVersion]) -> str:
    facts = sorted(
        f"{row.id} {row.price} {row.currency} {row.per} {row.minimum_charge} {row.round_up_to}" for row in rows
    )
    digest = sha256("\n".join(facts).encode()).hexdigest()[:8]
    start = max(row.effective_from for row in rows)
    return f"{model_scope(rows[0])}{f'@{instant_text(start)}' if start else ''}#{digest}"
