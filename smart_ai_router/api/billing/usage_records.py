"""使用记录: pages of usage records, one record in full, and the CSV file."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import StreamingResponse

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.billing.parameters import (
    ApiKeyId,
    ChannelId,
    EndDate,
    ModelId,
    ProviderId,
    StartDate,
    UsageTypeOf,
    UserId,
)
from smart_ai_router.api.billing.services import BillingServices
from smart_ai_router.api.openapi import bare_answers, file_answers
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.billing.periods import open_days
from smart_ai_router.core.billing.record_export import export_records
from smart_ai_router.core.billing.record_messages import UsageRecordDetails, UsageRecordPage
from smart_ai_router.core.billing.records import (
    FAILED,
    SIZE_BY_DEFAULT,
    SUCCESS,
    PageWanted,
    record_details,
    record_page,
)
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.domain.roles import Role

CSV: Final = "text/csv; charset=utf-8"


class Status(StrEnum):
    """The second guide's two endings of a call."""

    SUCCESS = SUCCESS
    FAILED = FAILED


def asked_records(
    *,
    user_id: UserId = None,
    provider_id: ProviderId = None,
    model_id: ModelId = None,
    start_date: StartDate = None,
    end_date: EndDate = None,
    status: Annotated[Status | None, Query(description="状态：success 或 failed")] = None,
    usage_type: UsageTypeOf = None,
    channel_id: ChannelId = None,
    api_key_id: ApiKeyId = None,
) -> UsageFilter:
    """The filter of the page and of the file."""
    first, last = open_days(start_date, end_date)
    return UsageFilter(
        user_id=user_id,
        api_key_id=api_key_id,
        provider=provider_id,
        channel_id=channel_id,
        model=model_id,
        usage_type=usage_type,
        is_success=None if status is None else status is Status.SUCCESS,
        first=first,
        last=last,
    )


Asked = Annotated[UsageFilter, Depends(asked_records)]


def usage_records_router(services: BillingServices) -> APIRouter:
    """The routes over these services."""
    pages = _UsageRecords(services)
    router = APIRouter(prefix="/usage/records", dependencies=[least(Role.BILLING_VIEWER)])
    router.add_api_route("", pages.page, methods=["GET"], summary="使用记录", **bare_answers(UsageRecordPage))
    router.add_api_route(
        "/export",
        pages.export,
        methods=["GET"],
        summary="导出使用记录（CSV，可安全地用电子表格打开）",
        **file_answers(CSV),
    )
    router.add_api_route(
        "/{requestId}", pages.details, methods=["GET"], summary="一条使用记录的全部内容",
        **bare_answers(UsageRecordDetails),
    )  # fmt: skip
    return router


class _UsageRecords:
    """Reads the parameters, lets the books catch up, asks one verb."""

    def __init__(self, services: BillingServices) -> None:
        self._services = services

    def page(
        self,
        asked: Asked,
        page: Annotated[int, Query(description="页码，从 0 起；越过前 10000 条后请用 cursor")] = 0,
        size: Annotated[int, Query(description="每页条数，1 到 200")] = SIZE_BY_DEFAULT,
        cursor: Annotated[
            str | None, Query(max_length=32, description="上一页的 nextCursor；给出时不看 page，新记录到来也不重不漏")
        ] = None,
    ) -> PlainJsonResponse:
        return PlainJsonResponse(record_page(self._services.view(), asked, PageWanted(page, size, cursor)))

    def export(self, asked: Asked) -> StreamingResponse:
        pieces = export_records(self._services.view(), asked)
        disposition = f'attachment; filename="usage-records-{self._services.today():%Y%m%d}.csv"'
        return StreamingResponse(
            _encoded(pieces), media_type=CSV, headers={"content-disposition": disposition, "cache-control": "no-store"}
        )

    def details(
        self, request_id: Annotated[str, Path(alias="requestId", max_length=512, description="请求 ID")]
    ) -> PlainJsonResponse:
        return PlainJsonResponse(record_details(self._services.view(), request_id))


def _encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.encode("utf-8", "replace")
