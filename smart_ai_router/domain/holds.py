"""Holds: one worker's share of the money, in its memory.

Theory of operation. The control plane lends slices of accounts (`leasing`); this book spends them. Of each slice

    granted = free + held + used + returned

always holds, and no part is below zero.

    reserve      free -> held, in all accounts of a call or in none
    settle       says what the call takes of each account: the postings of its journal line
    line_written the line is in the journal: held -> used, and the unspent rest -> free
    cancel       no upstream was asked: held -> free

The order is the point: what a call did not use is free again only when its line is in the journal. Were it the other
way round, a crash between the two would leave a call that is charged at its estimate from its intent, while the rest
of that estimate had been spent again.

A wallet is used up in its order, the monthly part first. The permanent part is touched only when the control plane has
said that there is no more of the monthly one (`drained`).

What a call costs beyond its hold is taken from what is free of the last account, then recorded beyond the lease: truth
first. That excess is the estimate error, and the only thing that takes an account below zero.

A worker that has not reached the control plane for `leasing.LEASE_S` reserves nothing any more; what is held settles.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from smart_ai_router.domain.accounts import AccountKey, Wallet, account_text
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.leasing import LEASE_S, Answer, Report, Ruling, Wish
from smart_ai_router.domain.ledger import Posting

IDLE_S: Final = 10.0  # what nobody used for so long goes back
DRAINED_S: Final = 1.0  # how long "there is no more" is believed; a recharge is felt after so long at the latest
SCARCE_S: Final = 1.0  # after a recall, what becomes free goes back at once for so long
BURN_S: Final = 1.0  # burn is measured over at least so long
REPORTS_REMEMBERED_MAX: Final = 64  # whose sending times are known; an answer to an older one extends nothing
EXPIRED: Final = "expired"


class HoldMisused(RuntimeError):
    """A hold was settled, written or cancelled out of order: a mistake in the caller."""


class Shortage(NamedTuple):
    """Why a call cannot be held now. A tuple and not an exception: near the end of a quota it is an everyday answer."""

    account: AccountKey
    needed: int
    missing: int  # beyond what is free here
    asked_in: int  # the report that will ask for it; refused when `LeaseBook.is_refused` says so
    is_expired: bool = False  # the worker has lost touch: nothing can be held until it is back


class Overshoot(NamedTuple):
    """A call cost more than was held for it."""

    account: AccountKey
    held: int
    amount: int
    beyond_lease: int  # what takes the balance below what was promised


class Settled(NamedTuple):
    """What a call takes, for its line."""

    postings: tuple[Posting, ...]
    overshoots: tuple[Overshoot, ...]


class _Slice:
    """What this worker was lent of one account."""

    __slots__ = (
        "account",
        "answered_round",
        "burn_per_s",
        "burn_since",
        "drained_until",
        "free",
        "granted",
        "held",
        "low_water",
        "need",
        "refused_available",
        "refused_since",
        "reported_in",
        "returned",
        "scarce_until",
        "touched_at",
        "used",
        "used_before",
    )

    def __init__(self, account: AccountKey, now: float) -> None:
        self.account = account
        self.granted = 0
        self.free = 0
        self.held = 0
        self.used = 0
        self.returned = 0
        self.need = 0  # the least that would serve a waiting call; 0: nobody waits
        self.low_water = 0
        self.answered_round = 0
        self.refused_since = 0
        self.refused_available = 0
        self.reported_in = 0
        self.drained_until = 0.0
        self.scarce_until = 0.0
        self.touched_at = now
        self.burn_per_s = 0
        self.burn_since = now
        self.used_before = 0


class _Part(NamedTuple):
    """What a hold has of one slice."""

    slice: _Slice
    amount: int


class Hold:
    """What one operation has set aside. Made by `LeaseBook.reserve`, ended by `line_written` or `cancel`."""

    __slots__ = ("parts", "settled")

    def __init__(self) -> None:
        self.parts: dict[Wallet, list[_Part]] = {}
        self.settled: list[tuple[_Slice, int, int]] | None = None  # slice, held, of that used

    @property
    def held(self) -> tuple[tuple[Wallet, tuple[tuple[AccountKey, int], ...]], ...]:
        """What is set aside, by wallet and account: the intent keeps it, so that a crash can be settled."""
        return tuple(
            (wallet, tuple((part.slice.account, part.amount) for part in parts)) for wallet, parts in self.parts.items()
        )


class LeaseBook:
    """All slices of one worker. `holder` names this life of the worker; `now` is monotonic seconds."""

    def __init__(self, holder: str, now: float) -> None:
        self.holder = holder
        self._slices: dict[AccountKey, _Slice] = {}
        self._valid_until = now  # until the first answer there is nothing to spend anyway
        self._sequence = 0
        self._sent_at: dict[int, float] = {}
        self._to_report: set[_Slice] = set()
        self._swept_at = now
        self.open_holds = 0

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

        For a pool that an earlier attempt may have cost something, the caller adds that cost to the need.
        """
        if hold.settled is not None:
            raise HoldMisused("a settled hold cannot be raised")
        more = []
        for need in wanted:
            missing = need.amount - sum(part.amount for part in hold.parts.get(need.wallet, ()))
            if missing > 0:
                more.append(need._replace(amount=missing))
        return self._add(hold, more, now)

    def settle(self, hold: Hold, charges: Iterable[Charge]) -> Settled:
        """What the operation takes of each account. Nothing is free again before `line_written`."""
        if hold.settled is not None:
            raise HoldMisused("a hold is settled once")
        taken: dict[_Slice, int] = {}
        extra: list[tuple[_Slice, int, int]] = []
        postings: list[Posting] = []
        overshoots: list[Overshoot] = []
        for wallet, amount in charges:
            left = amount
            for part in hold.parts.get(wallet, ()):
                used = part.amount if part.amount < left else left
                if used:
                    taken[part.slice] = used
                    postings.append(Posting(part.slice.account, used, used))
                    left -= used
            if left:
                covered = self._cover(wallet[-1], left, extra)
                postings.append(Posting(wallet[-1], left, covered))
                overshoots.append(Overshoot(wallet[-1], amount - left, amount, left - covered))
        hold.settled = extra
        for parts in hold.parts.values():
            for part in parts:
                extra.append((part.slice, part.amount, taken.get(part.slice, 0)))
        return Settled(_merged(postings), tuple(overshoots))

    def line_written(self, hold: Hold) -> None:
        """The operation's line is in the journal: what it took is used, the rest is free."""
        settled = hold.settled
        if settled is None:
            raise HoldMisused("a hold is settled before its line is written")
        for slice_, held, used in settled:
            slice_.held -= held
            slice_.used += used
            slice_.free += held - used
            if slice_.scarce_until:
                self._to_report.add(slice_)
        hold.settled = ()  # type: ignore[assignment]  # ended: a second call changes nothing
        hold.parts = {}
        self.open_holds -= 1

    def cancel(self, hold: Hold) -> None:
        """No upstream was asked: all of it is free again."""
        self.settle(hold, ())
        self.line_written(hold)
