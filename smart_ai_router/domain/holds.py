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

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from smart_ai_router.domain.accounts import AccountKey, Wallet
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.hold_postings import add_posting
from smart_ai_router.domain.lease_slices import IDLE_S, Slice
from smart_ai_router.domain.leasing import LEASE_S, Answer, Recall, Report
from smart_ai_router.domain.ledger import Posting

SWEEP_S: Final = 1  # how often idle slices are looked for
HEARTBEAT_S: Final = 1
REPORTS_REMEMBERED_MAX: Final = 64  # whose sending times are known; an answer to an older one extends nothing

_Part: TypeAlias = tuple[Wallet, Slice, int]  # what is held of a slice for a wallet; plain tuples, for speed
_Use: TypeAlias = tuple[Slice, int, int]  # what was held of a slice, and how much of that is used


class HoldMisused(RuntimeError):
    """A hold was settled, raised or written out of order: a mistake in the caller."""


class Shortage(NamedTuple):
    """Why a call cannot be held now. A tuple and not an exception: near the end of a quota it is an everyday answer."""

    wallet: Wallet
    account: AccountKey  # of the wallet, the one that was asked
    missing: int  # beyond what is free here
    asked_in: int  # the report that asks for it
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


class Hold:
    """What one operation has set aside. Made by `LeaseBook.reserve`, ended by `line_written` or `cancel`."""

    __slots__ = ("has_ended", "parts", "settled", "unenforced")

    def __init__(self) -> None:
        self.parts: list[_Part] = []  # one for each slice, in the order in which each wallet is used up
        self.unenforced: set[Wallet] | None = None
        self.settled: list[_Use] | None = None
        self.has_ended = False

    def accounts(self) -> tuple[tuple[AccountKey, int], ...]:
        """What is set aside of each account: the intent keeps it, so that a crash can be settled."""
        return tuple([(slice_.account, held) for _, slice_, held in self.parts])

    def held_of(self, wallet: Wallet) -> int:
        """What is set aside of a wallet's accounts together."""
        return sum([held for other, _, held in self.parts if other == wallet])

    def add(self, added: Iterable[_Part]) -> None:
        """Set aside more; each slice keeps one part."""
        for wallet, slice_, held in added:
            for place, (_, other, before) in enumerate(self.parts):
                if other is slice_:
                    self.parts[place] = (wallet, slice_, before + held)
                    break
            else:
                self.parts.append((wallet, slice_, held))


class LeaseBook:
    """All slices of one worker. `holder` names this life of the worker; `now` is monotonic seconds."""

    def __init__(self, holder: str, now: float) -> None:
        self.holder = holder
        self.open_holds = 0
        self._slices: dict[AccountKey, Slice] = {}
        self._valid_until = now  # the first answer opens the book
        self._sequence = 0
        self._sent_at: dict[int, float] = {}
        self._to_report: dict[Slice, None] = {}  # in the order in which they came up, so that a run can be repeated
        self._unanswered: dict[Slice, None] = {}
        self._reported_at = now - HEARTBEAT_S
        self._swept_at = now

    @property
    def has_news(self) -> bool:
        """True when the next report has something to say."""
        return bool(self._to_report)

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
        more = [need._replace(amount=need.amount - hold.held_of(need.wallet)) for need in wanted]
        return self._add(hold, [need for need in more if need.amount > 0], now)

    def settle(self, hold: Hold, charges: Iterable[Charge]) -> Settled:
        """What the operation takes of each account; `charges` names each wallet once.

        Nothing is free again before `line_written`.
        """
        if hold.settled is not None:
            raise HoldMisused("a hold is settled once")
        due = dict(charges)
        uses: list[_Use] = []
        postings: list[Posting] = []
        for wallet, slice_, held in hold.parts:
            used = due.pop(wallet, 0)
            if used > held:
                due[wallet] = used - held
                used = held
            uses.append((slice_, held, used))
            if used:
                postings.append(Posting(slice_.account, used, used))
        overshoots = self._take_excess(hold, due, uses, postings) if due else ()
        hold.settled = uses
        return Settled(tuple(postings), overshoots)

    def wait_behind(self, account: AccountKey, calls: int) -> None:
        """So many more calls wait for an account than have asked: what is lent next should do for them too."""
        slice_ = self._slices.get(account)
        if slice_ is not None:
            slice_.asks += calls

    def line_written(self, hold: Hold) -> None:
        """The operation's line is in the journal: what it took is used, the rest is free."""
        if hold.settled is None or hold.has_ended:
            raise HoldMisused("a hold is settled, then written, once")
        for slice_, held, used in hold.settled:
            slice_.held -= held
            slice_.used += used
            slice_.free += held - used
            if slice_.is_scarce:
                self._to_report[slice_] = None
        hold.has_ended = True
        self.open_holds -= 1

    def cancel(self, hold: Hold) -> None:
        """No upstream was asked: all of it is free again."""
        self.settle(hold, ())
        self.line_written(hold)

    def is_refused(self, shortage: Shortage, asked_in: int) -> bool:
        """True when the control plane has said that there is not enough, after all others gave back what lay idle.

        `asked_in` is that of the first shortage that the call met in this account: only an answer to it or to a later
        report counts.
        """
        if shortage.account != shortage.wallet[-1]:
            return False  # there is another account to ask
        for account in shortage.wallet:
            slice_ = self._slices.get(account)
            if slice_ is None or slice_.refused_since < asked_in:
                return False
        return slice_ is not None and shortage.missing > slice_.available

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
            if slice_ is None or answer.sequence < slice_.born_in:
                continue  # about a slice that is gone
            if slice_.obey(ruling, answer.sequence):
                del self._slices[ruling.account]
                self._to_report.pop(slice_, None)
            elif ruling.recall_round > slice_.answered_round and slice_.recall(ruling.recall_round, now):
                self._to_report[slice_] = None
            if answer.sequence >= slice_.reported_in:
                self._unanswered.pop(slice_, None)

    def recall(self, recall: Recall, now: float) -> None:
        """Another worker needs what lies idle here; the next report gives it back."""
        slice_ = self._slices.get(recall.account)
        if recall.holder == self.holder and slice_ is not None and slice_.recall(recall.round, now):
            self._to_report[slice_] = None

    def give_back_all(self) -> None:
        """The worker stops: whatever is free goes back with the next report."""
        for slice_ in self._slices.values():
            slice_.end()
            self._to_report[slice_] = None

    def slices(self) -> Collection[Slice]:
        """All slices, for metrics and proofs; they are read, never written."""
        return self._slices.values()

    # --- parts ---

    def _add(self, hold: Hold, wanted: Sequence[Need], now: float) -> Shortage | None:
        added: list[_Part] = []
        slices = self._slices
        is_expired = now >= self._valid_until
        for place, need in enumerate(wanted):
            wallet, amount, is_enforced = need
            slice_ = slices.get(wallet[0]) or self._begin(wallet[0], now)
            free = slice_.free - amount
            if free >= 0 and not (is_expired and is_enforced):  # nearly always
                slice_.touched_at = now
                slice_.free = free
                slice_.held += amount
                added.append((wallet, slice_, amount))
                if free < slice_.low_water:
                    self._to_report[slice_] = None
            else:
                shortage = self._take_in_turn(added, need, now, is_expired)
                if shortage is not None:
                    self._ask_ahead(wanted[place + 1 :], now)
                    return shortage
            if not is_enforced:
                hold.unenforced = (hold.unenforced or set()) | {wallet}
        if hold.parts:
            hold.add(added)
        else:
            hold.parts = added
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
                self._to_report[slice_] = None
            if take:
                slice_.free -= take
                slice_.held += take
                added.append((need.wallet, slice_, take))
            left = missing
            if not left:
                return None
        if not need.is_enforced:
            return None
        for account in need.wallet[:-1]:  # there was no more; by now there may be
            self._ask(self._slices[account], need, left)
        return self._short(added, slice_, need, left, is_expired)

    def _short(self, added: Iterable[_Part], slice_: Slice, need: Need, missing: int, is_expired: bool) -> Shortage:
        for _, each, held in added:
            each.free += held
            each.held -= held
            each.keep(held)
        if missing:
            self._ask(slice_, need, missing)
        self._to_report[slice_] = None
        return Shortage(need.wallet, slice_.account, missing, self._sequence + 1, is_expired)

    def _ask(self, slice_: Slice, need: Need, missing: int) -> None:
        slice_.ask(missing, need.amount, takes_less=slice_.account != need.wallet[-1])
        self._to_report[slice_] = None

    def _ask_ahead(self, needs: Sequence[Need], now: float) -> None:
        """The same report asks for what the call will need next: one round of questions and not one an account."""
        for need in needs:
            slice_ = self._slices.get(need.wallet[0]) or self._begin(need.wallet[0], now)
            if slice_.free < need.amount:
                self._ask(slice_, need, need.amount - slice_.free)

    def _begin(self, account: AccountKey, now: float) -> Slice:
        slice_ = self._slices[account] = Slice(account, self._sequence + 1, now)
        return slice_

    def _take_excess(
        self, hold: Hold, due: Mapping[Wallet, int], uses: list[_Use], postings: list[Posting]
    ) -> tuple[Overshoot, ...]:
        """Take what a call cost beyond its hold from what is free, and the rest beyond the lease."""
        overshoots = []
        merged = {posting.account: posting for posting in postings}
        for wallet, excess in due.items():
            left = excess
            for account in wallet:
                slice_ = self._slices.get(account)
                take = 0 if slice_ is None else min(left, slice_.free)
                if slice_ is not None and take:
                    slice_.free -= take
                    slice_.held += take
                    uses.append((slice_, take, take))
                    add_posting(merged, account, take, take)
                    left -= take
            if left:
                add_posting(merged, wallet[-1], left, 0)
            if excess and (hold.unenforced is None or wallet not in hold.unenforced):
                held = hold.held_of(wallet)
                overshoots.append(Overshoot(wallet[-1], held, held + excess, left))
        postings[:] = merged.values()
        return tuple(overshoots)

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        for slice_ in self._slices.values():
            if now - slice_.touched_at >= IDLE_S and not slice_.held:
                self._to_report[slice_] = None
