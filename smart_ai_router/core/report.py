"""The usage report: one day, its week and its month, as text for people and as a mapping for programs."""

from datetime import date
from decimal import Decimal
from typing import Final, TypedDict

from smart_ai_router.core.statistics.breakdown import cost_breakdown
from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.monthly import monthly_statistics
from smart_ai_router.core.statistics.periods import Period
from smart_ai_router.core.statistics.shapes import (
    CostBreakdown,
    DailyStatistics,
    Figures,
    FurtherFigures,
    MonthlyStatistics,
    RankedChannel,
    RankedModel,
    WeeklyStatistics,
)
from smart_ai_router.core.statistics.top import top_channels, top_models
from smart_ai_router.core.statistics.view import StatisticsView
from smart_ai_router.core.statistics.weekly import weekly_statistics
from smart_ai_router.core.statistics_store import Dimension

TOP: Final = 5
WIDTH: Final = 60

_SYMBOLS: Final = {"USD": "$", "CNY": "¥"}


class UsageReport(TypedDict):
    """What the report says, and how many lines of the month's files were no usage records."""

    date: str
    today: DailyStatistics
    this_week: WeeklyStatistics
    this_month: MonthlyStatistics
    top_models: list[RankedModel]
    top_channels: list[RankedChannel]
    providers: CostBreakdown
    invalid_lines: int


def usage_report(view: StatisticsView, day: date, invalid_lines: int = 0) -> UsageReport:
    """The report of a day; rankings and providers are those of its month."""
    return {
        "date": day.isoformat(),
        "today": daily_statistics(view, day),
        "this_week": weekly_statistics(view, day),
        "this_month": monthly_statistics(view, day),
        "top_models": top_models(view, Period.MONTHLY, day, TOP)["models"],
        "top_channels": top_channels(view, Period.MONTHLY, day, TOP)["channels"],
        "providers": cost_breakdown(view, Period.MONTHLY, Dimension.PROVIDER, day),
        "invalid_lines": invalid_lines,
    }


def report_text(report: UsageReport) -> str:
    """The report in the guide's words, ending with a newline. Costs are shown with six decimals."""
    today, week, month = report["today"], report["this_week"], report["this_month"]
    currency = today["currency"]
    lines = [
        f"[STATS] 使用统计报告 - {report['date']}",
        "=" * WIDTH,
        "",
        "今日统计:",
        *_totals(today, currency),
        f"  成功率: {_success_rate(today)}",
        f"  平均每请求成本: {_money(today['avg_cost_per_request'], currency)}",
        f"  平均每1K Tokens成本: {_money(today['avg_cost_per_1k_tokens'], currency)}",
        *_unusual(today),
        "",
        f"本周统计 ({week['week_start']} - {week['week_end']}):",
        *_totals(week, currency),
        *_unusual(week),
        "",
        f"本月统计 ({month['year']}-{month['month']:02d}):",
        *_totals(month, currency),
        *_unusual(month),
        *_rankings(report, currency),
    ]
    if report["invalid_lines"]:
        lines += ["", f"[WARN] {report['invalid_lines']} 行无法读取，未计入统计"]
    return "\n".join(lines) + "\n"


def _totals(figures: Figures, currency: str) -> list[str]:
    return [
        f"  总请求数: {figures['total_requests']:,}",
        f"  总成本: {_money(figures['total_cost'], currency)}",
        f"  总Tokens: {figures['total_tokens']:,}",
    ]


def _unusual(figures: FurtherFigures) -> list[str]:
    """What the totals do not show: other currencies, and calls without a price."""
    lines = [
        f"  另有 {code} 成本: {_money(share['cost'], code)} ({share['requests']:,} 次请求)"
        for code, share in figures["other_currencies"].items()
    ]
    if figures["unpriced_requests"]:
        lines.append(f"  未定价请求: {figures['unpriced_requests']:,}")
    return lines


def _rankings(report: UsageReport, currency: str) -> list[str]:
    lines = ["", f"本月热门模型 Top {TOP}:"]
    for place, model in enumerate(report["top_models"], 1):
        cost = _money(model["cost"], currency)
        lines.append(f"  {place}. {model['model']}: {model['requests']:,} 次请求, {cost}, {model['tokens']:,} tokens")
    lines += ["", f"本月热门渠道 Top {TOP}:"]
    for place, channel in enumerate(report["top_channels"], 1):
        cost = _money(channel["cost"], currency)
        lines.append(f"  {place}. {channel['channel']}: {cost}, {channel['requests']:,} 次请求")
    lines += ["", "提供商成本分布:"]
    for row in report["providers"]["breakdown"]:
        lines.append(f"  {row['provider']}: {_money(row['cost'], currency)} ({row['percentage']:.1f}%)")
    return lines


def _success_rate(figures: Figures) -> str:
    total, succeeded = figures["total_requests"], figures["successful_requests"]
    share = Decimal(100 * succeeded) / total if total else Decimal(0)
    return f"{succeeded}/{total} ({share:.1f}%)"


def _money(amount: Decimal, currency: str) -> str:
    return f"{_SYMBOLS.get(currency, currency + ' ')}{amount:.6f}"
