"""Quotas, grants, refusals and the switch as the second guide names them, asked of a router at work."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_calls import JSON_TYPE, Answer, ask
from tests.e2e.money_harness import Office, json_number
from tests.e2e.money_scene import CALL_COST, POOL, QUOTA, TOKENS_COST, alerts, money_office, one_call, told

SWITCH = "/api/admin/system/config/billing/quota-enforcement"
STATISTICS = "/api/billing/statistics"
PASSWORD = "correct horse battery"
TOKENS_A_CALL = 450  # what the testing upstream says that it has used

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def office(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with money_office(upstream, tmp_path_factory.mktemp("quotas")) as office:
        yield office


def asked_by(office: Office, proof: str, method: str, path: str, body: object = None) -> Answer:
    """A request of somebody else than the administrator."""
    sent = b"" if body is None else json.dumps(body).encode()
    headers = (JSON_TYPE, ("authorization", f"Bearer {proof}")) if proof else (JSON_TYPE,)
    return asyncio.run(ask(office.router.port, method, path, sent, *headers))


def history(office: Office, user_id: str, quota_type: str) -> list[Any]:
    found: list[Any] = told(office.get(f"{QUOTA}/users/{user_id}/history?quotaType={quota_type}"))["records"]
    return found


# --- grants ---


def test_m2_30_m2_31_n_05_a_grant_is_added_to_what_a_user_has(office: Office) -> None:
    office.new_key("ann")
    before = office.quota("ann")

    for quota_type, amount in (("text_token", "1000"), ("image", "3"), ("audio", "1.5"), ("video", "30"),
                               ("money", "9.99"), ("money", "0.01")):  # fmt: skip
        after = told(office.grant("ann", quota_type, amount))

    assert list(before)[:19] == [
        "id", "userId", "textTokenTotal", "textTokenUsed", "textTokenMonthlyQuota", "textTokenMonthlyUsed",
        "imageQuotaTotal", "imageQuotaUsed", "imageQuotaMonthly", "imageQuotaMonthlyUsed", "audioQuotaTotal",
        "audioQuotaUsed", "audioQuotaMonthly", "audioQuotaMonthlyUsed", "videoQuotaTotal", "videoQuotaUsed",
        "videoQuotaMonthly", "videoQuotaMonthlyUsed", "lastResetDate",
    ]  # fmt: skip
    assert (before["isLimited"], after["isLimited"]) == (False, True)
    names = ("textTokenTotal", "imageQuotaTotal", "audioQuotaTotal", "videoQuotaTotal", "moneyTotal")
    assert [before[name] for name in names] == [0] * 5
    assert [after[name] for name in names] == [1000, 3, Decimal("1.5"), 30, 10]
    assert office.quota("ann") == after


@pytest.mark.parametrize(
    ("quota_type", "amount"),
    [("tokens", "1"), ("", "1"), ("money", "0"), ("money", "-1"), ("text_token", "0.5"), ("image", "-3"),
     ("money", "0.0000000000001"), ("money", '"one"'), ("money", "1e40")],
)  # fmt: skip
def test_n_05_what_cannot_be_granted_is_refused_and_changes_nothing(
    office: Office, quota_type: str, amount: str
) -> None:
    office.new_key("bea")
    before = office.quota("bea")

    assert 400 <= office.grant("bea", quota_type, amount).status < 500
    assert office.quota("bea") == before


def test_n_05_nobody_is_granted_anything_who_is_not_there(office: Office) -> None:
    assert told(office.grant("nobody", "money", "1"), 404)["code"] == "user_not_found"
    assert office.get(f"{QUOTA}/users/nobody").status == 404
    assert office.get(f"{STATISTICS}/users/nobody").status == 404


def test_n_05_a_grant_that_is_sent_twice_is_booked_once(office: Office) -> None:
    office.new_key("cid")
    place = f"{QUOTA}/users/cid/grant"

    for _ in range(3):
        told(office.post(place, ("idempotency-key", "june"), quotaType="money", amount=5))
    other = office.post(place, ("idempotency-key", "june"), quotaType="money", amount=6)

    assert other.status == 409
    assert office.quota("cid")["moneyTotal"] == 5


def test_m2_78_two_grants_and_a_correction_make_the_balance_and_stand_in_the_history(office: Office) -> None:
    key = office.new_key("dan")
    told(office.grant("dan", "money", "1"))
    told(office.grant("dan", "money", "0.50"))
    told(office.post(f"{QUOTA}/users/dan/adjust", quotaType="money", amount=json_number("-0.25"), remark="too much"))
    answer = one_call(office, key, "pools-up")

    quota = office.quota("dan")
    entries = history(office, "dan", "money")

    assert (quota["moneyTotal"], quota["moneyUsed"], quota["moneyAvailable"]) == (
        Decimal("1.25"),
        CALL_COST,
        Decimal("1.24"),
    )
    assert [(each["transactionType"], each["amount"]) for each in entries] == [
        ("usage", -CALL_COST), ("adjust", Decimal("-0.25")), ("grant", Decimal("0.5")), ("grant", 1),
    ]  # fmt: skip
    assert sum(each["amount"] for each in entries) == quota["moneyAvailable"]
    assert entries[0]["requestId"] == answer.headers["x-request-id"]
    assert (entries[1]["description"], entries[3]["source"]) == ("too much", "admin_grant")


def test_m2_32_what_is_used_of_a_quota_grows_with_every_call(office: Office) -> None:
    key = office.new_key("eve")
    told(office.grant("eve", "text_token", "100000"))
    told(office.put(f"{QUOTA}/users/eve/monthly", quotaType="text_token", amount=1000))

    for count in (1, 2, 3):
        assert one_call(office, key, "tokens", max_tokens=300).status == 200
        quota = office.quota("eve")
        used = quota["textTokenMonthlyUsed"] + quota["textTokenUsed"]
        assert used == count * TOKENS_A_CALL
    statistics = told(office.get(f"{STATISTICS}/users/eve"))["data"]

    assert quota["textTokenMonthlyUsed"] == 1000, "the month's part is used up first"
    assert quota["textTokenUsed"] == 3 * TOKENS_A_CALL - 1000
    assert quota["textTokenAvailable"] == 101_000 - 3 * TOKENS_A_CALL
    assert quota["lastResetDate"] == f"{datetime.now(UTC):%Y-%m}-01"
    assert statistics["textTokenStats"]["totalUsed"] == 3 * TOKENS_A_CALL
    assert statistics["textTokenStats"]["monthlyQuota"] == 1000


def test_n_05_a_batch_grant_gives_to_every_enabled_user_once(office: Office) -> None:
    for user_id in ("fay", "gus"):
        office.new_key(user_id)
    told(office.post("/api/admin/users", id="off", name="off"), 201)
    office.router.ask("PATCH", "/api/admin/users/off", b'{"enabled": false}', JSON_TYPE, admin(office))
    users = told(office.get("/api/admin/users?limit=1000"))["users"]
    before = {name: office.quota(name)["textTokenTotal"] for name in ("fay", "gus", "off")}
    place, key = f"{QUOTA}/batch-grant", ("idempotency-key", "all-june")

    first, again = (told(office.post(place, key, textTokenPerUser=7, imageCountPerUser=2)) for _ in range(2))

    assert (first["totalUsers"], first["successCount"], first["failCount"]) == (len(users), len(users) - 1, 1)
    assert {**again, "repeated": False} == first
    assert (first["repeated"], again["repeated"]) == (False, True)
    after = {name: office.quota(name)["textTokenTotal"] for name in before}
    assert {name: after[name] - before[name] for name in before} == {"fay": 7, "gus": 7, "off": 0}
    assert office.quota("fay")["imageQuotaTotal"] == 2
    for wrong in ({"textTokenPerUser": -1}, {"textTokenPerUser": 0, "imageCountPerUser": 0}):
        assert office.post(place, **wrong).status == 400


def admin(office: Office) -> tuple[str, str]:
    return "authorization", f"Bearer {office.router.variables['SMART_AI_ROUTER_ADMIN_TOKEN']}"


def test_n_05_the_calculator_says_how_far_a_pool_goes(office: Office) -> None:
    told(office.recharge("30", "calc"))

    default = told(office.get(f"{QUOTA}/calculate?provider=calc"))
    small = told(office.get(f"{QUOTA}/calculate?provider=calc&textTokenPerUser=1000&imageCountPerUser=3"))

    assert list(default)[:10] == [
        "providerId", "providerName", "availableBalance", "textCostPerUser", "imageCostPerUser", "totalCostPerUser",
        "maxUsers", "totalCostForAllUsers", "remainingBalance", "totalUsers",
    ]  # fmt: skip
    # 100,000 tokens at the dearer price of 0.008 a thousand, 20 images at 0.5
    assert (default["textCostPerUser"], default["imageCostPerUser"]) == (Decimal("0.8"), 10)
    assert (default["totalCostPerUser"], default["maxUsers"]) == (Decimal("10.8"), 2)
    assert default["totalCostForAllUsers"] == Decimal("10.8") * default["totalUsers"]
    assert default["remainingBalance"] == 30 - default["totalCostForAllUsers"]
    assert (small["textCostPerUser"], small["imageCostPerUser"], small["maxUsers"]) == (
        Decimal("0.008"),
        Decimal("1.5"),
        19,
    )
    assert (small["textModel"], small["imageModel"]) == ("calc-chat", "dall-e-3")
    assert office.get(f"{QUOTA}/calculate?provider=nobody").status == 404
    assert office.get(f"{QUOTA}/calculate").status == 422


# --- refusals ---


def test_m2_59_m2_60_n_09_a_call_without_quota_is_refused_by_402_and_reaches_no_upstream(
    office: Office, upstream: UpstreamServer
) -> None:
    key = office.new_key("hal")
    told(office.grant("hal", "money", "0.015"))
    assert one_call(office, key, "pools-up").status == 200
    served = upstream.served.total

    refused = one_call(office, key, "pools-up")

    assert (refused.status, upstream.served.total) == (402, served)
    assert refused.headers["x-request-id"]
    body = json.loads(refused.body, parse_float=Decimal)
    assert {name: body[name] for name in body if name not in {"error", "howToGetMore"}} == {
        "code": 402, "message": "配额不足: money, 需要: 0.01, 可用: 0.005", "quotaType": "money", "unit": "CNY",
        "needed": CALL_COST, "available": Decimal("0.005"), "resetsOn": None,
    }  # fmt: skip
    assert body["howToGetMore"]
    assert (body["error"]["message"], body["error"]["type"]) == (body["message"], "insufficient_quota")
    assert body["error"]["code"] == "user_quota_exhausted", "an upstream's own 402 has another"
    assert office.quota("hal")["moneyUsed"] == CALL_COST
    told(office.grant("hal", "money", "0.005"))
    assert one_call(office, key, "pools-up").status == 200, "now it is exactly enough"


def test_m2_59_m2_60_each_limit_refuses_by_its_own_name(office: Office) -> None:
    def refusal(key: str) -> tuple[object, object, object]:
        answer = one_call(office, key, "tokens")
        assert answer.status == 402, answer
        body = json.loads(answer.body)
        return body["quotaType"], body["unit"], body["resetsOn"]

    tokens_key = office.new_key("ida")
    told(office.put(f"{QUOTA}/users/ida/monthly", quotaType="text_token", amount=1))
    budget_key = office.new_key("jon")
    (owned,) = told(office.get("/api/admin/users/jon/keys"))["keys"]
    told(office.put(f"{QUOTA}/keys/{owned['id']}/budget", amount=json_number("0.0001"), period="daily"))

    unit, name, resets_on = refusal(tokens_key)
    assert (unit, name) == ("text_token", "text_token")
    assert str(resets_on).endswith("-01")
    assert refusal(budget_key)[:2] == ("key_budget", "CNY")


def test_n_06_without_enforcement_a_call_is_only_recorded(office: Office) -> None:
    key = office.new_key("kim")
    told(office.grant("kim", "money", "0.01"))
    assert told(office.get(SWITCH))["enabled"] is True, "strict is the default"
    assert [one_call(office, key, "pools-up").status for _ in range(2)] == [200, 402]

    off = told(office.post(SWITCH, enabled=False))
    try:
        assert (off["enabled"], bool(off["message"]), told(office.get(SWITCH))["enabled"]) == (False, True, False)
        assert [one_call(office, key, "pools-up").status for _ in range(2)] == [200, 200]
        quota = office.quota("kim")
        assert (quota["moneyUsed"], quota["moneyAvailable"], quota["enforced"]) == (
            Decimal("0.03"),
            Decimal("-0.02"),
            False,
        )
    finally:
        told(office.post(SWITCH, enabled=True))
    assert one_call(office, key, "pools-up").status == 402
    assert office.post(SWITCH, enabled="no").status == 400


# --- budgets of keys, refunds ---


def test_the_budget_of_a_key_is_read_and_counts_what_the_key_was_charged(office: Office) -> None:
    key = office.new_key("lea")
    (owned,) = told(office.get("/api/admin/users/lea/keys"))["keys"]
    place = f"{QUOTA}/keys/{owned['id']}/budget"

    none = told(office.get(place))
    made = told(office.put(place, amount=json_number("0.02"), period="for_ever"))
    assert [one_call(office, key, "pools-up").status for _ in range(3)] == [200, 200, 402]
    spent = told(office.get(place))
    gone = told(office.put(place, amount=0, period=None))

    assert (none["isLimited"], none["period"], none["userId"], none["name"]) == (False, None, "lea", "test")
    assert (made["amount"], made["used"], made["available"]) == (Decimal("0.02"), 0, Decimal("0.02"))
    assert (spent["used"], spent["available"], spent["resetsOn"]) == (Decimal("0.02"), 0, None)
    assert told(office.get(f"{QUOTA}/users/lea/keys"))["budgets"] == [gone]
    assert gone in told(office.get(f"{QUOTA}/keys?limit=1000"))["budgets"]
    assert (gone["isLimited"], one_call(office, key, "pools-up").status) == (False, 200)
    assert office.get(f"{QUOTA}/keys/key_nobody/budget").status == 404


def test_a_call_is_refunded_once_to_its_user_and_its_pool(office: Office) -> None:
    key = office.new_key("mia")
    told(office.grant("mia", "money", "1"))
    told(office.recharge("0.01", "paid"))
    answer = one_call(office, key, "pools-paid")
    assert (answer.status, office.pool("paid")["statusText"]) == (200, "耗尽")
    place = f"/api/admin/billing/usage/records/{answer.headers['x-request-id']}/refund"

    made = told(office.post(place, ("idempotency-key", "sorry"), side="all", remark="wrong answer"))
    again = told(office.post(place, ("idempotency-key", "sorry"), side="all", remark="wrong answer"))
    other = office.post(place)

    assert {(each["accountKind"], each["owner"], each["amount"]) for each in made["refunded"]} == {
        ("user", "mia", CALL_COST),
        ("pool", "paid", CALL_COST),
    }
    assert ({**again, "repeated": False}, again["repeated"]) == (made, True)
    assert told(other, 409)["code"] == "nothing_to_correct"
    assert office.quota("mia")["moneyAvailable"] == 1
    assert (office.pool("paid")["availableBalance"], office.pool("paid")["statusText"]) == (CALL_COST, "充足")
    assert alerts(office, "paid") == []
    assert office.post("/api/admin/billing/usage/records/req_nobody/refund").status == 404


# --- who may see it ---


def test_a_user_sees_only_their_own_quota(office: Office) -> None:
    key = office.new_key("ned")
    office.new_key("oda")
    told(office.grant("ned", "money", "3"))

    mine = asked_by(office, key, "GET", f"{QUOTA}/users/ned")
    me = asked_by(office, key, "GET", f"{STATISTICS}/me")
    own = [f"{STATISTICS}/users/ned", f"{QUOTA}/users/ned/history", f"{QUOTA}/users/ned/keys"]
    others = [f"{QUOTA}/users/oda", f"{STATISTICS}/users/oda", f"{QUOTA}/users/oda/history", f"{QUOTA}/users/oda/keys",
              f"{QUOTA}/keys", POOL, f"{POOL}/alerts", SWITCH, f"{QUOTA}/calculate?provider=up"]  # fmt: skip

    assert json.loads(mine.body, parse_float=Decimal) == office.quota("ned")
    data = json.loads(me.body)
    assert (data["code"], data["data"]["userId"], data["data"]["moneyStats"]["totalQuota"]) == (200, "ned", 3)
    assert {path: asked_by(office, key, "GET", path).status for path in own} == dict.fromkeys(own, 200)
    assert {path: asked_by(office, key, "GET", path).status for path in others} == dict.fromkeys(others, 403)
    grant = {"quotaType": "money", "amount": 1}
    assert asked_by(office, key, "POST", f"{QUOTA}/users/ned/grant", grant).status == 403
    assert told(office.get(f"{STATISTICS}/me"), 400)["code"] == "not_a_user"


def test_m2_04_n_13_a_viewer_reads_money_and_moves_none_and_strangers_do_neither(office: Office) -> None:
    new = {"username": "books", "password": PASSWORD, "role": "billing_viewer"}
    told(office.post("/api/admin/administrators", **new), 201)
    login = asked_by(office, "", "POST", "/api/admin/auth/login", {"username": "books", "password": PASSWORD})
    viewer = json.loads(login.body)["token"]
    key = office.new_key("pam")
    paths = told(office.get("/openapi.json"))["paths"]
    words = ("/resource-pool", "/quota", "/exchange-rates", "/refund", "/billing/statistics")
    routes = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in paths.items()
        for method in methods
        if any(word in path for word in words)
    ]

    assert len(routes) >= 28
    for method, path in routes:
        assert asked_by(office, "", method, path, {}).status == 401, (method, path)
        assert asked_by(office, "nonsense", method, path, {}).status == 401, (method, path)
        if not path.endswith("/me"):
            assert asked_by(office, key, method, path, {}).status == 403, (method, path)
        status = asked_by(office, viewer, method, path, {}).status
        assert (status == 403) is (method != "GET"), (method, path, status)


# --- what people do with it ---


def test_m2_19_m2_75_m2_76_costs_by_day_provider_model_and_user_say_the_same(office: Office) -> None:
    key = office.new_key("quy")
    assert [one_call(office, key, name).status for name in ("tokens", "pools-up", "pools-second")] == [200] * 3

    sums = {by: told(office.get(f"/api/admin/billing/cost/summary?groupBy={by}")) for by in
            ("day", "provider", "model", "user")}  # fmt: skip
    rows = told(office.get("/api/admin/billing/cost/daily"))

    total = sum(row["totalCost"] for row in rows)
    assert {by: told_["totals"]["totalCost"] for by, told_ in sums.items()} == dict.fromkeys(sums, total)
    users = {row["key"]: row["totalCost"] for row in sums["user"]["rows"]}
    assert users["quy"] == TOKENS_COST + 2 * CALL_COST
