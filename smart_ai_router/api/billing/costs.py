"""成本统计: costs by day, and by one dimension."""

from typing import Annotated

from fastapi import APIRouter, Query

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.billing.parameters import (
    ChannelId,
    EndDate,
    ModelId,
    ProviderId,
    StartDate,
    UsageTypeOf,
    UserId,
)
from smart_ai_router.api.billing.services import BillingServices
from smart_ai_router.api.openapi import bare_answers, list_answers
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.billing.cost_messages import CostAggregation, CostRow, CostSummary
from smart_ai_router.core.billing.costs import (
    GROUPS_BY_DEFAULT,
    GroupBy,
    aggregate_costs,
    cost_summary,
    daily_costs,
    days_to_aggregate,
)
from smart_ai_router.core.billing.periods import asked_days
from smart_ai_router.core.statistics_store import Dimension
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.roles import Role


def costs_router(services: BillingServices) -> APIRouter:
    """The routes over these services."""
    costs = _Costs(services)
    router = APIRouter(prefix="/cost", dependencies=[least(Role.BILLING_VIEWER)])
    router.add_api_route(
        "/daily", costs.daily, methods=["GET"], summary="每日成本（含今天，实时）", **list_answers(CostRow)
    )
    router.add_api_route(
        "/summary", costs.summary, methods=["GET"], summary="按一个维度汇总成本", **bare_answers(CostSummary)
    )
    router.add_api_route(
        "/aggregate", costs.aggregate, methods=["POST"], summary="汇总某天或最近几天的成本（重复执行不改变结果）",
        **bare_answers(CostAggregation),
    )  # fmt: skip
    router.add_api_route(
        "/aggregate/range", costs.aggregate_range, methods=["POST"], summary="汇总一段日期的成本（重复执行不改变结果）",
        **bare_answers(CostAggregation),
    )  # fmt: skip
    return router


class _Costs:
    """Reads the parameters, lets the books catch up, asks one verb."""

    def __init__(self, services: BillingServices) -> None:
        self._services = services

    def daily(
        self,
        *,
        start_date: StartDate = None,
        end_date: EndDate = None,
        provider_id: ProviderId = None,
        model_id: ModelId = None,
        user_id: UserId = None,
        usage_type: UsageTypeOf = None,
        channel_id: ChannelId = None,
    ) -> PlainJsonResponse:
        days = asked_days(start_date, end_date, self._services.today())
        where = _where(provider_id, model_id, user_id, usage_type, channel_id)
        view = self._services.view()
        headers = {"x-books-complete": "true" if view.complete else "false"}
        return PlainJsonResponse(daily_costs(view, days, where), headers=headers)

    def summary(
        self,
        *,
        group_by: Annotated[GroupBy, Query(alias="groupBy", description="按什么汇总")] = GroupBy.PROVIDER,
        start_date: StartDate = None,
        end_date: EndDate = None,
        provider_id: ProviderId = None,
        model_id: ModelId = None,
        user_id: UserId = None,
        usage_type: UsageTypeOf = None,
        channel_id: ChannelId = None,
        limit: Annotated[int, Query(description="最多多少组，1 到 1000")] = GROUPS_BY_DEFAULT,
    ) -> PlainJsonResponse:
        days = asked_days(start_date, end_date, self._services.today())
        where = _where(provider_id, model_id, user_id, usage_type, channel_id)
        return PlainJsonResponse(cost_summary(self._services.view(), days, group_by, where, limit))

    def aggregate(
        self,
        date: Annotated[str | None, Query(description="汇总这一天 YYYY-MM-DD；都不写则为昨天")] = None,
        days: Annotated[int | None, Query(description="汇总今天之前的多少天")] = None,
    ) -> PlainJsonResponse:
        view = self._services.view()
        return PlainJsonResponse(aggregate_costs(view, days_to_aggregate(view, date, days), days))

    def aggregate_range(self, start_date: StartDate = None, end_date: EndDate = None) -> PlainJsonResponse:
        if start_date is None or end_date is None:
            raise FieldInvalid("startDate and endDate are needed", param="startDate")
        days = asked_days(start_date, end_date, self._services.today())
        return PlainJsonResponse(aggregate_costs(self._services.view(), days, None))


def _where(
    provider_id: str | None, model_id: str | None, user_id: str | None, usage_type: str | None, channel_id: str | None
) -> dict[Dimension, str]:
    given = {
        Dimension.PROVIDER: provider_id,
        Dimension.MODEL: model_id,
        Dimension.USER: user_id,
        Dimension.USAGE_TYPE: usage_type,
        Dimension.CHANNEL: channel_id,
    }
    return {dimension: value for dimension, value in given.items() if value is not None}
