"""`/v1/stats/*` over HTTP: the guide's envelopes, parameters and errors."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from datetime import date

import httpx2
import pytest
from fastapi.routing import APIRoute

from smart_ai_router.api.control import create_control_app
from smart_ai_router.api.usage_stats import usage_stats_router
from smart_ai_router.core.statistics_store import Dimension, GroupingUnavailable, TotalsRow
from tests.api.control_fixtures import ADMIN, STATS_PATHS, administrator, client_over, services_over
from tests.core.usage_samples import call, failed

BAD_DATE = {"detail": "日期格式错误，请使用YYYY-MM-DD格式"}
DATED = [
    "/v1/stats/daily",
    "/v1/stats/weekly",
    "/v1/stats/monthly",
    "/v1/stats/summary",
    "/v1/stats/top-models",
    "/v1/stats/top-channels",
    "/v1/stats/cost-breakdown",
    "/v1/stats/query",
    "/v1/stats/users",
    "/v1/stats/tags",
]


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/v1/stats/daily", ["date", "total_requests", "total_cost"]),
        ("/v1/stats/weekly", ["total_requests", "total_cost", "total_input_tokens"]),
        ("/v1/stats/monthly", ["total_requests", "total_cost", "total_input_tokens"]),
        ("/v1/stats/summary", ["today", "this_week", "this_month", "comparison"]),
        ("/v1/stats/top-models", ["period", "target_date", "models"]),
        ("/v1/stats/top-channels", ["period", "target_date", "channels"]),
        ("/v1/stats/cost-breakdown", ["period", "breakdown_by", "target_date", "total_cost", "breakdown"]),
        ("/v1/stats/alerts", ["time_range_hours", "total_alerts", "alert_counts", "alerts"]),
        ("/v1/stats/channel-status", ["notified_channels", "error_counts", "last_error_times"]),
        ("/v1/stats/users", ["period", "target_date", "users"]),
        ("/v1/stats/tags", ["period", "target_date", "tags"]),
        ("/v1/stats/query", ["first", "last", "by"]),
    ],
)
def test_m1_32_to_m1_40_each_question_answers_in_the_envelope(path: str, keys: list[str]) -> None:
    response = client_over([call(1)]).get(path)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["success", "data"]
    assert body["success"] is True
    assert list(body["data"])[: len(keys)] == keys
    assert body["data"]["complete"] is True


def test_money_is_plain_exact_digits() -> None:
    text = client_over([call(1, cost="0.000000075"), call(2, cost="7000000.000000000001")]).get("/v1/stats/daily").text

    assert '"total_cost":7000000.000000075001,' in text
    assert '"avg_cost_per_request":3500000.0000000375005,' in text
    assert "E-" not in text
    assert "e-0" not in text


@pytest.mark.parametrize("path", DATED)
@pytest.mark.parametrize("text", ["0", "2026-02-30", "10000-01-01", "0001-01-01", "", "2025/08/20", "today", "１"])
def test_m1_44_a_bad_date_is_400_everywhere(path: str, text: str) -> None:
    response = administrator().get(path, params={"target_date": text})

    assert (response.status_code, response.json()) == (400, BAD_DATE)


@pytest.mark.parametrize("path", DATED)
@pytest.mark.parametrize("text", ["1970-01-01", "9998-12-31", "2024-02-29"])
def test_the_first_and_last_days_answer_everywhere(path: str, text: str) -> None:
    assert administrator().get(path, params={"target_date": text}).status_code == 200


def test_m1_44_m1_53_two_dates_give_two_days() -> None:
    client = client_over([call(1, "2025-08-20", "1"), call(2, "2025-08-24", "2")])

    costs = [
        client.get("/v1/stats/daily", params={"target_date": day}).json()["data"]["total_cost"]
        for day in ("2025-08-20", "2025-08-24")
    ]

    assert costs == [1, 2]


@pytest.mark.parametrize("path", DATED)
def test_m1_78_every_dated_question_answers_for_the_date_asked(path: str) -> None:
    # given: nothing today, one call a year earlier
    client = client_over([call(1, "2024-08-20", "3", tags=("chat",))])

    then = client.get(path, params={"target_date": "2024-08-20", "period": "monthly"}).text
    now = client.get(path).text

    assert '"cost":3' in then
    assert '"cost":3' not in now


def test_a_month_by_numbers_goes_before_the_target_date_and_half_a_month_does_not_count() -> None:
    client = client_over([call(1, "2025-07-01", "1"), call(2, "2025-08-01", "2"), call(3, "2024-01-01", "4")])

    def cost(**params: object) -> object:
        return client.get("/v1/stats/monthly", params=params).json()["data"]["total_cost"]

    assert cost(year=2025, month=7) == 1
    assert cost(year=2025, month=7, target_date="2024-01-15") == 1
    assert cost(month=7) == cost(year=2024) == cost() == 2
    assert cost(month=7, target_date="2024-01-15") == 4


@pytest.mark.parametrize(
    "params",
    [
        {"year": 2025, "month": 13},
        {"year": 2025, "month": 0},
        {"year": 2025, "month": -1},
        {"year": 0, "month": 1},
        {"year": 10**30, "month": 1},
        {"year": 9999, "month": 12},
    ],
)
def test_a_month_that_does_not_exist_is_400(params: dict[str, int]) -> None:
    response = administrator().get("/v1/stats/monthly", params=params)

    assert response.status_code == 400
    assert "month" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/stats/top-models", "period", "yearly"),
        ("/v1/stats/top-models", "limit", "0"),
        ("/v1/stats/top-models", "limit", "51"),
        ("/v1/stats/top-channels", "limit", "ten"),
        ("/v1/stats/cost-breakdown", "breakdown_by", "user"),
        ("/v1/stats/cost-breakdown", "period", "DAILY"),
        ("/v1/stats/alerts", "hours", "0"),
        ("/v1/stats/alerts", "hours", "169"),
        ("/v1/stats/alerts", "hours", "1.5"),
        ("/v1/stats/monthly", "month", "August"),
        ("/v1/stats/query", "order_by", "colour"),
    ],
)
def test_m1_45_a_parameter_of_the_wrong_kind_is_422_and_is_not_echoed(path: str, name: str, value: str) -> None:
    sent = f"{value}<script>" if not value.isdigit() else value

    response = administrator().get(path, params={name: sent})

    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert list(problem) == ["type", "loc", "msg"]
    assert problem["loc"] == ["query", name]
    assert "<script>" not in response.text


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v1/stats/top-models", "limit", "1"),
        ("/v1/stats/top-models", "limit", "50"),
        ("/v1/stats/alerts", "hours", "1"),
        ("/v1/stats/alerts", "hours", "168"),
        ("/v1/stats/top-channels", "period", "weekly"),
        ("/v1/stats/daily", "unheard_of", "1"),
    ],
)
def test_the_bounds_themselves_and_unknown_parameters_are_accepted(path: str, name: str, value: str) -> None:
    assert administrator().get(path, params={name: value}).status_code == 200


def test_m1_45_the_three_periods_reach_as_far_as_they_say() -> None:
    client = client_over([call(1, "2025-08-20", "1"), call(2, "2025-08-18", "2"), call(3, "2025-08-01", "4")])

    totals = [
        client.get("/v1/stats/cost-breakdown", params={"period": period}).json()["data"]["total_cost"]
        for period in ("daily", "weekly", "monthly")
    ]

    assert totals == [1, 3, 7]


def test_m1_46_limit_cuts_the_ranking() -> None:
    client = client_over([call(1, model="a"), call(2, model="b")])

    assert len(client.get("/v1/stats/top-models?limit=1").json()["data"]["models"]) == 1
    assert len(client.get("/v1/stats/top-channels?limit=1").json()["data"]["channels"]) == 1


def test_m1_51_m1_52_the_guides_two_breakdowns_answer() -> None:
    client = client_over([call(1, cost="1", model="cheap"), call(2, cost="3", model="dear", channel_id="ch_2")])

    by_model = client.get("/v1/stats/cost-breakdown?breakdown_by=model&period=monthly").json()["data"]["breakdown"]
    by_channel = client.get("/v1/stats/cost-breakdown?breakdown_by=channel&period=monthly").json()["data"]["breakdown"]

    assert [(row["model"], row["percentage"]) for row in by_model] == [("dear", 75), ("cheap", 25)]
    assert [row["channel_id"] for row in by_channel] == ["ch_2", "ch_openai_001"]


def test_m1_54_a_day_shows_each_channels_failures() -> None:
    detail = client_over([call(1), failed(2), failed(3)]).get("/v1/stats/daily").json()["data"]["channel_details"]

    assert detail["ch_openai_001"]["failed_requests"] == 2
    assert detail["ch_openai_001"]["failure_rate"] == 66.67


def test_m1_75_the_free_query_groups_filters_and_orders() -> None:
    client = client_over(
        [
            call(1, "2025-08-01", "1", user_id="ada", model="a"),
            call(2, "2025-08-02", "2", user_id="ada", model="b"),
            call(3, "2025-08-02", "4", user_id="bob", model="b"),
        ]
    )
    params = {"by": "model", "first": "2025-08-01", "last": "2025-08-31", "user": "ada", "order_by": "cost"}

    data = client.get("/v1/stats/query", params=params).json()["data"]

    assert [(row["model"], row["cost"]) for row in data["rows"]] == [("b", 2), ("a", 1)]
    assert data["filters"] == {"user": "ada"}


def test_m1_73_the_region_of_a_call_is_a_dimension_of_the_query() -> None:
    client = client_over([call(1, cost="1", region="eu"), call(2, cost="2", region="us"), call(3, cost="4")])

    rows = client.get("/v1/stats/query?by=region").json()["data"]["rows"]

    assert [(row["region"], row["cost"]) for row in rows] == [("(none)", 4), ("eu", 1), ("us", 2)]


def test_m1_65_the_statistics_interface_stands_where_the_guide_says() -> None:
    paths = {path for _, path in STATS_PATHS if "ch_openai" not in path}

    router = usage_stats_router(services_over())

    assert paths <= {route.path for route in router.routes if isinstance(route, APIRoute)}


@pytest.mark.parametrize(
    "params",
    [{"by": "colour"}, {"first": "2025-08-02", "last": "2025-08-01"}, {"first": "2025-08-21"}, {"first": "x"}],
)
def test_a_query_that_has_no_answer_is_400(params: dict[str, str]) -> None:
    response = administrator().get("/v1/stats/query", params=params)

    assert response.status_code == 400
    assert isinstance(response.json()["detail"], str)


class SmallStore:
    """Keeps no totals by two dimensions at once."""

    def totals(
        self, first: date, last: date, by: Sequence[Dimension] = (), where: Mapping[Dimension, str] | None = None
    ) -> list[TotalsRow]:
        if len(by) > 1:
            raise GroupingUnavailable("there are totals by model, by user")
        return []

    def channel_names(self) -> dict[str, str]:
        return {}


def test_a_grouping_that_the_store_does_not_keep_is_400_with_those_that_it_does() -> None:
    response = client_over(statistics=SmallStore()).get("/v1/stats/query?by=model,user")

    assert (response.status_code, response.json()) == (400, {"detail": "there are totals by model, by user"})


def test_books_that_did_not_catch_up_say_so() -> None:
    client = client_over([call(1)], catch_up=lambda: False)

    for path in [*DATED, "/v1/stats/alerts", "/v1/stats/channel-status"]:
        assert client.get(path).json()["data"]["complete"] is False


def test_the_books_catch_up_before_they_are_asked() -> None:
    asked: list[str] = []

    class Watching(SmallStore):
        def totals(
            self, first: date, last: date, by: Sequence[Dimension] = (), where: Mapping[Dimension, str] | None = None
        ) -> list[TotalsRow]:
            asked.append("totals")
            return []

    def catch_up() -> bool:
        asked.append("catch up")
        return True

    client = client_over(statistics=Watching(), catch_up=catch_up)
    for path in DATED:
        asked.clear()
        assert client.get(path).status_code == 200
        assert asked[0] == "catch up"


def test_n_14_a_slow_statistic_does_not_hold_up_the_others() -> None:
    released = threading.Event()

    class Slow(SmallStore):
        def totals(
            self, first: date, last: date, by: Sequence[Dimension] = (), where: Mapping[Dimension, str] | None = None
        ) -> list[TotalsRow]:
            assert released.wait(30)
            return []

    app = create_control_app(services_over(statistics=Slow()))

    async def ask() -> tuple[int, int]:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://control", headers=ADMIN) as client:
            slow = asyncio.create_task(client.get("/v1/stats/summary"))
            quick = await asyncio.wait_for(client.get("/v1/stats/channel-status"), 10)
            assert not slow.done()
            released.set()
            return quick.status_code, (await asyncio.wait_for(slow, 10)).status_code

    assert asyncio.run(ask()) == (200, 200)


def test_a_failure_of_ours_is_500_without_details() -> None:
    class Broken(SmallStore):
        def totals(
            self, first: date, last: date, by: Sequence[Dimension] = (), where: Mapping[Dimension, str] | None = None
        ) -> list[TotalsRow]:
            raise RuntimeError("secret path /var/lib/router")

    client = client_over(statistics=Broken())
    client._transport.raise_server_exceptions = False

    response = client.get("/v1/stats/daily")

    assert (response.status_code, response.json()) == (500, {"detail": "服务器内部错误，详情见日志"})
    assert response.headers["x-content-type-options"] == "nosniff"
