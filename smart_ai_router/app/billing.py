"""Puts together what the billing routes need: the books, the snapshot in force, and the prices."""

import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.api.billing.services import BillingServices, SwitchModel
from smart_ai_router.config.catalogue import known_provider
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.administrative_state import StoredPrice
from smart_ai_router.core.billing.currency import DatedRates
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.record_lines import RecordLines
from smart_ai_router.core.snapshot import Snapshot
from smart_ai_router.core.store import BookStore


class BillingOffice:
    """The market and the rates of the newest snapshot; each is made again when its snapshot has changed."""

    def __init__(self, snapshot: Callable[[], Snapshot], currency: str, time_zone: str) -> None:
        """`currency` is the billing currency, `time_zone` the one whose days the books are kept by."""
        self._snapshot = snapshot
        self._currency = currency
        self._time_zone = time_zone
        self._market: Market | None = None
        self._rates: DatedRates | None = None
        self._rated: Snapshot | None = None

    def market(self) -> Market:
        """What is on offer now."""
        snapshot, market = self._snapshot(), self._market
        if market is None or market.snapshot is not snapshot:
            market = self._market = Market(snapshot)
        return market

    def rates(self) -> DatedRates:
        """The exchange rates that are stored now."""
        snapshot, rates, rated = self._snapshot(), self._rates, self._rated
        if rates is None or rated is None or rated.rates != snapshot.rates:
            rates = DatedRates(self._currency, self._time_zone, snapshot.rates)
        self._rates, self._rated = rates, snapshot
        return rates

    def provider_name(self, provider_id: str) -> str:
        """How people know a provider, be it configured, known, or only named in old records."""
        provider = self.market().provider(provider_id)
        if provider is not None:
            return provider.display_name
        known = known_provider(provider_id)
        return provider_id if known is None else known.display_name


def billing_services(
    office: BillingOffice,
    store: BookStore,
    logs_dir: Path,
    *,
    catch_up: Callable[[], bool],
    today: Callable[[], date],
    verbs: AdministrationVerbs,
    stored_prices: Callable[[], Sequence[StoredPrice]],
    switch_model: SwitchModel,
) -> BillingServices:
    """The services of one control plane."""
    return BillingServices(
        books=store,
        read_lines=RecordLines(store, LogsDirectory(logs_dir)).read,
        catch_up=catch_up,
        today=today,
        now_ms=lambda: int(time.time() * 1000),
        rates=office.rates,
        market=office.market,
        provider_name=office.provider_name,
        prices=verbs,
        stored_prices=stored_prices,
        switch_model=switch_model,
    )
