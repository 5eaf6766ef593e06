"""Rows, sheets and usages for the pricing tests, in few words."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from smart_ai_router.domain.meters import Meter, Quantity, Usage, UsageSource
from smart_ai_router.domain.pricing import PriceCatalog, PriceSheet, PriceVersion, with_derived_id

MILLION = 1_000_000


def row(meter: Meter, price: str, **fields: object) -> PriceVersion:
    """A row of the book at provider p for model m, per million, in USD, unless the fields say otherwise."""
    plain = PriceVersion("", "p", "m", meter, Decimal(price), "USD", MILLION, is_book=True)
    return with_derived_id(replace(plain, **fields))  # type: ignore[arg-type]


def sheet_of(rows: Iterable[PriceVersion], now: float = 1_800_000_000.0) -> PriceSheet:
    """The sheet that provider p's model m has from these rows."""
    sheet = PriceCatalog(rows).sheet("ch", "p", None, "m", "m", now)
    assert sheet is not None
    return sheet


def used(quantities: Mapping[Meter, Quantity], *, tier: str | None = None, variant: str | None = None) -> Usage:
    """A usage that the provider reported."""
    return Usage(tuple(quantities.items()), UsageSource.PROVIDER, service_tier=tier, variant=variant)


def utc(text: str) -> float:
    """Seconds since 1970 of an ISO instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
