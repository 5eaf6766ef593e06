"""The office of quotas: what users and keys are given, and whether anybody without is refused."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from smart_ai_router.core.administration import ActionDesk, AdministrationStore, Origin
from smart_ai_router.core.ledger_actions import (
    AccountAdjusted,
    EnforcementSet,
    KeyBudgetSet,
    QuotaCurrencySet,
    QuotaGranted,
    QuotasGranted,
    RecurringGrantSet,
    TransferRow,
    transfer_row,
)
from smart_ai_router.core.ledger_requests import (
    NewBatchGrant,
    NewEnforcement,
    NewGrant,
    NewKeyBudget,
    NewQuotaCurrency,
    NewRecurringGrant,
    QuotaAdjustment,
)
from smart_ai_router.core.ledger_store import LedgerReader, LedgerStore
from smart_ai_router.core.ledger_verbs import (
    Booked,
    booked,
    checked_amount,
    checked_currency,
    checked_unit,
    currency_of,
    known_user,
    made,
    money_origin,
    order_of,
)
from smart_ai_router.core.local_days import LocalDays, date_of
from smart_ai_router.core.users_and_keys import FieldInvalid, KeyUnknown
from smart_ai_router.domain.accounts import (
    PERMANENT,
    AccountKey,
    QuotaUnit,
    key_account,
    month_of,
    monthly_part,
    user_account,
)
from smart_ai_router.domain.ledger import Order, Transfer, adjust, grant, recurring_grant
from smart_ai_router.domain.quota_pages import batch_grant
from smart_ai_router.domain.quotas import Period, part_on

USERS_A_PAGE: Final = 1000
_MONTH: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_PERIODS: Final = tuple(period.value for period in Period)


class QuotaOffice:
    """The verbs. Every one is an action; what moves something has its transfers in it."""

    def __init__(
        self,
        desk: ActionDesk,
        store: AdministrationStore,
        ledger: LedgerStore,
        *,
        time_zone: str,
        billing_currency: str,
    ) -> None:
        """`billing_currency` is that of users who have none of their own."""
        self._desk = desk
        self._store = store
        self._ledger = ledger
        self._days = LocalDays(time_zone)
        self._currency = billing_currency

    def grant(self, user_id: str, asked: NewGrant, origin: Origin) -> Booked:
        """Give a user quota, for ever; raises UserUnknown, FieldInvalid, AmountRefused."""
        origin = money_origin(self._desk, origin)

        def decide(at_ms: int) -> QuotaGranted:
            account = self._account(user_id, asked.quota_type, asked.currency, PERMANENT)
            amount = checked_amount(account.unit, asked.amount)
            remark = asked.description if asked.reference_id is None else f"{asked.description} [{asked.reference_id}]"
            order = order_of(origin, at_ms, asked.source, remark)
            return QuotaGranted(user_id, transfers=(transfer_row(made(lambda: grant(account, amount, order))),))

        return booked(self._desk.perform(f"grant quota {user_id}", asked, origin, decide))

    def adjust(self, user_id: str, asked: QuotaAdjustment, origin: Origin) -> Booked:
        """Correct what a user was given; raises UserUnknown, FieldInvalid, AmountRefused."""
        origin = money_origin(self._desk, origin)

        def decide(at_ms: int) -> AccountAdjusted:
            if asked.month is not None and not _MONTH.fullmatch(asked.month):
                raise FieldInvalid(f"{asked.month[:40]!r} is no month such as 2026-11", param="month")
            part = PERMANENT if asked.month is None else monthly_part(asked.month)
            account = self._account(user_id, asked.quota_type, None, part)
            amount = checked_amount(account.unit, asked.amount)
            order = order_of(origin, at_ms, remark=asked.remark)
            return AccountAdjusted(account, transfers=(transfer_row(made(lambda: adjust(account, amount, order))),))

        return booked(self._desk.perform(f"adjust quota {user_id}", asked, origin, decide))

    def grant_to_all(self, asked: NewBatchGrant, origin: Origin) -> Booked:
        """Give every enabled user text tokens and images, all of them or none; raises AmountRefused."""
        origin = money_origin(self._desk, origin)
        amounts = {QuotaUnit.TEXT_TOKEN: asked.text_token_per_user, QuotaUnit.IMAGE: asked.image_count_per_user}

        def decide(at_ms: int) -> QuotasGranted:
            order = order_of(origin, at_ms, asked.source, asked.description)
            users = dict(self._users())
            batch = made(lambda: batch_grant(users, amounts, order))
            rows = tuple(transfer_row(each) for each in batch.transfers)
            return QuotasGranted(batch.users, len(batch.left_out), transfers=rows)

        return booked(self._desk.perform("grant quota to all", asked, origin, decide))

    def set_monthly_grant(self, user_id: str, asked: NewRecurringGrant, origin: Origin) -> Booked:
        """What a user is given each month, from this one on; raises UserUnknown, FieldInvalid, AmountRefused."""
        origin = money_origin(self._desk, origin)

        def decide(at_ms: int) -> RecurringGrantSet:
            today = self._today(at_ms)
            account = self._account(user_id, asked.quota_type, asked.currency, monthly_part(month_of(today)))
            amount = self._recurring_amount(account, asked)
            names = (account.kind.value, user_id, account.unit, Period.MONTHLY.value, amount, today.isoformat())
            return RecurringGrantSet(*names, transfers=self._first_parts(account, amount, order_of(origin, at_ms)))

        return booked(self._desk.perform(f"grant monthly {user_id}", asked, origin, decide))

    def set_currency(self, user_id: str, asked: NewQuotaCurrency, origin: Origin) -> Booked:
        """What a user is charged in; raises UserUnknown, FieldInvalid."""

        def decide(_at_ms: int) -> QuotaCurrencySet:
            known_user(self._store, user_id)
            return QuotaCurrencySet(user_id, checked_currency(asked.currency))

        return booked(self._desk.perform(f"set quota currency {user_id}", asked, origin, decide))

    def set_key_budget(self, key_id: str, asked: NewKeyBudget, origin: Origin) -> Booked:
        """What a key may be charged from now on, in all or in each period; raises KeyUnknown, FieldInvalid."""
        origin = money_origin(self._desk, origin)

        def decide(at_ms: int) -> KeyBudgetSet:
            if self._store.key(key_id) is None:
                raise KeyUnknown(f"there is no key {key_id[:80]!r}")
            currency = checked_currency(asked.currency or self._currency)
            if asked.period is None:
                return KeyBudgetSet(key_id, currency, "")
            if asked.period not in _PERIODS:
                raise FieldInvalid(f"{asked.period[:40]!r} is none of {', '.join(_PERIODS)}", param="period")
            today = self._today(at_ms)
            account = key_account(key_id, currency, part_on(Period(asked.period), today))
            amount = checked_amount(currency, asked.amount)
            order = order_of(origin, at_ms)
            rows = self._budget_parts(account, amount, order, is_recurring=asked.period != Period.FOR_EVER)
            return KeyBudgetSet(key_id, currency, asked.period, amount, today.isoformat(), transfers=rows)

        return booked(self._desk.perform(f"set key budget {key_id}", asked, origin, decide))

    def set_enforcement(self, asked: NewEnforcement, origin: Origin) -> Booked:
        """Whether callers without quota are refused."""
        done = self._desk.perform("set enforcement", asked, origin, lambda _: EnforcementSet(asked.enabled))
        return booked(done)

    # --- parts ---

    def _today(self, at_ms: int) -> date:
        return date_of(self._days.day_of(at_ms))

    def _account(self, user_id: str, quota_type: str, currency: str | None, part: str) -> AccountKey:
        known_user(self._store, user_id)
        with self._ledger.ledger() as ledger:
            own = currency_of(ledger, user_id)
        if own is not None and currency not in (None, own):
            raise FieldInvalid(f"{user_id} is charged in {own}; money is granted in that currency", param="currency")
        unit = checked_unit(quota_type, checked_currency(currency or own or self._currency))
        return user_account(user_id, unit, part)

    def _recurring_amount(self, account: AccountKey, asked: NewRecurringGrant) -> int:
        amount = checked_amount(account.unit, asked.amount)
        if amount < 0:
            raise FieldInvalid("a monthly grant is at or above 0", param="amount")
        return amount

    def _first_parts(self, account: AccountKey, amount: int, order: Order) -> tuple[TransferRow, ...]:
        """What this month's part gets at once: the amount, or what is missing to it when it has begun already."""
        with self._ledger.ledger() as ledger:
            first = None if not amount else recurring_grant(account, amount, order.at_ms)
            if first is not None and ledger.transfer(first.key) is None:
                return (transfer_row(first),)
            return _up_to(ledger, account, amount, order) if amount else ()

    def _budget_parts(
        self, account: AccountKey, amount: int, order: Order, *, is_recurring: bool
    ) -> tuple[TransferRow, ...]:
        if amount < 0:
            raise FieldInvalid("a budget is at or above 0", param="amount")
        if is_recurring and amount:
            return self._first_parts(account, amount, order)
        with self._ledger.ledger() as ledger:
            return _up_to(ledger, account, amount, order)

    def _users(self) -> Iterator[tuple[str, bool]]:
        after = ""
        while page := self._store.users(after, USERS_A_PAGE):
            yield from ((user.id, user.enabled) for user in page)
            after = page[-1].id


def _up_to(ledger: LedgerReader, account: AccountKey, amount: int, order: Order) -> tuple[TransferRow, ...]:
    """The correction after which an account was credited with an amount in all; none when it was."""
    missing = amount - ledger.account(account).credited
    transfer: Transfer | None = made(lambda: adjust(account, missing, order)) if missing else None
    return () if transfer is None else (transfer_row(transfer),)
