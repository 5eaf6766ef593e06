"""Quotas: which accounts limit a caller, and how much of a unit a call counts for.

- A user without any quota account is not limited; calls are recorded only.
- Every account that a user has for what a call uses is a limit, and all limits hold: a user with money and text tokens
  needs both for a chat call.
- A user who has quota in one of the guide's units, none in the unit of this call and no money either has nothing for
  it: a quota of text tokens does not pay for videos. Money pays for everything.
- Money in another currency than the one in which a user is charged pays for nothing: such a user has no money.
- The monthly part is used up before the permanent one.
- A key's budget limits what this key may be charged, whatever its user has.
- While enforcement is off, the same accounts are charged and nothing is refused; balances may go below zero.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final

from smart_ai_router.domain.accounts import (
    LIMITED_KINDS,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    PERMANENT,
    AccountKey,
    AccountKind,
    QuotaUnit,
    Wallet,
    daily_part,
    is_money,
    key_account,
    month_of,
    monthly_part,
    user_account,
)
from smart_ai_router.domain.exchange import UNCHANGED, Factor, factor_of
from smart_ai_router.domain.meters import TOKEN_METERS, Meter, Quantities, Quantity, UsageType
from smart_ai_router.domain.money import PICO_PER_UNIT, AmountInvalid, parse_pico
from smart_ai_router.domain.pricing_rates import exact_quantity

# Speech runs at about five Chinese characters a second. Used only where a provider counts characters and no time.
CHARACTERS_PER_SECOND: Final = 5
# What a call is taken to use when nothing in it says how much: the figures of the second guide's system.
IMAGES_UNKNOWN: Final = 1
AUDIO_MS_UNKNOWN: Final = 60 * MS_PER_SECOND
VIDEO_MS_UNKNOWN: Final = 10 * MS_PER_SECOND

_UNIT_OF_USAGE: Final = {
    UsageType.TEXT_GENERATION: QuotaUnit.TEXT_TOKEN,
    UsageType.EMBEDDING: QuotaUnit.TEXT_TOKEN,
    UsageType.RERANK: QuotaUnit.TEXT_TOKEN,
    UsageType.MODERATION: QuotaUnit.TEXT_TOKEN,
    UsageType.IMAGE_GENERATION: QuotaUnit.IMAGE,
    UsageType.AUDIO_TTS: QuotaUnit.AUDIO_MS,
    UsageType.AUDIO_STT: QuotaUnit.AUDIO_MS,
    UsageType.VIDEO_GENERATION: QuotaUnit.VIDEO_MS,
}
# How many smallest parts of a unit one of a meter is. A count goes before characters, which only stand for a time.
_PARTS_OF_METER: Final = {
    QuotaUnit.IMAGE: {Meter.IMAGE: 1},
    QuotaUnit.AUDIO_MS: {
        Meter.SECOND: MS_PER_SECOND,
        Meter.MINUTE: MS_PER_MINUTE,
        Meter.CHARACTER: MS_PER_SECOND // CHARACTERS_PER_SECOND,
    },
    QuotaUnit.VIDEO_MS: {Meter.SECOND: MS_PER_SECOND, Meter.MINUTE: MS_PER_MINUTE},
}
_UNKNOWN: Final = {
    QuotaUnit.IMAGE: IMAGES_UNKNOWN,
    QuotaUnit.AUDIO_MS: AUDIO_MS_UNKNOWN,
    QuotaUnit.VIDEO_MS: VIDEO_MS_UNKNOWN,
}


_RECURRING_KINDS: Final = LIMITED_KINDS - {AccountKind.POOL}


class Period(StrEnum):
    """How long one filling of an account lasts."""

    FOR_EVER = "for_ever"
    MONTHLY = "monthly"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class RecurringGrant:
    """A dated rule: each part from that of `from_day` on is credited once, when it begins. Amount 0 ends it.

    Rules are appended, never edited: of several the one that began last counts, of those of one day the last one.
    """

    kind: AccountKind  # user | key
    owner: str
    unit: str
    period: Period  # monthly | daily
    amount: int
    from_day: date

    def __post_init__(self) -> None:
        """Raises AmountInvalid for what could never be granted."""
        if self.amount < 0 or self.period is Period.FOR_EVER or self.kind not in _RECURRING_KINDS:
            raise AmountInvalid(f"{self.amount} {self.unit} {self.period} for a {self.kind} is no recurring grant")


@dataclass(frozen=True, slots=True)
class KeyBudget:
    """What one API key may be charged, in all or in each period."""

    key_id: str
    currency: str
    period: Period = Period.FOR_EVER

    def account(self, today: date) -> AccountKey:
        """The account that counts on a day."""
        return key_account(self.key_id, self.currency, part_on(self.period, today))


@dataclass(frozen=True, slots=True)
class UserQuota:
    """The quota accounts that a user has."""

    user_id: str
    currency: str  # what the user is charged in
    permanent: frozenset[str] = frozenset()  # units that have a permanent part
    monthly: frozenset[str] = frozenset()  # units that have a monthly part
    group_ratio: str = "1"  # exact decimal: user charge = cost x ratio


@dataclass(frozen=True, slots=True)
class QuotaPlan:
    """What limits a caller on one day, ready for every call of that day."""

    day: date
    is_enforced: bool
    currency: str  # what the user is charged in
    ratio: Factor
    money: Wallet | None  # None: the user's money is not limited
    units: Mapping[str, Wallet] = field(default_factory=dict)
    nothing_else: str | None = None  # the user whose other units are empty
    budget: Wallet | None = None
    budget_currency: str = ""

    def wallet(self, unit: str) -> Wallet | None:
        """What pays for a unit that is not money; None when it is not limited."""
        wallet = self.units.get(unit)
        if wallet is None and self.nothing_else is not None:
            return (user_account(self.nothing_else, unit),)
        return wallet


def quota_plan(quota: UserQuota, budget: KeyBudget | None, today: date, is_enforced: bool = True) -> QuotaPlan:
    """Compile what limits a user's key today; `today` is the day in the configured time zone.

    Raises AmountInvalid for a group ratio that is no decimal at or above zero.
    """
    month = monthly_part(month_of(today))
    wallets: dict[str, Wallet] = {}
    for unit in sorted(quota.permanent | quota.monthly):
        parts = [month] if unit in quota.monthly else []
        parts += [PERMANENT] if unit in quota.permanent else []
        wallets[unit] = tuple(user_account(quota.user_id, unit, part) for part in parts)
    units = {unit: wallet for unit, wallet in wallets.items() if not is_money(unit)}
    money = wallets.get(quota.currency)
    if money is None and len(units) < len(wallets):
        money = (user_account(quota.user_id, quota.currency),)
    return QuotaPlan(
        day=today,
        is_enforced=is_enforced,
        currency=quota.currency,
        ratio=group_factor(quota.group_ratio),
        money=money,
        units=units,
        nothing_else=quota.user_id if units and money is None else None,
        budget=None if budget is None else (budget.account(today),),
        budget_currency="" if budget is None else budget.currency,
    )


def group_factor(group_ratio: str) -> Factor:
    """A user's group ratio; raises AmountInvalid for what is no plain decimal at or above zero."""
    if group_ratio == "1":
        return UNCHANGED
    ratio = parse_pico(group_ratio)
    if ratio < 0:
        raise AmountInvalid(f"a group ratio of {group_ratio} is below zero")
    return factor_of(Fraction(ratio, PICO_PER_UNIT))


def part_on(period: Period, day: date) -> str:
    """The part of an account that a day belongs to."""
    match period:
        case Period.FOR_EVER:
            return PERMANENT
        case Period.MONTHLY:
            return monthly_part(month_of(day))
        case Period.DAILY:
            return daily_part(day)


def due_amount(rules: Iterable[RecurringGrant], account: AccountKey, latest_day: date) -> int:
    """What a part is to be credited with by its rules; 0 when nothing is due.

    `latest_day` is the furthest local day of any worker's clock: nothing is credited ahead of it.
    """
    in_force: RecurringGrant | None = None
    for rule in rules:
        if (rule.kind, rule.owner, rule.unit) != account[:3]:
            continue
        begins = part_on(rule.period, rule.from_day)
        has_begun = begins <= account.part <= part_on(rule.period, latest_day)
        if has_begun and (in_force is None or rule.from_day >= in_force.from_day):
            in_force = rule
    return 0 if in_force is None else in_force.amount


def unit_of_usage(usage_type: UsageType) -> QuotaUnit:
    """The unit that a usage type counts in."""
    return _UNIT_OF_USAGE[usage_type]


def counted(unit: QuotaUnit, quantities: Quantities) -> int | None:
    """How much of a unit these quantities are, rounded up to its smallest part; None when they do not say.

    Raises ValueError for a quantity below zero.
    """
    if unit is QuotaUnit.TEXT_TOKEN:
        tokens: Quantity = 0
        for meter, quantity in quantities:
            if meter in TOKEN_METERS:
                tokens += quantity
        return int(tokens)
    known = dict(quantities)
    for meter, parts in _PARTS_OF_METER[unit].items():
        if meter in known:
            exact = exact_quantity(known[meter]) * parts
            return -(-exact.numerator // exact.denominator)
    return None


def counted_at_most(unit: QuotaUnit, tokens_upper: int, others: Quantities) -> int:
    """How much of a unit a call may count for at most, before it is made."""
    if unit is QuotaUnit.TEXT_TOKEN:
        return tokens_upper
    known = counted(unit, others)
    return _UNKNOWN[unit] if known is None else known
