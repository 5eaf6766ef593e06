"""Proofs of the ledger: what must hold at every instant, as functions that name what does not.

1. Each transfer balances: its entries sum to zero in each unit.
2. Nothing is made or lost: all balances of a unit sum to zero.
3. Each balance is the sum of its entries.
4. Each account's `leased` is the sum of what its leases have outstanding, none of it below zero.
5. Nothing is spent that was not there: balance - leased is at or above zero, except for what calls cost beyond their
   holds and what was taken away by corrections.
6. Each journal line has its transfer, and each transfer of a call its line.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from smart_ai_router.domain.accounts import LIMITED_KINDS, AccountKey, account_text
from smart_ai_router.domain.leasing import AccountState, LeaseState, leased_in_all
from smart_ai_router.domain.ledger import (
    Repetition,
    Transfer,
    TransferKind,
    UsageFacts,
    compared,
    usage_transfer,
)


class LedgerFault(NamedTuple):
    """One thing that is not as it must be."""

    what: str  # transfer | unit | balance | leased | overdrawn | line
    where: str
    expected: str
    found: str


def transfer_faults(transfers: Iterable[Transfer]) -> list[LedgerFault]:
    """Transfers that do not balance, or have nothing in them."""
    faults = []
    for transfer in transfers:
        sums: dict[str, int] = {}
        for account, amount in transfer.entries:
            sums[account.unit] = sums.get(account.unit, 0) + amount
        wrong = {unit: total for unit, total in sums.items() if total}
        if wrong or not transfer.entries:
            faults.append(LedgerFault("transfer", transfer.key, "0 in each unit", str(wrong or "no entries")))
    return faults


def balances_of(transfers: Iterable[Transfer]) -> dict[AccountKey, int]:
    """Every balance, from the entries alone."""
    balances: dict[AccountKey, int] = {}
    for transfer in transfers:
        for account, amount in transfer.entries:
            balances[account] = balances.get(account, 0) + amount
    return balances


def unit_faults(balances: Mapping[AccountKey, int]) -> list[LedgerFault]:
    """Units whose balances do not sum to zero."""
    sums: dict[str, int] = {}
    for account, balance in balances.items():
        sums[account.unit] = sums.get(account.unit, 0) + balance
    return [LedgerFault("unit", unit, "0", str(total)) for unit, total in sums.items() if total]


def balance_faults(by_entries: Mapping[AccountKey, int], kept: Mapping[AccountKey, int]) -> list[LedgerFault]:
    """Balances that are not the sum of their entries."""
    return [
        LedgerFault("balance", account_text(account), str(by_entries.get(account, 0)), str(kept.get(account, 0)))
        for account in sorted(by_entries.keys() | kept.keys())
        if by_entries.get(account, 0) != kept.get(account, 0)
    ]


def lending_faults(
    accounts: Iterable[AccountState], leases: Iterable[LeaseState], allowances: Mapping[AccountKey, int]
) -> list[LedgerFault]:
    """Accounts that have lent what they do not have, or do not know what they have lent.

    `allowances` say how far below zero each account's availability may lie; see `allowed_below_zero`.
    """
    by_account: dict[AccountKey, list[LeaseState]] = {}
    faults = []
    for lease in leases:
        by_account.setdefault(lease.account, []).append(lease)
        if lease.outstanding < 0:
            where = f"{account_text(lease.account)} {lease.holder}"
            faults.append(LedgerFault("leased", where, "at least 0 outstanding", str(lease.outstanding)))
    for account in accounts:
        lent = leased_in_all(by_account.pop(account.key, ()))
        if lent != account.leased:
            faults.append(LedgerFault("leased", account_text(account.key), str(lent), str(account.leased)))
        floor = -allowances.get(account.key, 0)
        if account.available < floor and account.key.kind in LIMITED_KINDS:
            where = account_text(account.key)
            faults.append(LedgerFault("overdrawn", where, f"at least {floor} available", str(account.available)))
    faults += [LedgerFault("leased", account_text(key), "an account", "none") for key in by_account]
    return faults


def allowed_below_zero(facts: Iterable[UsageFacts], transfers: Iterable[Transfer]) -> dict[AccountKey, int]:
    """How far below zero availability may lie: what calls took beyond their leases, and what corrections took away."""
    allowed: dict[AccountKey, int] = {}
    for fact in facts:
        for account, amount, leased in fact.postings:
            if amount > leased:
                allowed[account] = allowed.get(account, 0) + amount - leased
    for transfer in transfers:
        if transfer.kind in (TransferKind.ADJUST, TransferKind.REPRICE):
            for account, amount in transfer.entries:
                if amount < 0:
                    allowed[account] = allowed.get(account, 0) - amount
    return allowed


def line_faults(facts: Iterable[UsageFacts], booked: Mapping[str, Transfer]) -> list[LedgerFault]:
    """Lines without their transfer, with another one, and transfers of calls without a line. `booked` is by key."""
    faults = []
    usages = {key for key, transfer in booked.items() if transfer.kind is TransferKind.USAGE}
    for fact in facts:
        expected = usage_transfer(fact)
        if expected is None:
            continue
        found = booked.get(expected.key)
        if found is None or compared(found, expected) is not Repetition.REPEATED:
            faults.append(LedgerFault("line", fact.request_id, str(expected.entries), str(found and found.entries)))
        usages.discard(expected.key)
    faults += [LedgerFault("line", key, "a journal line", "none") for key in sorted(usages)]
    return faults
