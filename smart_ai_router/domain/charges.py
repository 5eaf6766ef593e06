"""What a call must hold before it is made, and what it is charged when it is over.

A `Tariff` is everything about money that is known before a call: whose wallets one channel's prices touch for one
caller, and by which exact factors. It is compiled once and serves every call until the snapshot, the day, the price
sheet or an exchange rate changes. `needs_of` bounds one call from above with it: no bill of a call within the bounds is
more than its need. The needs keep their tariff, so that settlement uses exactly what admission used, whatever prices
and rates have become meanwhile.

Where a factor cannot be told, the tariff has a gap with a name, never a number that was made up:

| gap                  | user's money or key budget, enforced | provider pool    |
|----------------------|--------------------------------------|------------------|
| no price             | refused: the call cannot be held     | by policy        |
| no exchange rate     | refused: the call cannot be held     | the next channel |

While enforcement is off a gap refuses nobody; the record keeps it as a flag and a later entry completes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from smart_ai_router.domain.accounts import AccountKey, AccountKind, QuotaUnit, Wallet
from smart_ai_router.domain.exchange import UNCHANGED, Conversion, ExchangeRates, Factor, RateUnknown
from smart_ai_router.domain.meters import Quantities, Usage, UsageType
from smart_ai_router.domain.money import Pico
from smart_ai_router.domain.pricing import PriceSheet, upper_estimate
from smart_ai_router.domain.quotas import QuotaPlan, counted, counted_at_most, unit_of_usage
from smart_ai_router.domain.settlement import Basis, Outcome, decide_billing

# A model whose limits nobody has entered is taken to answer this much at most; what it answers beyond is the
# published estimate error. The most common limit of current chat models.
OUTPUT_TOKENS_UNKNOWN: Final = 16_384
# An image or a sound that is named by its address: more than one takes in most models.
MEDIA_TOKENS_UPPER: Final = 16_384

_USER_PAYS_NOTHING: Final = frozenset(each for each in Outcome if decide_billing(each, True).user is Basis.NOTHING)


class GapKind(StrEnum):
    """Why a factor cannot be told."""

    UNPRICED = "unpriced"
    NO_RATE = "no_rate"


class GapAnswer(StrEnum):
    """What becomes of a candidate whose tariff has gaps."""

    GO_ON = "go_on"
    PRICE_UNKNOWN = "price_unknown"  # refuse: the call cannot be held against limited money
    RATE_UNKNOWN = "rate_unknown"  # refuse, for the same reason
    NEXT_CHANNEL = "next_channel"


class Gap(NamedTuple):
    """A wallet that calls touch for amounts that nobody can tell."""

    kind: GapKind
    wallet: Wallet
    currencies: str  # no_rate: USD>CNY; unpriced: ""
    is_enforced: bool

    @property
    def flag(self) -> str:
        """The word that the record keeps: no_rate:USD>CNY, unpriced:pool."""
        return f"{self.kind.value}:{self.currencies or self.wallet[0].kind.value}"


class MoneyTerms(NamedTuple):
    """A wallet of money, and the factor from the price's currency to its own."""

    wallet: Wallet
    factor: Factor
    is_enforced: bool


@dataclass(frozen=True, slots=True)
class Tariff:
    """How one channel's prices touch one caller's wallets and the provider's pool."""

    sheet: PriceSheet | None
    plan: QuotaPlan | None
    user: tuple[MoneyTerms, ...]  # the user's money, then the key's budget
    pool: MoneyTerms | None
    charge: Factor | None  # from the price's currency to the user's, group ratio included; None: nobody or not known
    charge_currency: str  # "": nobody is charged
    conversions: tuple[Conversion, ...]  # the exchange rates that were used: the record keeps them
    gaps: tuple[Gap, ...]


class Need(NamedTuple):
    """So much must be free in the accounts of a wallet. A tuple and not a dataclass: several for every call."""

    wallet: Wallet
    amount: int
    is_enforced: bool = True


class Needs(NamedTuple):
    """All that one attempt must hold, the user's side first; the pool comes last."""

    wanted: tuple[Need, ...]
    tariff: Tariff
    unit: QuotaUnit
    unit_wallet: Wallet | None
    unit_upper: int


@dataclass(frozen=True, slots=True)
class CallSize:
    """Upper bounds of what one attempt of a call can use."""

    usage_type: UsageType
    input_tokens: int
    output_tokens: int
    others: Quantities = ()  # images, seconds, characters that were asked for
    service_tier: str | None = None


class Charge(NamedTuple):
    """What is taken from a wallet in the end."""

    wallet: Wallet
    amount: int


class Charged(NamedTuple):
    """What an operation is charged: by wallet, each once, and what its user pays, limited or not."""

    charges: tuple[Charge, ...]
    user_charge: Pico | None  # None: nobody is charged, or nobody can tell
    charge_currency: str  # "": nobody is charged


def input_tokens_at_most(body_bytes: int, context_tokens: int | None = None, media: int = 0) -> int:
    """At most how many tokens a request body is: a token has at least one byte, and a model no more than its context.

    `media` counts the images and sounds that stand outside of the body.
    """
    upper = body_bytes + media * MEDIA_TOKENS_UPPER
    return upper if context_tokens is None else min(upper, context_tokens)


def output_tokens_at_most(asked: int | None, model_limit: int | None, choices: int = 1) -> int:
    """At most how many tokens a model answers: what was asked for, within the model's limit, for each choice."""
    limits = [each for each in (asked, model_limit) if each is not None]
    return min(limits, default=OUTPUT_TOKENS_UNKNOWN) * choices


def tariff_of(
    plan: QuotaPlan | None, pool: AccountKey | None, sheet: PriceSheet | None, rates: ExchangeRates, at_ms: int
) -> Tariff:
    """Compile a tariff. `plan` None: nobody is charged; `pool` None: the provider has none; `sheet` None: no price."""
    terms = _Terms(sheet, rates, at_ms)
    user: list[MoneyTerms | None] = []
    if plan is not None and plan.money is not None:
        user.append(terms.money(plan.money, plan.currency, plan.ratio, plan.is_enforced))
    if plan is not None and plan.budget is not None:
        user.append(terms.money(plan.budget, plan.budget_currency, plan.ratio, plan.is_enforced))
    return Tariff(
        sheet=sheet,
        plan=plan,
        user=tuple(each for each in user if each is not None),
        pool=None if pool is None else terms.money((pool,), pool.unit, UNCHANGED, True),
        charge=None if plan is None else terms.factor(plan.currency, plan.ratio),
        charge_currency="" if plan is None else plan.currency,
        conversions=tuple(terms.conversions.values()),
        gaps=tuple(terms.gaps),
    )


def answer_to_gaps(gaps: Iterable[Gap], refuses_unpriced: bool) -> GapAnswer:
    """Whether an attempt may be made although a bound is missing; the user's side decides first."""
    answer = GapAnswer.GO_ON
    for gap in gaps:
        if not gap.is_enforced:
            continue
        if gap.wallet[0].kind is not AccountKind.POOL:
            return GapAnswer.PRICE_UNKNOWN if gap.kind is GapKind.UNPRICED else GapAnswer.RATE_UNKNOWN
        if gap.kind is GapKind.NO_RATE or refuses_unpriced:
            answer = GapAnswer.NEXT_CHANNEL
    return answer


def needs_of(tariff: Tariff, size: CallSize, spent: Pico = 0) -> Needs:
    """What an attempt must hold. `spent` is what earlier attempts of the operation have cost this tariff's pool, in the
    pool's currency. Raises AmountTooLarge for a call that no record could hold.
    """
    wanted: list[Need] = []
    unit = unit_of_usage(size.usage_type)
    unit_wallet: Wallet | None = None
    unit_upper = 0
    plan = tariff.plan
    if plan is not None:
        unit_wallet = plan.wallet(unit)
        if unit_wallet is not None:
            unit_upper = counted_at_most(unit, size.input_tokens + size.output_tokens, size.others)
            if unit_upper:
                wanted.append(Need(unit_wallet, unit_upper, plan.is_enforced))
    sheet = tariff.sheet
    if sheet is not None and (tariff.user or tariff.pool is not None):
        upper = upper_estimate(sheet, size.input_tokens, size.output_tokens, size.others, size.service_tier)
        for wallet, factor, is_enforced in tariff.user:
            amount = factor.bound(upper)
            if amount:
                wanted.append(Need(wallet, amount, is_enforced))
        if tariff.pool is not None:
            amount = tariff.pool.factor.bound(upper) + spent
            if amount:
                wanted.append(Need(tariff.pool.wallet, amount))
    return Needs(tuple(wanted), tariff, unit, unit_wallet, unit_upper)


def charged(needs: Needs, outcome: Outcome, usage: Usage, cost: Pico, earlier: Iterable[Charge] = ()) -> Charged:
    """What an operation is charged, by the decision table of `settlement`.

    `usage` and `cost` are those of its last attempt, in the currency of that attempt's prices; `earlier` is what the
    attempts before it cost their providers (`provider_charge`). Raises AmountTooLarge.
    """
    tariff = needs.tariff
    charges: list[Charge] = []
    user_charge: Pico | None = None if tariff.plan is None else 0
    if outcome not in _USER_PAYS_NOTHING:
        user_charge = None if tariff.charge is None else tariff.charge.of(cost)
        if needs.unit_wallet is not None:
            used = counted(needs.unit, usage.quantities)
            amount = needs.unit_upper if used is None else used
            if amount:
                charges.append(Charge(needs.unit_wallet, amount))
        for wallet, factor, _ in tariff.user:
            is_known = factor == tariff.charge  # nearly always
            amount = user_charge if is_known and user_charge is not None else factor.of(cost)
            if amount:
                charges.append(Charge(wallet, amount))
    last = provider_charge(tariff, cost)
    if last is not None:
        charges.append(last)
    for charge in earlier:
        _add(charges, charge)
    return Charged(tuple(charges), user_charge, tariff.charge_currency)


def provider_charge(tariff: Tariff, cost: Pico) -> Charge | None:
    """What an attempt costs its provider's pool; None when that is nothing, or there is no pool."""
    pool = tariff.pool
    if pool is None:
        return None
    amount = pool.factor.of(cost)
    return Charge(pool.wallet, amount) if amount else None


class _Terms:
    """Finds the factors of one tariff; each exchange rate is looked up once."""

    def __init__(self, sheet: PriceSheet | None, rates: ExchangeRates, at_ms: int) -> None:
        self.gaps: list[Gap] = []
        self.conversions: dict[str, Conversion] = {}
        self._currency = None if sheet is None else sheet.currency
        self._rates = rates
        self._at_ms = at_ms

    def money(self, wallet: Wallet, currency: str, ratio: Factor, is_enforced: bool) -> MoneyTerms | None:
        """The terms of a wallet; None, and a gap, when they cannot be told."""
        factor = self.factor(currency, ratio)
        if factor is not None:
            return MoneyTerms(wallet, factor, is_enforced)
        if self._currency is None:
            self.gaps.append(Gap(GapKind.UNPRICED, wallet, "", is_enforced))
        else:
            self.gaps.append(Gap(GapKind.NO_RATE, wallet, f"{self._currency}>{currency}", is_enforced))
        return None

    def factor(self, currency: str, ratio: Factor) -> Factor | None:
        """From the price's currency to this one, times a ratio; None when there is no price or no rate."""
        if self._currency is None:
            return None
        if currency == self._currency:
            return ratio
        try:
            conversion = self._rates.conversion(self._currency, currency, self._at_ms)
        except RateUnknown:
            return None
        self.conversions[currency] = conversion
        return conversion.factor.times(ratio)


def _add(charges: list[Charge], charge: Charge) -> None:
    """Two attempts at one provider are one charge."""
    for place, each in enumerate(charges):
        if each.wallet == charge.wallet:
            charges[place] = Charge(each.wallet, each.amount + charge.amount)
            return
    charges.append(charge)
