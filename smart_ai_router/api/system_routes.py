"""Routing, configuration and the system itself, for the administrator."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.control_services import ControlServices
from smart_ai_router.api.errors import ApiError
from smart_ai_router.api.openapi import answers, text_answers
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.domain.roles import Role

MODEL_CHARACTERS_MAX: Final = 4096  # as in a call
PROMETHEUS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def system_router(services: ControlServices) -> APIRouter:
    """The routes over these services."""
    system = _System(services)
    router = APIRouter(tags=["system"], dependencies=[least(Role.ADMIN)])
    for path, endpoint, method, summary in (
        ("/v1/routing/explain", system.explain_routing, "GET", "说明一个模型或标签查询会如何路由"),
        ("/v1/admin/config/status", system.config_status, "GET", "查看当前配置状态"),
        ("/v1/admin/config/reload", system.reload_config, "POST", "重新加载配置文件"),
        ("/api/system/info", system.info, "GET", "查看系统信息"),
    ):
        router.add_api_route(path, endpoint, methods=[method], summary=summary, **answers(None))
    if services.metrics is not None:
        summary = "查看运行指标（Prometheus 文本格式）"
        router.add_api_route("/metrics", system.metrics, methods=["GET"], summary=summary, **text_answers())
    return router


class _System:
    """Asks one verb each."""

    def __init__(self, services: ControlServices) -> None:
        self._services = services

    def explain_routing(
        self,
        model: Annotated[
            str,
            Query(min_length=1, max_length=MODEL_CHARACTERS_MAX, description="模型名、别名或标签查询，例如 tag:free"),
        ],
    ) -> PlainJsonResponse:
        return PlainJsonResponse({"success": True, "data": self._services.explain_routing(model)})

    def config_status(self) -> PlainJsonResponse:
        return PlainJsonResponse({"success": True, "data": self._services.config_status()})

    def reload_config(self) -> PlainJsonResponse:
        outcome = self._services.reload_config()
        if not outcome.applied:
            raise ApiError(409, "\n".join((outcome.message, *outcome.problems)))
        data = {"snapshot_version": outcome.snapshot_version}
        return PlainJsonResponse({"success": True, "message": outcome.message, "data": data})

    def info(self) -> PlainJsonResponse:
        return PlainJsonResponse({"success": True, "data": self._services.system_info()})

    def metrics(self) -> Response:
        assert self._services.metrics is not None
        return Response(self._services.metrics(), media_type=PROMETHEUS_TYPE)
