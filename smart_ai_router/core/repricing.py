"""What a call should have been charged by other prices: for calls whose price became known later, or was wrong.

The quantities are those of its bill lines, so nothing is estimated anew; who pays what is decided by the same table as
at first. Quota that is counted in units and not in money stays as it was. A call of which an attempt before the last
one cost something has bill lines for one price list only and is left to a person.
"""

from collections.abc import Mapping
from typing import NamedTuple

from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.domain.accounts import AccountKey, Wallet, is_money
from smart_ai_router.domain.charges import Needs, Tariff, charged
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.meters import Meter, Quantity, Usage, UsageSource, UsageType
from smart_ai_router.domain.pricing import UNPRICED, Bill, price_usage
from smart_ai_router.domain.quotas import unit_of_usage
from smart_ai_router.domain.settlement import Outcome


class RepricingUnsupported(Refusal):
    """The call cannot be priced anew from its record."""

    status = 409
    code = "repricing_unsupported"


class RightCharges(NamedTuple):
    """What a call should have been charged, and the name of the prices that say so."""

    amounts: dict[AccountKey, int]
    prices: str
    bill: Bill


def right_charges(record: UsageRecord, taken: Mapping[AccountKey, int], tariff: Tariff) -> RightCharges:
    """By the prices of `tariff`, which is compiled for the day of the call; `taken` is what it was charged so far.

    Raises RepricingUnsupported.
    """
    sheet = tariff.sheet
    if sheet is None or tariff.gaps:
        raise RepricingUnsupported(f"{record.request_id} has no price, or no exchange rate, still")
    if any(attempt.cost for attempt in record.attempts[:-1]):
        raise RepricingUnsupported(f"{record.request_id} cost something at two providers: correct it by hand")
    usage = _usage_of(record)
    try:
        bill = price_usage(sheet, usage)
        needs = Needs((), tariff, unit_of_usage(UsageType(record.usage_type)), None, 0)
        charges = charged(needs, Outcome(record.outcome), usage, bill.total_cost).charges
    except ValueError as error:  # an amount that no record holds, or a word that this version does not know
        raise RepricingUnsupported(f"{record.request_id} cannot be priced: {error}") from error
    if bill.basis == UNPRICED:
        raise RepricingUnsupported(f"{sheet.id} has no price for all that {record.request_id} used")
    amounts = {account: amount for account, amount in taken.items() if not is_money(account.unit)}
    for wallet, amount in charges:
        for account, part in _spread(wallet, amount, taken):
            amounts[account] = amounts.get(account, 0) + part
    return RightCharges(amounts, sheet.id, bill)


def _usage_of(record: UsageRecord) -> Usage:
    quantities: dict[Meter, Quantity] = {}
    try:
        for line in record.lines:
            meter = Meter(line.meter)
            if meter is Meter.REQUEST:  # follows from the prices, not from what was used
                continue
            whole = int(line.quantity)
            quantities[meter] = quantities.get(meter, 0) + (whole if whole == line.quantity else line.quantity)
    except (ValueError, ArithmeticError) as error:
        raise RepricingUnsupported(f"{record.request_id} used what has no meter any more: {error}") from error
    if min(quantities.values(), default=-1) < 0:
        raise RepricingUnsupported(f"{record.request_id} has no quantities to price")
    return Usage(tuple(quantities.items()), UsageSource.PROVIDER, record.service_tier)


def _spread(wallet: Wallet, amount: int, taken: Mapping[AccountKey, int]) -> list[tuple[AccountKey, int]]:
    """An amount over the accounts of a wallet: where it was taken at first, and the rest of the last one."""
    parts: list[tuple[AccountKey, int]] = []
    for account in wallet[:-1]:
        part = min(amount, max(taken.get(account, 0), 0))
        if part:
            parts.append((account, part))
            amount -= part
    return [*parts, (wallet[-1], amount)] if amount else parts
