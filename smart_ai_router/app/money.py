"""Puts together what moves money in the control plane: lending, pools, quotas, the calendar."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from smart_ai_router.api.billing.ledger_services import LedgerServices
from smart_ai_router.app.administration import AdministrationOffice
from smart_ai_router.app.lending import Lending
from smart_ai_router.app.pool_alerts import PoolAlerts
from smart_ai_router.core.administration import Origin
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.call_corrections import CallCorrections
from smart_ai_router.core.lease_desk import LeaseDesk
from smart_ai_router.core.ledger_calendar import Calendar
from smart_ai_router.core.ledger_requests import CallRefund
from smart_ai_router.core.ledger_store import LedgerStore
from smart_ai_router.core.ledger_verbs import Booked
from smart_ai_router.core.link_messages import FromControl
from smart_ai_router.core.pool_office import PoolOffice
from smart_ai_router.core.pool_watch import PoolsSeen, PoolWatch
from smart_ai_router.core.quota_office import QuotaOffice
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.errors import Refusal

CHECK_S: Final = 300.0  # the second guide: every five minutes
JOURNAL_READ_S: Final = 5.0  # for the proof that a dead worker's calls are on the books; it is tried again

_logger = logging.getLogger(__name__)


class MoneyOffice:
    """The verbs that move money, and what watches over it."""

    def __init__(
        self,
        store: LedgerStore,
        administration: AdministrationOffice,
        bookkeeper: Bookkeeper,
        monitor: ChannelMonitor,
        *,
        time_zone: str,
        billing_currency: str,
        provider_name: Callable[[str], str],
        is_provider: Callable[[str], bool],
        tell_gateways: Callable[[], object],
        loop: asyncio.AbstractEventLoop,
        workers: int,
        broadcast: Callable[[FromControl], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        desk, rows = administration.desk, administration.rows
        self._alerts = PoolAlerts(monitor, store, provider_name)
        self._are_alerts_begun = False
        self._watch = PoolWatch(
            store,
            now_ms=desk.now_ms,
            tell=self._alerts.tell,
            tell_gateways=tell_gateways,
            name_of=provider_name,
        )
        self._calendar = Calendar(desk, store, time_zone)
        self._monotonic = monotonic
        self._checked: float | None = None  # when every pool was last looked at
        self._is_failing = False
        self._store = store
        self._people = administration.verbs
        self._key = rows.key
        self.quotas = QuotaOffice(desk, rows, store, time_zone=time_zone, billing_currency=billing_currency)
        self.pools = PoolOffice(
            desk, store, billing_currency=billing_currency, is_provider=is_provider, look=self._watch.look
        )
        self.corrections = CallCorrections(desk, store)
        self.lending = Lending(
            loop,
            lambda tell: LeaseDesk(store, monotonic=time.monotonic, tell=tell, begin_part=self._calendar.begin_part),
            broadcast,
            lambda: bookkeeper.catch_up(bookkeeper.journal_end(), budget_s=JOURNAL_READ_S),
            workers,
        )
        bookkeeper.add_observer(self._watch.observe)

    def services(self, view: Callable[[], BillingView], market: Callable[[], Market]) -> LedgerServices:
        """What the API asks."""
        return LedgerServices(
            view=view,
            market=market,
            rates=lambda: market().snapshot.rates,
            ledger=self._store,
            pools=self.pools,
            quotas=self.quotas,
            refund=self.refund,
            check=self.check,
            people=self._people,
            key=self._key,
        )

    def refund(self, request_id: str, asked: CallRefund, origin: Origin) -> Booked:
        """Give back what a call was charged; what that means for pools is done before it is answered."""
        booked = self.corrections.refund(request_id, asked, origin)
        self._watch.look()
        return booked

    def check(self) -> PoolsSeen:
        """Look at every pool now, and note when; what was resolved is put away."""
        self._checked = self._monotonic()
        seen = self._watch.check()
        self._alerts.settle()
        return seen

    def tick(self) -> None:
        """What time brings, once a second or so."""
        try:
            self._calendar.turn()
            if not self._are_alerts_begun:
                self._alerts.begin()
                self._are_alerts_begun = True
            self._alerts.settle()
            if self._checked is None or self._monotonic() - self._checked >= CHECK_S:
                self.check()
        except (StoreFailure, Refusal) as failure:
            if not self._is_failing:
                _logger.error("quotas and pools cannot be looked after: %s; this is tried again", failure)
            self._is_failing = True
        else:
            self._is_failing = False
        self.lending.tick()
