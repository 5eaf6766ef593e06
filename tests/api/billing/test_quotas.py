"""`/api/admin/billing/quota`, the switch, and users' own figures."""

from decimal import Decimal

import pytest

from smart_ai_router.core.billing.quota_messages import UserQuotaFacts
from tests.api.billing.billing_fixtures import BILLING, exact
from tests.api.billing.ledger_fixtures import Bank
from tests.core.ledger_samples import ALICE, UNIT, take

ALICES = f"{BILLING}/quota/users/alice"
SWITCH = "/api/admin/system/config/billing/quota-enforcement"
STATISTICS = "/api/billing/statistics"


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_n_05_a_grant_is_answered_with_the_quota_and_once_under_its_key(bank: Bank) -> None:
    body = {"quotaType": "text_token", "amount": 1000, "source": "purchase", "referenceId": "order-7"}
    told = [exact(bank.admin.post(f"{ALICES}/grant", json=body, headers={"idempotency-key": "k"})) for _ in range(2)]
    other = bank.admin.post(f"{ALICES}/grant", json={**body, "amount": 1}, headers={"idempotency-key": "k"})

    assert told[0] == told[1] == exact(bank.admin.get(ALICES))
    assert list(told[0]) == list(UserQuotaFacts.__struct_encode_fields__)
    assert (told[0]["textTokenTotal"], told[0]["isLimited"]) == (1000, True)
    assert other.status_code == 409
    (entry,) = exact(bank.admin.get(f"{ALICES}/history", params={"quotaType": "text_token"}))["records"]
    assert (entry["source"], entry["description"]) == ("purchase", "管理员手动分配 [order-7]")


@pytest.mark.parametrize(
    "body",
    [{}, {"quotaType": "tokens", "amount": 1}, {"quotaType": "image", "amount": 0},
     {"quotaType": "image", "amount": -1}, {"quotaType": "image", "amount": 0.5}, {"quotaType": "image"},
     {"quotaType": "money", "amount": 1, "currency": "yuan"}, {"quotaType": "money", "amount": 1, "x": 1}],
)  # fmt: skip
def test_n_05_what_is_no_grant_is_refused(bank: Bank, body: dict[str, object]) -> None:
    assert bank.admin.post(f"{ALICES}/grant", json=body).status_code == 400
    assert exact(bank.admin.get(ALICES))["isLimited"] is False


def test_nobody_is_given_anything_who_is_not_there(bank: Bank) -> None:
    for method, path in (("GET", ""), ("POST", "/grant"), ("POST", "/adjust"), ("PUT", "/monthly"),
                         ("PUT", "/currency"), ("GET", "/history"), ("GET", "/keys")):  # fmt: skip
        body = {"/currency": {"currency": "USD"}}.get(path, {"quotaType": "money", "amount": 1})
        answer = bank.admin.request(
            method, f"{BILLING}/quota/users/nobody{path}", json=body if method != "GET" else None
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found"), path


def test_m2_78_a_quota_is_corrected_and_given_each_month(bank: Bank) -> None:
    exact(bank.admin.put(f"{ALICES}/currency", json={"currency": "USD"}))
    exact(bank.admin.post(f"{ALICES}/grant", json={"quotaType": "money", "amount": "2"}))
    exact(bank.admin.put(f"{ALICES}/monthly", json={"quotaType": "money", "amount": "1.5"}))
    body = {"quotaType": "money", "amount": "-0.5", "month": "2026-11", "remark": "typo"}
    told = exact(bank.admin.post(f"{ALICES}/adjust", json=body))

    assert (told["moneyTotal"], told["moneyMonthly"], told["moneyAvailable"], told["currency"]) == (2, 1, 3, "USD")
    history = exact(bank.admin.get(f"{ALICES}/history", params={"month": "2026-11", "limit": 1}))
    assert (history["records"][0]["part"], history["nextCursor"] is None) == ("monthly:2026-11", False)
    for wrong in ({"month": "2026-13"}, {"limit": 0}):
        assert bank.admin.get(f"{ALICES}/history", params=wrong).status_code == 422
    assert bank.admin.get(f"{ALICES}/history", params={"quotaType": "gold"}).status_code == 400
    assert bank.admin.post(f"{ALICES}/adjust", json={**body, "month": "November"}).status_code == 400


def test_the_budget_of_a_key_is_set_read_listed_and_taken_away(bank: Bank) -> None:
    key_id = bank.money.key()
    place = f"{BILLING}/quota/keys/{key_id}/budget"

    made = exact(bank.admin.put(place, json={"amount": "3", "period": "daily"}))
    lists = [exact(bank.admin.get(path))["budgets"] for path in (f"{BILLING}/quota/keys", f"{ALICES}/keys")]
    gone = exact(bank.admin.put(place, json={"amount": 0, "period": None}))

    assert (made["keyId"], made["userId"], made["amount"], made["period"]) == (key_id, "alice", 3, "daily")
    assert lists == [[made], [made]]
    assert gone == exact(bank.admin.get(place))
    assert gone["isLimited"] is False
    assert bank.admin.put(place, json={"amount": 1, "period": "weekly"}).status_code == 400
    for method in ("GET", "PUT"):
        body = None if method == "GET" else {"amount": 1}
        answer = bank.admin.request(method, f"{BILLING}/quota/keys/key_x/budget", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")


def test_the_calculator_counts_the_users_who_are_enabled(bank: Bank) -> None:
    exact(bank.admin.post(f"{BILLING}/resource-pool/providers/openai/recharge", json={"amount": 30}))
    place = f"{BILLING}/quota/calculate"

    told = exact(bank.admin.get(place, params={"provider": "openai"}))

    assert (told["textCostPerUser"], told["imageCostPerUser"], told["totalUsers"]) == (Decimal("0.8"), 10, 2)
    assert (told["maxUsers"], told["remainingBalance"]) == (2, Decimal("8.4"))
    for asked, status in (
        ({}, 422), ({"provider": "openai", "textTokenPerUser": -1}, 422), ({"provider": "nobody"}, 404),
        ({"provider": "qwen"}, 409), ({"provider": "openai", "textModel": "none"}, 404),
    ):  # fmt: skip
        assert bank.admin.get(place, params=asked).status_code == status, asked


def test_a_batch_grant_says_how_many_got_something(bank: Bank) -> None:
    place, headers = f"{BILLING}/quota/batch-grant", {"idempotency-key": "k"}

    told = [exact(bank.admin.post(place, json={"textTokenPerUser": 5}, headers=headers)) for _ in range(2)]

    assert [each["repeated"] for each in told] == [False, True]
    assert (told[0]["totalUsers"], told[0]["successCount"], told[0]["failCount"]) == (2, 2, 0)
    assert (told[0]["textTokenPerUser"], told[0]["imageCountPerUser"], told[0]["source"]) == (5, 20, "admin_grant")
    quota = exact(bank.admin.get(ALICES))
    assert (quota["textTokenTotal"], quota["imageQuotaTotal"]) == (5, 20)


def test_n_06_the_switch_is_read_and_set(bank: Bank) -> None:
    before = exact(bank.admin.get(SWITCH))
    off = exact(bank.admin.post(SWITCH, json={"enabled": False}))

    assert (before["enabled"], list(before)) == (True, ["enabled", "description"])
    assert (off["enabled"], list(off)) == (False, ["enabled", "message"])
    assert exact(bank.admin.get(SWITCH))["enabled"] is False
    assert bank.admin.post(SWITCH, json={}).status_code == 400


def test_a_user_reads_their_own_figures_and_nobody_elses(bank: Bank) -> None:
    exact(bank.admin.post(f"{ALICES}/grant", json={"quotaType": "money", "amount": 2}))
    bank.money.call(take(ALICE, UNIT // 2))

    me = exact(bank.alice.get(f"{STATISTICS}/me"))
    own = exact(bank.alice.get(f"{STATISTICS}/users/alice"))

    assert (me["code"], me["message"]) == (200, "success")
    assert me == own == exact(bank.admin.get(f"{STATISTICS}/users/alice"))
    money = me["data"]["moneyStats"]
    assert (money["totalQuota"], money["totalUsed"], money["totalUsageRate"]) == (2, Decimal("0.5"), 25)
    for path in (ALICES, f"{ALICES}/history", f"{ALICES}/keys"):
        assert bank.alice.get(path).status_code == 200
    for path in (f"{BILLING}/quota/users/bob", f"{STATISTICS}/users/bob", f"{BILLING}/quota/keys", SWITCH):
        assert bank.alice.get(path).status_code == 403, path
    assert bank.alice.post(f"{ALICES}/grant", json={"quotaType": "money", "amount": 2}).status_code == 403
    assert bank.stranger.get(f"{STATISTICS}/me").status_code == 401
    answer = bank.admin.get(f"{STATISTICS}/me")
    assert (answer.status_code, answer.json()["code"]) == (400, "not_a_user")
    assert bank.admin.get(f"{STATISTICS}/users/nobody").status_code == 404
