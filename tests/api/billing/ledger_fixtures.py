"""A control plane with the routes of money over memory, for tests."""

from collections.abc import Sequence
from secrets import token_bytes

from starlette.testclient import TestClient

from smart_ai_router.api.billing.ledger_services import LedgerServices
from smart_ai_router.api.control import create_control_app
from smart_ai_router.config.price_book import parse_price_list
from smart_ai_router.core.administration_verbs import Administration
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.usage_record import UsageRecord
from tests.api.billing.billing_fixtures import billing_services
from tests.api.control_fixtures import ADMIN, USER, services_over
from tests.core.administration_samples import QuickHasher
from tests.core.billing.money_samples import a_shop, view_on_the_day
from tests.core.ledger_samples import Money


class Bank:
    """Money of `Money`, routes over it, and how often the books were asked to catch up."""

    def __init__(self, records: Sequence[UsageRecord] = ()) -> None:
        self.money = Money()
        self.views = 0
        self._records = records
        app = create_control_app(services_over(billing=billing_services(), ledger=self.services()))
        self.admin = TestClient(app, headers=ADMIN)
        self.alice = TestClient(app, headers=USER)
        self.stranger = TestClient(app)

    def services(self) -> LedgerServices:
        """The parts behind the routes."""
        money, market = self.money, a_shop()
        people = Administration(
            money.desk,
            money.rows,
            random_bytes=token_bytes,
            given_prices=tuple,
            read_list=parse_price_list,
            hasher=QuickHasher(),
        )
        return LedgerServices(
            view=self._view,
            market=lambda: market,
            rates=lambda: money.rows.state().rates,
            ledger=money.store,
            pools=money.pools,
            quotas=money.quotas,
            refund=money.corrections.refund,
            check=money.watch.check,
            people=people,
            key=money.rows.key,
        )

    def _view(self) -> BillingView:
        self.views += 1
        return view_on_the_day(self._records)
