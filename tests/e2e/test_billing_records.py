"""The second guide's pages of records, costs, models and prices, asked of a router at work."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from smart_ai_router.core.usage_files import UsageFiles
from smart_ai_router.core.usage_record import BillLine, UsageRecord, encode_usage_record
from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.router_harness import CHAT, GUIDE_PRICES, Answer, Router, channel, running

BILLING = "/api/admin/billing"
KEYS = {user: f"sk-of-{user}-0123456789abcdef" for user in ("alice", "bob")}
RATE = Decimal("7.1234")
COST = Decimal("0.000375")  # 150 and 300 tokens at 0.50 and 1.00 a million


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """Two providers, one of which always fails, two users, and a rate of dollars to yuan."""
    config = {
        "providers": {"openai": {"base_url": upstream.base_url}, "deepseek": {"base_url": upstream.base_url}},
        "channels": [
            channel("ch_openai_001", upstream.base_url, "gpt-4o-mini", prices=GUIDE_PRICES),
            channel("ch_bad", upstream.base_url, "deepseek-chat", fault="status-500", provider="deepseek"),
        ],
        "auth": {"keys": [{"name": user, "user": user, "key": key} for user, key in KEYS.items()]},
        "prices": {"exchange_rates": [{"from": "USD", "to": "CNY", "rate": "7.1234", "date": "2025-01-01"}]},
    }
    with running(tmp_path_factory.mktemp("billing"), config) as router:
        yield router


@pytest.fixture(scope="module")
def calls(router: Router) -> dict[str, list[str]]:
    """Who made which calls, the first first."""
    made: dict[str, list[str]] = {"alice": [], "bob": [], "failed": []}
    for user, count in (("alice", 3), ("bob", 2)):
        for _ in range(count):
            answer = call(router, user)
            assert answer.status == 200, answer
            made[user].append(answer.request_id)
    failed = call(router, "bob", "deepseek-chat")
    assert failed.status >= 500, failed
    made["failed"].append(failed.request_id)
    return made


def call(router: Router, user: str, model: str = "gpt-4o-mini") -> Answer:
    return router.call({**CHAT, "model": model}, authorization=f"Bearer {KEYS[user]}")


def ask(router: Router, path: str, **parameters: object) -> Any:
    answer = router.admin("GET", f"{BILLING}/{path}?{urlencode(parameters)}")
    assert answer.status == 200, answer
    return answer.json


def ids(told: Any) -> list[str]:
    return [each["id"] for each in told["records"]]


def today() -> str:
    return datetime.now(UTC).date().isoformat()


# --- records ---


def test_m2_05_m2_10_m2_14_m2_39_to_m2_46_m2_61_every_call_is_listed_as_the_journal_has_it(
    router: Router, calls: dict[str, list[str]]
) -> None:
    told = ask(router, "usage/records")

    everything = {*calls["alice"], *calls["bob"], *calls["failed"]}
    assert set(ids(told)) == everything
    assert (told["totalElements"], told["complete"], told["currency"]) == (6, True, "CNY")
    for row in told["records"]:
        line = router.record_of(row["requestId"])
        assert (row["userId"], row["providerId"], row["modelId"]) == (line["user_id"], line["provider"], line["model"])
        assert row["totalTokens"] == row["inputTokens"] + row["outputTokens"] == line["total_tokens"]
        assert row["costAmount"] == line["total_cost"] * RATE
        assert row["createdAt"][:19] == line["timestamp"][:19]
        assert row["usageType"] == "text_generation"
    assert {row["providerName"] for row in told["records"]} == {"OpenAI", "DeepSeek"}
    assert {row["costAmount"] for row in told["records"] if row["status"] == "success"} == {COST * RATE}


def test_m2_06_to_m2_08_m2_11_m2_12_m2_62_records_are_filtered_by_user_provider_and_model(
    router: Router, calls: dict[str, list[str]]
) -> None:
    assert ids(ask(router, "usage/records", userId="alice")) == calls["alice"][::-1]
    assert ids(ask(router, "usage/records", providerId="deepseek")) == calls["failed"]
    frequency = ask(router, "usage/records", modelId="gpt-4o-mini", size=1)
    assert (frequency["totalElements"], len(frequency["records"])) == (5, 1)
    both = ask(router, "usage/records", userId="bob", modelId="gpt-4o-mini", providerId="openai", page=0, size=20)
    assert ids(both) == calls["bob"][::-1]


def test_m2_09_m2_70_records_are_filtered_by_whole_days(router: Router, calls: dict[str, list[str]]) -> None:
    day = datetime.now(UTC).date()
    tomorrow, long_ago = (day + timedelta(days=1)).isoformat(), "2025-01-01"

    assert ask(router, "usage/records", startDate=tomorrow)["totalElements"] == 0
    assert ask(router, "usage/records", startDate=long_ago, endDate=tomorrow)["totalElements"] == 6
    assert router.admin("GET", f"{BILLING}/usage/records?startDate=2026-2-1").status == 400


def test_m2_13_m2_45_a_failed_call_is_listed_with_its_reason(router: Router, calls: dict[str, list[str]]) -> None:
    (row,) = ask(router, "usage/records", status="failed")["records"]

    assert [row["id"]] == calls["failed"]
    assert (row["status"], row["outcome"]) == ("failed", "failed")
    assert row["errorMessage"] == router.record_of(row["id"])["error_message"]
    assert row["attempts"][0]["errorKind"] == row["errorKind"]


def test_a14_pages_lead_on_by_their_cursor(router: Router, calls: dict[str, list[str]]) -> None:
    first = ask(router, "usage/records", userId="alice", size=2)
    second = ask(router, "usage/records", userId="alice", size=2, cursor=first["nextCursor"])

    assert (ids(first) + ids(second), second["nextCursor"]) == (calls["alice"][::-1], None)
    assert ids(ask(router, "usage/records", userId="alice", size=2, page=1)) == calls["alice"][:1]


def test_one_record_is_read_in_full(router: Router, calls: dict[str, list[str]]) -> None:
    told = ask(router, f"usage/records/{calls['alice'][0]}")

    line = router.record_of(calls["alice"][0])
    assert [(each["meter"], each["quantity"], each["amount"]) for each in told["lines"]] == [
        (each["meter"], each["quantity"], each["amount"]) for each in line["lines"]
    ]
    assert (told["requestedModel"], told["tags"], told["lineState"]) == ("gpt-4o-mini", line["tags"], "live")
    assert router.admin("GET", f"{BILLING}/usage/records/req_unknown").status == 404


def test_the_file_holds_every_record(router: Router, calls: dict[str, list[str]]) -> None:
    answer = router.admin("GET", f"{BILLING}/usage/records/export?userId=alice")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))
    assert [row["id"] for row in rows] == calls["alice"][::-1]
    assert {Decimal(row["costAmount"]) for row in rows} == {COST * RATE}


# --- costs ---


def test_m2_15_to_m2_19_m2_47_to_m2_50_m2_63_m2_64_costs_by_day_are_the_sums_of_the_records(
    router: Router, calls: dict[str, list[str]]
) -> None:
    rows = ask(router, "cost/daily")

    assert {(row["statDate"], row["providerId"], row["modelId"], row["usageType"]) for row in rows} == {
        (today(), "openai", "gpt-4o-mini", "text_generation"),
        (today(), "deepseek", "deepseek-chat", "text_generation"),
    }
    records = ask(router, "usage/records")["records"]
    for row in rows:
        mine = [each for each in records if each["modelId"] == row["modelId"]]
        assert row["callCount"] == len(mine)
        assert row["totalCost"] == sum(each["costAmount"] for each in mine)
        assert row["totalUsage"] == sum(each["totalTokens"] for each in mine)
    assert [row["modelId"] for row in ask(router, "cost/daily", providerId="deepseek")] == ["deepseek-chat"]
    assert ask(router, "cost/daily", endDate="2025-01-01") == []


def test_todays_costs_hold_the_call_that_has_just_ended(router: Router, calls: dict[str, list[str]]) -> None:
    def shown() -> tuple[int, Decimal]:
        (row,) = ask(router, "cost/daily", startDate=today(), modelId="gpt-4o-mini", userId="carol")
        return row["callCount"], row["totalCost"]

    made = router.admin("GET", "/api/admin/users")
    assert made.status == 200
    key = json.loads(_post(router, "/api/admin/users", {"id": "carol", "name": "Carol"}).body)["id"]
    token = json.loads(_post(router, f"/api/admin/users/{key}/keys", {"name": "k"}).body)["key"]
    for number in range(1, 6):
        assert router.call(CHAT, authorization=f"Bearer {token}").status == 200
        assert shown() == (number, number * COST * RATE)


def test_m2_19_m2_75_m2_76_costs_are_compared_by_provider_model_user_and_tag(
    router: Router, calls: dict[str, list[str]]
) -> None:
    told = {
        group_by: ask(router, "cost/summary", groupBy=group_by) for group_by in ("provider", "model", "user", "tag")
    }

    assert [row["key"] for row in told["provider"]["rows"]] == ["openai", "deepseek"]
    by_user = {row["key"]: row for row in told["user"]["rows"]}
    assert (by_user["alice"]["callCount"], by_user["alice"]["totalCost"]) == (3, 3 * COST * RATE)
    assert (by_user["bob"]["callCount"], by_user["bob"]["failedCount"]) == (3, 1)
    assert told["tag"]["overlapping"] is True
    assert len({each["totals"]["totalCost"] for each in told.values()}) == 1


def test_n_08_aggregating_twice_gives_the_same_rows(router: Router, calls: dict[str, list[str]]) -> None:
    before = [{**row, "createdAt": ""} for row in ask(router, "cost/daily")]

    answers = [_post(router, f"{BILLING}/cost/aggregate?days=30") for _ in range(2)]
    ranged = _post(router, f"{BILLING}/cost/aggregate/range?startDate={today()}&endDate={today()}")

    assert [(each.status, each.json["success"]) for each in (*answers, ranged)] == [(200, True)] * 3
    assert answers[0].body == answers[1].body
    assert ranged.json["callCount"] == sum(row["callCount"] for row in before)
    assert [{**row, "createdAt": ""} for row in ask(router, "cost/daily")] == before


# --- models and prices ---


def test_m2_33_m2_34_n_07_models_and_providers_are_listed(router: Router) -> None:
    models = {each["id"]: each for each in ask(router, "models")}

    assert set(models) == {"openai/gpt-4o-mini", "deepseek/deepseek-chat"}
    assert (models["openai/gpt-4o-mini"]["status"], models["openai/gpt-4o-mini"]["statusText"]) == ("enabled", "启用")
    assert models["openai/gpt-4o-mini"]["costPerToken"] == Decimal("0.0000005")
    assert [each["id"] for each in ask(router, "providers")] == ["deepseek", "openai"]
    assert b"sk-upstream" not in router.admin("GET", f"{BILLING}/models").body


def test_m2_36_to_m2_38_n_07_a_new_price_is_what_the_next_call_costs(
    router: Router, calls: dict[str, list[str]]
) -> None:
    page = {each["pricingType"]: each for each in ask(router, "pricing", modelId="gpt-4o-mini")}
    assert (page["input_token"]["unitPrice"], page["output_token"]["unitPrice"]) == (Decimal("0.5"), 1)
    body = {"modelId": "gpt-4o-mini", "pricingType": "input_token", "unitPrice": 0.002, "unit": "per_1k_tokens",
            "channelId": "ch_openai_001"}  # fmt: skip

    preview = _post(router, f"{BILLING}/pricing/preview", body).json
    assert preview["accurate"] is True
    assert preview["recordedCost"] == preview["currentCost"] == preview["callCount"] * COST * RATE
    assert preview["difference"] == preview["callCount"] * 150 * Decimal("0.0000015") * RATE
    made = _post(router, f"{BILLING}/pricing", body)
    assert made.status == 201, made
    assert (made.json["unitPrice"], made.json["unit"], made.json["isActive"]) == (
        Decimal("0.002"),
        "per_1k_tokens",
        True,
    )

    answer = call(router, "alice")
    (row, *_) = ask(router, "usage/records", userId="alice", size=1)["records"]
    assert (row["id"], row["originalCost"]) == (answer.request_id, Decimal("0.0006"))
    assert made.json["id"] in {each["priceVersion"] for each in row["lines"]}
    changed = router.ask(
        "PUT", f"{BILLING}/pricing/{quote(made.json['id'], safe='')}", {"unitPrice": 0.003},
        authorization=f"Bearer {router.token}",
    )  # fmt: skip
    assert (changed.status, changed.json["unitPrice"]) == (200, Decimal("0.003"))
    history = ask(router, "pricing", modelId="gpt-4o-mini", pricingType="input_token", inForce="false")
    assert {each["unitPrice"] for each in history} >= {Decimal("0.003"), Decimal("0.002"), Decimal("0.5")}


def test_m2_34_m2_79_n_07_a_model_that_is_switched_off_by_hand_refuses_calls_and_says_why(
    router: Router, calls: dict[str, list[str]]
) -> None:
    def switch(path: str, **body: object) -> Any:
        answer = router.ask("PUT", f"{BILLING}/{path}", body, authorization=f"Bearer {router.token}")
        assert answer.status == 200, answer
        return answer.json

    off = switch("models/openai/gpt-4o-mini", enabled=False, reason="暂停试用")
    assert (off["status"], off["statusText"], off["disabledCause"]) == ("disabled", "暂停试用", "hand")
    refused = call(router, "alice")
    assert (refused.status, refused.json["error"]["code"]) == (503, "model_disabled")
    assert switch("models/openai/gpt-4o-mini", enabled=True)["statusText"] == "启用"
    assert call(router, "alice").status == 200

    assert switch("providers/openai", enabled=False)["enabled"] is False
    assert call(router, "alice").status == 503
    assert switch("providers/openai", enabled=True)["enabled"] is True
    assert call(router, "alice").status == 200
    entries = router.admin("GET", "/api/admin/audit?limit=4").json["entries"]
    assert {each["action"] for each in entries} == {"model_switched"}


# --- every kind of use, and who may see it ---


@pytest.mark.parametrize(
    ("usage_type", "meter", "quantity", "field", "unit"),
    [
        ("image_generation", "image", "3", "imageCount", "image"),
        ("audio_tts", "second", "12.5", "audioDuration", "second"),
        ("audio_stt", "minute", "2", "audioDuration", "second"),
        ("video_generation", "second", "30", "videoDuration", "second"),
    ],
)
def test_m2_42_m2_48_every_kind_of_use_is_listed_and_summed_in_its_own_unit(  # noqa: PLR0917 - a row of the table
    router: Router, usage_type: str, meter: str, quantity: str, field: str, unit: str
) -> None:
    now = datetime.now(UTC)
    made = UsageRecord(
        timestamp=f"{now:%Y-%m-%dT%H:%M:%S.%f}Z",
        request_id=f"req_{usage_type}",
        model=usage_type,
        channel_id="ch_media",
        channel_name="Media",
        provider="media",
        input_tokens=0,
        output_tokens=0,
        total_tokens=0,
        input_cost=Decimal(0),
        output_cost=Decimal("1.5"),
        total_cost=Decimal("1.5"),
        cost_currency="CNY",
        usage_type=usage_type,
        lines=(BillLine(meter, Decimal(quantity), "v", Decimal("1.5")),),
    )
    UsageFiles(Path(router.logs_dir)).append(now.date(), encode_usage_record(made))  # as another program beside it

    (row,) = ask(router, "usage/records", modelId=usage_type)["records"]
    (cost,) = ask(router, "cost/daily", modelId=usage_type)

    seconds = {"minute": 60}.get(meter, 1)
    assert (row["usageType"], row[field], row["costAmount"]) == (
        usage_type,
        Decimal(quantity) * seconds,
        Decimal("1.5"),
    )
    assert (cost["totalUsage"], cost["usageUnit"]) == (Decimal(quantity) * seconds, unit)


def test_m2_04_n_13_users_and_strangers_reach_no_billing_path(router: Router) -> None:
    paths = router.get("/openapi.json").json["paths"]
    found = [
        (method.upper(), path) for path, methods in paths.items() if path.startswith(BILLING) for method in methods
    ]

    assert len(found) >= 16
    for method, path in found:
        plain = path.replace("{", "").replace("}", "")
        assert router.ask(method, plain).status == 401, (method, path)
        assert router.ask(method, plain, authorization="Bearer nonsense").status == 401, (method, path)
        assert router.ask(method, plain, authorization=f"Bearer {KEYS['alice']}").status == 403, (method, path)


def _post(router: Router, path: str, body: object = None) -> Answer:
    return router.ask("POST", path, body, authorization=f"Bearer {router.token}")
