"""Accounts: whose credit it is, in which unit, and for which time.

Three kinds limit what may be spent. A credit stands on them as a positive balance:

- `user`: what a user may use: money in the user's currency, and the four units of the guide (text tokens, images,
  sound, video). Each unit has a permanent part and one monthly part per calendar month. A monthly part is an account
  of its own, named by its month (`monthly:2026-11`): a new month begins with a new account, so nothing is ever reset.
- `key`: the budget of one API key, in money: for ever, by month or by day.
- `pool`: what has been paid in at a provider.

Every entry on one of them has its opposite on a counter-account, so that all entries of a unit sum to zero:

- `outside` gives what is paid in or granted, `revenue` takes what users are charged, `provider` what a provider has
  cost. `allowance` both gives and takes key budgets: a budget is a promise and not money, so it must neither come from
  outside nor swell the revenue.

Amounts are whole numbers of the unit's smallest part: pico of a currency, single tokens and images, milliseconds.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from smart_ai_router.domain.money import (
    AMOUNT_TEXT_LENGTH_MAX,
    PICO_PER_UNIT,
    AmountInvalid,
    AmountTooLarge,
    divide_half_even,
    pico_to_text,
    require_cell,
)


class AccountKind(StrEnum):
    """Who an account belongs to, or what it counts."""

    USER = "user"
    KEY = "key"
    POOL = "pool"
    REVENUE = "revenue"
    PROVIDER = "provider"
    ALLOWANCE = "allowance"
    OUTSIDE = "outside"


class QuotaUnit(StrEnum):
    """The units of user quota that are not money."""

    TEXT_TOKEN = "text_token"  # noqa: S105 - a unit, not a secret
    IMAGE = "image"
    AUDIO_MS = "audio_ms"
    VIDEO_MS = "video_ms"


class AccountKey(NamedTuple):
    """The name of an account. A tuple and not a dataclass: it is looked up several times for every call."""

    kind: AccountKind
    owner: str  # user id, key id or provider id; "" where a counter-account has no owner
    unit: str  # a currency such as CNY, or a QuotaUnit
    part: str = ""  # permanent | monthly:2026-11 | daily:2026-11-22; "" where an account has no parts


Wallet: TypeAlias = tuple[AccountKey, ...]  # accounts that pay for one thing, in the order in which they are used up


class QuotaTypeUnknown(ValueError):
    """A quota type that is neither money nor one of the guide's four."""


LIMITED_KINDS: Final = frozenset((AccountKind.USER, AccountKind.KEY, AccountKind.POOL))
PERMANENT: Final = "permanent"
MONEY: Final = "money"
MS_PER_SECOND: Final = 1_000
MS_PER_MINUTE: Final = 60_000
COUNTERS_CACHED_MAX: Final = 8_192  # every line of the journal asks for two or three, mostly the same ones
SHOWN_STEPS: Final = 10**6  # a third of a minute has no last digit: six decimals; everything else is shown exactly
SHOWN_DIGITS_MAX: Final = 13  # before the point, of an amount that is entered: more fits no entry

# The guide's quota types. It counts sound in minutes and video in seconds; both are kept in milliseconds.
QUOTA_TYPES: Final = {
    "text_token": QuotaUnit.TEXT_TOKEN,
    "image": QuotaUnit.IMAGE,
    "audio": QuotaUnit.AUDIO_MS,
    "video": QuotaUnit.VIDEO_MS,
}
_SMALLEST_PARTS: Final = {
    QuotaUnit.TEXT_TOKEN: 1,
    QuotaUnit.IMAGE: 1,
    QuotaUnit.AUDIO_MS: MS_PER_MINUTE,
    QuotaUnit.VIDEO_MS: MS_PER_SECOND,
}
_MONTHLY: Final = "monthly:"
_DAILY: Final = "daily:"
_QUOTA_UNITS: Final = frozenset(QuotaUnit)
_TYPE_OF_UNIT: Final = {unit.value: quota_type for quota_type, unit in QUOTA_TYPES.items()}


def user_account(user_id: str, unit: str, part: str = PERMANENT) -> AccountKey:
    """A part of a user's quota."""
    return AccountKey(AccountKind.USER, user_id, unit, part)


def key_account(key_id: str, currency: str, part: str = PERMANENT) -> AccountKey:
    """The budget of an API key."""
    return AccountKey(AccountKind.KEY, key_id, currency, part)


def pool_account(provider_id: str, currency: str) -> AccountKey:
    """The money paid in at a provider."""
    return AccountKey(AccountKind.POOL, provider_id, currency)


def outside_account(unit: str) -> AccountKey:
    """Where credit comes from."""
    return AccountKey(AccountKind.OUTSIDE, "", unit)


@lru_cache(maxsize=COUNTERS_CACHED_MAX)
def usage_counter(account: AccountKey) -> AccountKey:
    """The counter-account that takes what is used of an account."""
    match account.kind:
        case AccountKind.USER:
            return AccountKey(AccountKind.REVENUE, "", account.unit)
        case AccountKind.KEY:
            return AccountKey(AccountKind.ALLOWANCE, "", account.unit)
        case AccountKind.POOL:
            return AccountKey(AccountKind.PROVIDER, account.owner, account.unit)
        case _:
            raise ValueError(f"{account_text(account)} is a counter-account: nothing is used of it")


def credit_counter(account: AccountKey) -> AccountKey:
    """The counter-account that gives what an account is credited with."""
    if account.kind is AccountKind.KEY:
        return AccountKey(AccountKind.ALLOWANCE, "", account.unit)
    if account.kind in LIMITED_KINDS:
        return outside_account(account.unit)
    raise ValueError(f"{account_text(account)} is a counter-account: nothing is credited to it")


def account_text(account: AccountKey) -> str:
    """One line for people: user alice CNY permanent."""
    return " ".join(each for each in account if each)


def is_money(unit: str) -> bool:
    """True for a currency."""
    return unit not in _QUOTA_UNITS


def monthly_part(month: str) -> str:
    """The part of one calendar month such as 2026-11."""
    return f"{_MONTHLY}{month}"


def daily_part(day: date) -> str:
    """The part of one calendar day."""
    return f"{_DAILY}{day.isoformat()}"


def month_of(day: date) -> str:
    """The calendar month of a local day: 2026-11."""
    return f"{day:%Y-%m}"


def first_day_after(part: str) -> date | None:
    """The first local day on which a part is over; None for one that never is."""
    if part.startswith(_DAILY):
        return date.fromordinal(date.fromisoformat(part.removeprefix(_DAILY)).toordinal() + 1)
    if part.startswith(_MONTHLY):
        year, month = (int(each) for each in part.removeprefix(_MONTHLY).split("-"))
        return date(year + month // 12, month % 12 + 1, 1)
    return None


def is_over(part: str, today: date) -> bool:
    """True when a part belongs to a time that has passed."""
    end = first_day_after(part)
    return end is not None and today >= end


def unit_of(quota_type: str, currency: str) -> str:
    """The unit of a quota type of the guide, or of `money`; raises QuotaTypeUnknown."""
    if quota_type == MONEY:
        return currency
    unit = QUOTA_TYPES.get(quota_type)
    if unit is None:
        known = ", ".join((*QUOTA_TYPES, MONEY))
        raise QuotaTypeUnknown(f"{quota_type[:40]!r} is no quota type; use one of {known}")
    return unit.value


def quota_type_of(unit: str) -> str:
    """The guide's word for a unit; `money` for a currency."""
    return _TYPE_OF_UNIT.get(unit, MONEY)


def amount_of_shown(unit: str, shown: Decimal) -> int:
    """An amount as people write it (units of a currency, tokens, images, minutes, seconds), in smallest parts.

    Raises AmountInvalid when it is finer than the smallest part, AmountTooLarge when no entry holds it.
    """
    if not shown.is_finite():
        raise AmountInvalid(f"{shown} is no amount")
    if shown.adjusted() >= SHOWN_DIGITS_MAX:
        raise AmountTooLarge(f"{shown:.3E} fits no entry")
    if shown.adjusted() < -AMOUNT_TEXT_LENGTH_MAX and shown:  # bounds the work on bad input
        raise AmountInvalid(f"{shown:.3E} is finer than what is counted")
    exact = Fraction(shown) * _parts_of(unit)
    if exact.denominator != 1:
        raise AmountInvalid(f"{str(shown)[:AMOUNT_TEXT_LENGTH_MAX]} {unit} is finer than what is counted")
    return require_cell(exact.numerator)


def shown_amount(unit: str, amount: int) -> Decimal:
    """An amount as people read it, without zeros at its end.

    Minutes of sound are rounded half even to six decimals, all else is exact.
    """
    if is_money(unit):
        return Decimal(pico_to_text(amount))
    steps = divide_half_even(amount * SHOWN_STEPS, _parts_of(unit))
    return Decimal(pico_to_text(steps * (PICO_PER_UNIT // SHOWN_STEPS)))


def _parts_of(unit: str) -> int:
    """How many smallest parts one shown unit has."""
    return PICO_PER_UNIT if is_money(unit) else _SMALLEST_PARTS[QuotaUnit(unit)]
