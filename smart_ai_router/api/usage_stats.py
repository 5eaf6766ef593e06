"""`/v1/stats/*`: the guide's eleven endpoints and three of ours.

Every answer first lets the books catch up with the calls that have ended; `complete` says whether they did. The
endpoints are plain functions, so they run in worker threads and never hold up the event loop.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.control_services import ControlServices
from smart_ai_router.api.openapi import Message, RecentAlerts, answers
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.statistics.breakdown import cost_breakdown
from smart_ai_router.core.statistics.daily import daily_statistics
from smart_ai_router.core.statistics.monthly import monthly_statistics
from smart_ai_router.core.statistics.periods import Period, days_of, month, parse_day
from smart_ai_router.core.statistics.query import (
    Order,
    QueryAnswer,
    Question,
    parse_dimensions,
    query_statistics,
)
from smart_ai_router.core.statistics.shapes import (
    CostBreakdown,
    DailyStatistics,
    MonthlyStatistics,
    SummaryStatistics,
    TopChannels,
    TopModels,
    TopTags,
    TopUsers,
    WeeklyStatistics,
)
from smart_ai_router.core.statistics.summary import summary_statistics
from smart_ai_router.core.statistics.top import top_channels, top_models, top_tags, top_users
from smart_ai_router.core.statistics.view import StatisticsView
from smart_ai_router.core.statistics.weekly import weekly_statistics
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.domain.roles import Role

CHANNEL_ID_CHARACTERS_MAX: Final = 256
FILTER_CHARACTERS_MAX: Final = 512


class BreakdownBy(StrEnum):
    """What a cost can be broken down by."""

    PROVIDER = "provider"
    CHANNEL = "channel"
    MODEL = "model"


TargetDate = Annotated[str | None, Query(description="YYYY-MM-DD；默认今天")]
PeriodOf = Annotated[Period, Query(description="daily、weekly 或 monthly")]
Limit = Annotated[int, Query(ge=1, le=50, description="返回数量，1 到 50")]
Filter = Annotated[str | None, Query(max_length=FILTER_CHARACTERS_MAX)]


def usage_stats_router(services: ControlServices) -> APIRouter:
    """The routes over these services."""
    stats = _UsageStats(services)
    alerts = _Alerts(services)
    router = APIRouter(prefix="/v1/stats", tags=["statistics"], dependencies=[least(Role.BILLING_VIEWER)])
    for path, endpoint, schema, summary in (
        ("/daily", stats.daily, DailyStatistics, "获取每日使用统计"),
        ("/weekly", stats.weekly, WeeklyStatistics, "获取本周使用统计"),
        ("/monthly", stats.monthly, MonthlyStatistics, "获取月度使用统计"),
        ("/summary", stats.summary, SummaryStatistics, "获取使用情况汇总"),
        ("/top-models", stats.top_models, TopModels, "获取热门模型排行"),
        ("/top-channels", stats.top_channels, TopChannels, "获取热门渠道排行"),
        ("/cost-breakdown", stats.cost_breakdown, CostBreakdown, "获取成本分解分析"),
        ("/users", stats.top_users, TopUsers, "获取用户成本排行"),
        ("/tags", stats.top_tags, TopTags, "获取标签使用排行"),
        ("/query", stats.query, QueryAnswer, "按任意维度分组统计"),
        ("/alerts", alerts.recent, RecentAlerts, "获取渠道告警信息"),
        ("/channel-status", alerts.channel_status, None, "获取渠道状态概览"),
    ):
        router.add_api_route(path, endpoint, methods=["GET"], summary=summary, **answers(schema))
    clearing: tuple[tuple[str, Callable[..., PlainJsonResponse], str], ...] = (
        ("/clear-alerts/{channel_id}", alerts.clear, "清除指定渠道告警"),
        ("/clear-all-alerts", alerts.clear_all, "清除所有渠道告警"),
    )
    for path, clear, summary in clearing:
        closed = [least(Role.ADMIN)]
        router.add_api_route(path, clear, methods=["POST"], summary=summary, dependencies=closed, **answers(Message))
    return router


class _UsageStats:
    """Reads the parameters, lets the books catch up, asks one verb."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def daily(self, target_date: TargetDate = None) -> PlainJsonResponse:
        day = self._day(target_date)
        return _success(daily_statistics(self._view(), day))

    def weekly(self, target_date: TargetDate = None) -> PlainJsonResponse:
        day = self._day(target_date)
        return _success(weekly_statistics(self._view(), day))

    def monthly(
        self,
        year: Annotated[int | None, Query(description="年；与 month 一起给出时有效，并优先于 target_date")] = None,
        month: Annotated[int | None, Query(description="月，1 到 12")] = None,
        target_date: TargetDate = None,
    ) -> PlainJsonResponse:
        day = self._day(target_date) if year is None or month is None else _first_of(year, month)
        return _success(monthly_statistics(self._view(), day))

    def summary(self, target_date: TargetDate = None) -> PlainJsonResponse:
        day = self._day(target_date)
        return _success(summary_statistics(self._view(), day))

    def top_models(
        self, period: PeriodOf = Period.DAILY, limit: Limit = 10, target_date: TargetDate = None
    ) -> PlainJsonResponse:
        day = self._day(target_date)
        return _success(top_models(self._view(), period, day, limit))

    def top_channels(
        self, period: PeriodOf = Period.DAILY, limit: Limit = 10, target_date: TargetDate = None
    ) -> PlainJsonResponse:
        day = self._day(target_date)
        return _success(top_channels(self._view(), period, day, limit))

    def top_users(
        self, period: PeriodOf = Period.DAILY, limit: Limit = 10, target_date: TargetDate = None
    ) -> PlainJsonResponse:
        day = self._day(target_date)
        return _success(top_users(self._view(), period, day, limit))

    def top_tags(
        self, period: PeriodOf = Period.DAILY, limit: Limit = 10, target_date: TargetDate = None
    ) -> PlainJsonResponse:
        day = self._day(target_date)
        return _success(top_tags(self._view(), period, day, limit))

    def cost_breakdown(
        self,
        period: PeriodOf = Period.DAILY,
        breakdown_by: Annotated[BreakdownBy, Query(description="provider、channel 或 model")] = BreakdownBy.PROVIDER,
        target_date: TargetDate = None,
    ) -> PlainJsonResponse:
        day = self._day(target_date)
        return _success(cost_breakdown(self._view(), period, Dimension(breakdown_by.value), day))

    def query(
        self,
        *,
        by: Annotated[str, Query(max_length=200, description="逗号分隔的维度，例如 day,model")] = "",
        first: Annotated[str | None, Query(description="起始日期 YYYY-MM-DD（含）；与 last 一起优先于 period")] = None,
        last: Annotated[str | None, Query(description="结束日期 YYYY-MM-DD（含）；默认今天")] = None,
        period: PeriodOf = Period.DAILY,
        target_date: TargetDate = None,
        order_by: Annotated[Order, Query(description="行的顺序：group、cost、requests 或 tokens")] = Order.GROUP,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
        provider: Filter = None,
        channel: Filter = None,
        model: Filter = None,
        user: Filter = None,
        api_key: Filter = None,
        tag: Filter = None,
        usage_type: Filter = None,
        region: Filter = None,
    ) -> PlainJsonResponse:
        days = days_of(period, self._day(target_date))
        if first is not None or last is not None:
            last_day = self._day(last)
            days = days._replace(first=last_day if first is None else parse_day(first), last=last_day)
        values = {
            Dimension.PROVIDER: provider,
            Dimension.CHANNEL: channel,
            Dimension.MODEL: model,
            Dimension.USER: user,
            Dimension.API_KEY: api_key,
            Dimension.TAG: tag,
            Dimension.USAGE_TYPE: usage_type,
            Dimension.REGION: region,
        }
        filters = tuple((dimension, value) for dimension, value in values.items() if value is not None)
        question = Question(days.first, days.last, parse_dimensions(by), filters, order_by, limit)
        return _success(query_statistics(self._view(), question))

    def _day(self, target_date: str | None) -> date:
        return self._services.today() if target_date is None else parse_day(target_date)

    def _view(self) -> StatisticsView:
        services = self._services
        return StatisticsView(services.statistics, services.currency, services.catch_up(), services.attempts)


class _Alerts:
    """The alert endpoints."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def recent(
        self, hours: Annotated[int, Query(ge=1, le=168, description="查询时间范围（小时），1 到 168")] = 24
    ) -> PlainJsonResponse:
        complete = self._services.catch_up()
        alerts = self._services.alerts.get_recent_alerts(hours)
        counts: dict[str, int] = {}
        for alert in alerts:
            counts[alert.alert_type] = counts.get(alert.alert_type, 0) + 1
        return _success(
            {
                "time_range_hours": hours,
                "total_alerts": len(alerts),
                "alert_counts": counts,
                "alerts": alerts,
                "complete": complete,
            }
        )

    def channel_status(self) -> PlainJsonResponse:
        complete = self._services.catch_up()
        return _success({**self._services.alerts.get_channel_status(), "complete": complete})

    def clear(
        self, channel_id: Annotated[str, Path(max_length=CHANNEL_ID_CHARACTERS_MAX, description="渠道 ID")]
    ) -> PlainJsonResponse:
        self._services.alerts.clear_channel_notifications(channel_id)
        return PlainJsonResponse({"success": True, "message": f"已清除渠道 {channel_id} 的告警状态"})

    def clear_all(self) -> PlainJsonResponse:
        self._services.alerts.clear_all_notifications()
        return PlainJsonResponse({"success": True, "message": "已清除所有渠道的告警状态"})


def _first_of(year: int, month_number: int) -> date:
    return month(year, month_number).first


def _success(data: object) -> PlainJsonResponse:
    return PlainJsonResponse({"success": True, "data": data})
