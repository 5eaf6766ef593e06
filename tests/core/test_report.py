"""The report's words and figures. Its command is tested in `tests/e2e/test_scripts.py`."""

from smart_ai_router.core.report import report_text, usage_report
from tests.core.usage_samples import WEDNESDAY, call, failed, view_of


def test_m1_57_today_week_month_and_rankings_stand_in_order() -> None:
    view = view_of(
        [
            call(1, "2025-08-20", "0.0000005"),
            failed(2, "2025-08-20"),
            call(3, "2025-08-18", "1234.5", model="dear", channel_id="ch_2", channel_name="Two", provider="qwen"),
            call(4, "2025-08-01", "0.25", model="dear", channel_id="ch_2", channel_name="Two", provider="qwen"),
        ]
    )

    text = report_text(usage_report(view, WEDNESDAY))

    assert text == (
        "[STATS] 使用统计报告 - 2025-08-20\n"
        "============================================================\n"
        "\n"
        "今日统计:\n"
        "  总请求数: 2\n"
        "  总成本: $0.000000\n"
        "  总Tokens: 450\n"
        "  成功率: 1/2 (50.0%)\n"
        "  平均每请求成本: $0.000000\n"
        "  平均每1K Tokens成本: $0.000001\n"
        "\n"
        "本周统计 (2025-08-18 - 2025-08-24):\n"
        "  总请求数: 3\n"
        "  总成本: $1234.500000\n"
        "  总Tokens: 900\n"
        "\n"
        "本月统计 (2025-08):\n"
        "  总请求数: 4\n"
        "  总成本: $1234.750000\n"
        "  总Tokens: 1,350\n"
        "\n"
        "本月热门模型 Top 5:\n"
        "  1. dear: 2 次请求, $1234.750000, 900 tokens\n"
        "  2. gpt-4o-mini: 2 次请求, $0.000000, 450 tokens\n"
        "\n"
        "本月热门渠道 Top 5:\n"
        "  1. Two: $1234.750000, 2 次请求\n"
        "  2. OpenAI Official: $0.000000, 2 次请求\n"
        "\n"
        "提供商成本分布:\n"
        "  qwen: $1234.750000 (100.0%)\n"
        "  openai: $0.000000 (0.0%)\n"
    )


def test_what_the_totals_hide_is_said() -> None:
    records = [call(1, cost="7", cost_currency="CNY"), call(2, cost="0", cost_basis="unpriced")]

    lines = report_text(usage_report(view_of(records), WEDNESDAY, invalid_lines=2)).splitlines()

    assert lines.count("  另有 CNY 成本: ¥7.000000 (1 次请求)") == 3
    assert lines.count("  未定价请求: 1") == 3
    assert lines[-1] == "[WARN] 2 行无法读取，未计入统计"


def test_a_currency_without_a_sign_is_named() -> None:
    report = usage_report(view_of([call(1, cost="1", cost_currency="EUR")], currency="EUR"), WEDNESDAY)

    assert "  总成本: EUR 1.000000" in report_text(report)


def test_only_five_places_are_ranked() -> None:
    report = usage_report(view_of(call(number, model=f"m{number}") for number in range(7)), WEDNESDAY)

    assert len(report["top_models"]) == 5
