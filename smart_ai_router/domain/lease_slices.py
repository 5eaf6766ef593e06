"""A slice: what one worker was lent of one account, and what it will say about it in its next report.

    granted = free + held + used + returned, and no part is below zero

`holds` moves amounts between the parts; this file knows when a slice is idle, scarce or low.
"""

from math import inf
from typing import Final

from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.leasing import SLICE_S, Ruling, Wish

IDLE_S: Final = 10  # what nobody used for so long goes back
DRAINED_S: Final = 5  # how often "there is no more" is asked again, in the background
SCARCE_S: Final = 1  # after a recall, whatever becomes free goes back at once for so long
BURN_MS: Final = 200  # burn is measured over at least so long


class Slice:
    """One slice. The hot path reads and writes its amounts directly."""

    __slots__ = (
        "account",
        "answered_round",
        "asks",
        "available",
        "born_in",
        "burn_per_s",
        "burn_since",
        "burnt_before",
        "call_size",
        "checked_at",
        "free",
        "granted",
        "held",
        "is_drained",
        "is_scarce",
        "kept",
        "low_water",
        "need",
        "refused_since",
        "reported_in",
        "returned",
        "scarce_until",
        "takes_less",
        "touched_at",
        "used",
        "wants_more",
    )

    def __init__(self, account: AccountKey, born_in: int, now: float) -> None:
        """`born_in` is the number of the next report: answers to earlier ones are about a slice that is gone."""
        self.account = account
        self.granted = self.free = self.held = self.used = self.returned = 0
        self.need = 0  # the least that would serve a waiting call; 0: nobody waits
        self.asks = 0  # how often calls have asked since the last report: each that waits asks again before the next
        self.takes_less = False  # who waits has another account to go on with
        self.kept = 0  # of what is free: set aside for a call that waits for another account
        self.call_size = 0
        self.wants_more = False  # somebody would have taken more and went on without
        self.low_water = 0
        self.answered_round = 0
        self.refused_since = 0
        self.available = 0  # what the control plane had left to lend when it last refused
        self.is_drained = False
        self.checked_at = now
        self.born_in = born_in
        self.reported_in = 0
        self.is_scarce = False
        self.scarce_until = now
        self.touched_at = now
        self.burn_per_s = 0
        self.burn_since = now
        self.burnt_before = 0

    def give_back(self) -> None:
        """What lies idle goes back; the next report says so."""
        idle = self.free - self.kept
        if idle > 0:
            self.returned += idle
            self.free -= idle

    def end(self) -> None:
        """The worker stops: all that is or becomes free goes back, and no more is asked for."""
        self.is_scarce = True
        self.scarce_until = inf
        self.give_back()

    def recall(self, recall_round: int, now: float) -> bool:
        """Another worker needs it: give back what lies idle, and for a while whatever becomes free.

        True when that is to be reported: the round is new, or the control plane has not heard of our answer.
        """
        if recall_round > self.answered_round:
            self.answered_round = recall_round
            self.is_scarce = True
            self.scarce_until = now + SCARCE_S
            self.give_back()
            self.need = 0  # was reckoned with what has just gone back
        return bool(recall_round) and recall_round == self.answered_round

    def ask(self, missing: int, call_size: int, takes_less: bool) -> None:
        """A call waits for so much."""
        if not self.need or missing < self.need:
            self.need = missing
        self.call_size = call_size
        self.takes_less = takes_less
        self.asks += 1

    def keep(self, amount: int) -> None:
        """A call has found its amount here and waits for another account: until the next report it is not idle."""
        self.kept = max(self.kept, amount)

    def ask_later(self, call_size: int, now: float) -> bool:
        """A call went on without: ask for more in the background, now and then. True when it is time."""
        if self.granted and now - self.checked_at < DRAINED_S:
            return False
        self.call_size = call_size
        self.wants_more = True
        return True

    def wish(self, sequence: int, now: float) -> Wish:
        """What report `sequence` says of this slice. Whoever still waits asks again before the one after it."""
        self.is_scarce = self.is_scarce and now < self.scarce_until
        is_idle = now - self.touched_at >= IDLE_S
        need, self.need = self.need, 0
        if not need and (is_idle or self.is_scarce):
            self.give_back()
        self.kept = 0
        self.reported_in = sequence
        self.checked_at = now
        wants_more, self.wants_more = self.wants_more, False
        burn_per_s = max(self._burn(now), self.asks * self.call_size // SLICE_S)  # a slice for all who wait
        self.asks = 0
        return Wish(
            account=self.account,
            granted=self.granted,
            returned=self.returned,
            need=need,
            takes_less=self.takes_less,
            call_size=self.call_size,
            burn_per_s=burn_per_s,
            answered_round=self.answered_round,
            is_low=not self.is_scarce and (wants_more or self.free < self.low_water),
            is_closing=is_idle and not (need or self.free or self.held),
        )

    def obey(self, ruling: Ruling, sequence: int) -> bool:
        """Take note of what the control plane says; True when the slice has ended and may be forgotten."""
        more = ruling.granted - self.granted
        if more > 0:
            self.granted += more
            self.free += more
            self.low_water = self.free // 2
            self.is_drained = False
        if ruling.refused_since > self.refused_since:
            self.refused_since = ruling.refused_since
            self.available = ruling.available
            self.is_drained = True
        elif ruling.available > 0:
            self.is_drained = False
        return ruling.is_closed and sequence == self.reported_in and not (self.need or self.free or self.held)

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
