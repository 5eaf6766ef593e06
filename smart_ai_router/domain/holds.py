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

A wallet is used up in its order, the monthly part first. The permanent part is touched only when the control plane has
said that there is no more of the monthly one.

What a call costs beyond its hold is taken from what is free of the last account, then recorded beyond the lease: truth
first. That excess is the estimate error, and the only thing that takes an account below zero.

A worker that has not reached the control plane for `leasing.LEASE_S` reserves nothing any more; what is held settles.

The caller's part: a call that met a `Shortage` tries `reserve` again at each tick and after each answer, until it has a
hold, `is_refused` says no (402, or the next channel for a pool), or its patience ends. At each tick: first those
retries, then `report`.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from smart_ai_router.domain.accounts import AccountKey, Wallet
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.lease_slices import IDLE_S, Slice
from smart_ai_router.domain.leasing import LEASE_S, Answer, Recall, Report
from smart_ai_router.domain.ledger import Posting

SWEEP_S: Final = 1.0  # how often idle slices are looked for
HEARTBEAT_S: Final = 1.0
REPORTS_REMEMBERED_MAX: Final = 64  # whose sending times are known; an answer to an older one extends nothing


class HoldMisused(RuntimeError):
    """A hold was settled, raised or written out of order: a mistake in the caller."""


class Shortage(NamedTuple):
    """Why a call cannot be held now. A tuple and not an exception: near the end of a quota it is an everyday answer."""

    account: AccountKey
    missing: int  # beyond what is free here
    asked_in: int  # the report that asks for it; `LeaseBook.is_refused` says when the answer is no
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


class _Part(NamedTuple):
    """What a hold has of one slice, and how much of that is used."""

    slice: Slice
    held: int
    used: int = 0


class Hold:
    """What one operation has set aside. Made by `LeaseBook.reserve`, ended by `line_written` or `cancel`."""

    __slots__ = ("_has_ended", "_parts", "_settled", "_unenforced")

    def __init__(self) -> None:
        self._parts: dict[Wallet, list[_Part]] = {}
        self._unenforced: set[Wallet] | None = None
        self._settled: list[_Part] | None = None
        self._has_ended = False

    def parts(self) -> tuple[tuple[AccountKey, int], ...]:
        """What is set aside of each account: the intent keeps it, so that a crash can be settled."""
        return tuple([(part.slice.account, part.held) for parts in self._parts.values() for part in parts])


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
        if hold._settled is not None:
            raise HoldMisused("a settled hold cannot be raised")
        more = []
        for need in wanted:
            missing = need.amount - sum([part.held for part in hold._parts.get(need.wallet, ())])
            if missing > 0:
                more.append(need._replace(amount=missing))
        return self._add(hold, more, now)

    def settle(self, hold: Hold, charges: Iterable[Charge]) -> Settled:
        """What the operation takes of each account. Nothing is free again before `line_written`."""
        if hold._settled is not None:
            raise HoldMisused("a hold is settled once")
        amounts = dict(charges)
        settled: list[_Part] = []
        postings: dict[AccountKey, Posting] = {}
        overshoots: list[Overshoot] = []
        for wallet, parts in hold._parts.items():
            amount = left = amounts.pop(wallet, 0)
            for slice_, held, _ in parts:
                used = held if held < left else left
                settled.append(_Part(slice_, held, used))
                if used:
                    _post(postings, slice_.account, used, used)
                    left -= used
            if left:
                covered = self._cover(wallet[-1], left, settled)
                _post(postings, wallet[-1], left, covered)
                if hold._unenforced is None or wallet not in hold._unenforced:
                    overshoots.append(Overshoot(wallet[-1], amount - left, amount, left - covered))
        for wallet, amount in amounts.items():  # nothing was held for these
            if amount:
                covered = self._cover(wallet[-1], amount, settled)
                _post(postings, wallet[-1], amount, covered)
                if hold._unenforced is None or wallet not in hold._unenforced:
                    overshoots.append(Overshoot(wallet[-1], 0, amount, amount - covered))
        hold._settled = settled
        return Settled(tuple(postings.values()), tuple(overshoots))

    def line_written(self, hold: Hold) -> None:
        """The operation's line is in the journal: what it took is used, the rest is free."""
        if hold._settled is None or hold._has_ended:
            raise HoldMisused("a hold is settled, then written, once")
        for slice_, held, used in hold._settled:
            slice_.held -= held
            slice_.used += used
            slice_.free += held - used
            if slice_.is_scarce:
                self._to_report.add(slice_)
        hold._has_ended = True
        self.open_holds -= 1

    def cancel(self, hold: Hold) -> None:
        """No upstream was asked: all of it is free again."""
        self.settle(hold, ())
        self.line_written(hold)

    def is_refused(self, shortage: Shortage) -> bool:
        """True when the control plane has said that there is not enough, after all others gave back what lay idle."""
        slice_ = self._slices.get(shortage.account)
        return slice_ is not None and slice_.refused_since >= shortage.asked_in

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
        """Take note of an answer, in whatever order answers come."""
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
        if slice_ is not None and slice_.recall(recall.round, now):
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
                SliceView(each.account, each.granted, each.free, each.held, each.used, each.returned)
                for each in self._slices.values()
            ]
        )

    # --- parts ---

    def _add(self, hold: Hold, wanted: Sequence[Need], now: float) -> Shortage | None:
        added: list[tuple[Wallet, _Part]] = []
        slices = self._slices
        is_expired = now >= self._valid_until
        for need in wanted:
            wallet, amount, is_enforced = need
            slice_ = slices.get(wallet[0]) or self._begin(wallet[0], now)
            free = slice_.free
            if free >= amount and not (is_expired and is_enforced):  # nearly always
                slice_.touched_at = now
                slice_.free = free - amount
                slice_.held += amount
                added.append((wallet, _Part(slice_, amount)))
                if free - amount < slice_.low_water:
                    self._to_report.add(slice_)
                continue
            shortage = self._take_in_turn(added, need, now, is_expired)
            if shortage is not None:
                return shortage
            if not is_enforced:
                hold._unenforced = (hold._unenforced or set()) | {wallet}
        parts = hold._parts
        for wallet, part in added:
            if wallet in parts:
                parts[wallet].append(part)
            else:
                parts[wallet] = [part]
        return None

    def _take_in_turn(
        self, added: list[tuple[Wallet, _Part]], need: Need, now: float, is_expired: bool
    ) -> Shortage | None:
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
                added.append((need.wallet, _Part(slice_, take)))
                left = missing
            if not left:
                return None
        return self._short(added, slice_, need, left, is_expired) if need.is_enforced else None

    def _short(
        self, added: Iterable[tuple[Wallet, _Part]], slice_: Slice, need: Need, missing: int, is_expired: bool
    ) -> Shortage:
        for _, (each, held, _) in added:
            each.free += held
            each.held -= held
        if missing:
            slice_.ask(missing, need.amount, takes_less=slice_.account is not need.wallet[-1])
        self._to_report.add(slice_)
        return Shortage(slice_.account, missing, self._sequence + 1, is_expired)

    def _begin(self, account: AccountKey, now: float) -> Slice:
        slice_ = self._slices[account] = Slice(account, self._sequence + 1, now)
        return slice_

    def _cover(self, account: AccountKey, excess: int, settled: list[_Part]) -> int:
        """Take what a call cost beyond its hold from what is free; returns how much that was."""
        slice_ = self._slices.get(account)
        covered = 0 if slice_ is None else min(excess, slice_.free)
        if slice_ is not None and covered:
            slice_.free -= covered
            slice_.held += covered
            settled.append(_Part(slice_, covered, covered))
        return covered

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
