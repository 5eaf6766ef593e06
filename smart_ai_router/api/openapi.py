"""What the API says about itself: the OpenAPI document, and a page that shows it without anything from outside.

The answers' schemas come from the shapes that the verbs answer with, so that the document cannot drift from them.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from html import escape
from typing import Any, Final, TypedDict

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from smart_ai_router.api.admin_access import COOKIE, GuardedRoute, guarded_routes
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core import access_messages, administration_messages, ledger_requests
from smart_ai_router.core.alert_log import ChannelAlert
from smart_ai_router.core.billing import (
    cost_messages,
    model_messages,
    pool_messages,
    price_messages,
    quota_messages,
    record_messages,
)
from smart_ai_router.core.statistics.query import QueryAnswer
from smart_ai_router.core.statistics.shapes import (
    CostBreakdown,
    DailyStatistics,
    MonthlyStatistics,
    SummaryStatistics,
    TopChannels,
    TopModels,
    TopTags,
    TopUsers,
    WeeklyStatistics,
)
from smart_ai_router.domain.roles import Role

Document = dict[str, Any]  # FastAPI's own type for JSON documents


class RecentAlerts(TypedDict):
    """The alerts of the last hours, oldest first."""

    time_range_hours: int
    total_alerts: int
    alert_counts: dict[str, int]
    alerts: list[ChannelAlert]
    complete: bool


class Message(TypedDict):
    """Something was done."""

    success: bool
    message: str


class Mistake(TypedDict):
    """Why there is no other answer."""

    detail: str


ANSWERS: Final = (
    DailyStatistics,
    WeeklyStatistics,
    MonthlyStatistics,
    SummaryStatistics,
    TopModels,
    TopChannels,
    TopUsers,
    TopTags,
    CostBreakdown,
    QueryAnswer,
    RecentAlerts,
    *administration_messages.ANSWERS,
    *administration_messages.REQUESTS,
    *access_messages.ACCESS_ANSWERS,
    *access_messages.ACCESS_REQUESTS,
    *record_messages.ANSWERS,
    *cost_messages.ANSWERS,
    *model_messages.ANSWERS,
    *model_messages.REQUESTS,
    *price_messages.ANSWERS,
    *price_messages.REQUESTS,
    *pool_messages.ANSWERS,
    *quota_messages.ANSWERS,
    *ledger_requests.REQUESTS,
)

_CONVERTER: Final = re.compile(r":[a-z]+\}")
_STYLE: Final = (
    "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto}code{font-weight:bold}td{padding:0 1em 0 0}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PAGE_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"


def answers(data: type | None) -> Document:
    """How a route answers, as FastAPI wants to be told: `{"success": true, "data": <this>}`, or one of the refusals."""
    schema = _ref(Message) if data is Message else _envelope({"type": "object"} if data is None else _ref(data))
    return {"response_class": PlainJsonResponse, **_answers("application/json", schema)}


def text_answers() -> Document:
    """The same for a route that speaks plain text."""
    return {"response_class": PlainTextResponse, **_answers("text/plain", {"type": "string"})}


def bare_answers(data: type) -> Document:
    """The same for a route that answers without an envelope."""
    return {"response_class": PlainJsonResponse, **_answers("application/json", _ref(data))}


def list_answers(data: type) -> Document:
    """The same for a route that answers with a bare list."""
    schema = {"type": "array", "items": _ref(data)}
    return {"response_class": PlainJsonResponse, **_answers("application/json", schema)}


def takes(data: type, *, required: bool = True) -> Document:
    """What a route takes in its body, as FastAPI wants to be told."""
    body = {"required": required, "content": {"application/json": {"schema": _ref(data)}}}
    return {"openapi_extra": {"requestBody": body}}


def no_answer() -> Document:
    """The same for a route that has nothing to tell."""
    told = _answers("application/json", {})
    refusals = {status: answer for status, answer in told["responses"].items() if status != 200}
    return {**told, "status_code": 204, "responses": {204: {"description": "完成"}, **refusals}}


def file_answers(media_type: str) -> Document:
    """The same for a route that answers with a file."""
    return {"response_class": Response, **_answers(media_type, {"type": "string"})}


def _answers(media_type: str, schema: Document) -> Document:
    refusals = {400: "参数错误", 401: "没有登录，或令牌、会话无效", 403: "当前角色无权访问"}
    return {
        "response_model": None,
        "responses": {
            200: {"description": "成功", "content": {media_type: {"schema": schema}}},
            **{
                status: {"description": why, "content": {"application/json": {"schema": _ref(Mistake)}}}
                for status, why in refusals.items()
            },
        },
    }


class ControlApp(FastAPI):
    """FastAPI with our schemas in its document, which is made when it is first asked for."""

    def openapi(self) -> Document:
        if self.openapi_schema is None:
            self.openapi_schema = _document(self)
        return self.openapi_schema


def serve_description(app: ControlApp) -> None:
    """Serve the document and the page that shows it."""

    def docs(_request: Request) -> HTMLResponse:
        return HTMLResponse(_page(app.openapi()), headers={"content-security-policy": _PAGE_POLICY})

    def openapi_json(_request: Request) -> PlainJsonResponse:
        return PlainJsonResponse(app.openapi())

    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route("/openapi.json", openapi_json, include_in_schema=False)


def _document(app: FastAPI) -> Document:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    _, ours = msgspec.json.schema_components(
        (*ANSWERS, Message, Mistake), schema_hook=_anything, ref_template="#/components/schemas/{name}"
    )
    components.setdefault("schemas", {}).update(_with_numbers(ours))
    components["securitySchemes"] = {
        "admin_token": {"type": "http", "scheme": "bearer", "description": "管理员令牌、会话令牌或用户的 API 密钥"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "浏览器登录后的会话"},
    }
    document["security"] = [{"admin_token": []}, {"session": []}]
    _tell_roles(document, guarded_routes(app))
    return document


def _tell_roles(document: Document, routes: Iterable[GuardedRoute]) -> None:
    """Say of each route which role it takes at least; `x-own` names the parameter of one that users may ask too."""
    for route in routes:
        for method in route.methods:
            path = _CONVERTER.sub("}", route.path)  # {name:path} is {name} in the document
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                operation["x-least-role"] = route.least.role.word
                if route.least.own is not None:
                    operation["x-own"] = route.least.own
                if route.least.role is Role.NOBODY:
                    operation["security"] = []


def _envelope(data: Document) -> Document:
    return {
        "type": "object",
        "required": ["success", "data"],
        "properties": {"success": {"type": "boolean", "const": True}, "data": data},
    }


def _ref(shape: type) -> Document:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _anything(_type: type) -> Document:
    return {"description": "any JSON value"}  # an empty schema counts as none


def _with_numbers(schema: Any) -> Any:
    """Decimals go over the wire as JSON numbers, not as strings."""
    if isinstance(schema, dict):
        if schema.get("format") == "decimal":
            return {key: value for key, value in schema.items() if key != "format"} | {"type": "number"}
        return {key: _with_numbers(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_with_numbers(each) for each in schema]
    return schema


def _page(document: Document) -> str:
    parts = [
        f"<!doctype html><html lang=zh><meta charset=utf-8><title>{escape(document['info']['title'])}</title>",
        f"<style>{_STYLE}</style><h1>{escape(document['info']['title'])} {escape(document['info']['version'])}</h1>",
        f"<p>{escape(document['info'].get('description', ''))}</p>",
        '<p><a href="/openapi.json">openapi.json</a></p>',
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(f"<h3><code>{method.upper()} {escape(path)}</code></h3><p>{escape(operation['summary'])}</p>")
            parts.append(_parameters(operation.get("parameters", [])))
    return "".join(parts)


def _parameters(parameters: list[Document]) -> str:
    rows = []
    for each in parameters:
        schema = each["schema"]
        default = f"默认 {schema['default']}" if schema.get("default") not in (None, "") else ""
        cells = (each["name"], each.get("description", ""), default)
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells))
    return f"<table>{''.join(rows)}</table>" if rows else ""
