"""资费配置: price versions, new ones, and what a change would come to."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.administration import Body, From, read_body
from smart_ai_router.api.billing.parameters import TEXT_CHARACTERS_MAX, EndDate, ModelId, ProviderId, StartDate
from smart_ai_router.api.billing.services import BillingServices
from smart_ai_router.api.openapi import bare_answers, list_answers, takes
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.billing.periods import asked_days
from smart_ai_router.core.billing.price_list import PriceFilter
from smart_ai_router.core.billing.price_messages import NewPricing, PricePreview, PricingEdit, PricingRow
from smart_ai_router.core.billing.price_preview import preview_price
from smart_ai_router.core.billing.price_setting import add_pricing, change_pricing, wanted_prices
from smart_ai_router.domain.roles import Role

PricingId = Annotated[
    str,
    Path(alias="pricingId", max_length=TEXT_CHARACTERS_MAX, description="价格版本 ID，例如 openai/gpt-4o/input_token"),
]


def pricing_router(services: BillingServices) -> APIRouter:
    """The routes over these services."""
    pricing = _Pricing(services)
    router = APIRouter(prefix="/pricing")
    viewer, admin = Role.BILLING_VIEWER, Role.ADMIN
    for method, path, endpoint, summary, role, described in (
        ("GET", "", pricing.rows, "现行价格；inForce=false 则包括历史与未来", viewer, list_answers(PricingRow)),
        ("POST", "", pricing.add, "新增一个价格版本", admin, {**bare_answers(PricingRow), **takes(NewPricing)}),
        ("POST", "/preview", pricing.preview, "预览新价格对一段时间成本的影响（默认最近 30 天）", viewer,
         {**bare_answers(PricePreview), **takes(NewPricing)}),
        ("GET", "/{pricingId:path}", pricing.show, "一个价格版本", viewer, bare_answers(PricingRow)),
        ("PUT", "/{pricingId:path}", pricing.change, "以新版本取代一个价格", admin,
         {**bare_answers(PricingRow), **takes(PricingEdit)}),
    ):  # fmt: skip
        router.add_api_route(path, endpoint, methods=[method], summary=summary, dependencies=[least(role)], **described)
    return router


class _Pricing:
    """Reads a request, asks one verb."""

    def __init__(self, services: BillingServices) -> None:
        self._services = services

    def rows(
        self,
        *,
        model_id: ModelId = None,
        provider_id: ProviderId = None,
        pricing_type: Annotated[
            str | None, Query(alias="pricingType", max_length=TEXT_CHARACTERS_MAX, description="计费类型")
        ] = None,
        in_force: Annotated[bool, Query(alias="inForce", description="只列现在有效的")] = True,
    ) -> PlainJsonResponse:
        table = self._services.price_desk().table(self._services.now())
        return PlainJsonResponse(table.rows(PriceFilter(provider_id, model_id, pricing_type, in_force)))

    def show(self, pricing_id: PricingId) -> PlainJsonResponse:
        table = self._services.price_desk().table(self._services.now())
        return PlainJsonResponse(table.row(table.find(pricing_id)))

    def add(self, body: Body, origin: From) -> PlainJsonResponse:
        asked = read_body(body, NewPricing)
        return PlainJsonResponse(add_pricing(self._services.price_desk(), asked, origin, self._services.now()), 201)

    def change(self, pricing_id: PricingId, body: Body, origin: From) -> PlainJsonResponse:
        asked = read_body(body, PricingEdit)
        desk = self._services.price_desk()
        return PlainJsonResponse(change_pricing(desk, pricing_id, asked, origin, self._services.now()))

    def preview(self, body: Body, start_date: StartDate = None, end_date: EndDate = None) -> PlainJsonResponse:
        asked = read_body(body, NewPricing)
        days = asked_days(start_date, end_date, self._services.today())
        now, desk = self._services.now(), self._services.price_desk()
        prices = wanted_prices(desk, asked, now)
        return PlainJsonResponse(preview_price(self._services.view(), desk.table(now), prices, days, now))
