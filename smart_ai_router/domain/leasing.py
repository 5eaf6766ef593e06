"""Leases, as the control plane sees them: how much of an account each worker may spend by itself.

Theory of operation. A worker's lease on an account is four counters that only grow:

    granted    what the control plane has lent, in all
    used       what journal lines have taken under the lease, counted when they are posted
    returned   what the worker has given back, in all
    outstanding = granted - used - returned, never below zero

    leased    = the sum of all outstanding of the account
    available = balance - leased

Posting a line takes its leased part from the balance and from outstanding alike: availability stays. Only what a call
cost beyond its hold, and no lease covered, lowers it, and may take it below zero: by exactly that estimate error.

Because the counters only grow, messages may be lost, repeated or overtaken. A worker reports its counters as they
stand (`Wish`), the control plane answers with its own (`Ruling`), each side takes the larger one, and a report that was
overtaken by a later one (`sequence`) is not heard at all. A grant whose answer was lost is told again, not made again.

When an account runs short (`hear`), a *recall* begins: a numbered round in which every other holder gives back what
lies idle. The wish is refused only when all of them have answered a round that began after it. Who answers a round
keeps what its calls hold; that is not idle.

Applying a decision is one statement: each returned state differs from the one that was passed in by
`lent`, `taken_back` and `used` amounts, and holds as long as the account still has `available >= cost`.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from smart_ai_router.domain.accounts import AccountKey, account_text

SLICE_CALLS: Final = 8  # a first slice pays for so many calls like the one that asked
SLICE_S: Final = 2  # later slices last about so long at the worker's burn
LEASE_S: Final = 600  # a worker that was not heard for so long stops spending; long enough for a control plane's repair
CALL_S_MAX: Final = 1_830  # no call lasts longer: what was held when the worker was last heard has its line by then
EXPIRY_MARGIN_S: Final = 30  # for clocks that do not run equally fast


class LeaseBroken(ValueError):
    """Counters that contradict each other: the holder must begin anew under another name."""


class Wish(NamedTuple):
    """One account in a worker's report: its counters, and what it would like."""

    account: AccountKey
    granted: int  # what the worker has heard of
    returned: int
    need: int = 0  # the least that would serve a waiting call, beyond what is free; 0: nobody waits
    takes_less: bool = False  # who waits has another account to go on with: whatever is left is welcome
    call_size: int = 0  # what a call needs here
    burn_per_s: int = 0
    answered_round: int = 0  # the latest recall it has obeyed
    is_low: bool = False  # less than half a slice is free: more would be welcome
    is_closing: bool = False  # nothing is free or held: the lease may end


class Report(NamedTuple):
    """What a worker says, at every tick in which it has something to say, and as a heartbeat."""

    holder: str
    sequence: int  # rises with every report of a holder
    wishes: tuple[Wish, ...] = ()


class Ruling(NamedTuple):
    """One account in the control plane's answer."""

    account: AccountKey
    granted: int  # in all
    returned: int = 0  # what the control plane has taken note of
    recall_round: int = 0  # give back what is idle, if this round is new
    refused_since: int = 0  # wishes up to the report of this number are refused; 0: none is
    available: int = 0  # with a refusal: what there is
    is_closed: bool = False  # the lease has ended: the worker may forget it


class Answer(NamedTuple):
    """What the control plane says to one report."""

    holder: str
    sequence: int  # of the report that it answers
    rulings: tuple[Ruling, ...] = ()
    is_over: bool = False  # the holder's leases were ended: the worker goes on with a new book, under another name


class Recall(NamedTuple):
    """Another worker needs what lies idle: told at once, and again with every ruling on the account."""

    holder: str
    account: AccountKey
    round: int


class AccountState(NamedTuple):
    """An account as far as lending goes. A tuple and not a dataclass: made anew for every line that is posted."""

    key: AccountKey
    balance: int
    leased: int = 0
    recall_round: int = 0

    @property
    def available(self) -> int:
        """What may still be lent."""
        return self.balance - self.leased


class LeaseState(NamedTuple):
    """One worker's lease on one account. A tuple, for the same reason."""

    holder: str
    account: AccountKey
    granted: int = 0
    used: int = 0
    returned: int = 0
    asked_round: int = 0  # the latest recall it was asked to obey
    answered_round: int = 0
    wish_round: int = 0  # the recall that its waiting wish began; 0: no wish waits
    wish_sequence: int = 0  # the report that brought the waiting wish

    @property
    def outstanding(self) -> int:
        """What the worker may still have free or held, or has used without its lines being posted."""
        return self.granted - self.used - self.returned


class Standing(NamedTuple):
    """What the books say of an account when a worker's wish for it is heard."""

    account: AccountState
    lease: LeaseState | None  # the worker's own; None: it has none
    others: Sequence[LeaseState] = ()  # open ones of holders that may still answer, not of those known to be silent
    workers: int = 1  # that share the account


class Hearing(NamedTuple):
    """What hearing a wish comes to."""

    account: AccountState
    lease: LeaseState | None  # None: it has ended
    recalled: tuple[LeaseState, ...]  # other leases that are now asked to give back
    ruling: Ruling


def hear(standing: Standing, wish: Wish, report: Report) -> Hearing:
    """Decide on one wish of a report that was not overtaken by a later one. Raises LeaseBroken."""
    others, workers = standing.others, standing.workers
    account, lease = _take_back(standing.account, standing.lease or _begun(report.holder, wish), wish)
    if wish.is_closing and not wish.need and not lease.outstanding:
        return Hearing(account, None, (), Ruling(account.key, lease.granted, lease.returned, is_closed=True))
    unheard = lease.granted - wish.granted
    is_scarce = any(each.wish_round for each in others)
    amount = grant_amount(account.available, wish, workers, unheard, is_scarce)
    if amount:
        account, lease = lend(account, lease, amount)
    recalled: tuple[LeaseState, ...] = ()
    refused_since = 0
    if wish.need <= unheard + amount:
        lease = _with_wish(lease, 0, 0)
    else:
        if not lease.wish_round:
            account = account._replace(recall_round=account.recall_round + 1)
            lease = _with_wish(lease, account.recall_round, report.sequence)
        recalled = _asked_now(others, lease.wish_round)
        if not recalled and _all_answered(others, lease.wish_round):
            refused_since = lease.wish_sequence
            lease = _with_wish(lease, 0, 0)
            if wish.takes_less and account.available > 0:
                account, lease = lend(account, lease, account.available)
    ruling = Ruling(
        account.key, lease.granted, lease.returned, lease.asked_round, refused_since, max(account.available, 0)
    )
    return Hearing(account, lease, recalled, ruling)


def grant_amount(available: int, wish: Wish, workers: int, unheard: int = 0, is_scarce: bool = False) -> int:
    """How much more to lend, at most what is available; `unheard` was lent before and its answer was lost.

    A rich account lends a slice that lasts for a while at the worker's burn, and keeps as much again for every other
    worker. One that cannot afford that, or for which another worker waits, lends exactly what the waiting call needs,
    or nothing.
    """
    need = max(wish.need - unheard, 0)
    if need > available or not (need or (wish.is_low and not unheard)):
        return 0
    comfortable = max(wish.call_size * SLICE_CALLS, wish.burn_per_s * SLICE_S)
    spare = 0 if is_scarce else available // (2 * max(workers, 1))
    return max(min(comfortable, spare), need)


def lend(account: AccountState, lease: LeaseState, amount: int) -> tuple[AccountState, LeaseState]:
    """Lend an amount. As a statement: where balance - leased >= amount, leased and granted grow by it."""
    if not 0 < amount <= account.available:
        raise LeaseBroken(f"{account_text(account.key)}: {amount} cannot be lent of {account.available}")
    return account._replace(leased=account.leased + amount), lease._replace(granted=lease.granted + amount)


def use(
    account: AccountState, lease: LeaseState | None, amount: int, leased: int
) -> tuple[AccountState, LeaseState | None]:
    """Post what a journal line took of an account: `amount` of its balance, `leased` of it under the lease.

    As a statement: balance shrinks by amount; leased shrinks and used grows by the leased part. A lease that has ended
    (written off while its worker lived) covers nothing any more.
    """
    if lease is None:
        return account._replace(balance=account.balance - amount), None
    covered = min(leased, lease.outstanding)
    return (
        account._replace(balance=account.balance - amount, leased=account.leased - covered),
        lease._replace(used=lease.used + covered),
    )


class Presence(StrEnum):
    """What is known of a holder."""

    ALIVE = "alive"
    SILENT = "silent"  # not heard for longer than its leases last: it has stopped spending
    DEAD = "dead"  # the kernel has released its lock


class Evidence(NamedTuple):
    """What is certain about a holder when its leases are to be taken back."""

    presence: Presence
    silent_s: float = 0.0
    are_orphans_booked: bool = False  # each call it had in flight has its line in the journal
    is_journal_read: bool = False  # the books hold its journal to the end, those lines included


def presence_of(silent_s: float, is_lock_free: bool) -> Presence:
    """Whether a holder lives; `silent_s` is monotonic time since it was last heard, by the control plane's clock."""
    if is_lock_free:
        return Presence.DEAD
    return Presence.SILENT if silent_s > LEASE_S + EXPIRY_MARGIN_S else Presence.ALIVE


def is_over_for(evidence: Evidence) -> bool:
    """True when whatever a holder spent is in the books, so that the rest of its leases can be lent to others.

    A dead worker: its calls in flight have become lines and its journal is read to the end. A silent one: longer silent
    than its leases and its longest call last, and its journal is read to the end. Nothing else is proof.
    """
    if not evidence.is_journal_read:
        return False
    if evidence.presence is Presence.DEAD:
        return evidence.are_orphans_booked
    return evidence.presence is Presence.SILENT and evidence.silent_s > LEASE_S + CALL_S_MAX + EXPIRY_MARGIN_S


def reconcile(account: AccountState, lease: LeaseState) -> tuple[AccountState, LeaseState]:
    """End the lease of a holder that is over: what is outstanding comes back."""
    rest = lease.outstanding
    return account._replace(leased=account.leased - rest), lease._replace(returned=lease.returned + rest)


def leased_in_all(leases: Iterable[LeaseState]) -> int:
    """What an account's open leases come to."""
    return sum(lease.outstanding for lease in leases)


def _begun(holder: str, wish: Wish) -> LeaseState:
    """A lease that begins. Counters of an earlier one that ended with nothing outstanding go on where they stood."""
    return LeaseState(holder, wish.account, wish.granted, wish.granted - wish.returned, wish.returned)


def _take_back(account: AccountState, lease: LeaseState, wish: Wish) -> tuple[AccountState, LeaseState]:
    more = wish.returned - lease.returned
    if wish.granted > lease.granted or more > lease.outstanding or not 0 <= wish.returned <= wish.granted:
        raise LeaseBroken(f"{account_text(account.key)}: {lease.holder} reports what it was never lent")
    answered = max(lease.answered_round, wish.answered_round)
    if more <= 0:
        return account, lease._replace(answered_round=answered)
    return (
        account._replace(leased=account.leased - more),
        lease._replace(returned=lease.returned + more, answered_round=answered),
    )


def _with_wish(lease: LeaseState, wish_round: int, sequence: int) -> LeaseState:
    return lease._replace(wish_round=wish_round, wish_sequence=sequence)


def _asked_now(others: Sequence[LeaseState], wish_round: int) -> tuple[LeaseState, ...]:
    """The leases that this round has not reached yet; some may have been granted since it began."""
    return tuple(
        [
            each._replace(asked_round=wish_round)
            for each in others
            if each.outstanding > 0 and max(each.asked_round, each.answered_round) < wish_round
        ]
    )


def _all_answered(others: Sequence[LeaseState], wish_round: int) -> bool:
    return all(each.outstanding <= 0 or each.answered_round >= wish_round for each in others)
