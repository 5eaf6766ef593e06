"""`/api/admin/billing/cost/*`."""

from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.billing.billing_fixtures import BILLING, billing_client, exact
from tests.core.billing.billing_samples import USD_RATE, record

COST = f"{BILLING}/cost"
RECORDS = [
    record("2026-01-01 10:00:00", 1),  # the 31st day back
    record("2026-01-02 10:00:00", 2),
    record("2026-01-30 10:00:00", 3, user_id="bob", model="qwen", provider="zhipu", channel_id="ch_2"),
    record("2026-01-31 10:00:00", 4),
    record("2026-01-31 11:00:00", 5, status="error", outcome="failed"),
]
ROW_KEYS = ["id", "statDate", "providerId", "modelId", "usageType", "totalUsage", "totalCost", "callCount", "createdAt"]


@pytest.fixture(scope="module")
def client() -> TestClient:
    return billing_client(RECORDS, USD_RATE)


def days(rows: list[dict[str, Any]]) -> list[str]:
    return [row["statDate"] for row in rows]


def test_m2_15_m2_16_m2_63_costs_by_day_are_a_bare_list_of_the_last_thirty_days_today_included(
    client: TestClient,
) -> None:
    response = client.get(f"{COST}/daily")
    rows = exact(response)

    assert days(rows) == ["2026-01-31", "2026-01-30", "2026-01-02"]
    assert list(rows[0])[: len(ROW_KEYS)] == ROW_KEYS
    assert (rows[0]["callCount"], rows[0]["successCount"], rows[0]["failedCount"]) == (2, 1, 1)
    assert (rows[0]["totalUsage"], rows[0]["usageUnit"]) == (300, "token")
    assert (rows[0]["totalCost"], rows[0]["currency"]) == (Decimal("0.00427404"), "CNY")
    assert response.headers["x-books-complete"] == "true"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"startDate": "2026-01-01"}, ["2026-01-31", "2026-01-30", "2026-01-02", "2026-01-01"]),
        ({"endDate": "2026-01-30"}, ["2026-01-30", "2026-01-02", "2026-01-01"]),
        ({"startDate": "2026-01-30", "endDate": "2026-01-30"}, ["2026-01-30"]),
        ({"providerId": "zhipu"}, ["2026-01-30"]),
        ({"modelId": "gpt-4o-mini"}, ["2026-01-31", "2026-01-02"]),
        ({"providerId": "zhipu", "modelId": "qwen"}, ["2026-01-30"]),
        ({"providerId": "openai", "modelId": "qwen"}, []),
        ({"userId": "bob"}, ["2026-01-30"]),
        ({"channelId": "ch_2"}, ["2026-01-30"]),
        ({"usageType": "embedding"}, []),
    ],
)
def test_m2_17_m2_64_m2_70_each_parameter_alone_and_together(
    client: TestClient, asked: dict[str, str], found: list[str]
) -> None:
    assert days(exact(client.get(f"{COST}/daily", params=asked))) == found


def test_m2_49_m2_50_the_rows_of_a_day_are_the_records_of_the_page(client: TestClient) -> None:
    for row in exact(client.get(f"{COST}/daily", params={"startDate": "2026-01-01"})):
        asked = {"startDate": row["statDate"], "endDate": row["statDate"], "modelId": row["modelId"]}
        records = exact(client.get(f"{BILLING}/usage/records", params=asked))["records"]
        assert row["totalCost"] == sum(each["costAmount"] for each in records)
        assert row["callCount"] == len(records)


@pytest.mark.parametrize(
    "asked",
    [
        {"startDate": "2026-1-1"},
        {"endDate": "today"},
        {"startDate": "2026-01-31", "endDate": "2026-01-30"},
        {"startDate": "2024-01-01"},
    ],
)
def test_bad_days_are_refused_everywhere(client: TestClient, asked: dict[str, str]) -> None:
    for method, path in (("GET", "daily"), ("GET", "summary"), ("POST", "aggregate/range")):
        response = client.request(method, f"{COST}/{path}", params=asked)
        assert response.status_code == 400, (path, response.text)


def test_m2_19_costs_are_compared_by_one_dimension(client: TestClient) -> None:
    told = exact(client.get(f"{COST}/summary", params={"startDate": "2026-01-01"}))

    assert [(row["key"], row["name"], row["callCount"], row["percentage"]) for row in told["rows"]] == [
        ("openai", "Name of openai", 4, 80),
        ("zhipu", "Name of zhipu", 1, 20),
    ]
    assert (told["totals"]["totalCost"], told["groupBy"], told["complete"]) == (Decimal("0.0106851"), "provider", True)
    for group_by in ("day", "model", "usageType", "user", "apiKey", "channel", "tag", "region"):
        assert exact(client.get(f"{COST}/summary", params={"groupBy": group_by}))["totals"]["callCount"] == 4


def test_what_cannot_be_grouped_is_refused_with_what_can(client: TestClient) -> None:
    assert client.get(f"{COST}/summary", params={"groupBy": "colour"}).status_code == 422
    refused = client.get(f"{COST}/summary", params={"groupBy": "tag", "userId": "bob"})
    assert (refused.status_code, "tag" in refused.json()["detail"]) == (400, True)
    assert client.get(f"{COST}/summary", params={"limit": 0}).status_code == 400


@pytest.mark.parametrize(
    ("path", "asked", "first", "last", "calls"),
    [
        ("aggregate", {}, "2026-01-30", "2026-01-30", 1),
        ("aggregate", {"days": 30}, "2026-01-01", "2026-01-30", 3),
        ("aggregate", {"date": "2026-01-31"}, "2026-01-31", "2026-01-31", 2),
        ("aggregate/range", {"startDate": "2026-01-02", "endDate": "2026-01-31"}, "2026-01-02", "2026-01-31", 4),
    ],
)
def test_n_08_aggregating_is_idempotent(  # noqa: PLR0917 - one row of the table
    client: TestClient, path: str, asked: dict[str, str | int], first: str, last: str, calls: int
) -> None:
    before = client.get(f"{COST}/daily").json()

    told = [exact(client.post(f"{COST}/{path}", params=asked)) for _ in range(2)]

    assert told[0] == told[1]
    assert (told[0]["success"], told[0]["startDate"], told[0]["endDate"], told[0]["callCount"]) == (
        True,
        first,
        last,
        calls,
    )
    assert client.get(f"{COST}/daily").json() == before


def test_n_08_senseless_days_to_aggregate_are_refused(client: TestClient) -> None:
    for question in (
        "aggregate?days=0",
        "aggregate?date=x",
        "aggregate?date=2026-01-31&days=1",
        "aggregate/range",
        "aggregate/range?startDate=2026-01-31",
    ):
        assert client.post(f"{COST}/{question}").status_code == 400, question
    assert client.post(f"{COST}/aggregate", params={"days": "x"}).status_code == 422


def test_books_that_lag_behind_are_said_to() -> None:
    client = billing_client(RECORDS, catch_up=lambda: False)

    assert client.get(f"{COST}/daily").headers["x-books-complete"] == "false"
    assert exact(client.get(f"{COST}/summary"))["complete"] is False
    assert exact(client.post(f"{COST}/aggregate"))["success"] is False
