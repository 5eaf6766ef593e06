"""What the routes of pools and quotas need beside the books."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.billing.key_budgets import NamedKey
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.ledger_requests import CallRefund
from smart_ai_router.core.ledger_store import LedgerStore
from smart_ai_router.core.ledger_verbs import Booked
from smart_ai_router.core.pool_office import PoolOffice
from smart_ai_router.core.pool_watch import PoolsSeen
from smart_ai_router.core.quota_office import QuotaOffice
from smart_ai_router.domain.exchange import ExchangeRate


@dataclass(frozen=True, slots=True)
class LedgerServices:
    """The parts behind the routes. All of them may block; they are called from worker threads only.

    `view` shows the books with every call that ended before; `market` and `rates` are those of the snapshot in force.
    """

    view: Callable[[], BillingView]
    market: Callable[[], Market]
    rates: Callable[[], Sequence[ExchangeRate]]
    ledger: LedgerStore
    pools: PoolOffice
    quotas: QuotaOffice
    refund: Callable[[str, CallRefund, Origin], Booked]
    check: Callable[[], PoolsSeen]
    people: AdministrationVerbs
    key: Callable[[str], NamedKey | None]
