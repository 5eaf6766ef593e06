"""Holds: one worker's share of the money, in its memory.

Theory of operation. The control plane lends slices of accounts (`leasing`); this book spends them. Of each slice

    granted = free + held + used + returned

always holds, and no part is below zero.

    reserve       free -> held, in all accounts of a call or in none
    settle        says what the call takes of each account: the postings of its journal line
    line_written  the line is in the journal: held -> used, and the unspent rest -> free
    cancel        no upstream was asked: held -> free
    report        free -> returned, where a slice is recalled, scarce or idle; asks for more where it is low

The order is the point: what a call did not use is free again only when its line is in the journal. Were it the other
way round, a crash between the two would leave a call that is charged from its intent at up to its whole hold, while
the rest of that hold had been spent again.

A wallet is used up in its order, the monthly part first. The permanent part is touched only when the control plane has
said that there is no more of the monthly one.

What a call costs beyond its hold is taken from what is free of the last account, then recorded beyond the lease: truth
first. That excess is the estimate error, and the only thing that takes an account below zero.

A worker that has not reached the control plane for `leasing.LEASE_S` reserves nothing any more; what is held settles.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from smart_ai_router.domain.accounts import AccountKey, Wallet
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.leasing import LEASE_S, Answer, Recall, Report, Ruling, Wish
from smart_ai_router.domain.ledger import Posting

IDLE_S: Final = 10.0  # what nobody used for so long goes back
SWEEP_S: Final = 1.0  # how often idle slices are looked for
DRAINED_S: Final = 5.0  # how often "there is no more" is asked again, in the background
SCARCE_S: Final = 1.0  # after a recall, whatever becomes free goes back at once for so long
HEARTBEAT_S: Final = 1.0
BURN_MS: Final = 200  # burn is measured over at least so long
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


class _Slice:
    """What this worker was lent of one account."""

    __slots__ = (
        "account",
        "answered_round",
        "available",
        "born_in",
        "burn_per_s",
        "burn_since",
        "burnt_before",
        "checked_at",
        "free",
        "granted",
        "held",
        "is_drained",
        "low_water",
        "need",
        "refused_since",
        "reported_in",
        "returned",
        "scarce_until",
        "takes_less",
        "touched_at",
        "used",
    )

    def __init__(self, account: AccountKey, born_in: int, now: float) -> None:
        self.account = account
        self.granted = self.free = self.held = self.used = self.returned = 0
        self.need = 0  # the least that would serve a waiting call; 0: nobody waits
        self.takes_less = False  # who waits has another account to go on with
        self.low_water = 0
        self.answered_round = 0
        self.refused_since = 0
        self.available = 0  # what the control plane had left to lend when it was last heard
        self.is_drained = False
        self.checked_at = now
        self.born_in = born_in  # answers to earlier reports are about a slice that is gone
        self.reported_in = 0
        self.scarce_until = now
        self.touched_at = now
        self.burn_per_s = 0
        self.burn_since = now
        self.burnt_before = 0

    def give_back(self) -> None:
        self.returned += self.free
        self.free = 0

    def wish(self, now: float) -> Wish:
        """What the next report says of this slice; whoever still waits asks again before the one after it."""
        is_idle = now - self.touched_at >= IDLE_S
        is_scarce = now < self.scarce_until
        if self.free and not self.need and (is_idle or is_scarce):
            self.give_back()
        need, self.need = self.need, 0
        return Wish(
            account=self.account,
            granted=self.granted,
            returned=self.returned,
            need=need,
            takes_less=self.takes_less,
            burn_per_s=self._burn(now),
            answered_round=self.answered_round,
            is_low=self.free < self.low_water and not is_scarce,
            is_closing=is_idle and not (need or self.free or self.held),
        )

    def _burn(self, now: float) -> int:
        elapsed_ms = int((now - self.burn_since) * 1000)
        burnt = self.used + self.held
        burn_per_s = max(burnt - self.burnt_before, 0) * 1000 // max(elapsed_ms, BURN_MS)
        if elapsed_ms < BURN_MS:
            return max(burn_per_s, self.burn_per_s)
        self.burn_since = now
        self.burnt_before = burnt
        self.burn_per_s = max(burn_per_s, self.burn_per_s // 2)
        return self.burn_per_s


class _Part(NamedTuple):
    """What a hold has of one slice, and how much of that it has used."""

    slice: _Slice
    held: int
    used: int = 0


class Hold:
    """What one operation has set aside. Made by `LeaseBook.reserve`, ended by `line_written` or `cancel`."""

    __slots__ = ("_parts", "_settled", "_unenforced")

    def __init__(self) -> None:
        self._parts: dict[Wallet, list[_Part]] = {}
        self._unenforced: set[Wallet] = set()
        self._settled: list[_Part] | None = None

    @property
    def is_settled(self) -> bool:
        """True once it is known what the operation takes."""
        return self._settled is not None

    def parts(self) -> tuple[tuple[AccountKey, int], ...]:
        """What is set aside of each account: the intent keeps it, so that a crash can be settled."""
        return tuple((part.slice.account, part.held) for parts in self._parts.values() for part in parts)


class LeaseBook:
    """All slices of one worker. `holder` names this life of the worker; `now` is monotonic seconds."""

    def __init__(self, holder: str, now: float) -> None:
        self.holder = holder
        self.open_holds = 0
        self._slices: dict[AccountKey, _Slice] = {}
        self._valid_until = now  # the first answer opens the book
        self._sequence = 0
        self._sent_at: dict[int, float] = {}
        self._to_report: set[_Slice] = set()
        self._heard_at = now - HEARTBEAT_S
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
            missing = need.amount - sum(part.held for part in hold._parts.get(need.wallet, ()))
            if missing > 0:
                more.append(need._replace(amount=missing))
        return self._add(hold, more, now)

    def settle(self, hold: Hold, charges: Iterable[Charge]) -> Settled:
        """What the operation takes of each account. Nothing is free again before `line_written`."""
        if hold._settled is not None:
            raise HoldMisused("a hold is settled once")
        amounts = {wallet: amount for wallet, amount in charges}
        settled: list[_Part] = []
        postings: dict[AccountKey, Posting] = {}
        overshoots: list[Overshoot] = []
        for wallet, parts in hold._parts.items():
            left = amount = amounts.pop(wallet, 0)
            for slice_, held, _ in parts:
                used = held if held < left else left
                settled.append(_Part(slice_, held, used))
                if used:
                    _post(postings, slice_.account, used, used)
                    left -= used
            if left:
                beyond = self._post_beyond(wallet, left, postings, settled)
                if wallet not in hold._unenforced:
                    overshoots.append(Overshoot(wallet[-1], amount - left, amount, beyond))
        for wallet, amount in amounts.items():
            if amount:
                beyond = self._post_beyond(wallet, amount, postings, settled)
                overshoots.append(Overshoot(wallet[-1], 0, amount, beyond))
        hold._settled = settled
        return Settled(tuple(postings.values()), tuple(overshoots))

    def line_written(self, hold: Hold) -> None:
        """The operation's line is in the journal: what it took is used, the rest is free."""
        if hold._settled is None:
            raise HoldMisused("a hold is settled before its line is written")
        for slice_, held, used in hold._settled:
            slice_.held -= held
            slice_.used += used
            if held > used:
                slice_.free += held - used
                if slice_.scarce_until > slice_.touched_at:
                    self._to_report.add(slice_)
        if hold._parts or hold._settled:
            hold._parts, hold._settled = {}, []
        self.open_holds -= 1

    def cancel(self, hold: Hold) -> None:
        """No upstream was asked: all of it is free again."""
        self.settle(hold, ())
        self.line_written(hold)
