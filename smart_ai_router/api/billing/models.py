"""模型管理, 提供商管理: what is on offer, and why something is off."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.administration import Body, From, read_body
from smart_ai_router.api.billing.parameters import TEXT_CHARACTERS_MAX, ProviderId
from smart_ai_router.api.billing.services import BillingServices, SwitchModel
from smart_ai_router.api.openapi import bare_answers, list_answers, takes
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.billing.market import ALL_MODELS, Market
from smart_ai_router.core.billing.model_messages import ModelFacts, ProviderFacts, Switching
from smart_ai_router.core.billing.models import list_models, list_providers, show_model, show_provider
from smart_ai_router.core.ledger_requests import ModelSwitching
from smart_ai_router.domain.roles import Role

OfProvider = Annotated[str, Path(alias="providerId", max_length=TEXT_CHARACTERS_MAX, description="提供商 ID")]
OfModel = Annotated[str, Path(alias="modelId", max_length=TEXT_CHARACTERS_MAX, description="提供商 ID/模型名")]


def models_router(services: BillingServices) -> APIRouter:
    """The routes over these services."""
    models = _Models(services)
    router = APIRouter(dependencies=[least(Role.BILLING_VIEWER)])
    for path, endpoint, summary, told in (
        ("/providers", models.providers, "提供商列表", list_answers(ProviderFacts)),
        ("/providers/{providerId}", models.provider, "一个提供商", bare_answers(ProviderFacts)),
        ("/models", models.models, "模型列表，按提供商", list_answers(ModelFacts)),
        ("/models/{modelId:path}", models.model, "一个模型", bare_answers(ModelFacts)),
    ):
        router.add_api_route(path, endpoint, methods=["GET"], summary=summary, **told)
    if services.switch_model is not None:
        switches = _Switches(services, services.switch_model)
        changes: tuple[tuple[str, Callable[..., PlainJsonResponse], str, type], ...] = (
            ("/providers/{providerId}", switches.provider, "停用或恢复一个提供商", ProviderFacts),
            ("/models/{modelId:path}", switches.model, "停用或恢复一个模型", ModelFacts),
        )
        for path, change, summary, shape in changes:
            described = {**bare_answers(shape), **takes(Switching)}
            router.add_api_route(
                path, change, methods=["PUT"], summary=summary, dependencies=[least(Role.ADMIN)], **described
            )
    return router


class _Models:
    """Reads the parameters, asks one verb."""

    def __init__(self, services: BillingServices) -> None:
        self._services = services

    def providers(self) -> PlainJsonResponse:
        return PlainJsonResponse(list_providers(self._market()))

    def provider(
        self,
        provider_id: OfProvider,
    ) -> PlainJsonResponse:
        return PlainJsonResponse(show_provider(self._market(), provider_id))

    def models(
        self,
        provider_id: ProviderId = None,
        provider: Annotated[
            str | None, Query(max_length=TEXT_CHARACTERS_MAX, description="提供商代码，同 providerId")
        ] = None,
    ) -> PlainJsonResponse:
        return PlainJsonResponse(list_models(self._market(), self._services.now(), provider_id or provider))

    def model(
        self,
        model_id: OfModel,
    ) -> PlainJsonResponse:
        return PlainJsonResponse(show_model(self._market(), model_id, self._services.now()))

    def _market(self) -> Market:
        """What is on offer after every call that has ended: one of them may have emptied a pool."""
        self._services.catch_up()
        return self._services.market()


class _Switches:
    """Switches by hand, and tells how things stand then."""

    def __init__(self, services: BillingServices, switch: SwitchModel) -> None:
        self._services = services
        self._switch = switch

    def provider(self, provider_id: OfProvider, body: Body, origin: From) -> PlainJsonResponse:
        asked = read_body(body, Switching)
        show_provider(self._services.market(), provider_id)
        self._switch(provider_id, ALL_MODELS, ModelSwitching(asked.enabled, asked.reason), origin)
        return PlainJsonResponse(show_provider(self._services.market(), provider_id))

    def model(self, model_id: OfModel, body: Body, origin: From) -> PlainJsonResponse:
        asked = read_body(body, Switching)
        found = show_model(self._services.market(), model_id, self._services.now())
        self._switch(found.provider_id, found.model_name, ModelSwitching(asked.enabled, asked.reason), origin)
        return PlainJsonResponse(show_model(self._services.market(), model_id, self._services.now()))
