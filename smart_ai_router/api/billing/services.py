"""What the billing routes need from the rest of the router."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.administrative_state import StoredPrice
from smart_ai_router.core.billing.currency import DatedRates
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.price_setting import PriceDesk
from smart_ai_router.core.billing.view import BillingView, ReadLines
from smart_ai_router.core.ledger_requests import ModelSwitching
from smart_ai_router.core.store import BooksReader
from smart_ai_router.core.timestamps import Instant, seconds_of

SwitchModel = Callable[[str, str, ModelSwitching, Origin], object]  # provider, model or "*"


@dataclass(frozen=True, slots=True)
class BillingServices:
    """The parts behind the billing routes. All of them may block; they are called from worker threads only.

    `catch_up`, `today`: as in `ControlServices`. `rates` and `market` are those of the snapshot in force;
    `provider_name` also knows providers that are configured no longer.
    """

    books: BooksReader
    read_lines: ReadLines
    catch_up: Callable[[], bool]
    today: Callable[[], date]
    now_ms: Callable[[], int]
    rates: Callable[[], DatedRates]
    market: Callable[[], Market]
    provider_name: Callable[[str], str]
    prices: AdministrationVerbs
    stored_prices: Callable[[], Sequence[StoredPrice]]
    switch_model: SwitchModel | None = None  # without it nothing is switched by hand

    def view(self) -> BillingView:
        """The books, once they hold every call that ended before now."""
        complete = self.catch_up()
        return BillingView(
            books=self.books,
            read_lines=self.read_lines,
            rates=self.rates(),
            provider_name=self.provider_name,
            today=self.today(),
            now_ms=self.now_ms(),
            complete=complete,
        )

    def now(self) -> Instant:
        """Prices are dated in whole seconds."""
        at_ms = self.now_ms()
        return seconds_of(at_ms - at_ms % 1000)

    def price_desk(self) -> PriceDesk:
        """Where prices are read and set."""
        return PriceDesk(self.prices, self.market, self.stored_prices, self.rates().currency)
