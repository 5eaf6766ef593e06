"""资源池管理: prepaid money at providers, its alerts, and the exchange rates that amounts are carried over by."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.administration import Body, From, read_body
from smart_ai_router.api.billing.ledger_services import LedgerServices
from smart_ai_router.api.billing.parameters import TEXT_CHARACTERS_MAX, ProviderId
from smart_ai_router.api.openapi import bare_answers, list_answers, no_answer, takes
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.billing.pool_messages import (
    ExchangeRateFacts,
    PoolAlertFacts,
    PoolCheck,
    PoolFacts,
    RechargeOutcome,
    RechargePage,
)
from smart_ai_router.core.billing.pools import (
    list_alerts,
    list_pools,
    list_rates,
    recharge_facts,
    recharge_of,
    recharge_page,
    show_pool,
)
from smart_ai_router.core.ledger_requests import (
    AlertResolution,
    NewExchangeRate,
    NewPool,
    NewRecharge,
    PoolAdjustment,
)
from smart_ai_router.domain.roles import Role

CHECKED: Final = "资源池检查已完成"
PAGE_SIZE_MAX: Final = 1000
PAGE_MAX: Final = 10_000

Provider = Annotated[
    str, Path(alias="providerId", max_length=TEXT_CHARACTERS_MAX, description="提供商 ID，例如 openai")
]
AlertId = Annotated[int, Path(alias="alertId", ge=1, description="告警 ID")]
Page = Annotated[int, Query(ge=0, le=PAGE_MAX, description="页码，从 0 开始")]
Size = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX, description="每页条数")]


def pools_router(services: LedgerServices) -> APIRouter:
    """The routes over these services."""
    pools = _Pools(services)
    router = APIRouter()
    viewer, admin = Role.BILLING_VIEWER, Role.ADMIN
    one = "/resource-pool/providers/{providerId}"
    for method, path, endpoint, summary, role, described in (
        ("GET", "/resource-pool", pools.all, "所有提供商的资源池", viewer, list_answers(PoolFacts)),
        ("GET", "/resource-pool/alerts", pools.alerts, "资源池告警，最新的在前；不写 isResolved 则为全部", viewer,
         list_answers(PoolAlertFacts)),
        ("POST", "/resource-pool/alerts/{alertId}/resolve", pools.resolve, "标记告警为已解决", admin,
         {**no_answer(), **takes(AlertResolution, required=False)}),
        ("POST", "/resource-pool/check", pools.check, "立即检查所有资源池", admin, bare_answers(PoolCheck)),
        ("GET", one, pools.one, "一个提供商的资源池", viewer, bare_answers(PoolFacts)),
        ("PUT", one, pools.set, "建立资源池，或设置预警阈值", admin, {**bare_answers(PoolFacts), **takes(NewPool)}),
        ("POST", f"{one}/recharge", pools.recharge, "充值；同一个 Idempotency-Key 只充一次", admin,
         {**bare_answers(RechargeOutcome), **takes(NewRecharge)}),
        ("POST", f"{one}/adjust", pools.adjust, "更正余额，可增可减", admin,
         {**bare_answers(PoolFacts), **takes(PoolAdjustment)}),
        ("GET", f"{one}/recharges", pools.recharges, "充值记录，最新的在前", viewer, bare_answers(RechargePage)),
        ("GET", "/exchange-rates", pools.rates, "汇率", viewer, list_answers(ExchangeRateFacts)),
        ("POST", "/exchange-rates", pools.add_rate, "新增汇率；以前的汇率保留", admin,
         {**list_answers(ExchangeRateFacts), **takes(NewExchangeRate)}),
    ):  # fmt: skip
        router.add_api_route(path, endpoint, methods=[method], summary=summary, dependencies=[least(role)], **described)
    return router


class _Pools:
    """Reads a request, asks one verb, renders the answer."""

    def __init__(self, services: LedgerServices) -> None:
        self._services = services

    def all(self) -> PlainJsonResponse:
        view = self._services.view()
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(list_pools(ledger, self._services.market(), view))

    def one(self, provider_id: Provider) -> PlainJsonResponse:
        return PlainJsonResponse(self._shown(provider_id))

    def set(self, provider_id: Provider, body: Body, origin: From) -> PlainJsonResponse:
        self._services.pools.set_pool(provider_id, read_body(body, NewPool), origin)
        return PlainJsonResponse(self._shown(provider_id))

    def recharge(self, provider_id: Provider, body: Body, origin: From) -> PlainJsonResponse:
        booked = self._services.pools.recharge(provider_id, read_body(body, NewRecharge), origin)
        pool = self._shown(provider_id)
        made = recharge_facts(recharge_of(booked, provider_id), pool.currency)
        return PlainJsonResponse(RechargeOutcome(made, pool, booked.is_repeated))

    def adjust(self, provider_id: Provider, body: Body, origin: From) -> PlainJsonResponse:
        self._services.pools.adjust(provider_id, read_body(body, PoolAdjustment), origin)
        return PlainJsonResponse(self._shown(provider_id))

    def recharges(self, provider_id: Provider, page: Page = 0, size: Size = 20) -> PlainJsonResponse:
        pool = self._shown(provider_id)
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(recharge_page(ledger, provider_id, pool.currency, page, size))

    def alerts(
        self,
        *,
        is_resolved: Annotated[bool | None, Query(alias="isResolved", description="true 已解决，false 未解决")] = None,
        provider_id: ProviderId = None,
    ) -> PlainJsonResponse:
        view = self._services.view()
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(list_alerts(ledger, view, provider_id, is_resolved=is_resolved))

    def resolve(self, alert_id: AlertId, body: Body, origin: From) -> Response:
        asked = read_body(body, AlertResolution) if body.strip() else AlertResolution()
        self._services.pools.resolve_alert(alert_id, asked, origin)
        return Response(status_code=204)

    def check(self, origin: From) -> PlainJsonResponse:
        del origin  # whoever asks is known to the gate; looking changes no money
        self._services.view()  # the books hold every call that has ended
        seen = self._services.check()
        return PlainJsonResponse(PoolCheck(CHECKED, seen.pools, len(seen.notices)))

    def rates(self) -> PlainJsonResponse:
        return PlainJsonResponse(list_rates(self._services.rates()))

    def add_rate(self, body: Body, origin: From) -> PlainJsonResponse:
        self._services.pools.add_rate(read_body(body, NewExchangeRate), origin)
        return PlainJsonResponse(list_rates(self._services.rates()), 201)

    def _shown(self, provider_id: str) -> PoolFacts:
        view = self._services.view()
        with self._services.ledger.ledger() as ledger:
            return show_pool(ledger, self._services.market(), view, provider_id)
