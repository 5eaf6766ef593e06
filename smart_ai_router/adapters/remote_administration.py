"""The administration of a router at work, reached over its private socket.

The command line uses it, so that whoever changes something while a router runs changes it there, with effect at once.
"""

import socket
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from smart_ai_router.core.access_messages import (
    AdministratorEdit,
    AdministratorFacts,
    AdministratorList,
    KeyEdit,
    KeyRotation,
    NewAdministrator,
)
from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_messages import (
    AuditPage,
    KeyFacts,
    KeyPage,
    NewKey,
    NewPrices,
    NewUser,
    PriceImport,
    PricePage,
    PricesOutcome,
    UserEdit,
    UserFacts,
    UserPage,
)
from smart_ai_router.core.audit_record import AuditQuestion
from smart_ai_router.domain.errors import Refusal

CONNECT_S: Final = 2.0
ANSWER_S: Final = 60.0  # an import of all public lists takes a few seconds

Shape = TypeVar("Shape", bound=msgspec.Struct)


class RemoteRefusal(Refusal):
    """What the router at work answered instead of doing it; status and code are its own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status  # type: ignore[misc]  # the router decides, not this class
        self.code = code  # type: ignore[misc]  # likewise


class RouterSilent(Refusal):
    """A router is there and does not answer."""

    status = 503
    code = "router_silent"


class _Refused(msgspec.Struct):
    detail: object = ""
    code: str = ""


class _SocketConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = connected(self._path)
        self.sock.settimeout(ANSWER_S)


def connected(path: Path) -> socket.socket:
    """A connection to the socket; raises OSError when nobody listens there."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.settimeout(CONNECT_S)
        found.connect(str(path))
    except BaseException:
        found.close()
        raise
    return found


def router_listens(path: Path) -> bool:
    """Whether a control plane answers at this socket."""
    try:
        connected(path).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError:
        return True  # somebody is there, and busy
    return True


class RemoteAdministration:
    """Implements `core.administration_verbs.AdministrationVerbs`; raises RemoteRefusal, RouterSilent."""

    def __init__(self, socket_path: Path, token: str) -> None:
        self._path = socket_path
        self._token = token

    def create_user(self, asked: NewUser, origin: Origin) -> UserFacts:
        return self._ask("POST", "/users", UserFacts, asked, origin)

    def change_user(self, user_id: str, asked: UserEdit, origin: Origin) -> UserFacts:
        return self._ask("PATCH", f"/users/{_part(user_id)}", UserFacts, asked, origin)

    def user(self, user_id: str) -> UserFacts:
        return self._ask("GET", f"/users/{_part(user_id)}", UserFacts)

    def users(self, cursor: str = "", limit: int = 100) -> UserPage:
        return self._ask("GET", f"/users?{_query(cursor=cursor, limit=limit)}", UserPage)

    def create_key(self, user_id: str, asked: NewKey, origin: Origin) -> KeyFacts:
        return self._ask("POST", f"/users/{_part(user_id)}/keys", KeyFacts, asked, origin)

    def change_key(self, key_id: str, asked: KeyEdit, origin: Origin) -> KeyFacts:
        return self._ask("PATCH", f"/keys/{_part(key_id)}", KeyFacts, asked, origin)

    def rotate_key(self, key_id: str, asked: KeyRotation, origin: Origin) -> KeyFacts:
        return self._ask("POST", f"/keys/{_part(key_id)}/rotate", KeyFacts, asked, origin)

    def revoke_key(self, key_id: str, origin: Origin) -> KeyFacts:
        return self._ask("DELETE", f"/keys/{_part(key_id)}", KeyFacts, None, origin)

    def keys(self, user_id: str | None = None, cursor: str = "", limit: int = 100) -> KeyPage:
        place = "/keys" if user_id is None else f"/users/{_part(user_id)}/keys"
        return self._ask("GET", f"{place}?{_query(cursor=cursor, limit=limit)}", KeyPage)

    def set_prices(self, asked: NewPrices, origin: Origin) -> PricesOutcome:
        return self._ask("POST", "/prices", PricesOutcome, asked, origin)

    def import_prices(self, asked: PriceImport, origin: Origin) -> PricesOutcome:
        return self._ask("POST", "/prices/import", PricesOutcome, asked, origin)

    def prices(
        self,
        *,
        provider: str | None = None,
        model: str | None = None,
        channel: str | None = None,
        in_force: bool = True,
        cursor: str = "",
        limit: int = 100,
    ) -> PricePage:
        only_current = str(in_force).lower()
        query = _query(
            providerId=provider, modelId=model, channelId=channel, inForce=only_current, cursor=cursor, limit=limit
        )
        return self._ask("GET", f"/prices?{query}", PricePage)

    def create_administrator(self, asked: NewAdministrator, origin: Origin) -> AdministratorFacts:
        return self._ask("POST", "/administrators", AdministratorFacts, asked, origin)

    def change_administrator(self, username: str, asked: AdministratorEdit, origin: Origin) -> AdministratorFacts:
        return self._ask("PATCH", f"/administrators/{_part(username)}", AdministratorFacts, asked, origin)

    def administrators(self) -> AdministratorList:
        return self._ask("GET", "/administrators", AdministratorList)

    def audit(
        self,
        cursor: str | None = None,
        limit: int = 100,
        subject: str | None = None,
        asked: AuditQuestion = AuditQuestion(),  # noqa: B008 - immutable
    ) -> AuditPage:
        query = _query(cursor=cursor, limit=limit, subject=subject, **_asked(asked))
        return self._ask("GET", f"/audit?{query}", AuditPage)

    def _ask(
        self,
        method: str,
        place: str,
        told: type[Shape],
        asked: msgspec.Struct | None = None,
        origin: Origin | None = None,
    ) -> Shape:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        if origin is not None and origin.idempotency_key is not None:
            headers["idempotency-key"] = origin.idempotency_key
        body = None if asked is None else msgspec.json.encode(asked)
        try:
            with closing(_SocketConnection(self._path)) as connection:
                connection.request(method, f"/api/admin{place}", body, headers)
                reply = connection.getresponse()
                status, content = reply.status, reply.read()
        except (OSError, HTTPException) as error:
            raise RouterSilent(f"the router at {self._path} does not answer: {error}") from error
        if status >= 400:
            raise _refusal(status, content)
        return msgspec.json.decode(content, type=told)


def _refusal(status: int, content: bytes) -> RemoteRefusal:
    try:
        refused = msgspec.json.decode(content, type=_Refused)
    except msgspec.DecodeError:
        refused = _Refused(content[:200].decode("utf-8", "replace"))
    detail = refused.detail if isinstance(refused.detail, str) else msgspec.json.encode(refused.detail).decode()
    return RemoteRefusal(status, refused.code, detail)


def _asked(asked: AuditQuestion) -> dict[str, str | None]:
    return {"actor": asked.actor, "action": asked.action, "from": asked.since, "to": asked.until}


def _part(text: str) -> str:
    return quote(text, safe="")


def _query(**parameters: str | int | None) -> str:
    return urlencode({name: value for name, value in parameters.items() if value is not None})
