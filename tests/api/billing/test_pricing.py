"""`/api/admin/billing/pricing`."""

from decimal import Decimal
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from tests.api.billing.billing_fixtures import BILLING, billing_client, exact
from tests.core.billing.billing_samples import record
from tests.core.billing.price_samples import Shop

PRICING = f"{BILLING}/pricing"
NEW = {"modelId": "m", "pricingType": "input_token", "unitPrice": 0.6, "unit": "per_1m_tokens"}
KEYS = [
    "id", "modelId", "pricingType", "unitPrice", "unit", "minChargeUnit", "effectiveDate", "expiryDate", "isActive",
    "createdAt", "updatedAt",
]  # fmt: skip


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def client(shop: Shop) -> TestClient:
    return billing_client([record("2026-01-30 10:00:00", model="m", provider="p", channel_id="ch_p")], shop=shop)


def test_m2_36_to_m2_38_n_07_prices_are_a_bare_list(client: TestClient) -> None:
    told = exact(client.get(PRICING))

    assert [(each["providerId"], each["pricingType"], each["unit"]) for each in told] == [
        ("p", "cached_input", "per_1m_tokens"),
        ("p", "input_token", "per_1m_tokens"),
        ("p", "output_token", "per_1m_tokens"),
    ]
    assert list(told[0])[: len(KEYS)] == KEYS
    assert exact(client.get(PRICING, params={"modelId": "free-of-price"})) == []


def test_m2_36_n_07_a_price_is_created_read_and_changed(client: TestClient, shop: Shop) -> None:
    made = client.post(PRICING, json=NEW)
    shop.wait(5)
    read = exact(client.get(f"{PRICING}/{quote(exact(made)['id'], safe='')}"))
    changed = client.put(f"{PRICING}/{exact(made)['id']}", content=b'{"unitPrice":0.7000000000000000001}')

    assert (made.status_code, changed.status_code) == (201, 200)
    assert exact(made)["unitPrice"] == read["unitPrice"] == Decimal("0.6")
    assert '"unitPrice":0.7000000000000000001,' in changed.text
    history = exact(client.get(PRICING, params={"inForce": False, "pricingType": "input_token"}))
    assert [each["unitPrice"] for each in history] == [Decimal("0.7000000000000000001"), Decimal("0.6"), Decimal("0.5")]
    assert [each["isActive"] for each in history] == [True, False, False]


def test_a_request_with_an_idempotency_key_is_done_once(client: TestClient, shop: Shop) -> None:
    headers = {"idempotency-key": "k1"}

    first = client.post(PRICING, json=NEW, headers=headers)
    shop.wait(5)
    second = client.post(PRICING, json=NEW, headers=headers)
    other = client.post(PRICING, json={**NEW, "unitPrice": 0.7}, headers=headers)

    assert exact(first) == exact(second)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**NEW, "unitPrice": 600}, 409, "confirmation_required"),
        ({**NEW, "pricingType": "video"}, 400, "price_refused"),
        ({**NEW, "unit": "per_image"}, 400, "price_refused"),
        ({**NEW, "effectiveDate": "2020-01-01"}, 400, "price_refused"),
        ({**NEW, "isActive": False}, 400, "field_invalid"),
        ({**NEW, "modelId": "nowhere"}, 400, "field_invalid"),
        ({**NEW, "unitPrice": None}, 400, "field_invalid"),
        ({**NEW, "unitPrice": "0.6x"}, 400, "field_invalid"),
        ({**NEW, "createdAt": "2020-01-01"}, 400, "field_invalid"),
        ({}, 400, "field_invalid"),
    ],
)
def test_what_is_no_price_is_refused_whole(client: TestClient, body: dict[str, object], status: int, code: str) -> None:
    before = client.get(PRICING, params={"inForce": False}).json()
    for path in (PRICING, f"{PRICING}/preview"):
        if status == 409 and path != PRICING:
            continue  # a preview points the mistaken unit out and needs no confirmation
        response = client.post(path, json=body)
        assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert client.get(PRICING, params={"inForce": False}).json() == before


def test_a_version_that_is_not_there_is_not_found(client: TestClient) -> None:
    for response in (client.get(f"{PRICING}/p/m/x"), client.put(f"{PRICING}/p/m/x", json={"unitPrice": 1})):
        assert (response.status_code, response.json()["code"]) == (404, "pricing_not_found")


def test_prices_are_never_taken_back(client: TestClient) -> None:
    assert client.delete(f"{PRICING}/p/m/input_token").status_code == 405


def test_a_change_is_previewed_on_the_last_thirty_days(client: TestClient) -> None:
    told = exact(client.post(f"{PRICING}/preview", json={**NEW, "unitPrice": 2}))

    assert (told["startDate"], told["endDate"], told["callCount"]) == ("2026-01-02", "2026-01-31", 1)
    assert (told["currentCost"], told["newCost"]) == (Decimal("0.0001"), Decimal("0.00025"))
    assert (told["old"]["unitPrice"], told["new"]["unitPrice"]) == (Decimal("0.5"), 2)
    earlier = {"startDate": "2025-12-01", "endDate": "2025-12-31"}
    assert exact(client.post(f"{PRICING}/preview", json=NEW, params=earlier))["callCount"] == 0
