"""Rows M1.32 to M1.38, M1.44 to M1.46, M1.49 to M1.54, M1.76, M1.78: a router that finds a journal and is asked.

The expected figures are counted by hand from `MADE` below, without any of the router's own code.
"""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smart_ai_router.core.usage_record import encode_usage_record
from tests.core.usage_samples import GUIDE_FIGURES, GUIDE_LINE, call, failed
from tests.e2e.router_harness import Router, running

OFFICIAL = ("ch_openai_001", "OpenAI Official", "openai")
SECOND = ("ch_claude_001", "Claude", "anthropic")


class Made(NamedTuple):
    """One prepared call; each has 450 tokens, or none when it failed."""

    day: str
    model: str
    channel: tuple[str, str, str]
    cost: Decimal
    ok: bool = True


MADE = (
    Made("2025-08-04", "gpt-4o-mini", OFFICIAL, Decimal("1")),
    Made("2025-08-19", "gpt-4o-mini", OFFICIAL, Decimal("0.25")),
    Made("2025-08-20", "gpt-4o-mini", OFFICIAL, Decimal("0.000375")),
    Made("2025-08-20", "gpt-4o-mini", OFFICIAL, Decimal("0.000375")),
    Made("2025-08-20", "claude-3-haiku", SECOND, Decimal("0.5")),
    Made("2025-08-20", "claude-3-haiku", SECOND, Decimal("0"), ok=False),
    Made("2025-08-24", "gpt-4o-mini", OFFICIAL, Decimal("0.000375")),  # the guide's own line
)
DATED = ("daily", "weekly", "monthly", "summary", "top-models", "top-channels", "cost-breakdown", "users", "tags")
DAYS = {
    "daily": ("2025-08-20", "2025-08-20"),
    "weekly": ("2025-08-18", "2025-08-24"),
    "monthly": ("2025-08-01", "2025-08-31"),
}


def write_journal(logs: Path) -> None:
    logs.mkdir()
    for number, made in enumerate(MADE):
        names = dict(zip(("channel_id", "channel_name", "provider"), made.channel, strict=True))
        changes = {**names, "model": made.model}
        record = call(number, made.day, str(made.cost), **changes) if made.ok else failed(number, made.day, **changes)
        line = GUIDE_LINE if made.day == "2025-08-24" else encode_usage_record(record)
        with (logs / f"usage_{made.day.replace('-', '')}.jsonl").open("ab") as file:
            file.write(line + b"\n")


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    folder = tmp_path_factory.mktemp("statistics")
    write_journal(folder / "logs")
    with running(folder, {"channels": []}) as started:
        yield started


def counted(first: str, last: str) -> dict[str, object]:
    """The guide's totals of some days, by hand."""
    made = [each for each in MADE if first <= each.day <= last]
    good = [each for each in made if each.ok]
    return {
        "total_requests": len(made),
        "total_cost": sum((each.cost for each in made), Decimal(0)),
        "total_input_tokens": 150 * len(good),
        "total_output_tokens": 300 * len(good),
        "total_tokens": 450 * len(good),
        "successful_requests": len(good),
        "failed_requests": len(made) - len(good),
    }


def totals(data: dict[str, Any]) -> dict[str, object]:
    return {key: data[key] for key in counted("", "")}


def test_m1_32_m1_76_a_day_in_the_guides_shape(router: Router) -> None:
    data = router.stats("daily", target_date="2025-08-24")

    assert list(data)[: 1 + len(GUIDE_FIGURES)] == ["date", *GUIDE_FIGURES]
    cost = Decimal("0.000375")
    share = {"requests": 1, "cost": cost, "tokens": 450}
    assert data["date"] == "2025-08-24"
    assert totals(data) == {**counted("2025-08-24", "2025-08-24"), "total_cost": cost, "total_tokens": 450}
    for group, name in (("providers", "openai"), ("channels", "OpenAI Official"), ("models", "gpt-4o-mini")):
        assert list(data[group]) == [name]
        assert share.items() <= data[group][name].items()
    assert data["avg_cost_per_request"] == cost
    assert data["avg_cost_per_1k_tokens"] == Decimal("0.000833333333")
    raw = router.admin("GET", "/v1/stats/daily?target_date=2025-08-24").body
    assert b'"total_cost":0.000375,' in raw  # plain digits, never 3.75e-04


def test_m1_32_a_day_without_calls_has_the_same_keys(router: Router) -> None:
    data = router.stats("daily", target_date="2024-02-29")

    assert list(data)[: 1 + len(GUIDE_FIGURES)] == ["date", *GUIDE_FIGURES]
    assert totals(data) == counted("2024-02-29", "2024-02-29")
    assert (data["providers"], data["channels"], data["models"]) == ({}, {}, {})


def test_m1_33_a_week_begins_on_monday(router: Router) -> None:
    data = router.stats("weekly", target_date="2025-08-20")

    assert (data["week_start"], data["week_end"]) == ("2025-08-18", "2025-08-24")
    assert "date" not in data
    new_year = router.stats("weekly", target_date="2020-01-01")
    assert (new_year["week_start"], new_year["week_end"]) == ("2019-12-30", "2020-01-05")
    this_week = router.stats("weekly")
    assert date.fromisoformat(this_week["week_start"]).weekday() == 0
    assert date.fromisoformat(this_week["week_end"]) - date.fromisoformat(this_week["week_start"]) == timedelta(6)


def test_m1_34_a_month_names_its_year_and_number(router: Router) -> None:
    data = router.stats("monthly", year=2025, month=8)

    assert (data["year"], data["month"]) == (2025, 8)
    assert totals(data) == counted(*DAYS["monthly"])
    assert router.admin("GET", "/v1/stats/monthly?year=2025&month=13").status == 400


def test_m1_35_m1_53_the_summary_shows_how_costs_change(router: Router) -> None:
    data = router.stats("summary", target_date="2025-08-20")

    assert list(data)[:4] == ["today", "this_week", "this_month", "comparison"]
    day = Decimal("0.50075")
    week = Decimal("0.75075")  # Monday to Wednesday
    month = Decimal("1.75075")  # 1st to 20th
    assert [data[part]["total_cost"] for part in ("today", "this_week", "this_month")] == [day, week, month]
    expected = {
        "daily_vs_weekly_avg": (day - week / 3) / (week / 3),
        "weekly_vs_monthly_avg": (week - 7 * month / 20) / (7 * month / 20),
    }
    for name, value in expected.items():
        assert abs(data["comparison"][name] - value) < Decimal("1e-11")
        assert value != 0


def test_m1_36_models_rank_by_requests(router: Router) -> None:
    data = router.stats("top-models", period="weekly", target_date="2025-08-20")

    assert (data["period"], data["target_date"]) == ("weekly", "2025-08-20")
    assert [(row["model"], row["requests"]) for row in data["models"]] == [("gpt-4o-mini", 4), ("claude-3-haiku", 2)]
    cost = Decimal("0.251125")
    expected = {"cost": cost, "tokens": 1800, "avg_cost_per_request": cost / 4, "avg_tokens_per_request": 450}
    assert expected.items() <= data["models"][0].items()


def test_m1_37_channels_rank_by_cost(router: Router) -> None:
    data = router.stats("top-channels", period="weekly", target_date="2025-08-20")

    rows = [(row["channel"], row["cost"]) for row in data["channels"]]
    assert rows == [("Claude", Decimal("0.5")), ("OpenAI Official", Decimal("0.251125"))]


@pytest.mark.parametrize("breakdown_by", ["model", "channel", "provider"])
def test_m1_38_m1_50_m1_51_m1_52_a_breakdown_sums_to_its_total_dearest_first(router: Router, breakdown_by: str) -> None:
    data = router.stats("cost-breakdown", breakdown_by=breakdown_by, period="monthly", target_date="2025-08-24")

    names = {"model": 1, "channel": 2, "provider": 2}
    made = sorted({str(each[1] if breakdown_by == "model" else each[2][names[breakdown_by] - 1]) for each in MADE})
    rows = data["breakdown"]
    assert len(rows) == len(made) == 2
    assert [row["cost"] for row in rows] == sorted((row["cost"] for row in rows), reverse=True)
    assert sum(row["cost"] for row in rows) == data["total_cost"] == Decimal("1.751125")
    assert [row["percentage"] for row in rows] == [Decimal("71.45"), Decimal("28.55")]
    dearest = {"model": "gpt-4o-mini", "channel": "OpenAI Official", "provider": "openai"}
    assert rows[0][breakdown_by] == dearest[breakdown_by]
    assert {"cost", "percentage", "requests", "tokens"} <= set(rows[0])


def test_m1_44_m1_53_two_dates_give_two_days_and_bad_dates_are_refused(router: Router) -> None:
    days = [router.stats("daily", target_date=day) for day in ("2025-08-20", "2025-08-24")]

    assert [day["total_cost"] for day in days] == [Decimal("0.50075"), Decimal("0.000375")]
    for name in DATED:
        for bad in (
            "2025-8-20",
            "20250820",
            "2026-02-30",
            "yesterday",
            "",
            "0000-01-01",
            "10000-01-01",
            "2025-08-20T00:00:00",
        ):
            answer = router.admin("GET", f"/v1/stats/{name}?target_date={bad}")
            assert (answer.status, answer.json) == (400, {"detail": "日期格式错误，请使用YYYY-MM-DD格式"}), (name, bad)
        for edge in ("0001-01-01", "1969-12-31", "2094-01-01", "9999-12-31"):
            assert router.admin("GET", f"/v1/stats/{name}?target_date={edge}").status in (200, 400), (name, edge)


@pytest.mark.parametrize("period", list(DAYS))
def test_m1_45_m1_49_day_week_and_month_are_what_a_hand_counts(router: Router, period: str) -> None:
    data = router.stats(period, target_date="2025-08-20")
    ranked = router.stats("top-models", period=period, target_date="2025-08-20")

    assert totals(data) == counted(*DAYS[period])
    assert sum(row["requests"] for row in ranked["models"]) == data["total_requests"]


def test_m1_45_m1_46_other_periods_and_limits_are_refused(router: Router) -> None:
    one = router.stats("top-models", period="monthly", limit=1, target_date="2025-08-20")
    assert len(one["models"]) == 1

    for question in ("top-models?period=yearly", "top-models?limit=0", "top-channels?limit=51", "top-channels?limit=x"):
        assert router.admin("GET", f"/v1/stats/{question}").status == 422
    assert router.admin("GET", "/v1/stats/cost-breakdown?breakdown_by=colour").status == 422
    assert router.admin("GET", "/v1/stats/daily?colour=blue").status == 200  # an unknown parameter is none


def test_m1_54_the_failure_rate_of_a_channel_is_visible_in_its_day(router: Router) -> None:
    data = router.stats("daily", target_date="2025-08-20")

    claude = data["channels"]["Claude"]
    assert (claude["successful_requests"], claude["failed_requests"]) == (1, 1)
    assert data["channel_details"]["ch_claude_001"]["failed_requests"] == 1
    assert data["channels"]["OpenAI Official"]["failed_requests"] == 0


def test_m1_78_every_dated_question_answers_for_the_date_asked(router: Router) -> None:
    costs = {
        name: json.dumps(router.admin("GET", f"/v1/stats/{name}?target_date=2025-08-20").json["data"], default=str)
        for name in DATED
    }

    for name, answer in costs.items():
        other = json.dumps(router.admin("GET", f"/v1/stats/{name}?target_date=2024-01-01").json["data"], default=str)
        assert answer != other, name
    assert '"2025-08-20"' in costs["top-models"]
    assert '"year": 2025, "month": 8' in costs["monthly"]
