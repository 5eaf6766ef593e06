"""A control plane with billing routes over memory, for tests."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.testclient import TestClient

from smart_ai_router.api.billing.services import BillingServices
from smart_ai_router.api.control import create_control_app
from smart_ai_router.core.billing.currency import DatedRates
from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.domain.exchange import ExchangeRate
from tests.api.control_fixtures import ADMIN, services_over
from tests.core.billing.billing_samples import view_over
from tests.core.billing.price_samples import Shop

BILLING = "/api/admin/billing"
TODAY = date(2026, 1, 31)


def billing_services(
    records: Sequence[UsageRecord] = (), *rates: ExchangeRate, shop: Shop | None = None, **changes: object
) -> BillingServices:
    """Services over these records; today is 2026-01-31, prices are those of a shop."""
    shop = shop or Shop()
    view = view_over(records, *rates)
    services = BillingServices(
        books=view.books,
        read_lines=view.read_lines,
        catch_up=lambda: True,
        today=lambda: TODAY,
        now_ms=lambda: int(shop.now * 1000),
        rates=lambda: DatedRates("CNY", "UTC", rates),
        market=shop.market,
        provider_name=lambda provider_id: f"Name of {provider_id}",
        prices=shop.office.verbs,
        stored_prices=shop.office.store.prices,
    )
    return replace(services, **changes)  # type: ignore[arg-type]


def billing_client(
    records: Sequence[UsageRecord] = (), *rates: ExchangeRate, shop: Shop | None = None, **changes: object
) -> TestClient:
    """The administrator's client of such a control plane."""
    services = services_over(billing=billing_services(records, *rates, shop=shop, **changes))
    return TestClient(create_control_app(services), headers=ADMIN)


def exact(response: Any) -> Any:
    """The body of a good answer, its numbers exact."""
    assert response.status_code in {200, 201}, response.text
    return json.loads(response.text, parse_float=Decimal)
