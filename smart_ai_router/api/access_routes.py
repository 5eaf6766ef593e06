"""Administrators and the audit record, for administrators."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import StreamingResponse

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.administration import Body, From, Limit, body_schema, read_body
from smart_ai_router.api.openapi import bare_answers, file_answers
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.access_messages import (
    AdministratorEdit,
    AdministratorFacts,
    AdministratorList,
    NewAdministrator,
)
from smart_ai_router.core.administration_messages import AuditPage
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.audit_export import export_audit
from smart_ai_router.core.audit_record import AuditQuestion
from smart_ai_router.domain.roles import Role

CSV: Final = "text/csv; charset=utf-8"

Username = Annotated[str, Path(description="管理员用户名")]
AuditCursor = Annotated[str | None, Query(max_length=512, description="上一页的 nextCursor")]
Subject = Annotated[str | None, Query(max_length=512, description="对象，例如 user:alice、key:key_1")]
Actor = Annotated[str | None, Query(max_length=512, description="操作者，例如 admin、administrator:carol")]
ActionKind = Annotated[str | None, Query(max_length=64, description="操作，例如 key_revoked、logged_in")]
Since = Annotated[str | None, Query(alias="from", max_length=40, description="从此时刻起（ISO 8601，含）")]
Until = Annotated[str | None, Query(alias="to", max_length=40, description="到此时刻为止（ISO 8601，不含）")]


def access_router(verbs: AdministrationVerbs) -> APIRouter:
    """The routes over these verbs."""
    routes = _Routes(verbs)
    router = APIRouter(prefix="/api/admin", dependencies=[least(Role.ADMIN)])
    for method, path, endpoint, tag, summary, described in (
        ("POST", "/administrators", routes.create, "administrators", "新建管理员",
         {**bare_answers(AdministratorFacts), **body_schema(NewAdministrator)}),
        ("GET", "/administrators", routes.list, "administrators", "管理员列表", bare_answers(AdministratorList)),
        ("PATCH", "/administrators/{username}", routes.change, "administrators", "修改管理员：角色、启用、密码",
         {**bare_answers(AdministratorFacts), **body_schema(AdministratorEdit)}),
        ("GET", "/audit", routes.audit, "audit", "操作记录，包括登录", bare_answers(AuditPage)),
        ("GET", "/audit/export", routes.export, "audit", "导出操作记录（CSV，可安全地用表格软件打开）",
         file_answers(CSV)),
    ):  # fmt: skip
        router.add_api_route(path, endpoint, methods=[method], tags=[tag], summary=summary, **described)
    return router


class _Routes:
    """Reads a request, calls one verb, renders the answer."""

    def __init__(self, verbs: AdministrationVerbs) -> None:
        self._verbs = verbs

    def create(self, body: Body, origin: From) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.create_administrator(read_body(body, NewAdministrator), origin), 201)

    def list(self) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.administrators())

    def change(self, username: Username, body: Body, origin: From) -> PlainJsonResponse:
        asked = read_body(body, AdministratorEdit)
        return PlainJsonResponse(self._verbs.change_administrator(username, asked, origin))

    def audit(
        self,
        *,
        cursor: AuditCursor = None,
        limit: Limit = 100,
        subject: Subject = None,
        actor: Actor = None,
        action: ActionKind = None,
        since: Since = None,
        until: Until = None,
    ) -> PlainJsonResponse:
        asked = AuditQuestion(actor, action, since, until)
        return PlainJsonResponse(self._verbs.audit(cursor, limit, subject, asked))

    def export(
        self,
        *,
        subject: Subject = None,
        actor: Actor = None,
        action: ActionKind = None,
        since: Since = None,
        until: Until = None,
    ) -> StreamingResponse:
        pieces = export_audit(self._verbs, subject, AuditQuestion(actor, action, since, until))
        return StreamingResponse(
            (piece.encode() for piece in pieces),
            media_type=CSV,
            headers={"content-disposition": 'attachment; filename="audit.csv"'},
        )
