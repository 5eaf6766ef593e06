"""The control plane's HTTP application: built from its services, closed to everybody whose role it does not take."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI

from smart_ai_router import __version__
from smart_ai_router.api.access_routes import access_router
from smart_ai_router.api.admin_access import RoleGate
from smart_ai_router.api.administration import administration_router
from smart_ai_router.api.billing.quotas import enforcement_router
from smart_ai_router.api.billing.routes import billing_router
from smart_ai_router.api.console import serve_console_notice
from smart_ai_router.api.console_files import BUILT, ConsoleFiles
from smart_ai_router.api.control_services import AlertsView, ControlServices, ReloadOutcome
from smart_ai_router.api.errors import add_error_handlers
from smart_ai_router.api.logins import logins_router
from smart_ai_router.api.openapi import ControlApp, serve_description
from smart_ai_router.api.security_headers import SecurityHeaders
from smart_ai_router.api.system_routes import system_router
from smart_ai_router.api.usage_stats import usage_stats_router

DESCRIPTION: Final = (
    "统计、告警、路由、用户与密钥、价格与系统接口，都需要登录（/api/admin/login）或管理员令牌："
    "Authorization: Bearer <admin token>。每个接口的 x-least-role 说明它要求的最低角色。"
    "模型调用接口与 OpenAI 兼容：/v1/chat/completions、/v1/completions、/v1/embeddings、/v1/models。"
)

__all__ = ["AlertsView", "ControlServices", "ReloadOutcome", "create_control_app"]


def create_control_app(services: ControlServices, console: Path = BUILT) -> FastAPI:
    """The application over these services, with the console of a folder; it starts nothing and holds no state."""
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
        app.include_router(access_router(services.administration))
    if services.billing is not None:
        app.include_router(billing_router(services.billing, services.ledger))
    if services.ledger is not None:
        app.include_router(enforcement_router(services.ledger))
    if services.logins is not None:
        app.include_router(logins_router(services.logins, services.time_zone))
    add_error_handlers(app)
    serve_description(app)
    serve_console_notice(app)
    app.add_middleware(RoleGate, access=services.access)
    app.add_middleware(ConsoleFiles, folder=console)
    app.add_middleware(SecurityHeaders)
    return app
