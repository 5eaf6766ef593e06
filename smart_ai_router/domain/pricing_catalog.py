"""Which price applies: the whole price book, indexed.

Order of the owners: a channel's own price, the operator's price for the provider, the shipped book. The first
owner with a price for the model provides the whole sheet; owners are never mixed, so a negotiated input price is
never billed beside a list price for cached input that belongs to another contract.

Within an owner: a row for exactly this model before a pattern, the upstream's name before the public one, the
longest pattern first. Names are compared without regard to case. A model whose name ends in `:free` is free only by
a row that says so: patterns that do not themselves end in `:free` do not reach it, and nothing is free by its name
alone. A price of 0 is a price; no row is no price.

Regions: a channel in a region takes that region's rows if the owner has any for this provider, otherwise the rows
without a region. A region with prices of its own never borrows another region's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from smart_ai_router.domain.pricing_sheets import PriceSheet, compile_sheet, newest_generation
from smart_ai_router.domain.pricing_versions import (
    PriceConflict,
    PriceVersion,
    edges_around,
    in_dates,
    in_force,
    model_scope,
)

FREE_SUFFIX: Final = ":free"
MEMO_MAX: Final = 10_000  # more than the model names one gateway serves; bounds memory if clients invent names

_Key = tuple[str, str, str | None, str, str]


class _Known(NamedTuple):
    valid_from: float
    valid_until: float
    sheet: PriceSheet | None


@dataclass(slots=True)
class _Pattern:
    prefix: str
    suffix: str
    rows: list[PriceVersion] = field(default_factory=list)

    @property
    def literal_length(self) -> int:
        return len(self.prefix) + len(self.suffix)

    def matches(self, name: str) -> bool:
        if name.endswith(FREE_SUFFIX) and not self.suffix.endswith(FREE_SUFFIX):
            return False
        return len(name) >= self.literal_length and name.startswith(self.prefix) and name.endswith(self.suffix)


class _ModelTable:
    """The rows of one owner in one region, by model."""

    def __init__(self, rows: Iterable[PriceVersion]) -> None:
        self._exact: dict[str, list[PriceVersion]] = {}
        patterns: dict[str, _Pattern] = {}
        for row in rows:
            model = row.model.lower()
            prefix, star, suffix = model.partition("*")
            if star:
                patterns.setdefault(model, _Pattern(prefix, suffix)).rows.append(row)
            else:
                self._exact.setdefault(model, []).append(row)
        self._patterns = sorted(patterns.values(), key=lambda each: each.literal_length, reverse=True)
        for group in (*self._exact.values(), *(pattern.rows for pattern in self._patterns)):
            _refuse_conflicts(group)

    def groups(self, names: Sequence[str]) -> Iterator[list[PriceVersion]]:
        """The rows that could price a model with these names, in the order of precedence."""
        for name in names:
            if name in self._exact:
                yield self._exact[name]
        for pattern in self._patterns:
            if any(pattern.matches(name) for name in names):
                yield pattern.rows


class _Owner:
    """The price lists of one kind of owner: by provider or channel, then by region."""

    def __init__(self, basis: str, rows: Iterable[tuple[str, PriceVersion]]) -> None:
        self.basis = basis
        lists: dict[str, dict[str | None, list[PriceVersion]]] = {}
        for name, row in rows:
            lists.setdefault(name.lower(), {}).setdefault(row.region, []).append(row)
        self._tables = {
            name: {region: _ModelTable(group) for region, group in regions.items()} for name, regions in lists.items()
        }

    def table(self, name: str, region: str | None) -> _ModelTable | None:
        regions = self._tables.get(name.lower())
        if regions is None:
            return None
        return regions.get(region) or regions.get(None)


class PriceCatalog:
    """All prices. Immutable to its users; it remembers the sheets it has made until they cease to apply."""

    def __init__(self, prices: Iterable[PriceVersion]) -> None:
        """Index the rows. Raises PriceConflict for two rows that cannot both be true."""
        rows = tuple(prices)
        owned = [row for row in rows if row.channel_id is None]
        self._channels = _Owner("channel", ((row.channel_id, row) for row in rows if row.channel_id is not None))
        self._providers = _Owner("provider", ((row.provider, row) for row in owned if not row.is_book))
        self._book = _Owner("book", ((row.provider, row) for row in owned if row.is_book))
        self._known: dict[_Key, _Known] = {}

    def sheet(  # noqa: PLR0917 - the six facts that a price depends on, in the order they are known
        self, channel_id: str, provider_id: str, region: str | None, upstream_model: str, public_model: str, now: float
    ) -> PriceSheet | None:
        """The prices of a model on a channel at an instant (seconds since 1970 UTC); None when it is unpriced."""
        key = (channel_id, provider_id, region, upstream_model, public_model)
        known = self._known.get(key)
        if known is not None and known.valid_from <= now < known.valid_until:
            return known.sheet
        known = self._find(key, now)
        if len(self._known) >= MEMO_MAX:
            self._known.clear()
        self._known[key] = known
        return known.sheet

    def price_list(  # noqa: PLR0917 - the same six facts
        self, channel_id: str, provider_id: str, region: str | None, upstream_model: str, public_model: str, now: float
    ) -> tuple[str, tuple[PriceVersion, ...]]:
        """The rows behind the sheet, those of other hours of the day included, and whose they are; "" for nobody's."""
        for basis, rows in self._groups((channel_id, provider_id, region, upstream_model, public_model)):
            current = newest_generation(row for row in rows if in_dates(row, now))
            if current:
                return basis, tuple(current)
        return "", ()

    def _find(self, key: _Key, now: float) -> _Known:
        valid_from, valid_until = float("-inf"), float("inf")
        for basis, rows in self._groups(key):
            before, after = edges_around(rows, now)
            valid_from, valid_until = max(valid_from, before), min(valid_until, after)
            current = [row for row in rows if in_force(row, now)]
            if current:
                return _Known(valid_from, valid_until, compile_sheet(current, basis, valid_from, valid_until))
        return _Known(valid_from, valid_until, None)

    def _groups(self, key: _Key) -> Iterator[tuple[str, list[PriceVersion]]]:
        """The rows that could price the model, with their owner's kind, in the order of precedence."""
        channel_id, provider_id, region, upstream_model, public_model = key
        names = tuple(dict.fromkeys((upstream_model.lower(), public_model.lower())))
        owners = ((self._channels, channel_id), (self._providers, provider_id), (self._book, provider_id))
        for owner, owner_id in owners:
            table = owner.table(owner_id, region)
            if table is not None:
                for rows in table.groups(names):
                    yield owner.basis, rows


def _refuse_conflicts(rows: Sequence[PriceVersion]) -> None:
    seen: dict[tuple[object, ...], PriceVersion] = {}
    for row in rows:
        cell = (
            row.meter,
            row.effective_from,
            row.service_tier,
            row.variant,
            row.context_over,
            row.output_over,
            row.with_reasoning,
            row.window_utc,
            row.weekdays_utc,
        )
        other = seen.setdefault(cell, row)
        if _figures(other) != _figures(row):
            raise PriceConflict(f"{row.id} is given twice with different figures: {other.price} and {row.price}")
    if len({row.currency for row in rows}) > 1:
        for start in {row.effective_from for row in rows}:
            if len({row.currency for row in rows if in_force(row, start)}) > 1:
                raise PriceConflict(f"{model_scope(rows[0])} has prices in more than one currency at one time")


def _figures(row: PriceVersion) -> tuple[object, ...]:
    return (row.price, row.currency, row.per, row.effective_to, row.minimum_charge, row.round_up_to)
