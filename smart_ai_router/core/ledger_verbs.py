"""What the verbs that move money have in common: the request's key, the user's account, the answer."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

from smart_ai_router.core.actions import Change
from smart_ai_router.core.administration import (
    ActionDesk,
    AdministrationStore,
    IdempotencyKeyInvalid,
    Origin,
    Performed,
)
from smart_ai_router.core.administrative_state import UserRow
from smart_ai_router.core.ledger_actions import LedgerChange, transfer_of
from smart_ai_router.core.ledger_rows import QuotaCurrencyRow
from smart_ai_router.core.ledger_store import LedgerReader
from smart_ai_router.core.users_and_keys import FieldInvalid, UserUnknown
from smart_ai_router.domain.accounts import QuotaTypeUnknown, amount_of_shown, is_money, unit_of
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.ledger import Order, Transfer, TransferInvalid, require_key
from smart_ai_router.domain.money import AmountInvalid, AmountTooLarge

TEXT_CHARACTERS_MAX: Final = 500
_CURRENCY: Final = re.compile(r"[A-Z]{3,8}")

Made = TypeVar("Made")


class Booked(NamedTuple):
    """What became of a request: the first answer again, when it was a repetition."""

    done: Performed
    transfers: tuple[Transfer, ...]
    balance_before: int | None = None  # of the pool, with a recharge

    @property
    def is_repeated(self) -> bool:
        return self.done.is_repeated


class AmountRefused(Refusal):
    """An amount that cannot be booked: below zero, too fine, too large, or more than there is to give back."""

    code = "amount_invalid"


def money_origin(desk: ActionDesk, origin: Origin) -> Origin:
    """The origin with a key for its transfers: the person's, or one that nobody else has."""
    if origin.idempotency_key is None:
        return origin._replace(idempotency_key=desk.fresh_id("once:"))
    try:
        require_key(origin.idempotency_key)
    except TransferInvalid as error:
        raise IdempotencyKeyInvalid(str(error)) from error
    return origin


def order_of(origin: Origin, at_ms: int, source: str = "", remark: str = "") -> Order:
    """Who wants a transfer."""
    assert origin.idempotency_key is not None, "see money_origin"
    return Order(origin.idempotency_key, at_ms, origin.actor, checked_text(source), checked_text(remark))


def made(make: Callable[[], Made]) -> Made:
    """A transfer, or the refusal that says why there is none."""
    try:
        return make()
    except (AmountInvalid, AmountTooLarge, TransferInvalid) as error:
        raise AmountRefused(str(error), param="amount") from error


def booked(done: Performed) -> Booked:
    """The answer, from the action that was done now or before."""
    change: Change = done.action.change
    assert isinstance(change, LedgerChange)
    transfers = tuple(transfer_of(row, done.action.at_ms, done.action.actor) for row in change.transfers)
    before = next((row.balance_before for row in change.transfers), None)
    return Booked(done, transfers, before)


def checked_unit(quota_type: str, currency: str) -> str:
    """The unit of a quota type; raises FieldInvalid."""
    try:
        return unit_of(quota_type, currency)
    except QuotaTypeUnknown as error:
        raise FieldInvalid(str(error), param="quotaType") from error


def checked_amount(unit: str, shown: Decimal) -> int:
    """An amount in smallest parts; raises AmountRefused."""
    return made(lambda: amount_of_shown(unit, shown))


def checked_currency(currency: str) -> str:
    """A currency's code; raises FieldInvalid."""
    if not _CURRENCY.fullmatch(currency) or not is_money(currency):
        raise FieldInvalid(f"{currency[:40]!r} is no currency such as CNY", param="currency")
    return currency


def checked_text(text: str) -> str:
    """A remark, or a reason; raises FieldInvalid."""
    if len(text) > TEXT_CHARACTERS_MAX:
        raise FieldInvalid(f"a text has at most {TEXT_CHARACTERS_MAX} characters")
    return text


def known_user(store: AdministrationStore, user_id: str) -> UserRow:
    """A user; raises UserUnknown."""
    user = store.user(user_id)
    if user is None:
        raise UserUnknown(f"there is no user {user_id[:80]!r}; make one first")
    return user


def currency_of(ledger: LedgerReader, user_id: str) -> str | None:
    """What a user is charged in; None while nothing says so."""
    row = ledger.setting("quota_currency", user_id)
    return row.currency if isinstance(row, QuotaCurrencyRow) else None
