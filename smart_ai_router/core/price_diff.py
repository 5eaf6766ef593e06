"""Two price lists side by side, figure by figure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.pricing_versions import in_dates

JUMP_FACTOR: Final = 100  # between per thousand and per million lie 1,000; real price cuts stay far below 100

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PriceDelta:
    """One figure in two lists."""

    old: PriceVersion
    new: PriceVersion
    factor: Fraction | None  # new over old; None when the old one is 0, or the currencies differ

    @property
    def is_suspicious(self) -> bool:
        """True when it looks like a mistaken unit rather than a new price."""
        return self.factor is None or is_jump(self.factor)


@dataclass(frozen=True, slots=True)
class PriceDiff:
    """How a new list differs from the prices in force, for the providers that the new list names."""

    added: tuple[PriceVersion, ...]
    removed: tuple[PriceVersion, ...]
    changed: tuple[PriceDelta, ...]
    unchanged: int


def diff_prices(old: Iterable[PriceVersion], new: Iterable[PriceVersion], now: float) -> PriceDiff:
    """Compare the provider prices of two lists as they stand at an instant; channels' own prices are left aside."""
    after = _by_model_and_cell(new, now)
    named = {_place(row) for row in after.values()}
    before = {key: row for key, row in _by_model_and_cell(old, now).items() if _place(row) in named}
    changed = []
    for key in sorted(before.keys() & after.keys()):
        was, becomes = before[key], after[key]
        if figures_of(was) != figures_of(becomes):
            comparable = was.price != 0 and was.currency == becomes.currency
            factor = Fraction(per_unit_of(becomes), per_unit_of(was)) if comparable else None
            changed.append(PriceDelta(was, becomes, factor))
    return PriceDiff(
        added=tuple(after[key] for key in sorted(after.keys() - before.keys())),
        removed=tuple(before[key] for key in sorted(before.keys() - after.keys())),
        changed=tuple(changed),
        unchanged=len(before.keys() & after.keys()) - len(changed),
    )


def in_force_by_cell(versions: Iterable[PriceVersion], now: float) -> dict[Key, PriceVersion]:
    """By owner, model and cell: the row that counts at the instant, whatever its hours of the day."""
    current = [row for row in versions if in_dates(row, now)]
    newest_from: dict[Key, float] = {}
    for row in current:
        generation = _generation(row)
        newest_from[generation] = max(newest_from.get(generation, row.effective_from), row.effective_from)
    return {
        (*_owner(row), *cell_of(row)): row for row in current if row.effective_from == newest_from[_generation(row)]
    }


def cell_of(row: PriceVersion) -> Key:
    """What the figure is for: meter and conditions."""
    conditions = (row.context_over, row.output_over, row.with_reasoning, row.window_utc, row.weekdays_utc)
    return (row.meter, row.service_tier, row.variant, *(str(condition) for condition in conditions))


def figures_of(row: PriceVersion) -> tuple[Fraction, str, Decimal | None, Decimal | None]:
    """What the row charges; two rows with the same figures make the same bill."""
    return (per_unit_of(row), row.currency, row.minimum_charge, row.round_up_to)


def per_unit_of(row: PriceVersion) -> Fraction:
    """Units of the currency per one of the meter, exactly."""
    return Fraction(Fraction(row.price), row.per)


def is_jump(factor: Fraction) -> bool:
    """True when a price changes by so much that its unit is probably mistaken."""
    return factor >= JUMP_FACTOR or factor * JUMP_FACTOR <= 1


def _by_model_and_cell(versions: Iterable[PriceVersion], now: float) -> dict[Key, PriceVersion]:
    rows = [row for row in in_force_by_cell(versions, now).values() if row.channel_id is None]
    replaced = {(*_place(row), row.model.lower()) for row in rows if not row.is_book}
    return {
        (*_place(row), row.model.lower(), *cell_of(row)): row
        for row in rows
        if not row.is_book or (*_place(row), row.model.lower()) not in replaced
    }


def _generation(row: PriceVersion) -> Key:
    return (*_owner(row), row.meter, row.service_tier, row.variant)


def _owner(row: PriceVersion) -> Key:
    return (row.channel_id or "", "book" if row.is_book else "own", *_place(row), row.model.lower())


def _place(row: PriceVersion) -> Key:
    return (row.provider.lower(), row.region or "")
