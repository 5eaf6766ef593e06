"""A worker's money: every paid call sets its bound aside before it is made, and settles when its line is written.

Theory of operation. The lease book (`domain.holds`) answers nearly every call at once. When a slice is short, the
call waits here: the next report asks the control plane, and each answer lets the waiting calls try again, in the order
in which they came, until they have their hold, the ledger says that there is no more (402, or the next channel when it
is a pool that is empty), or their patience ends.

A call that nothing limits, at a provider without a pool, passes without a hold.
"""

from collections.abc import Callable
from datetime import date
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol

from smart_ai_router.core.calls import Call, Caller
from smart_ai_router.core.ports import Clock
from smart_ai_router.core.snapshot import Snapshot
from smart_ai_router.core.tariffs import Tariffs, Terms, call_size
from smart_ai_router.domain.accounts import AccountKey, AccountKind, Wallet
from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.charges import (
    Charge,
    Charged,
    GapAnswer,
    Needs,
    Tariff,
    answer_to_gaps,
    charged,
    needs_of,
    provider_charge,
)
from smart_ai_router.domain.errors import (
    ChannelsUnavailable,
    PriceUnknown,
    QuotaExhausted,
    RateUnknownForNow,
    Refusal,
    RouterBusy,
)
from smart_ai_router.domain.holds import Hold, LeaseBook, Shortage
from smart_ai_router.domain.leasing import Answer, Recall, Report
from smart_ai_router.domain.ledger import Posting
from smart_ai_router.domain.meters import Usage
from smart_ai_router.domain.money import Pico
from smart_ai_router.domain.pricing import PriceSheet
from smart_ai_router.domain.quota_pages import ShortageNotice, shortage_notice
from smart_ai_router.domain.settlement import Outcome

GATHER_S: Final = 0.002  # what happens within so long goes into one report
RETRY_S: Final = 0.05  # how often a waiting call asks again when nothing is heard
PATIENCE_S: Final = 5.0  # a ledger that does not answer for so long is out of reach
ABOVE_HOLD: Final = "above_hold"  # the flag of a call that cost more than was held for it
FREE: Final[tuple[Posting, ...]] = ()


class Funded(Enum):
    """What asking for a hold comes to."""

    YES = auto()
    WAITS = auto()  # `Waiting.on_funds` will be called
    NEXT_CHANNEL = auto()  # the provider's pool does not cover the call, or its price cannot be told


class Waiting(Protocol):
    """An operation whose hold is not there yet."""

    def on_funds(self) -> None:
        """Something has changed: ask again."""


class _Place(NamedTuple):
    """Where a call waits: for which account, and until when."""

    account: AccountKey | None  # None: the worker may not borrow yet
    patience_ends: float


class Settlement(NamedTuple):
    """The money in an operation's line."""

    charged: Charged
    holder: str | None
    postings: tuple[Posting, ...]
    flags: tuple[str, ...]
    tariff: Tariff


class Funding:
    """What one operation has set aside and spent."""

    __slots__ = ("asked_in", "book", "hold", "needs", "next_needs", "patience_ends", "spent")

    def __init__(self) -> None:
        self.book: LeaseBook | None = None  # the one that the hold is in
        self.hold: Hold | None = None
        self.next_needs: Needs | None = None  # of the attempt that is being prepared
        self.needs: Needs | None = None  # of the last attempt
        self.spent: list[Charge | None] = []  # what each attempt cost its provider's pool
        self.asked_in: dict[AccountKey, int] | None = None  # the report that first asked for more
        self.patience_ends = 0.0

    def spent_in(self, tariff: Tariff) -> Pico:
        """What earlier attempts have cost a tariff's pool."""
        if tariff.pool is None:
            return 0
        return sum([each.amount for each in self.spent if each is not None and each.wallet == tariff.pool.wallet])


class Funds:
    """All money of one worker. Everything runs on its event loop."""

    def __init__(self, clock: Clock, today: Callable[[], date], snapshot: Snapshot) -> None:
        self._clock = clock
        self._today = today
        self._snapshot = snapshot
        self._tariffs = Tariffs(snapshot, today(), clock.now())
        self._book: LeaseBook | None = None
        self._send: Callable[[Report], None] = _nobody
        self._waiting: dict[Waiting, _Place] = {}
        self._is_gathering = False
        self._is_asking = False

    @property
    def holder(self) -> str:
        """The name under which slices are lent to this worker; "" before there may be any."""
        return "" if self._book is None else self._book.holder

    @property
    def waiting_calls(self) -> int:
        return len(self._waiting)

    def begin(self, holder: str, send: Callable[[Report], None]) -> None:
        """Borrow under this name from now on. Holds of an earlier book settle in that one."""
        self._book = LeaseBook(holder, self._clock.monotonic())
        self._send = send
        self._gather()

    def adopt(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    # --- an operation's way ---

    def fund(  # noqa: PLR0917 - the facts of one attempt
        self,
        operation: Waiting,
        funding: Funding,
        call: Call,
        caller: Caller,
        channel: Channel,
        model: ChannelModel,
        sheet: PriceSheet | None,
    ) -> Funded:
        """Set aside what an attempt may cost at most; raises Refusal when the caller's own money does not cover it."""
        tariff, unlimited = self._terms(caller, channel, sheet)
        if unlimited is not None:
            funding.next_needs = unlimited
            return Funded.YES
        if tariff.gaps and self._answer_to_gaps(tariff) is GapAnswer.NEXT_CHANNEL:
            return Funded.NEXT_CHANNEL
        needs = funding.next_needs = needs_of(tariff, call_size(call, model), funding.spent_in(tariff))
        if not needs.wanted:
            return Funded.YES
        now = self._clock.monotonic()
        book = funding.book or self._book
        if book is None:
            return self._not_yet(operation, funding, None, now)
        hold = funding.hold
        if hold is None:
            reserved = book.reserve(needs.wanted, now)
            shortage = reserved if isinstance(reserved, Shortage) else None
            if isinstance(reserved, Hold):
                funding.hold, funding.book = reserved, book
        else:
            shortage = book.raise_to(hold, needs.wanted, now)
        if book.has_news:
            self._gather()
        return Funded.YES if shortage is None else self._short(operation, funding, book, shortage, needs)

    def attempt_begins(self, funding: Funding) -> tuple[str, tuple[tuple[AccountKey, int], ...]]:
        """The attempt goes out: the holder and what is held, for its intent."""
        funding.needs = funding.next_needs
        if funding.hold is None or funding.book is None:
            return "", ()
        return funding.book.holder, funding.hold.accounts()

    def attempt_over(self, funding: Funding, cost: Pico) -> None:
        """What the attempt cost its provider, in the currency of its prices."""
        assert funding.needs is not None
        funding.spent.append(provider_charge(funding.needs.tariff, cost))

    def settle(self, funding: Funding, outcome: Outcome, usage: Usage, cost: Pico) -> Settlement | None:
        """What the operation takes, for its line; None when no attempt was made."""
        hold, book, needs = funding.hold, funding.book, funding.needs
        if needs is None:
            if hold is not None and book is not None:
                book.settle(hold, ())
            return None
        result = charged(needs, outcome, usage, cost, [each for each in funding.spent[:-1] if each is not None])
        flags = tuple([gap.flag for gap in needs.tariff.gaps])
        if not result.charges and hold is None:
            return Settlement(result, None, FREE, flags, needs.tariff)
        if hold is None or book is None:  # nothing had to be held; what it came to is recorded beyond any lease
            postings = tuple([Posting(wallet[-1], amount, 0) for wallet, amount in result.charges])
            return Settlement(result, None, postings, flags, needs.tariff)
        settled = book.settle(hold, result.charges)
        if settled.overshoots:
            flags = (*flags, ABOVE_HOLD)
        return Settlement(result, book.holder, settled.postings, flags, needs.tariff)

    def line_written(self, funding: Funding) -> None:
        """The operation's line is in the journal: what it did not use is free again."""
        if funding.hold is not None and funding.book is not None:
            funding.book.line_written(funding.hold)
            if funding.book.has_news:
                self._gather()

    # --- the control plane ---

    def tick(self) -> None:
        """Let the waiting calls ask again, then say what there is to say."""
        self._is_gathering = False
        if self._waiting:
            self._retry()
        if self._book is not None:
            report = self._book.report(self._clock.monotonic())
            if report is not None:
                self._send(report)

    def absorb(self, answer: Answer) -> bool:
        """Take note of an answer; False when the book is over and a new one must begin."""
        book = self._book
        if book is None or answer.holder != book.holder:
            return True
        if answer.is_over:
            return False
        book.absorb(answer, self._clock.monotonic())
        self._retry()
        if book.has_news:
            self._gather()
        return True

    def recall(self, recall: Recall) -> None:
        """Another worker needs what lies idle here."""
        if self._book is not None:
            self._book.recall(recall, self._clock.monotonic())
            if self._book.has_news:
                self._gather()

    def give_back_all(self) -> None:
        """The worker stops."""
        if self._book is not None:
            self._book.give_back_all()
            self.tick()

    # --- parts ---

    def _terms(self, caller: Caller, channel: Channel, sheet: PriceSheet | None) -> Terms:
        now, today = self._clock.now(), self._today()
        if not self._tariffs.are_of(self._snapshot, today, now):
            self._tariffs = Tariffs(self._snapshot, today, now)
        return self._tariffs.terms(caller, channel.provider_id, sheet)

    def _answer_to_gaps(self, tariff: Tariff) -> GapAnswer:
        answer = answer_to_gaps(tariff.gaps, self._snapshot.routing.unpriced_models == "refuse")
        if answer is GapAnswer.PRICE_UNKNOWN:
            raise PriceUnknown("the model has no price, so your quota cannot be charged for it")
        if answer is GapAnswer.RATE_UNKNOWN:
            missing = ", ".join(sorted({gap.currencies for gap in tariff.gaps if gap.currencies}))
            raise RateUnknownForNow(f"there is no exchange rate for {missing}, so your quota cannot be charged")
        return answer

    def _short(self, operation: Waiting, funding: Funding, book: LeaseBook, shortage: Shortage, needs: Needs) -> Funded:
        """A hold is missing: is there really no more, or not yet?"""
        now = self._clock.monotonic()
        if funding.asked_in is None:
            funding.asked_in = {}
        first_asked = funding.asked_in.setdefault(shortage.account, shortage.asked_in)
        if not shortage.is_expired and book.is_refused(shortage, first_asked):
            if shortage.wallet[0].kind is AccountKind.POOL:
                return Funded.NEXT_CHANNEL
            raise _exhausted(book, shortage.wallet, needs)
        return self._not_yet(operation, funding, shortage.account, now)

    def _not_yet(self, operation: Waiting, funding: Funding, account: AccountKey | None, now: float) -> Funded:
        if not funding.patience_ends:
            funding.patience_ends = now + PATIENCE_S
        elif now >= funding.patience_ends:
            raise RouterBusy("the ledger cannot be reached, so the call's cost cannot be set aside", retry_after_s=1.0)
        self._waiting[operation] = _Place(account, funding.patience_ends)
        if not self._is_asking:
            self._is_asking = True
            self._clock.call_later(RETRY_S, self._ask_again)
        return Funded.WAITS

    def _ask_again(self) -> None:
        self._is_asking = False
        if self._waiting:
            self.tick()

    def _retry(self) -> None:
        """Let the waiting calls ask again. Where the first of a queue still waits, so do those behind it: they are not
        asked again, but counted for the slice that is asked for."""
        waiting, self._waiting = self._waiting, {}
        now = self._clock.monotonic()
        behind: dict[AccountKey, int] = {}
        for operation, place in waiting.items():
            account = place.account
            if account in behind and now < place.patience_ends:
                self._waiting[operation] = place
                behind[account] += 1
                continue
            operation.on_funds()
            again = self._waiting.get(operation)
            if again is not None and again.account is not None:
                behind.setdefault(again.account, 0)
        if self._book is not None:
            for account, calls in behind.items():
                self._book.wait_behind(account, calls)

    def _gather(self) -> None:
        if not self._is_gathering:
            self._is_gathering = True
            self._clock.call_later(GATHER_S, self.tick)


def no_pool_covers(channel: Channel) -> Refusal:
    """Every provider that could serve the call has run out of prepaid money."""
    return ChannelsUnavailable(f"资费不足，暂不可用: the prepaid pool of {channel.provider_id} does not cover the call")


def _exhausted(book: LeaseBook, wallet: Wallet, needs: Needs) -> QuotaExhausted:
    needed = sum([need.amount for need in needs.wanted if need.wallet == wallet])
    notice = shortage_notice(wallet, needed, sum([book.available(account) for account in wallet]))
    return QuotaExhausted(notice.message, details=_details(notice))


def _details(notice: ShortageNotice) -> dict[str, object]:
    return {
        "quotaType": notice.quota_type,
        "unit": notice.unit,
        "needed": notice.needed,
        "available": notice.available,
        "resetsOn": None if notice.resets_on is None else notice.resets_on.isoformat(),
        "howToGetMore": "ask your administrator for a grant, or ask for fewer tokens (max_tokens)",
    }


def _nobody(report: Report) -> None:
    """No control plane is known yet."""
