"""Pools, recharges, alerts and models without money as the second guide names them, asked of a router at work."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_harness import until
from tests.e2e.money_harness import Office, call, json_number
from tests.e2e.money_scene import (
    CALL_COST,
    NO_MONEY,
    POOL,
    PROVIDERS,
    TOKENS_COST,
    adjust,
    alerts,
    fill_to,
    model,
    money_office,
    one_call,
    told,
)

WRITERS, DEDUCTIONS, RECHARGES = 8, 250, 25

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def office(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with money_office(upstream, tmp_path_factory.mktemp("money")) as office:
        yield office


@pytest.fixture(scope="module")
def free_key(office: Office) -> str:
    """The key of a user whom no quota limits."""
    return office.new_key("free")


def pools(office: Office) -> dict[str, Any]:
    return {pool["providerId"]: pool for pool in told(office.get(POOL))}


# --- pools ---


def test_m2_20_m2_65_every_provider_has_its_row_with_or_without_a_pool(office: Office) -> None:
    found = pools(office)

    assert list(found) == sorted(PROVIDERS)
    idle = found["idle"]
    assert list(idle)[:12] == [
        "id", "providerId", "totalBalance", "usedAmount", "availableBalance", "warningThreshold", "isLowBalance",
        "lastRechargeDate", "lastCheckDate", "createdAt", "updatedAt", "balancePercentage",
    ]  # fmt: skip
    assert (idle["isOpened"], idle["statusText"], idle["openAlertId"]) == (False, "未设置", None)
    assert (idle["totalBalance"], idle["warningThreshold"], idle["isLowBalance"]) == (0, 10, False)


def test_m2_20_m2_21_m2_51_to_m2_54_m2_66_the_figures_of_a_pool_add_up_at_every_step(
    office: Office, free_key: str
) -> None:
    def figures() -> tuple[Decimal, ...]:
        pool = office.pool("figures")
        assert pool == pools(office)["figures"]
        total, used, available = (pool[name] for name in ("totalBalance", "usedAmount", "availableBalance"))
        assert total == used + available
        assert 0 <= available / total * 100 - pool["balancePercentage"] < Decimal("0.01")
        return total, used, available

    told(office.recharge("0.25", "figures"))
    steps = [figures()]
    first = office.pool("figures")
    for _ in range(3):
        assert one_call(office, free_key, "pools-figures").status == 200
        steps.append(figures())
    told(office.recharge("0.50", "figures"))
    again = office.pool("figures")

    full = Decimal("0.25")
    assert steps == [(full, count * CALL_COST, full - count * CALL_COST) for count in range(4)]
    assert figures() == (Decimal("0.72"), 0, Decimal("0.72"))
    assert (again["totalRecharged"], again["totalUsed"]) == (Decimal("0.75"), Decimal("0.03"))
    assert (first["balancePercentage"], first["isLowBalance"]) == (100, False)
    assert first["createdAt"] <= first["lastRechargeDate"] < again["lastRechargeDate"]


def test_m2_71_the_balance_right_after_a_call_differs_by_exactly_its_cost(office: Office, free_key: str) -> None:
    told(office.recharge("1", "up"))
    balance = office.pool("up")["availableBalance"]

    for name, stream, cost in (("pools-up", False, CALL_COST), ("tokens", False, TOKENS_COST),
                               ("tokens", True, TOKENS_COST)):  # fmt: skip
        answer = one_call(office, free_key, name, stream=stream)
        assert (answer.status, answer.is_whole) == (200, True)
        after = office.pool("up")["availableBalance"]
        assert balance - after == cost
        balance = after


def test_n_10_n_11_no_deduction_and_no_recharge_is_lost_when_both_come_at_once(office: Office, free_key: str) -> None:
    told(office.recharge("100", "race"))
    port = office.router.port

    async def writer() -> Counter[int]:
        return Counter([(await call(port, free_key, "writer", model="pools-race")).status for _ in range(DEDUCTIONS)])

    async def owner() -> int:
        return sum([(await asyncio.to_thread(office.recharge, "1", "race")).status == 200 for _ in range(RECHARGES)])

    async def everybody() -> tuple[Counter[int], int]:
        *written, recharged = await asyncio.gather(*(writer() for _ in range(WRITERS)), owner())
        return sum(written, Counter()), recharged

    statuses, recharged = asyncio.run(everybody())

    assert (statuses, recharged) == ({200: WRITERS * DEDUCTIONS}, RECHARGES)
    pool = office.pool("race")
    assert pool["totalUsed"] == Decimal("20.00")
    assert pool["totalRecharged"] == 100 + RECHARGES
    assert pool["availableBalance"] == 80 + RECHARGES
    assert pool["totalBalance"] == pool["usedAmount"] + pool["availableBalance"]


# --- recharges ---


@pytest.mark.parametrize("amount", ["0", "-1", "0.0000000000001", "1e30", '"ten"', "null", "true"])
def test_n_01_what_is_no_amount_of_money_is_refused_and_changes_nothing(office: Office, amount: str) -> None:
    before = office.pool("idle")

    assert 400 <= office.recharge(amount, "idle").status < 500
    assert office.pool("idle") == before


def test_m2_27_n_01_a_recharge_is_answered_with_itself_and_the_pool(office: Office) -> None:
    asked = {"amount": json_number("12.5"), "remark": "test", "operatorId": "op-7"}
    made = told(office.post(f"{POOL}/providers/paid/recharge", **asked))
    more = told(office.recharge("0.000000000001", "paid"))

    assert list(made)[:2] == ["recharge", "pool"]
    assert {**made["recharge"], "id": 0, "createdAt": ""} == {
        "id": 0, "providerId": "paid", "rechargeAmount": Decimal("12.5"), "balanceBefore": 0,
        "balanceAfter": Decimal("12.5"), "rechargeType": "manual", "operatorId": "op-7",
        "remark": "test", "createdAt": "", "currency": "CNY",
    }  # fmt: skip
    assert made["pool"]["availableBalance"] == Decimal("12.5")
    assert more["pool"]["availableBalance"] == Decimal("12.500000000001")
    assert told(office.recharge("1", "nobody"), 404)["code"] == "provider_not_found"
    assert office.post(f"{POOL}/providers/paid/recharge", amuont=1).status == 400


def test_n_01_a_recharge_that_is_sent_twice_is_booked_once(office: Office) -> None:
    before = office.pool("paid")["totalRecharged"]

    answers = [told(office.recharge("5", "paid", "invoice-7")) for _ in range(3)]
    other = office.recharge("6", "paid", "invoice-7")

    assert [each["repeated"] for each in answers] == [False, True, True]
    assert len({each["recharge"]["id"] for each in answers}) == 1
    assert told(other, 409)["code"] == "idempotency_conflict"
    assert office.pool("paid")["totalRecharged"] == before + 5


def test_m2_28_n_02_recharges_are_read_in_pages_newest_first(office: Office) -> None:
    for amount in ("1", "2", "3", "4", "5"):
        told(office.recharge(amount, "pages"))
    place = f"{POOL}/providers/pages/recharges"

    found = [told(office.get(f"{place}?page={page}&size=2")) for page in range(4)]
    whole = told(office.get(place))

    assert [[each["rechargeAmount"] for each in page["recharges"]] for page in found] == [[5, 4], [3, 2], [1], []]
    assert [(page["totalElements"], page["totalPages"], page["currentPage"], page["pageSize"]) for page in found] == [
        (5, 3, number, 2) for number in range(4)
    ]
    assert (whole["currentPage"], whole["pageSize"], len(whole["recharges"])) == (0, 20, 5)
    assert [each["balanceAfter"] for each in whole["recharges"]] == [15, 10, 6, 3, 1]
    assert {office.get(f"{place}?{asked}").status for asked in ("page=-1", "size=0", "size=1001", "page=x")} == {422}
    assert office.get(f"{POOL}/providers/nobody/recharges").status == 404


def test_m2_66_the_pool_of_a_provider_that_is_not_there_is_not_found(office: Office) -> None:
    assert told(office.get(f"{POOL}/providers/nobody"), 404)["code"] == "provider_not_found"


# --- alerts ---


def test_m2_53_m2_56_the_warning_comes_below_ten_percent_and_not_at_it(office: Office) -> None:
    def seen() -> tuple[Decimal, object, int]:
        pool = office.pool("edge")
        return pool["balancePercentage"], pool["isLowBalance"], len(alerts(office, "edge"))

    fill_to(office, "edge", "10.01")
    assert seen() == (Decimal("10.01"), False, 0)
    adjust(office, "edge", "-0.01")
    assert seen() == (10, False, 0)
    adjust(office, "edge", "-0.01")
    assert seen() == (Decimal("9.99"), True, 1)


def test_m2_53_a_pool_has_a_threshold_of_its_own(office: Office) -> None:
    place = f"{POOL}/providers/pages"
    told(office.recharge("100", "pages"))

    assert told(office.put(place, thresholdPercent=json_number("99.99")))["warningThreshold"] == Decimal("99.99")
    adjust(office, "pages", "-1")
    assert office.pool("pages")["isLowBalance"] is True
    assert told(office.put(place, thresholdPercent=5))["isLowBalance"] is False
    assert alerts(office, "pages") == []
    for wrong in ("100", "-1", "0.001"):
        assert office.put(place, thresholdPercent=json_number(wrong)).status == 400


def test_m2_22_m2_24_to_m2_26_m2_58_an_alert_says_its_type_its_level_and_how_much_is_left(office: Office) -> None:
    def seen() -> tuple[object, list[tuple[object, object]]]:
        found, pool = alerts(office, "three"), office.pool("three")
        assert [each["id"] for each in found] == ([pool["openAlertId"]] if pool["openAlertId"] else [])
        return pool["statusText"], [(each["alertType"], each["alertLevel"]) for each in found]

    told(office.recharge("100", "three"))
    assert seen() == ("充足", [])
    adjust(office, "three", "-95")
    assert seen() == ("不足", [("low_balance", "warning")])
    (low,) = alerts(office, "three")
    adjust(office, "three", "-5")
    assert seen() == ("耗尽", [("insufficient_balance", "critical")])
    (critical,) = alerts(office, "three")

    assert (low["balancePercentage"], low["availableBalance"], low["isResolved"]) == (5, 5, False)
    assert ("5.00" in low["message"], "Three" in low["message"]) == (True, True)
    assert (critical["balancePercentage"], critical["availableBalance"]) == (0, 0)
    assert NO_MONEY in critical["message"]
    assert critical["id"] == low["id"], "the warning has become critical"
    assert low["createdAt"] == critical["createdAt"] <= low["raisedAt"] <= critical["raisedAt"]
    assert told(office.get(f"{POOL}/alerts?isResolved=false"))[0] == critical, "the newest stands on top"


def test_m2_25_m2_58_people_are_told_of_the_warning_and_again_when_it_becomes_critical(office: Office) -> None:
    def told_of() -> list[tuple[str, str]]:
        log = office.router.logs_dir / "channel_alerts.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [(line["alert_type"], line["details"]["level"]) for line in lines if line["channel_id"] == "pool:rising"]

    fill_to(office, "rising", "5")
    adjust(office, "rising", "-5")

    expected = [("low_balance", "warning"), ("insufficient_balance", "critical")]
    until(lambda: told_of() == expected, 10, f"both alerts are in the file: {told_of()}")


def test_m2_67_m2_68_n_03_open_and_resolved_alerts_are_two_disjoint_lists(office: Office) -> None:
    fill_to(office, "seen", "5")
    (open_one,) = alerts(office, "seen")
    place = f"{POOL}/alerts/{open_one['id']}/resolve"

    resolved = office.post(place, resolvedBy="carol")
    again = office.post(place)

    assert (resolved.status, resolved.answer.body, again.status) == (204, b"", 204)
    assert alerts(office, "seen") == []
    (seen,) = alerts(office, "seen", "true")
    assert (seen["id"], seen["isResolved"], seen["resolvedBy"]) == (open_one["id"], True, "carol")
    assert seen["resolvedAt"] >= seen["createdAt"]
    told(office.post(f"{POOL}/check"))
    assert alerts(office, "seen") == [], "who has seen to it is not told the same again"
    adjust(office, "seen", "-5")
    assert [each["alertType"] for each in alerts(office, "seen")] == ["insufficient_balance"]

    everything, still, over = (
        {each["id"] for each in told(office.get(f"{POOL}/alerts{asked}"))}
        for asked in ("", "?isResolved=false", "?isResolved=true")
    )
    assert still & over == set()
    assert still | over == everything
    assert open_one["id"] in over
    assert alerts(office, "seen", None) == [*alerts(office, "seen"), seen]
    assert alerts(office, "nobody", None) == []
    assert office.get(f"{POOL}/alerts?isResolved=maybe").status == 422


def test_n_03_an_alert_that_is_not_there_cannot_be_resolved(office: Office) -> None:
    assert told(office.post(f"{POOL}/alerts/999999/resolve"), 404)["code"] == "alert_not_found"
    assert office.post(f"{POOL}/alerts/x/resolve").status == 422


def test_m2_29_m2_55_m2_69_m2_73_n_04_a_check_by_hand_looks_at_every_pool_and_notes_when(office: Office) -> None:
    told(office.recharge("100", "checked"))
    before = office.pool("checked")["lastCheckDate"]

    answer = told(office.post(f"{POOL}/check"))
    after = office.pool("checked")["lastCheckDate"]
    told(office.post(f"{POOL}/check"))

    opened = [pool for pool in pools(office).values() if pool["isOpened"]]
    assert (answer["message"], answer["pools"]) == ("资源池检查已完成", len(opened))
    assert before is None or before < after
    assert after < office.pool("checked")["lastCheckDate"]
    assert {pool["lastCheckDate"] is None for pool in opened} == {False}


def test_m2_56_m2_72_calls_bring_the_warning_without_anybody_checking(office: Office, free_key: str) -> None:
    told(office.recharge("0.11", "live"))

    counts = []
    for _ in range(11):
        assert one_call(office, free_key, "pools-live").status == 200
        counts.append([each["alertType"] for each in alerts(office, "live")])

    assert counts == [[]] * 9 + [["low_balance"], ["insufficient_balance"]]  # 2 of 11 are 18 %, 1 of 11 is 9 %


# --- models without money ---


def test_m2_35_m2_57_m2_77_m2_79_what_money_switched_off_and_nothing_else_comes_back_with_money(
    office: Office, free_key: str, upstream: UpstreamServer
) -> None:
    def status(provider: str) -> tuple[object, ...]:
        shown = model(office, f"{provider}/pools-{provider}")
        return shown["enabled"], shown["status"], shown["statusText"], shown["disabledCause"]

    told(office.recharge("0.02", "dry"))
    off = told(office.put("/api/admin/billing/models/hand/pools-hand", enabled=False, reason="维护中"))
    assert [one_call(office, free_key, "pools-dry").status for _ in range(2)] == [200, 200]
    served = upstream.served.total

    refused = one_call(office, free_key, "pools-dry")

    assert (refused.status, upstream.served.total) == (503, served)
    assert NO_MONEY in str(refused.error["message"])
    assert off["statusText"] == "维护中"
    assert status("dry") == (False, "no_money", NO_MONEY, "money")
    assert status("hand") == (False, "disabled", "维护中", "hand")
    assert (office.pool("dry")["modelsOff"], office.pool("dry")["statusText"]) == (True, "耗尽")
    assert one_call(office, free_key, "pools-hand").status == 503
    (critical,) = alerts(office, "dry")

    told(office.recharge("1", "dry"))

    assert status("dry") == (True, "enabled", "启用", None)
    assert status("hand") == (False, "disabled", "维护中", "hand")
    assert one_call(office, free_key, "pools-dry").status == 200
    assert one_call(office, free_key, "pools-hand").status == 503
    assert alerts(office, "dry") == []
    (resolved,) = alerts(office, "dry", "true")
    assert (resolved["id"], resolved["resolvedBy"]) == (critical["id"], "system")
    told(office.put("/api/admin/billing/models/hand/pools-hand", enabled=True))
    assert one_call(office, free_key, "pools-hand").status == 200


def test_m2_57_when_a_pool_is_empty_the_next_provider_answers(office: Office, free_key: str) -> None:
    def served_by() -> object:
        answer = one_call(office, free_key, "shared")
        assert answer.status == 200, answer
        return answer.headers["x-smart-ai-router-channel"]

    told(office.recharge("0.02", "first"))

    assert [served_by() for _ in range(4)] == ["ch_first", "ch_first", "ch_second", "ch_second"]
    assert office.pool("first")["availableBalance"] == 0
    told(office.recharge("0.01", "first"))
    assert [served_by() for _ in range(2)] == ["ch_first", "ch_second"]


# --- what people do with it ---


def test_m2_74_the_round_of_the_day_finds_the_pool_that_is_low_and_fills_it(office: Office) -> None:
    fill_to(office, "daily", "3")

    told(office.post(f"{POOL}/check"))
    low = [pool for pool in pools(office).values() if pool["isLowBalance"] and pool["providerId"] == "daily"]
    for pool in low:
        told(office.recharge(str(100 - pool["availableBalance"]), pool["providerId"]))

    assert [pool["providerId"] for pool in low] == ["daily"]
    after = office.pool("daily")
    assert (after["availableBalance"], after["isLowBalance"], after["openAlertId"]) == (100, False, None)
    assert alerts(office, "daily") == []
