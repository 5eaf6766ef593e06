"""What people see of quotas: totals and use, what a grant for everybody would cost, and why a call was refused.

Totals come from the entries: what an account was credited with (grants, corrections, what expired) is its total, what
calls took of it (usage, repricings, refunds) is its use, and the difference is its balance, always.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Final, NamedTuple

from smart_ai_router.domain.accounts import (
    QUOTA_TYPES,
    AccountKey,
    AccountKind,
    QuotaUnit,
    Wallet,
    first_day_after,
    is_money,
    monthly_part,
    quota_type_of,
    shown_amount,
    user_account,
)
from smart_ai_router.domain.ledger import Order, Transfer, TransferKind, grant
from smart_ai_router.domain.meters import Meter, Usage, UsageSource
from smart_ai_router.domain.money import AmountInvalid, Pico
from smart_ai_router.domain.pricing import UNPRICED, PriceSheet, price_usage, upper_estimate

TEXT_TOKENS_PER_USER: Final = 100_000  # the second guide's defaults
IMAGES_PER_USER: Final = 20
SHORT_CALL_TOKENS: Final = 1_000
POOL_SHORTAGE: Final = "resource_pool"  # the second guide's word for a pool in a 402

_USE: Final = frozenset((TransferKind.USAGE, TransferKind.REPRICE, TransferKind.REFUND))


class Figures(NamedTuple):
    """What one account was given and what was used of it."""

    credited: int = 0
    used: int = 0

    @property
    def balance(self) -> int:
        """What is left."""
        return self.credited - self.used


@dataclass(frozen=True, slots=True)
class QuotaFigures:
    """One unit of a user's quota, in smallest parts; `shown_amount` makes the guide's numbers of them."""

    quota_type: str
    unit: str
    permanent: Figures
    monthly: Figures

    @property
    def available(self) -> int:
        """What is left of both parts; a part that is overdrawn takes from the other."""
        return self.permanent.balance + self.monthly.balance


@dataclass(frozen=True, slots=True)
class QuotaCalculation:
    """How far a pool goes when every user is given so much."""

    available: Pico
    text_cost_per_user: Pico
    image_cost_per_user: Pico
    total_cost_per_user: Pico
    users_max: int | None  # None: it costs nothing, so there is no limit
    users: int
    total_cost: Pico
    remaining: Pico  # below zero: so much is missing


@dataclass(frozen=True, slots=True)
class BatchGrant:
    """What a grant to many comes to: one transfer for each user and unit, and who is left out."""

    transfers: tuple[Transfer, ...]
    users: int
    left_out: tuple[str, ...]

    @property
    def granted_users(self) -> int:
        """How many get something."""
        return self.users - len(self.left_out)


@dataclass(frozen=True, slots=True)
class ShortageNotice:
    """Why a call was refused for want of quota, in what a program can read."""

    quota_type: str  # text_token | image | audio | video | money | key_budget | resource_pool
    unit: str  # CNY, text_token, image, minute, second
    needed: Decimal
    available: Decimal  # in all parts together
    resets_on: date | None  # the first local day on which a part begins anew; None: only a grant or a recharge helps
    message: str


def figures_of(transfers: Iterable[Transfer]) -> dict[AccountKey, Figures]:
    """What each account was given and what was used of it, from the entries."""
    figures: dict[AccountKey, Figures] = {}
    for transfer in transfers:
        is_use = transfer.kind in _USE
        for account, amount in transfer.entries:
            before = figures.get(account, Figures())
            figures[account] = (
                Figures(before.credited, before.used - amount)
                if is_use
                else Figures(before.credited + amount, before.used)
            )
    return figures


def quota_figures(
    user_id: str, currency: str, month: str, figures: Mapping[AccountKey, Figures]
) -> tuple[QuotaFigures, ...]:
    """A user's quota this month: the guide's four types, then money."""
    units = [*(unit.value for unit in QUOTA_TYPES.values()), currency]
    return tuple(
        QuotaFigures(
            quota_type_of(unit),
            unit,
            figures.get(user_account(user_id, unit), Figures()),
            figures.get(user_account(user_id, unit, monthly_part(month)), Figures()),
        )
        for unit in units
    )


def text_cost_per_user(sheet: PriceSheet, tokens: int) -> Pico | None:
    """What so many tokens cost, used up in short calls and at the dearer of the input and output price.

    None when the model has no price for one of them.
    """
    bills = [
        price_usage(sheet, Usage(((meter, SHORT_CALL_TOKENS),), UsageSource.ESTIMATED))
        for meter in (Meter.INPUT, Meter.OUTPUT)
    ]
    if any(bill.basis == UNPRICED for bill in bills):
        return None
    dearest = max(bill.total_cost for bill in bills)
    return -(-dearest * tokens // SHORT_CALL_TOKENS)


def image_cost_per_user(sheet: PriceSheet, images: int) -> Pico | None:
    """What so many images cost, one by one; None when the model has no price for an image."""
    bill = price_usage(sheet, Usage(((Meter.IMAGE, 1),), UsageSource.ESTIMATED))
    return None if bill.basis == UNPRICED else bill.total_cost * images


def calculate_quota(available: Pico, text_cost: Pico, image_cost: Pico, users: int) -> QuotaCalculation:
    """How many users a pool can give this to, and what is left when all `users` get it."""
    per_user = text_cost + image_cost
    return QuotaCalculation(
        available=available,
        text_cost_per_user=text_cost,
        image_cost_per_user=image_cost,
        total_cost_per_user=per_user,
        users_max=max(available, 0) // per_user if per_user else None,
        users=users,
        total_cost=per_user * users,
        remaining=available - per_user * users,
    )


def batch_grant(enabled_users: Mapping[str, bool], amounts: Mapping[QuotaUnit, int], order: Order) -> BatchGrant:
    """One grant to every enabled user; a repetition under the same key changes nothing. Raises AmountInvalid."""
    wanted = {unit: amount for unit, amount in amounts.items() if amount}
    if not wanted or min(wanted.values()) < 0:
        raise AmountInvalid("a batch grant needs an amount above zero")
    transfers = []
    left_out = []
    for user_id, is_enabled in sorted(enabled_users.items()):
        if not is_enabled:
            left_out.append(user_id)
            continue
        for unit, amount in wanted.items():
            account = user_account(user_id, unit)
            transfers.append(grant(account, amount, order._replace(key=_batch_key(order.key, account))))
    return BatchGrant(tuple(transfers), len(enabled_users), tuple(left_out))


def shortage_notice(wallet: Wallet, needed: int, available: int) -> ShortageNotice:
    """Why a call was refused: which limit, how much it needed and how much there is, and when it begins anew.

    `available` is what the whole wallet has; below zero it is shown as 0.
    """
    account = wallet[0]
    quota_type = _shortage_type(account)
    shown_needed, shown_available = (shown_amount(account.unit, max(each, 0)) for each in (needed, available))
    ends = [end for end in (first_day_after(each.part) for each in wallet) if end is not None]
    return ShortageNotice(
        quota_type=quota_type,
        unit=_shown_unit(account.unit),
        needed=shown_needed,
        available=shown_available,
        resets_on=min(ends, default=None),
        message=f"配额不足: {quota_type}, 需要: {shown_needed:f}, 可用: {shown_available:f}",
    )


def output_tokens_affordable(sheet: PriceSheet, input_tokens: int, output_tokens: int, available: Pico) -> int | None:
    """To how many output tokens a call would have to be limited so that `available` covers it; None when to none.

    `available` is in the sheet's currency; `output_tokens`, at least 1, is what was asked for. This is what a refusal
    recommends as max_tokens.
    """
    if upper_estimate(sheet, input_tokens, 1) > available:
        return None
    least, most = 1, output_tokens  # `least` is affordable
    while least < most:
        middle = (least + most + 1) // 2
        if upper_estimate(sheet, input_tokens, middle) <= available:
            least = middle
        else:
            most = middle - 1
    return least


def _batch_key(key: str, account: AccountKey) -> str:
    digest = sha256(f"{key}\n{account.unit}\n{account.owner}".encode()).hexdigest()
    return f"batch:{digest[:40]}"


def _shortage_type(account: AccountKey) -> str:
    if account.kind is AccountKind.POOL:
        return POOL_SHORTAGE
    return "key_budget" if account.kind is AccountKind.KEY else quota_type_of(account.unit)


def _shown_unit(unit: str) -> str:
    shown = {QuotaUnit.AUDIO_MS.value: "minute", QuotaUnit.VIDEO_MS.value: "second"}
    return unit if is_money(unit) else shown.get(unit, unit)
