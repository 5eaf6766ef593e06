"""Prices of a small market over an administration in memory."""

from collections.abc import Sequence
from decimal import Decimal

from smart_ai_router.core.actions import price_version
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.price_list import PriceFilter
from smart_ai_router.core.billing.price_messages import NewPricing, PricingRow
from smart_ai_router.core.billing.price_setting import PriceDesk, add_pricing
from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceVersion
from tests.core.administration_samples import NOW, Office, by
from tests.core.billing.billing_samples import a_channel, market_of
from tests.domain.pricing_samples import row

BOOK = (row(Meter.INPUT, "0.5"), row(Meter.OUTPUT, "1"), row(Meter.CACHED_INPUT, "0.25"))


class Shop:
    """Channels, the book, and what was set beside it. The clock stands."""

    def __init__(self, *channels: Channel, book: Sequence[PriceVersion] = BOOK) -> None:
        self.office = Office(prices=book)
        self.channels = channels or (a_channel("ch_p", "p", "m", "free-of-price"),)
        self.desk = PriceDesk(self.office.verbs, self.market, self.office.store.prices, "CNY")

    def market(self) -> Market:
        """What stands now."""
        stored = [price_version(each.price) for each in self.office.store.prices()]
        return market_of(*self.channels, prices=(*stored, *self.office.prices))

    @property
    def now(self) -> float:
        return self.office.clock.now

    def wait(self, seconds: float) -> None:
        """Put the clock on."""
        self.office.clock.now += seconds

    def add(self, model: str, pricing_type: str, price: str, key: str | None = None, **given: object) -> PricingRow:
        """Set a price."""
        asked = NewPricing(model, pricing_type, Decimal(price), **given)  # type: ignore[arg-type]
        return add_pricing(self.desk, asked, by(key), self.now)

    def rows(self, **given: object) -> list[PricingRow]:
        """The page of prices."""
        return self.desk.table(self.now).rows(PriceFilter(**given))  # type: ignore[arg-type]

    def figures(self, **given: object) -> dict[str, Decimal]:
        """Pricing type to price."""
        return {each.pricing_type: each.unit_price for each in self.rows(**given)}


__all__ = ["BOOK", "NOW", "Shop"]
