"""`GET /api/admin/billing/usage/records` and what belongs to it."""

import csv
import io
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from smart_ai_router.core.usage_record import UsageRecord
from tests.api.billing.billing_fixtures import BILLING, billing_client, exact
from tests.core.billing.billing_samples import USD_RATE, record

PAGE = f"{BILLING}/usage/records"
GUIDE_KEYS = [
    "id", "userId", "providerId", "modelId", "usageType", "inputTokens", "outputTokens", "totalTokens", "imageCount",
    "audioDuration", "videoDuration", "costAmount", "tokenConsumed", "status", "requestId", "errorMessage", "createdAt",
]  # fmt: skip


def failure(at: str, number: int, **given: object) -> UsageRecord:
    return record(at, number, status="error", outcome="failed", error_message="no", error_kind="timeout", **given)


RECORDS = [
    record("2026-01-29 10:00:00", 1),
    record(
        "2026-01-30 10:00:00", 2, user_id="bob", api_key_id="key_b", model="qwen", provider="zhipu", channel_id="ch_2"
    ),
    failure("2026-01-31 10:00:00", 3, usage_type="embedding"),
    record("2026-01-31 11:00:00", 4, model="Qwen/Qwen3-8B"),
]
IDS = {number + 1: each.request_id for number, each in enumerate(RECORDS)}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return billing_client(RECORDS, USD_RATE)


def test_m2_05_m2_14_m2_61_records_come_newest_first_with_the_guide_s_keys_in_its_order(client: TestClient) -> None:
    told = exact(client.get(PAGE))

    assert [each["id"] for each in told["records"]] == [IDS[4], IDS[3], IDS[2], IDS[1]]
    assert list(told)[:5] == ["records", "totalElements", "totalPages", "currentPage", "pageSize"]
    assert (told["totalElements"], told["totalPages"], told["currentPage"], told["pageSize"]) == (4, 1, 0, 20)
    assert list(told["records"][0])[: len(GUIDE_KEYS)] == GUIDE_KEYS


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"userId": "bob"}, [2]),
        ({"providerId": "zhipu"}, [2]),
        ({"modelId": "qwen"}, [2]),
        ({"modelId": "Qwen/Qwen3-8B"}, [4]),
        ({"startDate": "2026-01-30"}, [4, 3, 2]),
        ({"endDate": "2026-01-30"}, [2, 1]),
        ({"startDate": "2026-01-30", "endDate": "2026-01-30"}, [2]),
        ({"status": "failed"}, [3]),
        ({"status": "success"}, [4, 2, 1]),
        ({"usageType": "embedding"}, [3]),
        ({"channelId": "ch_2"}, [2]),
        ({"userId": "bob", "apiKeyId": "key_b"}, [2]),
        ({"userId": "alice", "modelId": "gpt-4o-mini", "status": "success"}, [1]),
        ({"userId": "bob", "providerId": "zhipu", "modelId": "qwen", "startDate": "2026-01-30", "endDate": "2026-01-31",
          "page": 0, "size": 20}, [2]),
        ({"userId": "nobody"}, []),
        ({"userId": ""}, []),
        ({"unknown": "x"}, [4, 3, 2, 1]),
    ],
)  # fmt: skip
def test_m2_06_to_m2_09_m2_11_m2_62_m2_70_every_filter_alone_and_together(
    client: TestClient, asked: dict[str, str | int], found: list[int]
) -> None:
    told = exact(client.get(PAGE, params=asked))

    assert [each["id"] for each in told["records"]] == [IDS[number] for number in found]
    assert told["totalElements"] == told["totals"]["callCount"] == len(found)


def test_m2_13_a_failed_row_shows_its_error(client: TestClient) -> None:
    (told,) = exact(client.get(PAGE, params={"status": "failed"}))["records"]

    assert (told["status"], told["errorMessage"], told["errorKind"]) == ("failed", "no", "timeout")


def test_m2_44_costs_are_exact_digits_in_the_billing_currency(client: TestClient) -> None:
    text = client.get(PAGE, params={"userId": "bob"}).text

    assert '"costAmount":0.00213702,' in text
    assert '"currency":"CNY"' in text
    assert exact(client.get(PAGE, params={"userId": "bob"}))["totals"]["totalCost"] == Decimal("0.00213702")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"startDate": "2026-1-1"}, 400),
        ({"endDate": "yesterday"}, 400),
        ({"startDate": "2026-02-30"}, 400),
        ({"startDate": ""}, 400),
        ({"startDate": "2026-01-31", "endDate": "2026-01-30"}, 400),
        ({"size": 0}, 400),
        ({"size": 201}, 400),
        ({"size": 10**30}, 400),
        ({"page": -1}, 400),
        ({"page": 501}, 400),
        ({"cursor": "x"}, 400),
        ({"apiKeyId": "key_b"}, 400),
        ({"size": "many"}, 422),
        ({"status": "timeout"}, 422),
        ({"userId": "x" * 600}, 422),
    ],
)
def test_what_is_no_question_is_refused_and_not_echoed(
    client: TestClient, asked: dict[str, str | int], status: int
) -> None:
    response = client.get(PAGE, params=asked)

    assert response.status_code == status, response.text
    assert "detail" in response.json()
    assert "xxxxxxxxxx" not in response.text


def test_a14_the_cursor_of_a_page_leads_on(client: TestClient) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        told = exact(client.get(PAGE, params={"size": 1, **({} if cursor is None else {"cursor": cursor})}))
        seen += [each["id"] for each in told["records"]]
        cursor = told["nextCursor"]
        if cursor is None:
            break
    assert seen == [IDS[4], IDS[3], IDS[2], IDS[1]]
    assert [each["id"] for each in exact(client.get(PAGE, params={"size": 1, "page": 2}))["records"]] == [IDS[2]]


def test_one_record_is_told_in_full_or_not_found(client: TestClient) -> None:
    told = exact(client.get(f"{PAGE}/{IDS[1]}"))

    assert (told["requestId"], told["requestType"], told["lineState"]) == (IDS[1], "chat", "live")
    assert list(told)[: len(GUIDE_KEYS)] == GUIDE_KEYS
    missing = client.get(f"{PAGE}/req_nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "record_not_found")


def test_the_file_holds_what_the_page_shows(client: TestClient) -> None:
    response = client.get(f"{PAGE}/export", params={"startDate": "2026-01-30"})

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="usage-records-20260131.csv"'
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert [row["id"] for row in rows] == [IDS[4], IDS[3], IDS[2]]
    assert rows[2]["costAmount"] == "0.00213702"
    assert client.get(f"{PAGE}/export", params={"startDate": "x"}).status_code == 400


def test_half_a_surrogate_pair_in_an_error_text_costs_no_file() -> None:
    client = billing_client(
        [record("2026-01-31 10:00:00", status="error", outcome="failed", error_message="half \ud800")]
    )

    assert client.get(f"{PAGE}/export").status_code == 200


def test_an_answer_says_whether_the_books_were_complete() -> None:
    assert exact(billing_client([], catch_up=lambda: False).get(PAGE))["complete"] is False
    assert exact(billing_client([]).get(PAGE))["complete"] is True
