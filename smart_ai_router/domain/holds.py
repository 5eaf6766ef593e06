"""Holds: one worker's share of the money, in its memory.

Theory of operation. The control plane lends slices of accounts (`leasing`); this book spends them.

    reserve       free -> held, in all accounts of a call or in none
    settle        says what the call takes of each account: the postings of its journal line
    line_written  the line is in the journal: held -> used, and the unspent rest -> free
    cancel        no upstream was asked: held -> free
    report        free -> returned, where a slice is recalled, scarce or idle; asks for more where it is low
    absorb        what the control plane granted -> free

The order is the point: what a call did not use is free again only when its line is in the journal. Were it the other
way round, a crash between the two would leave a call that is charged from its intent at up to its whole hold, while
the rest of that hold had been spent again.

A call that found its amount in one account and waits for the next keeps it: not even a recall takes it. Accounts are
always asked in the same order, so two workers never wait for each other.

A wallet is used up in its order, the monthly part first. The permanent part is touched only when the control plane has
said that there is no more of the monthly one.

What a call costs beyond its hold is taken from what is free in its wallet, the rest is recorded beyond the lease: truth
first. That excess is the estimate error, and the only thing that takes an account below zero.

A worker that has not reached the control plane for `leasing.LEASE_S` reserves nothing any more; what is held settles.

The caller's part: a call that met a `Shortage` tries `reserve` again at each tick and after each answer, until it has a
hold, `is_refused` says no (402, or the next channel for a pool), or its patience ends. At each tick: first those
retries, then `report`.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from smart_ai_router.domain.accounts import AccountKey, Wallet
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.lease_slices import IDLE_S, Slice
from smart_ai_router.domain.leasing import LEASE_S, Answer, Recall, Report
from smart_ai_router.domain.ledger import Posting

SWEEP_S: Final = 1.0  # how often idle slices are looked for
HEARTBEAT_S: Final = 1.0
REPORTS_REMEMBERED_MAX: Final = 64  # whose sending times are known; an answer to an older one extends nothing


_Part: TypeAlias = tuple[Wallet, Slice, int]  # what is held of a slice for a wallet; plain tuples, for speed
_Use: TypeAlias = tuple[Slice, int, int]  # what was held of a slice, and how much of that is used


class HoldMisused(RuntimeError):
    """A hold was settled, raised or written out of order: a mistake in the caller."""


class Shortage(NamedTuple):
    """Why a call cannot be held now. A tuple and not an exception: near the end of a quota it is an everyday answer."""

    account: AccountKey
    missing: int  # beyond what is free here
    asked_in: int  # the report that asks for it; `LeaseBook.is_refused` says when the answer is no
    is_last: bool = True  # of its wallet: when there is no more of another one, the next one is asked
    is_expired: bool = False  # the worker has lost touch: nothing can be held until it is back


class Overshoot(NamedTuple):
    """A call cost more than was held for it."""

    account: AccountKey
    held: int
    amount: int
    beyond_lease: int  # what takes the account's availability down


class Settled(NamedTuple):
    """What a call takes, for its line."""

    postings: tuple[Posting, ...]
    overshoots: tuple[Overshoot, ...]


class SliceView(NamedTuple):
    """The parts of one slice, for metrics and proofs."""

    account: AccountKey
    granted: int
    free: int
    held: int
    used: int
    returned: int
    kept: int  # of what is free: for a call that waits for another account


class Hold:
    """What one operation has set aside. Made by `LeaseBook.reserve`, ended by `line_written` or `cancel`."""

    __slots__ = ("has_ended", "parts", "settled", "unenforced")

    def __init__(self) -> None:
        self.parts: list[_Part] = []  # in the order in which each wallet is used up
        self.unenforced: set[Wallet] | None = None
        self.settled: list[_Use] | None = None
        self.has_ended = False

    def accounts(self) -> tuple[tuple[AccountKey, int], ...]:
        """What is set aside of each account: the intent keeps it, so that a crash can be settled."""
        held_of: dict[AccountKey, int] = {}
        for _, slice_, held in self.parts:
            held_of[slice_.account] = held_of.get(slice_.account, 0) + held
        return tuple(held_of.items())


class LeaseBook:
    """All slices of one worker. `holder` names this life of the worker; `now` is monotonic seconds."""

    def __init__(self, holder: str, now: float) -> None:
        self.holder = holder
        self.open_holds = 0
        self._slices: dict[AccountKey, Slice] = {}
        self._valid_until = now  # the first answer opens the book
        self._sequence = 0
        self._sent_at: dict[int, float] = {}
        self._to_report: set[Slice] = set()
        self._unanswered: set[Slice] = set()
        self._reported_at = now - HEARTBEAT_S
        self._swept_at = now

    # --- calls ---

    def reserve(self, wanted: Sequence[Need], now: float) -> Hold | Shortage:
        """Set aside what a call needs, in all its accounts or in none."""
        hold = Hold()
        shortage = self._add(hold, wanted, now)
        if shortage is not None:
            return shortage
        self.open_holds += 1
        return hold

    def raise_to(self, hold: Hold, wanted: Sequence[Need], now: float) -> Shortage | None:
        """Set aside more, so that each wallet's hold is at least what is now wanted: for the next channel.

        For a pool that an earlier attempt has cost something, the caller adds that cost to the need.
        """
        if hold.settled is not None:
            raise HoldMisused("a settled hold cannot be raised")
        more = []
        for need in wanted:
            missing = need.amount - sum([held for wallet, _, held in hold.parts if wallet == need.wallet])
            if missing > 0:
                more.append(need._replace(amount=missing))
        return self._add(hold, more, now)

    def settle(self, hold: Hold, charges: Iterable[Charge]) -> Settled:
        """What the operation takes of each account. Nothing is free again before `line_written`."""
        if hold.settled is not None:
            raise HoldMisused("a hold is settled once")
        amounts = dict(charges)
        settled: list[_Use] = []
        postings: dict[AccountKey, Posting] = {}
        for wallet, slice_, held in hold.parts:
            left = amounts.get(wallet, 0)
            used = held if held < left else left
            settled.append((slice_, held, used))
            if used:
                amounts[wallet] = left - used
                _post(postings, slice_.account, used, used)
        overshoots: list[Overshoot] = []
        for wallet, left in amounts.items():
            if left:
                beyond = self._cover(wallet, left, settled, postings)
                if hold.unenforced is None or wallet not in hold.unenforced:
                    held = sum([each for other, _, each in hold.parts if other == wallet])
                    overshoots.append(Overshoot(wallet[-1], held, held + left, beyond))
        hold.settled = settled
        return Settled(tuple(postings.values()), tuple(overshoots))

    def line_written(self, hold: Hold) -> None:
        """The operation's line is in the journal: what it took is used, the rest is free."""
        if hold.settled is None or hold.has_ended:
            raise HoldMisused("a hold is settled, then written, once")
        for slice_, held, used in hold.settled:
            slice_.held -= held
            slice_.used += used
            slice_.free += held - used
            if slice_.is_scarce:
                self._to_report.add(slice_)
        hold.has_ended = True
        self.open_holds -= 1

    def cancel(self, hold: Hold) -> None:
        """No upstream was asked: all of it is free again."""
        self.settle(hold, ())
        self.line_written(hold)

    def is_refused(self, shortage: Shortage) -> bool:
        """True when the control plane has said that there is not enough, after all others gave back what lay idle."""
        slice_ = self._slices.get(shortage.account)
        return shortage.is_last and slice_ is not None and slice_.refused_since >= shortage.asked_in

    def available(self, account: AccountKey) -> int:
        """What there was to spend when a call was refused: free here and left to lend."""
        slice_ = self._slices.get(account)
        return 0 if slice_ is None else slice_.free + slice_.available

    # --- the control plane ---

    def report(self, now: float) -> Report | None:
        """What there is to say now; None when there is nothing and a heartbeat is not due."""
        if now - self._swept_at >= SWEEP_S:
            self._sweep(now)
        if now - self._reported_at >= HEARTBEAT_S:
            self._to_report |= self._unanswered  # their report or its answer was lost
        elif not self._to_report:
            return None
        self._sequence += 1
        self._reported_at = now
        self._sent_at[self._sequence] = now
        if len(self._sent_at) > REPORTS_REMEMBERED_MAX:
            del self._sent_at[next(iter(self._sent_at))]
        wishes = tuple([slice_.wish(self._sequence, now) for slice_ in self._to_report])
        self._unanswered |= self._to_report
        self._to_report.clear()
        return Report(self.holder, self._sequence, wishes)

    def absorb(self, answer: Answer, now: float) -> None:
        """Take note of an answer, in whatever order answers come; one to an earlier life of the worker is not ours."""
        if answer.holder != self.holder:
            return
        sent_at = self._sent_at.pop(answer.sequence, None)
        if sent_at is not None:
            self._valid_until = max(self._valid_until, sent_at + LEASE_S)
        for ruling in answer.rulings:
            slice_ = self._slices.get(ruling.account)
            if slice_ is None:
                continue
            if slice_.obey(ruling, answer.sequence, now):
                del self._slices[ruling.account]
                self._to_report.discard(slice_)
            if answer.sequence >= slice_.reported_in:
                self._unanswered.discard(slice_)

    def recall(self, recall: Recall, now: float) -> None:
        """Another worker needs what lies idle here; the next report gives it back."""
        slice_ = self._slices.get(recall.account)
        if recall.holder == self.holder and slice_ is not None and slice_.recall(recall.round, now):
            self._to_report.add(slice_)

    def give_back_all(self) -> None:
        """The worker stops: whatever is free goes back with the next report."""
        for slice_ in self._slices.values():
            slice_.give_back()
            self._to_report.add(slice_)

    def slices(self) -> tuple[SliceView, ...]:
        """All slices."""
        return tuple(
            [
                SliceView(each.account, each.granted, each.free, each.held, each.used, each.returned, each.kept)
                for each in self._slices.values()
            ]
        )

    # --- parts ---

    def _add(self, hold: Hold, wanted: Sequence[Need], now: float) -> Shortage | None:
        added: list[_Part] = []
        slices = self._slices
        is_expired = now >= self._valid_until
        for need in wanted:
            wallet, amount, is_enforced = need
            slice_ = slices.get(wallet[0]) or self._begin(wallet[0], now)
            free = slice_.free - amount
            if free >= 0 and not (is_expired and is_enforced):  # nearly always
                slice_.touched_at = now
                slice_.free = free
                slice_.held += amount
                added.append((wallet, slice_, amount))
                if free < slice_.low_water:
                    self._to_report.add(slice_)
            else:
                shortage = self._take_in_turn(added, need, now, is_expired)
                if shortage is not None:
                    return shortage
            if not is_enforced:
                hold.unenforced = (hold.unenforced or set()) | {wallet}
        hold.parts += added
        return None

    def _take_in_turn(self, added: list[_Part], need: Need, now: float, is_expired: bool) -> Shortage | None:
        """Use up one account of a wallet after the other; while nothing is enforced, as far as they go."""
        left = need.amount
        for account in need.wallet:
            slice_ = self._slices.get(account) or self._begin(account, now)
            slice_.touched_at = now
            take = min(left, slice_.free)
            missing = left - take
            if need.is_enforced and (is_expired or (missing and not slice_.is_drained)):
                return self._short(added, slice_, need, missing, is_expired)
            if missing and slice_.ask_later(need.amount, now):
                self._to_report.add(slice_)
            if take:
                slice_.free -= take
                slice_.held += take
                added.append((need.wallet, slice_, take))
            left = missing
            if not left:
                return None
        return self._short(added, slice_, need, left, is_expired) if need.is_enforced else None

    def _short(self, added: Iterable[_Part], slice_: Slice, need: Need, missing: int, is_expired: bool) -> Shortage:
        for _, each, held in added:
            each.free += held
            each.held -= held
            each.keep(held)
        is_last = slice_.account is need.wallet[-1]
        if missing:
            slice_.ask(missing, need.amount, takes_less=not is_last)
        self._to_report.add(slice_)
        return Shortage(slice_.account, missing, self._sequence + 1, is_last, is_expired)

    def _begin(self, account: AccountKey, now: float) -> Slice:
        slice_ = self._slices[account] = Slice(account, self._sequence + 1, now)
        return slice_

    def _cover(self, wallet: Wallet, excess: int, settled: list[_Use], postings: dict[AccountKey, Posting]) -> int:
        """Take what a call cost beyond its hold from what is free, the rest beyond the lease; returns that rest."""
        for account in wallet:
            slice_ = self._slices.get(account)
            take = 0 if slice_ is None else min(excess, slice_.free)
            if slice_ is not None and take:
                slice_.free -= take
                slice_.held += take
                settled.append((slice_, take, take))
                _post(postings, account, take, take)
                excess -= take
        if excess:
            _post(postings, wallet[-1], excess, 0)
        return excess

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        for slice_ in self._slices.values():
            if now - slice_.touched_at >= IDLE_S and not slice_.held:
                self._to_report.add(slice_)


def _post(postings: dict[AccountKey, Posting], account: AccountKey, amount: int, leased: int) -> None:
    known = postings.get(account)
    if known is not None:
        amount, leased = amount + known.amount, leased + known.leased
    postings[account] = Posting(account, amount, leased)


def orphan_postings(held: Iterable[tuple[AccountKey, int]], charges: Iterable[Charge]) -> tuple[Posting, ...]:
    """What a call takes that nobody can finish any more: `held` is from its intent, `charges` from the decision table.

    This is what its line says, under the holder that died.
    """
    left = dict(held)
    postings: dict[AccountKey, Posting] = {}
    for wallet, amount in charges:
        missing = amount
        for account in wallet:
            take = min(missing, left.get(account, 0))
            if take:
                left[account] -= take
                _post(postings, account, take, take)
                missing -= take
        if missing:
            _post(postings, wallet[-1], missing, 0)
    return tuple(postings.values())
