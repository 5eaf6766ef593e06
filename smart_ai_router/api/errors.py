"""The control plane's errors: one shape, `{"detail": ...}`, as the guide's clients know it.

A caller's mistake is 400 with one sentence, or 422 with FastAPI's list when a parameter is not of its kind. What was
sent is never echoed. A failure of ours is 500 without details; they are in the log.
"""

import logging
from math import ceil
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.api.security_headers import SECURITY_HEADERS
from smart_ai_router.core.statistics.periods import DateInvalid, MonthInvalid
from smart_ai_router.core.statistics.query import QueryInvalid
from smart_ai_router.core.statistics_store import GroupingUnavailable
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.core.usage_pages import CursorInvalid
from smart_ai_router.domain.errors import Refusal

OUR_FAULT: Final = "服务器内部错误，详情见日志"
NO_BOOKS: Final = "账目数据库暂时不可用，请稍后重试；调用不受影响，用量已写入日志"
_CALLERS_MISTAKES: Final = (DateInvalid, MonthInvalid, QueryInvalid, GroupingUnavailable, CursorInvalid)

_logger = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer other than success, made where the reason is known."""

    def __init__(self, status_code: int, detail: str) -> None:
        super().__init__(detail)
        self.status_code = status_code
        self.detail = detail


def add_error_handlers(app: FastAPI) -> None:
    """Give every error its one shape."""
    for mistake in _CALLERS_MISTAKES:
        app.add_exception_handler(mistake, _answer_mistake)
    app.add_exception_handler(ApiError, _answer_api_error)
    app.add_exception_handler(Refusal, _answer_refusal)
    app.add_exception_handler(StoreFailure, _answer_no_books)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(Exception, _answer_our_fault)


def _answer_no_books(_request: Request, error: Exception) -> PlainJsonResponse:
    """What the store says names hosts and files: it goes to the log."""
    _logger.warning("the books cannot be asked: %s", error)
    return PlainJsonResponse({"detail": NO_BOOKS, "code": "books_unavailable"}, 503, {"retry-after": "1"})


def _answer_mistake(_request: Request, error: Exception) -> PlainJsonResponse:
    return PlainJsonResponse({"detail": str(error)}, 400)


def _answer_api_error(_request: Request, error: Exception) -> PlainJsonResponse:
    assert isinstance(error, ApiError)
    return PlainJsonResponse({"detail": error.detail}, error.status_code)


def _answer_refusal(_request: Request, error: Exception) -> PlainJsonResponse:
    assert isinstance(error, Refusal)
    wait = {} if error.retry_after_s is None else {"retry-after": str(max(1, ceil(error.retry_after_s)))}
    return PlainJsonResponse({"detail": error.message, "code": error.code}, error.status, wait)


def _answer_http(_request: Request, error: Exception) -> PlainJsonResponse:
    assert isinstance(error, HTTPException)
    return PlainJsonResponse({"detail": error.detail}, error.status_code, dict(error.headers or {}))


def _answer_invalid(_request: Request, error: Exception) -> PlainJsonResponse:
    assert isinstance(error, RequestValidationError)
    problems = [{"type": each["type"], "loc": each["loc"], "msg": each["msg"]} for each in error.errors()]
    return PlainJsonResponse({"detail": problems}, 422)


def _answer_our_fault(_request: Request, _error: Exception) -> PlainJsonResponse:
    # This handler runs outside all middleware, so it brings the headers along.
    return PlainJsonResponse({"detail": OUR_FAULT}, 500, SECURITY_HEADERS)
