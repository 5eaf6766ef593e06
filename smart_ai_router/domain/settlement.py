"""Who pays what: the one decision table behind every record.

| what happened                              | provider's count | provider cost | user charge |
|--------------------------------------------|------------------|---------------|-------------|
| answered in full                           | sent             | exact         | exact       |
| answered in full                           | not sent         | estimate      | estimate    |
| cut after bytes reached the client         | sent             | exact         | exact       |
| cut after bytes reached the client         | not sent         | estimate      | estimate    |
| client left, upstream drained to its count | sent             | exact         | exact       |
| client left, upstream cancelled            | not sent         | estimate      | estimate    |
| failed before a byte reached the client    | sent             | exact         | nothing     |
| failed before a byte reached the client    | not sent         | nothing       | nothing     |
| router killed while the call was in flight | not sent         | estimate      | nothing     |
| refused before an upstream was asked       | not sent         | nothing       | nothing     |

"Estimate" counts the prompt and what was generated so far, marked `usage_source: "estimated"`. What the provider
may bill for a failure that it did not report is unknown; such a record carries the flag `upstream_may_bill`.
"""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from smart_ai_router.domain.money import Pico, divide_half_even, require_cell


class Outcome(StrEnum):
    """How an operation ended."""

    SUCCESS = "success"
    FAILED = "failed"  # no byte of an answer reached the client
    REFUSED = "refused"  # by us, before any upstream was asked
    PARTIAL = "partial"  # the upstream broke off after bytes had reached the client
    CANCELLED = "cancelled"  # the client left
    INTERRUPTED = "interrupted"  # the router died


class Basis(StrEnum):
    """Which quantities a side is billed by."""

    REPORTED = "reported"
    ESTIMATED = "estimated"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Billing:
    """What the provider is taken to bill us, and what the user pays."""

    provider: Basis
    user: Basis


def decide_billing(outcome: Outcome, usage_reported: bool) -> Billing:
    """Look the case up in the table above."""
    return _TABLE[outcome, usage_reported]


def _decide(outcome: Outcome, usage_reported: bool) -> Billing:
    if outcome is Outcome.REFUSED:
        return Billing(Basis.NOTHING, Basis.NOTHING)
    if outcome is Outcome.FAILED:
        return Billing(Basis.REPORTED if usage_reported else Basis.NOTHING, Basis.NOTHING)
    if outcome is Outcome.INTERRUPTED:
        return Billing(Basis.ESTIMATED, Basis.NOTHING)
    basis = Basis.REPORTED if usage_reported else Basis.ESTIMATED
    return Billing(basis, basis)


_TABLE: Final = {(outcome, reported): _decide(outcome, reported) for outcome in Outcome for reported in (False, True)}


def charge(cost: Pico, group_ratio: str) -> Pico:
    """What a user pays for a cost, rounded once half to even."""
    if group_ratio == "1":
        return cost
    ratio = Fraction(group_ratio)
    return require_cell(divide_half_even(cost * ratio.numerator, ratio.denominator))
