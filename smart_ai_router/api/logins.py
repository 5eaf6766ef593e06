"""Logging in and out, and who one is.

A browser logs in at `/api/admin/login` and holds its session in a cookie that no page can read. A script logs in at
`/api/admin/auth/login`, as with the reference project, and gets a token to send as a bearer.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from smart_ai_router.api.admin_access import COOKIE, Caller, caller_of, least
from smart_ai_router.api.administration import Body, body_schema, read_body
from smart_ai_router.api.openapi import bare_answers, no_answer
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.access_messages import Login, Me, PasswordChange, SessionToken
from smart_ai_router.core.logins import Logins, Session
from smart_ai_router.core.sessions import LIFE_MS
from smart_ai_router.core.timestamps import iso_utc_ms
from smart_ai_router.domain.roles import Identity, Role

GONE: Final = "Thu, 01 Jan 1970 00:00:00 GMT"


async def _caller(request: Request) -> Caller:
    return caller_of(request)


By = Annotated[Caller, Depends(_caller)]


def logins_router(logins: Logins, time_zone: str) -> APIRouter:
    """The routes over these verbs; `time_zone` is the one by whose days the books are kept."""
    routes = _Routes(logins, time_zone)
    router = APIRouter(prefix="/api/admin", tags=["login"])
    for method, path, endpoint, role, summary, told, asked in (
        ("POST", "/login", routes.log_in, Role.NOBODY, "登录（浏览器）：会话保存在 Cookie 中", Me, Login),
        ("POST", "/auth/login", routes.log_in_for_token, Role.NOBODY, "登录（脚本）：返回会话令牌", SessionToken,
         Login),
        ("POST", "/logout", routes.log_out, Role.USER, "退出登录", None, None),
        ("GET", "/me", routes.me, Role.USER, "当前身份与角色", Me, None),
        ("POST", "/me/password", routes.change_password, Role.BILLING_VIEWER, "修改自己的密码，所有会话随即结束", None,
         PasswordChange),
    ):  # fmt: skip
        described = no_answer() if told is None else bare_answers(told)
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            summary=summary,
            dependencies=[least(role)],
            **{**described, **body_schema(asked)},
        )
    return router


class _Routes:
    """Reads a request, calls one verb, renders the answer."""

    def __init__(self, logins: Logins, time_zone: str) -> None:
        self._logins = logins
        self._time_zone = time_zone

    def log_in(self, body: Body, by: By) -> PlainJsonResponse:
        former = by.session_token if by.is_known_by_cookie else None
        opened = self._logins.log_in(read_body(body, Login), by.place.address, former)
        answer = PlainJsonResponse(self._me(opened.session.identity, opened.session.expires_ms))
        answer.headers["set-cookie"] = _cookie(opened.token, by.place.is_secure)
        return answer

    def log_in_for_token(self, body: Body, by: By) -> PlainJsonResponse:
        opened = self._logins.log_in(read_body(body, Login), by.place.address)
        return PlainJsonResponse(_token(opened.token, opened.session))

    def log_out(self, by: By) -> Response:
        if by.session_token is not None:
            self._logins.log_out(by.session_token, by.place.address)
        answer = Response(status_code=204)
        if by.is_known_by_cookie:
            answer.headers["set-cookie"] = _cookie("", by.place.is_secure)
        return answer

    def me(self, by: By) -> PlainJsonResponse:
        assert by.identity is not None
        return PlainJsonResponse(self._me(by.identity, by.expires_ms))

    def change_password(self, body: Body, by: By) -> Response:
        assert by.identity is not None
        self._logins.change_own_password(by.identity, read_body(body, PasswordChange), by.place.address)
        return Response(status_code=204)

    def _me(self, identity: Identity, expires_ms: int | None) -> Me:
        ends = None if expires_ms is None else iso_utc_ms(expires_ms)
        return Me(identity.role.word, identity.name, identity.user_id, ends, self._time_zone)


def _token(token: str, session: Session) -> SessionToken:
    identity = session.identity
    admin_id = None if identity.role is Role.USER else identity.name
    return SessionToken(token, identity.name, None, admin_id, identity.role.word, iso_utc_ms(session.expires_ms))


def _cookie(token: str, is_secure: bool) -> str:
    """The Set-Cookie header; an empty token takes the cookie away."""
    life = f"Max-Age={LIFE_MS // 1000}" if token else f"Max-Age=0; Expires={GONE}"
    return f"{COOKIE}={token}; Path=/; {life}; HttpOnly; SameSite=Strict{'; Secure' if is_secure else ''}"
