"""From journal lines to the ledger: what a batch of new records takes, summed up by account and by lease.

This is `ledger.usage_transfer` and `leasing.use` for many lines at once; that both come to the same is proven by a
test over random batches. A line without postings costs one look at an empty tuple.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from smart_ai_router.core.placing import Placed
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.usage_record import AccountPosting, UsageRecord
from smart_ai_router.domain.accounts import LIMITED_KINDS, AccountKey, AccountKind, usage_counter
from smart_ai_router.domain.leasing import AccountState, LeaseState, use
from smart_ai_router.domain.ledger import Posting as LedgerPosting
from smart_ai_router.domain.ledger import UsageFacts

_KINDS: Final = {kind.value: kind for kind in LIMITED_KINDS}


class AccountUse(NamedTuple):
    """What a batch takes of one account."""

    amount: int
    leased: dict[str, int]  # holder to what of it its lease covered
    rows: list[tuple[int, int]]  # number of the record, amount


def take_from(placed: Iterable[Placed]) -> dict[AccountKey, AccountUse]:
    """What new records take of each account that limits; counter-accounts follow from `counters_of`."""
    found: dict[tuple[str, str, str, str], tuple[list[tuple[int, int]], dict[str, int]]] = {}
    for posting, sid, _ in placed:
        record = posting.record
        for each in record.postings:
            name = (each.kind, each.owner, each.unit, each.part)
            taken = found.get(name)
            if taken is None:
                taken = found[name] = ([], {})
            taken[0].append((sid, each.amount))
            if each.leased and record.holder is not None:
                leases = taken[1]
                leases[record.holder] = leases.get(record.holder, 0) + each.leased
    uses: dict[AccountKey, AccountUse] = {}
    for name, (all_rows, leases) in found.items():
        rows = [row for row in all_rows if row[1]]
        if rows:
            key = AccountKey(_KINDS[name[0]], *name[1:])
            uses[key] = AccountUse(sum([amount for _, amount in rows]), leases, rows)
    return uses


def counters_of(uses: Iterable[tuple[AccountKey, int]]) -> dict[AccountKey, int]:
    """What the counter-accounts take of these amounts."""
    counters: dict[AccountKey, int] = {}
    for account, amount in uses:
        counter = usage_counter(account)
        counters[counter] = counters.get(counter, 0) + amount
    return counters


def use_leases(
    account: AccountState, taken: AccountUse, leases: dict[str, LeaseState]
) -> tuple[AccountState, list[LeaseState]]:
    """The account without what was taken, and the leases that covered some of it. `leases` are those that are open."""
    changed: list[LeaseState] = []
    covered = 0
    for holder, leased in taken.leased.items():
        lease = leases.get(holder)
        if lease is not None:
            account, used = use(account, lease, leased, leased)
            covered += leased
            assert used is not None, "a lease that is open stays open"
            changed.append(used)
    account, _ = use(account, None, taken.amount - covered, 0)
    return account, changed


def usage_facts(posting: Posting) -> UsageFacts:
    """What the ledger takes from a line."""
    record: UsageRecord = posting.record
    postings = tuple([_ledger_posting(each) for each in record.postings])
    return UsageFacts(record.request_id, posting.at_ms, record.holder or "", postings)


def _ledger_posting(posting: AccountPosting) -> LedgerPosting:
    key = AccountKey(AccountKind(posting.kind), posting.owner, posting.unit, posting.part)
    return LedgerPosting(key, posting.amount, posting.leased)
