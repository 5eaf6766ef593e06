"""用户配额: what a user has and has used, what a grant for everybody would cost, and the switch."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from smart_ai_router.core.billing.market import Market, Offer
from smart_ai_router.core.billing.models import OfferUnknown, ProviderUnknown
from smart_ai_router.core.billing.quota_messages import (
    QuotaCalculationFacts,
    QuotaHistory,
    QuotaMovement,
    QuotaStats,
    UserQuotaFacts,
    UserStatistics,
)
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.ledger_rows import EnforcementRow
from smart_ai_router.core.ledger_store import LedgerReader
from smart_ai_router.core.ledger_verbs import checked_unit, currency_of
from smart_ai_router.core.timestamps import iso_utc_ms, seconds_of
from smart_ai_router.domain.accounts import (
    MONEY,
    PERMANENT,
    AccountKey,
    AccountKind,
    month_of,
    monthly_part,
    pool_account,
    quota_type_of,
    shown_amount,
    user_account,
)
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.exchange import ExchangeRates, RateUnknown
from smart_ai_router.domain.money import Pico, pico_to_decimal
from smart_ai_router.domain.pricing import PriceSheet
from smart_ai_router.domain.quota_pages import (
    Figures,
    QuotaFigures,
    calculate_quota,
    image_cost_per_user,
    quota_figures,
    text_cost_per_user,
)

CALCULATION_IMPOSSIBLE: Final = "{} has no model with a known price for {}; enter one, or ask for 0"


class CalculationImpossible(Refusal):
    """A price, or an exchange rate, is not known."""

    status = 409
    code = "calculation_impossible"


def is_enforced(ledger: LedgerReader) -> bool:
    """Whether callers without quota are refused."""
    row = ledger.setting("quota_enforcement", "")
    return row.is_enforced if isinstance(row, EnforcementRow) else True


def user_quota(ledger: LedgerReader, view: BillingView, user_id: str) -> UserQuotaFacts:
    """A user's quota this month."""
    currency = currency_of(ledger, user_id) or view.currency
    month = month_of(view.today)
    by_type = _figures(ledger, user_id, currency, month)
    amounts: dict[str, Decimal] = {}
    for quota_type, names in _FIELDS.items():
        figures = by_type[quota_type]
        parts = (figures.permanent.credited, figures.permanent.used, figures.monthly.credited, figures.monthly.used)
        for name, amount in zip(names, (*parts, figures.available), strict=True):
            amounts[name] = shown_amount(figures.unit, amount)
    return UserQuotaFacts(
        id=user_id,
        user_id=user_id,
        last_reset_date=view.today.replace(day=1).isoformat(),
        currency=currency,
        month=month,
        is_limited=any(each.is_granted for each in ledger.accounts(AccountKind.USER, user_id)),
        enforced=is_enforced(ledger),
        **amounts,
    )


_FIELDS: Final = {
    "text_token": (
        "text_token_total", "text_token_used", "text_token_monthly_quota", "text_token_monthly_used",
        "text_token_available",
    ),
    "image": (
        "image_quota_total", "image_quota_used", "image_quota_monthly", "image_quota_monthly_used", "image_available",
    ),
    "audio": (
        "audio_quota_total", "audio_quota_used", "audio_quota_monthly", "audio_quota_monthly_used", "audio_available",
    ),
    "video": (
        "video_quota_total", "video_quota_used", "video_quota_monthly", "video_quota_monthly_used", "video_available",
    ),
    MONEY: ("money_total", "money_used", "money_monthly", "money_monthly_used", "money_available"),
}  # fmt: skip


def user_statistics(ledger: LedgerReader, view: BillingView, user_id: str) -> UserStatistics:
    """A user's own figures this month."""
    currency = currency_of(ledger, user_id) or view.currency
    month = month_of(view.today)
    stats = {quota_type: _stats(each) for quota_type, each in _figures(ledger, user_id, currency, month).items()}
    return UserStatistics(
        user_id=user_id,
        plan_name=None,
        plan_type=None,
        current_month=month,
        last_reset_date=view.today.replace(day=1).isoformat(),
        text_token_stats=stats["text_token"],
        image_stats=stats["image"],
        audio_stats=stats["audio"],
        video_stats=stats["video"],
        money_stats=stats[MONEY],
        currency=currency,
    )


def quota_account(
    ledger: LedgerReader, view: BillingView, user_id: str, quota_type: str, month: str | None
) -> AccountKey:
    """The permanent part of a user's quota, or that of a month; raises FieldInvalid."""
    unit = checked_unit(quota_type, currency_of(ledger, user_id) or view.currency)
    return user_account(user_id, unit, PERMANENT if month is None else monthly_part(month))


def quota_history(ledger: LedgerReader, account: AccountKey, cursor: str | None, limit: int) -> QuotaHistory:
    """What was given to a part and taken of it, newest first; raises CursorInvalid."""
    unit = account.unit
    page = ledger.movements(account, cursor, limit)
    told = tuple(
        QuotaMovement(
            created_at=iso_utc_ms(each.at_ms),
            quota_type=quota_type_of(unit),
            part=account.part,
            transaction_type=each.kind.value,
            amount=shown_amount(unit, each.amount),
            request_id=each.request_id,
            operator_id=each.actor,
            source=each.source,
            description=each.remark,
        )
        for each in page.movements
    )
    return QuotaHistory(told, page.next_cursor)


class CalculationAsked(NamedTuple):
    """What every user is to be given, at which provider."""

    provider_id: str
    tokens: int
    images: int
    users: int
    text_model: str | None = None  # None: the dearest
    image_model: str | None = None


class Purchase(NamedTuple):
    """One user's part: so much of a kind of model, priced by a function of its sheet."""

    quantity: int
    model: str | None
    kind: str
    price: Callable[[PriceSheet, int], Pico | None]


class Calculator:
    """How far a provider's pool goes."""

    def __init__(self, ledger: LedgerReader, market: Market, view: BillingView, rates: ExchangeRates) -> None:
        self._ledger = ledger
        self._market = market
        self._view = view
        self._rates = rates

    def calculate(self, asked: CalculationAsked) -> QuotaCalculationFacts:
        """Raises ProviderUnknown, OfferUnknown, CalculationImpossible."""
        provider_id = asked.provider_id
        provider = self._market.provider(provider_id)
        if provider is None:
            raise ProviderUnknown(f"there is no provider {provider_id[:80]!r}")
        pools = {pool.row.provider_id: pool.row.currency for pool in self._ledger.pools()}
        currency = pools.get(provider_id, self._view.currency)
        available = self._ledger.account(pool_account(provider_id, currency)).balance
        texts = Purchase(asked.tokens, asked.text_model, "chat", text_cost_per_user)
        pictures = Purchase(asked.images, asked.image_model, "image", image_cost_per_user)
        text, text_named = self._cost(provider_id, currency, texts)
        image, image_named = self._cost(provider_id, currency, pictures)
        found = calculate_quota(available, text, image, asked.users)
        return QuotaCalculationFacts(
            provider_id=provider_id,
            provider_name=provider.display_name,
            available_balance=pico_to_decimal(found.available),
            text_cost_per_user=pico_to_decimal(found.text_cost_per_user),
            image_cost_per_user=pico_to_decimal(found.image_cost_per_user),
            total_cost_per_user=pico_to_decimal(found.total_cost_per_user),
            max_users=found.users_max,
            total_cost_for_all_users=pico_to_decimal(found.total_cost),
            remaining_balance=pico_to_decimal(found.remaining),
            total_users=found.users,
            currency=currency,
            text_model=text_named,
            image_model=image_named,
        )

    def _cost(self, provider_id: str, currency: str, wanted: Purchase) -> tuple[Pico, str | None]:
        """What one user's part costs, by the named model or the dearest of its kind."""
        model = wanted.model
        if not wanted.quantity:
            return 0, model
        offers = [
            offer
            for offer in self._market.offers()
            if offer.channel.provider_id == provider_id
            and (offer.model.kind == wanted.kind if model is None else offer.model.name == model)
        ]
        if model is not None and not offers:
            raise OfferUnknown(f"{provider_id} has no model {model[:80]!r}")
        costs = {offer.model.name: self._converted(offer, currency, wanted) for offer in offers}
        known = {name: cost for name, cost in costs.items() if cost is not None}
        if not known:
            raise CalculationImpossible(CALCULATION_IMPOSSIBLE.format(provider_id, wanted.kind))
        dearest = max(known, key=lambda name: (known[name], name))
        return known[dearest], dearest

    def _converted(self, offer: Offer, currency: str, wanted: Purchase) -> Pico | None:
        now_ms = self._view.now_ms
        sheet = self._market.sheet(offer, seconds_of(now_ms - now_ms % 1000))
        cost = None if sheet is None else wanted.price(sheet, wanted.quantity)
        if sheet is None or not cost or sheet.currency == currency:  # nothing is nothing in every currency
            return cost
        try:
            return self._rates.conversion(sheet.currency, currency, now_ms).factor.bound(cost)
        except RateUnknown as unknown:
            raise CalculationImpossible(str(unknown)) from unknown


def _figures(ledger: LedgerReader, user_id: str, currency: str, month: str) -> Mapping[str, QuotaFigures]:
    found: dict[AccountKey, Figures] = {
        each.key: Figures(each.credited, each.used) for each in ledger.accounts(AccountKind.USER, user_id)
    }
    return {each.quota_type: each for each in quota_figures(user_id, currency, month, found)}


def _stats(figures: QuotaFigures) -> QuotaStats:
    permanent, monthly = figures.permanent, figures.monthly
    quota, used = permanent.credited + monthly.credited, permanent.used + monthly.used

    def shown(amount: int) -> Decimal:
        return shown_amount(figures.unit, amount)

    return QuotaStats(
        total_quota=shown(quota),
        total_used=shown(used),
        total_available=shown(figures.available),
        monthly_quota=shown(monthly.credited),
        monthly_used=shown(monthly.used),
        monthly_actual_usage=shown(monthly.used),
        monthly_available=shown(monthly.balance),
        plan_monthly_quota=shown(monthly.credited),
        permanent_quota=shown(permanent.credited),
        total_usage_rate=_rate(used, quota),
        monthly_usage_rate=_rate(monthly.used, monthly.credited),
    )


def _rate(used: int, quota: int) -> Decimal:
    """In percent, rounded down to two decimals; 0 of nothing."""
    return Decimal(used * 10_000 // quota).scaleb(-2) if quota > 0 else Decimal(0)
