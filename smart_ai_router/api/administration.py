"""Users, API keys and price versions, for the administrator; users read what is their own.

Answers are bare JSON in camel case, as in the second guide. Every change may carry an `Idempotency-Key`. A change is
answered when every gateway worker decides by it; `effective: false` says that one of them did not answer in time.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.requests import Request

from smart_ai_router.api.admin_access import ROOT, LeastRole, caller_of
from smart_ai_router.api.json_gate import read_object
from smart_ai_router.api.openapi import Document, bare_answers, takes
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.access_messages import KeyEdit, KeyRotation
from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_messages import (
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
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.roles import Role

OWN: Final = "userId"  # the path parameter that names the user whom a route is about

_Route = tuple[str, str, Callable[..., PlainJsonResponse], str, type, type | None, LeastRole]
Shape = TypeVar("Shape", bound=msgspec.Struct)


async def body_of(request: Request) -> bytes:
    """The whole body; the gateway has bounded it."""
    return await request.body()


def origin_of(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(alias="Idempotency-Key", description="同一个键只执行一次；换了内容则返回 409")
    ] = None,
) -> Origin:
    """Who asks, from where."""
    caller = caller_of(request)
    actor = ROOT.actor if caller.identity is None else caller.identity.actor
    return Origin(actor, caller.place.address, idempotency_key)


Body = Annotated[bytes, Depends(body_of)]
From = Annotated[Origin, Depends(origin_of)]
UserId = Annotated[str, Path(alias="userId", description="用户 ID")]
KeyId = Annotated[str, Path(alias="keyId", description="密钥 ID")]
Cursor = Annotated[str, Query(max_length=512, description="上一页的 nextCursor")]
Limit = Annotated[int, Query(ge=1, le=1000, description="每页条数")]


def read_body(body: bytes, shape: type[Shape]) -> Shape:
    """The body as this request; raises RequestMalformed, FieldInvalid."""
    read_object(body)
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise FieldInvalid(f"the body is not as it should be: {error}") from error


def administration_router(verbs: AdministrationVerbs) -> APIRouter:
    """The routes over these verbs."""
    router = APIRouter(prefix="/api/admin", tags=["administration"])

    for method, path, endpoint, summary, told, asked, stated in _table(_Routes(verbs)):
        described = {**bare_answers(told), **body_schema(asked)}
        router.add_api_route(
            path, endpoint, methods=[method], summary=summary, dependencies=[Depends(stated)], **described
        )
    return router


def body_schema(asked: type | None) -> Document:
    """What a route takes in its body, if anything."""
    return {} if asked is None else takes(asked)


def _table(routes: "_Routes") -> Sequence[_Route]:
    """Method, path, what answers, what it is for, how it answers, what it takes, whom it answers."""
    admin, viewer, own = LeastRole(Role.ADMIN), LeastRole(Role.BILLING_VIEWER), LeastRole(Role.BILLING_VIEWER, OWN)
    new_key, rotate = "新建 API 密钥（密钥只显示这一次）", "更换密钥（新密钥只显示这一次；旧密钥可保留一段时间）"
    return (
        ("POST", "/users", routes.create_user, "新建用户", UserFacts, NewUser, admin),
        ("GET", "/users", routes.users, "用户列表", UserPage, None, viewer),
        ("GET", "/users/{userId}", routes.user, "查看用户", UserFacts, None, own),
        ("PATCH", "/users/{userId}", routes.change_user, "修改用户", UserFacts, UserEdit, admin),
        ("POST", "/users/{userId}/keys", routes.create_key, new_key, KeyFacts, NewKey, admin),
        ("GET", "/users/{userId}/keys", routes.keys_of, "用户的 API 密钥", KeyPage, None, own),
        ("GET", "/keys", routes.keys, "所有 API 密钥", KeyPage, None, viewer),
        ("PATCH", "/keys/{keyId}", routes.change_key, "修改 API 密钥：名称、启用、模型、限额、期限", KeyFacts, KeyEdit,
         admin),
        ("POST", "/keys/{keyId}/rotate", routes.rotate_key, rotate, KeyFacts, KeyRotation, admin),
        ("DELETE", "/keys/{keyId}", routes.revoke_key, "吊销 API 密钥，一秒内处处生效", KeyFacts, None, admin),
        ("GET", "/prices", routes.prices, "价格列表", PricePage, None, viewer),
        ("POST", "/prices", routes.set_prices, "设置价格（追加新版本）", PricesOutcome, NewPrices, admin),
        ("POST", "/prices/import", routes.import_prices, "导入价目表；dryRun 只预览", PricesOutcome, PriceImport,
         admin),
    )  # fmt: skip


class _Routes:
    """Reads a request, calls one verb, renders the answer."""

    def __init__(self, verbs: AdministrationVerbs) -> None:
        self._verbs = verbs

    def create_user(self, body: Body, origin: From) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.create_user(read_body(body, NewUser), origin), 201)

    def users(self, cursor: Cursor = "", limit: Limit = 100) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.users(cursor, limit))

    def user(self, user_id: UserId) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.user(user_id))

    def change_user(self, user_id: UserId, body: Body, origin: From) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.change_user(user_id, read_body(body, UserEdit), origin))

    def create_key(self, user_id: UserId, body: Body, origin: From) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.create_key(user_id, read_body(body, NewKey), origin), 201)

    def keys_of(self, user_id: UserId, cursor: Cursor = "", limit: Limit = 100) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.keys(user_id, cursor, limit))

    def keys(self, cursor: Cursor = "", limit: Limit = 100) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.keys(None, cursor, limit))

    def revoke_key(self, key_id: KeyId, origin: From) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.revoke_key(key_id, origin))

    def change_key(self, key_id: KeyId, body: Body, origin: From) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.change_key(key_id, read_body(body, KeyEdit), origin))

    def rotate_key(self, key_id: KeyId, body: Body, origin: From) -> PlainJsonResponse:
        return PlainJsonResponse(self._verbs.rotate_key(key_id, read_body(body, KeyRotation), origin))

    def prices(
        self,
        *,
        provider: Annotated[str | None, Query(alias="providerId", description="只看此提供商")] = None,
        model: Annotated[str | None, Query(alias="modelId", description="模型名的任意部分")] = None,
        channel: Annotated[str | None, Query(alias="channelId", description="只看此渠道自己的价格")] = None,
        in_force: Annotated[bool, Query(alias="inForce", description="false 则包括历史与未来的版本")] = True,
        cursor: Cursor = "",
        limit: Limit = 100,
    ) -> PlainJsonResponse:
        page = self._verbs.prices(
            provider=provider, model=model, channel=channel, in_force=in_force, cursor=cursor, limit=limit
        )
        return PlainJsonResponse(page)

    def set_prices(self, body: Body, origin: From) -> PlainJsonResponse:
        return _priced(self._verbs.set_prices(read_body(body, NewPrices), origin))

    def import_prices(self, body: Body, origin: From) -> PlainJsonResponse:
        return _priced(self._verbs.import_prices(read_body(body, PriceImport), origin))


def _priced(outcome: PricesOutcome) -> PlainJsonResponse:
    return PlainJsonResponse(outcome, 201 if outcome.added and not outcome.dry_run else 200)
