"""The proof of the ledger: journal = entries, entries and transfers = balances, leases = what is lent.

The transfers that actions made are held against the actions file elsewhere (`action_verification.py`); here they are
held against the accounts. So a balance is proven from the two files alone: by the amounts in the journal's lines, added
up once more without the code that posts them, and by the transfers.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from smart_ai_router.core.ledger_rows import MadeTransfer
from smart_ai_router.core.ledger_store import GRANTING_KINDS, USE_KINDS, LedgerAccount, LedgerReader, UsageEntry
from smart_ai_router.core.verification_report import VerificationReport
from smart_ai_router.domain.accounts import AccountKey, AccountKind, account_text, usage_counter
from smart_ai_router.domain.leasing import LeaseState
from smart_ai_router.domain.ledger_proof import transfer_faults, unit_faults

NOTHING: Final = "nothing"


def verify_ledger(report: VerificationReport, proof: LedgerReader, books: LedgerReader) -> None:
    """Note every difference. `proof` is the ledger that the journal made once more; it knows of no action."""
    report.entries = _compare_entries(report, proof.usage_entries(), books.usage_entries())
    expected = _taken(report)
    for made in books.made_transfers():
        report.transfers += 1
        for fault in transfer_faults((made.transfer,)):
            report.note(fault.what, fault.where, fault.expected, fault.found)
        _add(expected, made)
    kept = {account.key: account for account in books.accounts()}
    report.accounts = len(kept)
    for key in sorted(expected.keys() | kept.keys()):
        ours, theirs = expected.get(key, LedgerAccount(key)), kept.get(key, LedgerAccount(key))
        if ours[:3] != theirs[:3] or ours.is_granted is not theirs.is_granted:
            report.note("balance", account_text(key), _shown(ours), _shown(theirs))
    for fault in unit_faults({key: account.balance for key, account in kept.items()}):
        report.note(fault.what, fault.where, fault.expected, fault.found)
    _compare_leases(report, kept.values(), books.leases())


def ledger_facts(ledger: LedgerReader) -> Iterator[object]:
    """All that a ledger says, whatever its order and numbering: equal ledgers, equal facts."""
    for account in ledger.accounts():
        if account.credited or account.used or account.is_granted:
            yield account[:3], account.is_granted
    yield from ledger.usage_entries()
    yield from ledger.made_transfers()


def _taken(report: VerificationReport) -> dict[AccountKey, LedgerAccount]:
    """The accounts, as the journal's lines alone make them."""
    accounts: dict[AccountKey, LedgerAccount] = {}
    for (kind, *name), amount in report.taken.items():
        key = AccountKey(AccountKind(kind), *name)
        for each, taken in ((key, amount), (usage_counter(key), -amount)):
            account = accounts.get(each, LedgerAccount(each))
            accounts[each] = account._replace(used=account.used + taken)
    return accounts


def _add(accounts: dict[AccountKey, LedgerAccount], made: MadeTransfer) -> None:
    for key, amount in made.transfer.entries:
        account = accounts.get(key, LedgerAccount(key))
        if made.transfer.kind in USE_KINDS:
            account = account._replace(used=account.used - amount)
        else:
            account = account._replace(credited=account.credited + amount)
        is_granted = account.is_granted or made.transfer.kind in GRANTING_KINDS
        accounts[key] = account._replace(is_granted=is_granted)


def _compare_entries(report: VerificationReport, journal: Iterator[UsageEntry], books: Iterator[UsageEntry]) -> int:
    """Both come by account and by rising number of the record; returns how many the journal makes."""
    count = 0
    ours, theirs = next(journal, None), next(books, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and _place(ours) < _place(theirs)):
            assert ours is not None
            report.note("entry", _where(ours), ours.amount, NOTHING)
            count, ours = count + 1, next(journal, None)
        elif ours is None or _place(theirs) < _place(ours):
            report.note("entry", _where(theirs), NOTHING, theirs.amount)
            theirs = next(books, None)
        else:
            if ours.amount != theirs.amount:
                report.note("entry", _where(ours), ours.amount, theirs.amount)
            count, ours, theirs = count + 1, next(journal, None), next(books, None)
    return count


def _compare_leases(
    report: VerificationReport, accounts: Iterable[LedgerAccount], leases: Iterable[LeaseState]
) -> None:
    lent: dict[AccountKey, int] = {}
    for lease in leases:
        lent[lease.account] = lent.get(lease.account, 0) + lease.outstanding
        if lease.outstanding < 0:
            where = f"{account_text(lease.account)} {lease.holder}"
            report.note("leased", where, "at least 0 outstanding", lease.outstanding)
    for account in accounts:
        outstanding = lent.pop(account.key, 0)
        if account.leased != outstanding:
            report.note("leased", account_text(account.key), f"{outstanding} by its leases", account.leased)
    for key, outstanding in lent.items():
        report.note("leased", account_text(key), f"{outstanding} by its leases", "no account")


def _place(entry: UsageEntry) -> tuple[AccountKey, int]:
    return entry.account, entry.sid


def _where(entry: UsageEntry) -> str:
    return f"{account_text(entry.account)}, record {entry.sid}"


def _shown(account: LedgerAccount) -> str:
    return f"credited {account.credited}, used {account.used}, balance {account.balance}"
