"""退款: gives back what a call was charged."""

from typing import Annotated

from fastapi import APIRouter, Path

from smart_ai_router.api.admin_access import least
from smart_ai_router.api.administration import Body, From, read_body
from smart_ai_router.api.billing.ledger_services import LedgerServices
from smart_ai_router.api.billing.parameters import TEXT_CHARACTERS_MAX
from smart_ai_router.api.openapi import bare_answers, takes
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.billing.quota_messages import RefundOutcome
from smart_ai_router.core.billing.refunds import refund_facts
from smart_ai_router.core.ledger_requests import CallRefund
from smart_ai_router.domain.roles import Role

RequestId = Annotated[str, Path(alias="requestId", max_length=TEXT_CHARACTERS_MAX, description="调用的 requestId")]


def refunds_router(services: LedgerServices) -> APIRouter:
    """The one route over these services."""

    def refund(request_id: RequestId, body: Body, origin: From) -> PlainJsonResponse:
        asked = read_body(body, CallRefund) if body.strip() else CallRefund()
        services.view()  # the books hold every call that has ended
        booked = services.refund(request_id, asked, origin)
        return PlainJsonResponse(refund_facts(booked, request_id, asked.side))

    router = APIRouter()
    router.add_api_route(
        "/usage/records/{requestId}/refund",
        refund,
        methods=["POST"],
        summary="退还一次调用的费用；同一个 Idempotency-Key 只退一次",
        dependencies=[least(Role.ADMIN)],
        **bare_answers(RefundOutcome),
        **takes(CallRefund, required=False),
    )
    return router
