"""The control plane's HTTP application: built from its services, closed to everybody but the administrator."""

from typing import Final

from fastapi import FastAPI

from smart_ai_router import __version__
from smart_ai_router.api.admin_access import AdminOnly
from smart_ai_router.api.administration import administration_router
from smart_ai_router.api.console import serve_console_notice
from smart_ai_router.api.control_services import AlertsView, ControlServices, ReloadOutcome
from smart_ai_router.api.errors import add_error_handlers
from smart_ai_router.api.openapi import ControlApp, serve_description
from smart_ai_router.api.security_headers import SecurityHeaders
from smart_ai_router.api.system_routes import system_router
from smart_ai_router.api.usage_stats import usage_stats_router

DESCRIPTION: Final = (
    "统计、告警、路由、用户与密钥、价格与系统接口，都需要管理员令牌：Authorization: Bearer <admin token>。"
    "模型调用接口与 OpenAI 兼容：/v1/chat/completions、/v1/completions、/v1/embeddings、/v1/models。"
)

__all__ = ["AlertsView", "ControlServices", "ReloadOutcome", "create_control_app"]


def create_control_app(services: ControlServices) -> FastAPI:
    """The application over these services; it starts nothing and holds no state of its own."""
    app = ControlApp(
        title="Smart AI Router",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.include_router(usage_stats_router(services))
    app.include_router(system_router(services))
    if services.administration is not None:
        app.include_router(administration_router(services.administration))
    add_error_handlers(app)
    serve_description(app)
    serve_console_notice(app)
    app.add_middleware(AdminOnly, access=services.access)
    app.add_middleware(SecurityHeaders)
    return app
