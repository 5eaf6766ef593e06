"""What a call must hold before it is made, and what it is charged when it is over.

`needs_of` bounds a call from above: no bill of a call within the bounds, converted with the same factors, is more than
its need. The factors and wallets that were found are kept in the needs (`Terms`), so that settlement uses exactly what
admission used, whatever prices and rates have become meanwhile.

Where a bound cannot be found the needs have a gap with a name, never a number that was made up:

| gap                        | user's money or key budget limited and enforced | provider pool         |
|----------------------------|--------------------------------------------------|-----------------------|
| the model has no price     | refused: the call cannot be held                 | by policy             |
| no exchange rate           | refused: the call cannot be held                 | the next channel      |

While enforcement is off a gap refuses nobody; the record keeps it as a flag and a later entry completes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from smart_ai_router.domain.accounts import AccountKey, AccountKind, QuotaUnit, Wallet, pool_account
from smart_ai_router.domain.exchange import UNCHANGED, Conversion, ExchangeRates, Factor, RateUnknown
from smart_ai_router.domain.meters import Quantities, Usage, UsageType
from smart_ai_router.domain.money import Pico
from smart_ai_router.domain.pricing import PriceSheet, upper_estimate
from smart_ai_router.domain.quotas import QuotaPlan, counted, counted_at_most, unit_of_usage
from smart_ai_router.domain.settlement import Basis, Outcome, decide_billing

# A model whose limits nobody has entered is taken to answer this much at most; what it answers beyond is the
# published estimate error. The most common limit of current chat models.
OUTPUT_TOKENS_UNKNOWN: Final = 16_384
# An image or a sound that is named by its address: the most that one takes in the models we know prices of.
MEDIA_TOKENS_UPPER: Final = 16_384


class Need(NamedTuple):
    """So much must be free in the accounts of a wallet. A tuple and not a dataclass: several for every call."""

    wallet: Wallet
    amount: int
    is_enforced: bool = True

    @property
    def is_pool(self) -> bool:
        """True when the provider's money is short, not the user's."""
        return self.wallet[0].kind is AccountKind.POOL


class GapKind(StrEnum):
    """Why a bound could not be found."""

    UNPRICED = "unpriced"
    NO_RATE = "no_rate"


class Gap(NamedTuple):
    """A wallet that a call touches for an amount that nobody can tell."""

    kind: GapKind
    wallet: Wallet
    detail: str  # unpriced: ""; no_rate: USD>CNY
    is_enforced: bool

    @property
    def flag(self) -> str:
        """The word that the record keeps."""
        return f"{self.kind.value}:{self.detail}" if self.detail else f"{self.kind.value}_{self.wallet[0].kind.value}"


class MoneyTerms(NamedTuple):
    """A wallet of money and the factor from the price's currency to its own."""

    wallet: Wallet
    factor: Factor


class Terms(NamedTuple):
    """What settlement needs again of what admission found out."""

    user: tuple[MoneyTerms, ...]  # the user's money and the key's budget
    pool: MoneyTerms | None
    unit: QuotaUnit
    unit_wallet: Wallet | None
    unit_upper: int
    charge: Factor | None  # from the price's currency to the user's, with the group ratio; None: unknown
    charge_currency: str


class Needs(NamedTuple):
    """All that a call must hold, the user's side first."""

    wanted: tuple[Need, ...]
    conversions: tuple[Conversion, ...]  # the exchange rates that were used; the record keeps them
    gaps: tuple[Gap, ...]
    terms: Terms


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
    """What a call is charged: by wallet, and what its user pays, limited or not."""

    charges: tuple[Charge, ...]
    user_charge: Pico | None  # None: nobody can tell (no exchange rate)
    charge_currency: str


class GapAnswer(StrEnum):
    """What becomes of a candidate whose needs have gaps."""

    GO_ON = "go_on"
    PRICE_UNKNOWN = "price_unknown"  # refuse: the call cannot be held against limited money
    RATE_UNKNOWN = "rate_unknown"  # refuse, for the same reason
    NEXT_CHANNEL = "next_channel"


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


def needs_of(  # noqa: PLR0917 - the six facts that a call's needs follow from, in the order they are known
    size: CallSize,
    plan: QuotaPlan | None,
    provider_id: str,
    pool_currency: str | None,
    sheet: PriceSheet | None,
    rates: ExchangeRates,
    at_ms: int,
) -> Needs:
    """What an attempt on a channel must hold. `plan` None: nobody is charged; `pool_currency` None: no pool is kept.

    Raises AmountTooLarge for a call that no record could hold.
    """
    found = _Found(sheet, size, rates, at_ms)
    unit = unit_of_usage(size.usage_type)
    unit_upper = 0
    unit_wallet: Wallet | None = None
    charge: Factor | None = UNCHANGED
    charge_currency = sheet.currency if sheet is not None else ""
    if plan is not None:
        unit_upper = counted_at_most(unit, size.input_tokens + size.output_tokens, size.others)
        unit_wallet = plan.wallet(unit)
        if unit_wallet is not None and unit_upper:
            found.wanted.append(Need(unit_wallet, unit_upper, plan.is_enforced))
        charge, charge_currency = found.charge_factor(plan), plan.currency
        if plan.money is not None:
            found.add_money(plan.money, plan.currency, plan.ratio, plan.is_enforced)
        if plan.budget is not None:
            found.add_money(plan.budget, plan.budget_currency, plan.ratio, plan.is_enforced)
    user = tuple(found.money)
    pool: MoneyTerms | None = None
    if pool_currency is not None:
        pool = found.add_money((pool_account(provider_id, pool_currency),), pool_currency, UNCHANGED, True)
    terms = Terms(user, pool, unit, unit_wallet, unit_upper, charge, charge_currency)
    return Needs(tuple(found.wanted), tuple(found.conversions.values()), tuple(found.gaps), terms)


class _Found:
    """Gathers what one call needs; each conversion is looked up once."""

    def __init__(self, sheet: PriceSheet | None, size: CallSize, rates: ExchangeRates, at_ms: int) -> None:
        self.wanted: list[Need] = []
        self.money: list[MoneyTerms] = []
        self.gaps: list[Gap] = []
        self.conversions: dict[str, Conversion] = {}
        self._currency = None if sheet is None else sheet.currency
        self._upper = 0
        if sheet is not None:
            self._upper = upper_estimate(sheet, size.input_tokens, size.output_tokens, size.others, size.service_tier)
        self._rates = rates
        self._at_ms = at_ms

    def add_money(self, wallet: Wallet, currency: str, ratio: Factor, is_enforced: bool) -> MoneyTerms | None:
        """Need the cost, times the ratio, in a wallet's currency; a gap when that cannot be told."""
        if self._currency is None:
            self.gaps.append(Gap(GapKind.UNPRICED, wallet, "", is_enforced))
            return None
        factor = self._factor(currency, ratio)
        if factor is None:
            self.gaps.append(Gap(GapKind.NO_RATE, wallet, f"{self._currency}>{currency}", is_enforced))
            return None
        terms = MoneyTerms(wallet, factor)
        self.money.append(terms)
        amount = factor.bound(self._upper)
        if amount:
            self.wanted.append(Need(wallet, amount, is_enforced))
        return terms

    def charge_factor(self, plan: QuotaPlan) -> Factor | None:
        """From the price's currency to the user's, with the group ratio."""
        return None if self._currency is None else self._factor(plan.currency, plan.ratio)

    def _factor(self, currency: str, ratio: Factor) -> Factor | None:
        if currency == self._currency:
            return ratio
        assert self._currency is not None
        known = self.conversions.get(currency)
        if known is None:
            try:
                known = self._rates.conversion(self._currency, currency, self._at_ms)
            except RateUnknown:
                return None
            assert known is not None  # the currencies differ
            self.conversions[currency] = known
        exact = known.factor
        return Factor(exact.numerator * ratio.numerator, exact.denominator * ratio.denominator)


def answer_to_gaps(gaps: Iterable[Gap], refuses_unpriced: bool) -> GapAnswer:
    """Whether an attempt may be made although a bound is missing; the user's side decides first."""
    answer = GapAnswer.GO_ON
    for gap in gaps:
        if not gap.is_enforced:
            continue
        is_pool = gap.wallet[0].kind is AccountKind.POOL
        if not is_pool:
            return GapAnswer.PRICE_UNKNOWN if gap.kind is GapKind.UNPRICED else GapAnswer.RATE_UNKNOWN
        if gap.kind is GapKind.NO_RATE or refuses_unpriced:
            answer = GapAnswer.NEXT_CHANNEL
    return answer


def charged(needs: Needs, outcome: Outcome, usage: Usage, cost: Pico, earlier: Iterable[Charge] = ()) -> Charged:
    """What an operation is charged, by the decision table of `settlement`.

    `usage` and `cost` are those of its last attempt, in the currency of that attempt's prices; `earlier` is what the
    attempts before it cost their providers (`provider_charge`). Raises AmountTooLarge.
    """
    terms = needs.terms
    charges = _Sum(earlier)
    charges.add(provider_charge(needs, cost))
    user_charge: Pico | None = 0
    if decide_billing(outcome, True).user is not Basis.NOTHING:
        user_charge = None if terms.charge is None else terms.charge.of(cost)
        for wallet, factor in terms.user:
            charges.add(Charge(wallet, factor.of(cost)))
        if terms.unit_wallet is not None:
            used = counted(terms.unit, usage.quantities)
            charges.add(Charge(terms.unit_wallet, terms.unit_upper if used is None else used))
    return Charged(charges.as_tuple(), user_charge, terms.charge_currency)


def provider_charge(needs: Needs, cost: Pico) -> Charge | None:
    """What an attempt costs its provider's pool; None when it has none."""
    pool = needs.terms.pool
    return None if pool is None else Charge(pool.wallet, pool.factor.of(cost))


def pool_of(needs: Needs) -> AccountKey | None:
    """The pool that pays for an attempt."""
    return None if needs.terms.pool is None else needs.terms.pool.wallet[0]


class _Sum:
    """Charges added up by wallet: two attempts at one provider are one charge."""

    def __init__(self, charges: Iterable[Charge]) -> None:
        self._amounts: dict[Wallet, int] = {}
        for charge in charges:
            self.add(charge)

    def add(self, charge: Charge | None) -> None:
        if charge is not None and charge.amount:
            self._amounts[charge.wallet] = self._amounts.get(charge.wallet, 0) + charge.amount

    def as_tuple(self) -> tuple[Charge, ...]:
        return tuple(Charge(wallet, amount) for wallet, amount in self._amounts.items())
