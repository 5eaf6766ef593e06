"""Who may ask the control plane what: the one place where roles are checked.

Theory of operation. Somebody proves who they are by a bearer token (the administrator's token, a session's, a user's
API key) or by the session cookie that a browser holds. Each route states the least role that it takes, by
`dependencies=[least(Role.BILLING_VIEWER)]`; one that is also for the user whom it is about names the parameter of its
path that says who that is. This middleware reads the statement before the route is reached. A route that states
nothing, and a path that leads nowhere, are the administrator's. Whoever has proven nothing is told 401 everywhere,
on paths that do not exist too; whoever may not do it is told 403.

A browser sends its cookie with whatever page asks it to, so a change by cookie must come from our own page: what the
browser says of the origin decides, and a client that says nothing of it shows with a header of its own that it is not
a page's form (OWASP, Cross-Site Request Forgery Prevention).
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request, cookie_parser
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from smart_ai_router.api.client_place import ClientPlace, place_of
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.logins import Session
from smart_ai_router.core.sessions import TOKEN_PREFIX
from smart_ai_router.domain.roles import Identity, Role

PUBLIC_PATHS: Final = frozenset(("/docs", "/openapi.json", "/console", "/console/"))  # pages that hold no data
TOKEN_BYTES_MAX: Final = 4096  # far beyond any token; bounds the hashing of nonsense
COOKIE: Final = "smart_ai_router_session"
OWN_HEADER: Final = "x-requested-with"  # any value: a form cannot send it, and a foreign page may not
SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
ROOT: Final = Identity(Role.ADMIN, "admin", "admin")  # whoever has the token of environment or file

SIGN_IN: Final = "需要登录或管理员令牌，请使用请求头 Authorization: Bearer <admin token>"
NOT_KNOWN: Final = "令牌或会话无效"
NOT_ALLOWED: Final = "当前角色无权访问此接口"
ONLY_A_USER: Final = "用户密钥无权访问此接口，需要管理员令牌"
FOREIGN_PAGE: Final = f"此请求来自其他网页，或缺少请求头 {OWN_HEADER}，已拒绝"

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class LeastRole:
    """A route's statement: the least role, and the parameter that names the user whom the route is about."""

    role: Role
    own: str | None = None

    def __call__(self) -> None:
        """Nothing is left to do: `RoleGate` has read the statement before the route was reached."""


def least(role: Role, own: str | None = None) -> Any:  # FastAPI's own type for a dependency is Any
    """State a route's least role, in its `dependencies`; `own` is the path parameter that names a user."""
    return Depends(LeastRole(role, own))


@dataclass(frozen=True, slots=True)
class GuardedRoute:
    """A route and what it states; one that states nothing is the administrator's."""

    path: str
    methods: frozenset[str]
    stated: LeastRole | None
    pattern: re.Pattern[str]

    @property
    def least(self) -> LeastRole:
        """What it takes."""
        return self.stated or LeastRole(Role.ADMIN)


def guarded_routes(app: FastAPI) -> tuple[GuardedRoute, ...]:
    """Every route of the application, in the order in which they are tried."""
    found = []
    for context in iter_route_contexts(app.routes):
        if context.path is not None:
            dependencies = getattr(context, "dependencies", ())
            stated = [each.dependency for each in dependencies if isinstance(each.dependency, LeastRole)]
            own = stated[-1] if stated else None  # after what its router states comes what it states itself
            pattern, _, _ = compile_path(context.path)
            found.append(GuardedRoute(context.path, frozenset(context.methods or ()), own, pattern))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from where, and by what they are known."""

    identity: Identity | None
    place: ClientPlace
    is_known_by_cookie: bool = False
    session_token: str | None = None
    expires_ms: int | None = None  # of the session
    says_something: bool = False  # some proof was sent, good or not


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """Knows the administrator's token by its SHA-256, and asks others about sessions and users' keys."""

    admin_token_sha256: bytes
    user_of_key: Callable[[str], str | None]
    session_of: Callable[[str], Session | None]
    trusted_proxies: tuple[str, ...] = ()

    def identify(self, headers: Headers) -> Caller:
        """Read the headers of one request. An Authorization header goes before a cookie; two of them prove nothing."""
        read = [(name, value) for name, value in headers]
        said = {name.decode("latin-1"): value.decode("latin-1") for name, value in read}
        place = place_of(said, self.trusted_proxies)
        authorizations = [value for name, value in read if name == b"authorization"]
        if authorizations:
            return self._by_token(authorizations, place)
        token = _cookie(read)
        if token is None:
            return Caller(None, place)
        session = self.session_of(token)
        if session is None:
            return Caller(None, place, says_something=True)
        return Caller(session.identity, place, True, token, session.expires_ms, True)

    def _by_token(self, authorizations: list[bytes], place: ClientPlace) -> Caller:
        unknown = Caller(None, place, says_something=True)
        scheme, _, token = authorizations[0].strip().partition(b" ")
        token = token.strip()
        if len(authorizations) > 1 or scheme.lower() != b"bearer" or not token or len(token) > TOKEN_BYTES_MAX:
            return unknown
        if hmac.compare_digest(hashlib.sha256(token).digest(), self.admin_token_sha256):
            return Caller(ROOT, place, says_something=True)
        text = token.decode("latin-1")
        if text.startswith(TOKEN_PREFIX):
            session = self.session_of(text)
            if session is None:
                return unknown
            return Caller(session.identity, place, False, text, session.expires_ms, True)
        user_id = self.user_of_key(text)
        if user_id is None:
            return unknown
        return Caller(Identity(Role.USER, f"user:{user_id}", user_id, user_id), place, says_something=True)


def admin_access(
    admin_token: str,
    user_of_key: Callable[[str], str | None],
    session_of: Callable[[str], Session | None] = lambda _: None,
    trusted_proxies: tuple[str, ...] = (),
) -> AdminAccess:
    """Access by this token; only its hash is kept. Raises ValueError for an empty one, which would admit anybody."""
    if not admin_token.strip():
        raise ValueError("the admin token is empty")
    digest = hashlib.sha256(admin_token.strip().encode()).digest()
    return AdminAccess(digest, user_of_key, session_of, trusted_proxies)


def caller_of(request: Request) -> Caller:
    """Who asks; the gate has found out."""
    caller = request.scope["router_caller"]
    assert isinstance(caller, Caller)
    return caller


class RoleGate:
    """ASGI middleware: lets those through who may, and answers everybody else."""

    def __init__(self, app: ASGIApp, access: AdminAccess, public_paths: frozenset[str] = PUBLIC_PATHS) -> None:
        self._app = app
        self._access = access
        self._public_paths = public_paths
        self._routes: tuple[GuardedRoute, ...] | None = None  # known when the application is complete

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["path"] in self._public_paths:
            await self._app(scope, receive, send)
            return
        caller = await run_in_threadpool(self._access.identify, scope["headers"])  # a session stands in the store
        if self._routes is None:
            self._routes = guarded_routes(scope["app"])
        refusal = _refusal(scope, caller, self._routes)
        if refusal is None:
            await self._app({**scope, "router_caller": caller}, receive, send)
        else:
            await refusal(scope, receive, send)


def _refusal(scope: Scope, caller: Caller, routes: tuple[GuardedRoute, ...]) -> PlainJsonResponse | None:
    """Why the request is not answered by its route."""
    stated, parameters = _statement(scope, routes)
    if stated.role is not Role.NOBODY and caller.identity is None:
        detail = NOT_KNOWN if caller.says_something else SIGN_IN
        return PlainJsonResponse({"detail": detail}, 401, {"www-authenticate": "Bearer"})
    if caller.identity is not None:
        own = None if stated.own is None else parameters.get(stated.own)
        if not caller.identity.may(stated.role, own):
            detail = ONLY_A_USER if caller.identity.role is Role.USER else NOT_ALLOWED
            return PlainJsonResponse({"detail": detail}, 403)
    needs_proof = caller.is_known_by_cookie or stated.role is Role.NOBODY
    if needs_proof and scope["method"] not in SAFE_METHODS and _is_foreign(scope["headers"], caller):
        return PlainJsonResponse({"detail": FOREIGN_PAGE}, 403)
    return None


def _statement(scope: Scope, routes: tuple[GuardedRoute, ...]) -> tuple[LeastRole, dict[str, str]]:
    for route in routes:
        if scope["method"] in route.methods and (match := route.pattern.match(scope["path"])):
            return route.least, match.groupdict()
    return LeastRole(Role.ADMIN), {}


def _is_foreign(headers: Headers, caller: Caller) -> bool:
    """Whether another site's page may have sent this."""
    said = {name.lower(): value.decode("latin-1").strip().lower() for name, value in headers}
    site = said.get(b"sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = said.get(b"origin")
    if origin is not None:
        return origin.partition("://")[2] != said.get(b"host")
    return caller.is_known_by_cookie and OWN_HEADER.encode() not in said


def _cookie(headers: Headers) -> str | None:
    for name, value in headers:
        if name == b"cookie" and len(value) <= TOKEN_BYTES_MAX:
            found = cookie_parser(value.decode("latin-1")).get(COOKIE)
            if found:
                return found
    return None
