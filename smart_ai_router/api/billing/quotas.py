"""用户配额: quotas of users, grants, the calculator, the enforcement switch, and a user's own figures."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.requests import Request

from smart_ai_router.api.admin_access import caller_of, least
from smart_ai_router.api.administration import OWN, Body, Cursor, From, KeyId, Limit, UserId, read_body
from smart_ai_router.api.billing.ledger_services import LedgerServices
from smart_ai_router.api.billing.parameters import TEXT_CHARACTERS_MAX
from smart_ai_router.api.openapi import Document, bare_answers, takes
from smart_ai_router.api.plain_json_response import PlainJsonResponse
from smart_ai_router.core.billing.key_budgets import key_budget, key_budgets
from smart_ai_router.core.billing.quota_messages import (
    BatchGrantOutcome,
    EnforcementFacts,
    EnforcementOutcome,
    KeyBudgetFacts,
    KeyBudgetPage,
    QuotaCalculationFacts,
    QuotaHistory,
    UserQuotaFacts,
    UserStatisticsAnswer,
)
from smart_ai_router.core.billing.quotas import (
    CalculationAsked,
    Calculator,
    is_enforced,
    quota_account,
    quota_history,
    user_quota,
    user_statistics,
)
from smart_ai_router.core.ledger_actions import QuotasGranted
from smart_ai_router.core.ledger_requests import (
    NewBatchGrant,
    NewEnforcement,
    NewGrant,
    NewKeyBudget,
    NewQuotaCurrency,
    NewRecurringGrant,
    QuotaAdjustment,
)
from smart_ai_router.core.users_and_keys import KeyUnknown
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.exchange import ExchangeRates
from smart_ai_router.domain.quota_pages import IMAGES_PER_USER, TEXT_TOKENS_PER_USER
from smart_ai_router.domain.roles import Role

AMOUNT_MAX: Final = 10**12
USERS_A_PAGE: Final = 1000
ENFORCED: Final = "启用：配额不足的用户会被拒绝（HTTP 402）。停用：只记录用量，不拒绝调用"
SET: Final = {True: "配额拦截已启用", False: "配额拦截已停用，用量照常记录"}
USERS_FIGURES: Final = "/api/billing/statistics/users/{userId}"
MONTH: Final = r"^[0-9]{4}-(0[1-9]|1[0-2])$"

QuotaType = Annotated[
    str, Query(alias="quotaType", max_length=40, description="money、text_token、image、audio 或 video")
]
Month = Annotated[str | None, Query(pattern=MONTH, description="月份，例如 2026-11；不写为永久部分")]
TextModel = Annotated[
    str | None, Query(alias="textModel", max_length=TEXT_CHARACTERS_MAX, description="文本模型名；不写为最贵的")
]
ImageModel = Annotated[
    str | None, Query(alias="imageModel", max_length=TEXT_CHARACTERS_MAX, description="图片模型名；不写为最贵的")
]


class NobodysFigures(Refusal):
    """Whoever asks for their own figures is no user."""

    code = "not_a_user"


def quotas_router(services: LedgerServices) -> APIRouter:
    """The routes under /api/admin/billing."""
    quotas = _Quotas(services)
    router = APIRouter()
    viewer, admin = Role.BILLING_VIEWER, Role.ADMIN
    one = "/quota/users/{userId}"
    table: tuple[tuple[str, str, Callable[..., PlainJsonResponse], str, Role, Document], ...] = (
        ("GET", one, quotas.show, "一个用户的配额", viewer, bare_answers(UserQuotaFacts)),
        ("GET", f"{one}/history", quotas.history, "配额的变动记录，最新的在前", viewer, bare_answers(QuotaHistory)),
        ("POST", f"{one}/grant", quotas.grant, "分配配额；同一个 Idempotency-Key 只分配一次", admin, _as(NewGrant)),
        ("POST", f"{one}/adjust", quotas.adjust, "更正配额，可增可减", admin, _as(QuotaAdjustment)),
        ("PUT", f"{one}/monthly", quotas.set_monthly, "每月配额，从本月起；0 为取消", admin, _as(NewRecurringGrant)),
        ("PUT", f"{one}/currency", quotas.set_currency, "用户的计费币种", admin, _as(NewQuotaCurrency)),
        ("GET", f"{one}/keys", quotas.budgets_of, "一个用户各密钥的预算", viewer, bare_answers(KeyBudgetPage)),
        ("GET", "/quota/keys", quotas.budgets, "所有密钥的预算", viewer, bare_answers(KeyBudgetPage)),
        ("GET", "/quota/keys/{keyId}/budget", quotas.budget, "一个密钥的预算", viewer, bare_answers(KeyBudgetFacts)),
        ("PUT", "/quota/keys/{keyId}/budget", quotas.set_budget, "设置密钥的预算；period 为 null 则取消", admin,
         {**bare_answers(KeyBudgetFacts), **takes(NewKeyBudget)}),
        ("GET", "/quota/calculate", quotas.calculate, "资源池可以支持多少用户", viewer,
         bare_answers(QuotaCalculationFacts)),
        ("POST", "/quota/batch-grant", quotas.batch_grant, "给所有启用的用户分配，全部成功或全部不做", admin,
         {**bare_answers(BatchGrantOutcome), **takes(NewBatchGrant)}),
    )  # fmt: skip
    for method, path, endpoint, summary, role, described in table:
        own = OWN if method == "GET" and path.startswith(one) else None
        router.add_api_route(
            path, endpoint, methods=[method], summary=summary, dependencies=[least(role, own)], **described
        )
    return router


def enforcement_router(services: LedgerServices) -> APIRouter:
    """The switch, and users' own figures: their paths are the second guide's."""
    quotas = _Quotas(services)
    router = APIRouter(prefix="/api", tags=["billing"])
    switch = "/admin/system/config/billing/quota-enforcement"
    viewer, admin = Role.BILLING_VIEWER, Role.ADMIN
    for method, path, endpoint, summary, stated, described in (
        ("GET", switch, quotas.enforcement, "配额拦截是否启用", least(viewer), bare_answers(EnforcementFacts)),
        ("POST", switch, quotas.enforce, "启用或停用配额拦截", least(admin),
         {**bare_answers(EnforcementOutcome), **takes(NewEnforcement)}),
        ("GET", "/billing/statistics/me", quotas.own_statistics, "自己的配额统计，用自己的 API 密钥", least(Role.USER),
         bare_answers(UserStatisticsAnswer)),
        ("GET", "/billing/statistics/users/{userId}", quotas.statistics, "一个用户的配额统计", least(viewer, OWN),
         bare_answers(UserStatisticsAnswer)),
    ):  # fmt: skip
        router.add_api_route(path, endpoint, methods=[method], summary=summary, dependencies=[stated], **described)
    return router


def _as(asked: type) -> Document:
    """A change of a quota, which is answered by the quota."""
    return {**bare_answers(UserQuotaFacts), **takes(asked)}


class _Quotas:
    """Reads a request, asks one verb, renders the answer."""

    def __init__(self, services: LedgerServices) -> None:
        self._services = services

    def show(self, user_id: UserId) -> PlainJsonResponse:
        self._services.people.user(user_id)
        return self._shown(user_id)

    def history(
        self,
        user_id: UserId,
        quota_type: QuotaType = "money",
        month: Month = None,
        cursor: Annotated[str | None, Query(max_length=512, description="上一页的 nextCursor")] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="每页条数")] = 20,
    ) -> PlainJsonResponse:
        self._services.people.user(user_id)
        view = self._services.view()
        with self._services.ledger.ledger() as ledger:
            account = quota_account(ledger, view, user_id, quota_type, month)
            return PlainJsonResponse(quota_history(ledger, account, cursor, limit))

    def grant(self, user_id: UserId, body: Body, origin: From) -> PlainJsonResponse:
        self._services.quotas.grant(user_id, read_body(body, NewGrant), origin)
        return self._shown(user_id)

    def adjust(self, user_id: UserId, body: Body, origin: From) -> PlainJsonResponse:
        self._services.quotas.adjust(user_id, read_body(body, QuotaAdjustment), origin)
        return self._shown(user_id)

    def set_monthly(self, user_id: UserId, body: Body, origin: From) -> PlainJsonResponse:
        self._services.quotas.set_monthly_grant(user_id, read_body(body, NewRecurringGrant), origin)
        return self._shown(user_id)

    def set_currency(self, user_id: UserId, body: Body, origin: From) -> PlainJsonResponse:
        self._services.quotas.set_currency(user_id, read_body(body, NewQuotaCurrency), origin)
        return self._shown(user_id)

    def set_budget(self, key_id: KeyId, body: Body, origin: From) -> PlainJsonResponse:
        self._services.quotas.set_key_budget(key_id, read_body(body, NewKeyBudget), origin)
        return self.budget(key_id)

    def budget(self, key_id: KeyId) -> PlainJsonResponse:
        key = self._services.key(key_id)
        if key is None:
            raise KeyUnknown(f"there is no key {key_id[:80]!r}")
        view = self._services.view()
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(key_budget(ledger, view, key))

    def budgets(self, cursor: Cursor = "", limit: Limit = 100) -> PlainJsonResponse:
        return self._budgets(None, cursor, limit)

    def budgets_of(self, user_id: UserId, cursor: Cursor = "", limit: Limit = 100) -> PlainJsonResponse:
        return self._budgets(user_id, cursor, limit)

    def calculate(
        self,
        provider: Annotated[str, Query(max_length=TEXT_CHARACTERS_MAX, description="提供商 ID")],
        tokens: Annotated[
            int, Query(alias="textTokenPerUser", ge=0, le=AMOUNT_MAX, description="每个用户的文本 Token")
        ] = TEXT_TOKENS_PER_USER,
        images: Annotated[
            int, Query(alias="imageCountPerUser", ge=0, le=AMOUNT_MAX, description="每个用户的图片数")
        ] = IMAGES_PER_USER,
        text_model: TextModel = None,
        image_model: ImageModel = None,
    ) -> PlainJsonResponse:
        asked = CalculationAsked(provider, tokens, images, self._enabled_users(), text_model, image_model)
        view, rates = self._services.view(), ExchangeRates(self._services.rates())
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(Calculator(ledger, self._services.market(), view, rates).calculate(asked))

    def batch_grant(self, body: Body, origin: From) -> PlainJsonResponse:
        asked = read_body(body, NewBatchGrant)
        booked = self._services.quotas.grant_to_all(asked, origin)
        change = booked.done.action.change
        assert isinstance(change, QuotasGranted)
        return PlainJsonResponse(
            BatchGrantOutcome(
                total_users=change.users,
                success_count=change.users - change.left_out,
                fail_count=change.left_out,
                text_token_per_user=asked.text_token_per_user,
                image_count_per_user=asked.image_count_per_user,
                source=asked.source,
                description=asked.description,
                repeated=booked.is_repeated,
            )
        )

    def enforcement(self) -> PlainJsonResponse:
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(EnforcementFacts(is_enforced(ledger), ENFORCED))

    def enforce(self, body: Body, origin: From) -> PlainJsonResponse:
        asked = read_body(body, NewEnforcement)
        self._services.quotas.set_enforcement(asked, origin)
        return PlainJsonResponse(EnforcementOutcome(asked.enabled, SET[asked.enabled]))

    def own_statistics(self, request: Request) -> PlainJsonResponse:
        identity = caller_of(request).identity
        if identity is None or identity.user_id is None:
            raise NobodysFigures(f"no user asks here; see {USERS_FIGURES}")
        return self.statistics(identity.user_id)

    def statistics(self, user_id: Annotated[str, Path(alias="userId", description="用户 ID")]) -> PlainJsonResponse:
        self._services.people.user(user_id)
        view = self._services.view()
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(UserStatisticsAnswer(200, "success", user_statistics(ledger, view, user_id)))

    def _shown(self, user_id: str) -> PlainJsonResponse:
        view = self._services.view()
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(user_quota(ledger, view, user_id))

    def _budgets(self, user_id: str | None, cursor: str, limit: int) -> PlainJsonResponse:
        page = self._services.people.keys(user_id, cursor, limit)
        view = self._services.view()
        with self._services.ledger.ledger() as ledger:
            return PlainJsonResponse(key_budgets(ledger, view, page.keys, page.next_cursor))

    def _enabled_users(self) -> int:
        count, cursor = 0, ""
        while True:
            page = self._services.people.users(cursor, USERS_A_PAGE)
            count += sum(user.enabled for user in page.users)
            if page.next_cursor is None:
                return count
            cursor = page.next_cursor
