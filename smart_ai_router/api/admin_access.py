"""Who may ask the control plane: the administrator, with a bearer token, and nobody else.

Everything is closed unless it is named in `PUBLIC_PATHS`. Without a token, or with a wrong one, every path answers
401, those that do not exist too; a valid key of a user is told 403.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from smart_ai_router.api.plain_json_response import PlainJsonResponse

PUBLIC_PATHS: Final = frozenset(("/docs", "/openapi.json", "/console", "/console/"))  # pages that hold no data
TOKEN_BYTES_MAX: Final = 4096  # far beyond any token; bounds the hashing of nonsense

SIGN_IN: Final = "需要管理员令牌，请使用请求头 Authorization: Bearer <admin token>"
NOT_THE_ADMIN: Final = "管理员令牌无效"
ONLY_A_USER: Final = "用户密钥无权访问此接口，需要管理员令牌"


class Caller(Enum):
    """Whom an Authorization header proves."""

    ADMIN = auto()
    USER = auto()
    UNKNOWN = auto()
    NOBODY = auto()


@dataclass(frozen=True, slots=True)
class AdminAccess:
    """Knows the administrator's token by its SHA-256, and asks somebody else whether a token is a user's key."""

    admin_token_sha256: bytes
    is_user_key: Callable[[str], bool]

    def identify(self, authorizations: Iterable[bytes]) -> Caller:
        """Read the Authorization headers of one request; two of them prove nothing."""
        headers = list(authorizations)
        if not headers:
            return Caller.NOBODY
        scheme, _, token = headers[0].strip().partition(b" ")
        token = token.strip()
        if len(headers) > 1 or scheme.lower() != b"bearer" or not token or len(token) > TOKEN_BYTES_MAX:
            return Caller.UNKNOWN
        if hmac.compare_digest(hashlib.sha256(token).digest(), self.admin_token_sha256):
            return Caller.ADMIN
        return Caller.USER if self.is_user_key(token.decode("latin-1")) else Caller.UNKNOWN


def admin_access(admin_token: str, is_user_key: Callable[[str], bool]) -> AdminAccess:
    """Access by this token; only its hash is kept. Raises ValueError for an empty one, which would admit anybody."""
    if not admin_token.strip():
        raise ValueError("the admin token is empty")
    return AdminAccess(hashlib.sha256(admin_token.strip().encode()).digest(), is_user_key)


class AdminOnly:
    """ASGI middleware: lets the administrator through and answers everybody else."""

    def __init__(self, app: ASGIApp, access: AdminAccess, public_paths: frozenset[str] = PUBLIC_PATHS) -> None:
        self._app = app
        self._access = access
        self._public_paths = public_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in self._public_paths):
            await self._app(scope, receive, send)
            return
        caller = self._access.identify(value for name, value in scope["headers"] if name == b"authorization")
        if scope["type"] == "http" and caller is Caller.ADMIN:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _refusal(caller)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def _refusal(caller: Caller) -> PlainJsonResponse:
    if caller is Caller.USER:
        return PlainJsonResponse({"detail": ONLY_A_USER}, 403)
    detail = SIGN_IN if caller is Caller.NOBODY else NOT_THE_ADMIN
    return PlainJsonResponse({"detail": detail}, 401, {"www-authenticate": "Bearer"})
