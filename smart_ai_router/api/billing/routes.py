"""All billing routes together."""

from fastapi import APIRouter

from smart_ai_router.api.billing.costs import costs_router
from smart_ai_router.api.billing.ledger_services import LedgerServices
from smart_ai_router.api.billing.models import models_router
from smart_ai_router.api.billing.pools import pools_router
from smart_ai_router.api.billing.pricing import pricing_router
from smart_ai_router.api.billing.quotas import quotas_router
from smart_ai_router.api.billing.refunds import refunds_router
from smart_ai_router.api.billing.services import BillingServices
from smart_ai_router.api.billing.usage_records import usage_records_router


def billing_router(services: BillingServices, ledger: LedgerServices | None = None) -> APIRouter:
    """The routes over these services; without a ledger those of pools and quotas are left out."""
    router = APIRouter(prefix="/api/admin/billing", tags=["billing"])
    for made in (usage_records_router, costs_router, models_router, pricing_router):
        router.include_router(made(services))
    if ledger is not None:
        router.include_router(pools_router(ledger))
        router.include_router(quotas_router(ledger))
        router.include_router(refunds_router(ledger))
    return router
