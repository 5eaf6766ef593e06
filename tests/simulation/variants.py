"""Routers that are broken on purpose, one mistake each. The simulator must catch every one of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.charges import Charge, Need
from smart_ai_router.domain.holds import Hold, LeaseBook, Settled, Shortage
from smart_ai_router.domain.leasing import LEASE_S, Answer, Recall


@dataclass(frozen=True, slots=True)
class Variant:
    """What is done wrong; nothing, as it comes."""

    refunds_before_the_line: bool = False  # what a call did not use is free before its line is in the journal
    asks_before_the_intent: bool = False  # the upstream is asked before the in-flight table says so
    forgets_orphans: bool = False  # calls of a killed worker become no lines
    trusts_torn_lines: bool = False  # an id in a torn line counts as a line
    prices_at_the_end: bool = False  # a call is priced by what holds when it ends
    holds_too_little: bool = False  # a call sets aside half of what it may cost
    refuses_at_once: bool = False  # a call that is short does not wait for a recall
    ignores_recalls: bool = False  # a worker says that it has given back, and has not
    hears_answers_twice: bool = False  # what a repeated answer granted is added once more
    spends_expired_leases: bool = False  # a worker that nobody hears goes on reserving
    knows_accounts_by_identity: bool = False  # an equal key of another tariff counts as another account
    recalls_nobody: bool = False  # the control plane refuses without asking the others
    lends_what_is_not_there: bool = False  # the condition of the update is missing
    loses_returns: bool = False  # what workers give back is not counted
    hears_old_reports: bool = False  # reports that were overtaken are heard
    ends_leases_before_reading: bool = False  # leases of the dead end before their journal is read
    posts_twice: bool = False  # the offset is written in a transaction of its own
    ignores_keys: bool = False  # a repeated order is carried out again
    forgets_actions: bool = False  # what follows from the calendar is booked and not written down
    expires_what_is_lent: bool = False  # a part that is over is emptied under its leases
    keeps_models_off: bool = False  # a recharge does not bring the models back
    frees_what_hands_switched_off: bool = False  # a recharge brings back more than money had switched off


CORRECT: Final = Variant()
BROKEN: Final = {name: Variant(**{name: True}) for name in Variant.__slots__}


class EagerBook(LeaseBook):
    """Frees what a call did not use before its line is in the journal."""

    def settle(self, hold: Hold, charges: Iterable[Charge]) -> Settled:
        settled = super().settle(hold, charges)
        super().line_written(hold)
        return settled

    def line_written(self, hold: Hold) -> None:
        """It was all free long ago."""


class DeafBook(LeaseBook):
    """Answers every recall and gives nothing back."""

    def absorb(self, answer: Answer, now: float) -> None:
        for ruling in answer.rulings:
            self._pretend(ruling.account, ruling.recall_round)
        super().absorb(answer, now)

    def recall(self, recall: Recall, now: float) -> None:
        if recall.holder == self.holder:
            self._pretend(recall.account, recall.round)

    def _pretend(self, account: AccountKey, recall_round: int) -> None:
        slice_ = self._slices.get(account)
        if slice_ is not None and recall_round > slice_.answered_round:
            slice_.answered_round = recall_round
            self._to_report[slice_] = None


class GreedyBook(LeaseBook):
    """Adds what an answer grants whenever the answer comes."""

    def absorb(self, answer: Answer, now: float) -> None:
        is_repeated = answer.holder == self.holder and answer.sequence not in self._sent_at
        before = {slice_.account: slice_.granted for slice_ in self.slices()}
        super().absorb(answer, now)
        for ruling in answer.rulings:
            slice_ = self._slices.get(ruling.account)
            if is_repeated and slice_ is not None and slice_.granted == before.get(ruling.account):
                slice_.granted += ruling.granted
                slice_.free += ruling.granted


class TimelessBook(LeaseBook):
    """Reserves by leases of any age."""

    def _add(self, hold: Hold, wanted: Iterable[Need], now: float) -> Shortage | None:
        self._valid_until = max(self._valid_until, now + LEASE_S)
        return super()._add(hold, list(wanted), now)


class PettyBook(LeaseBook):
    """Takes an account for another one when its key is another object."""

    def is_refused(self, shortage: Shortage, asked_in: int) -> bool:
        return shortage.account is shortage.wallet[-1] and super().is_refused(shortage, asked_in)


def book_of(variant: Variant, holder: str, now: float) -> LeaseBook:
    """The lease book of a worker."""
    books = {
        "refunds_before_the_line": EagerBook,
        "ignores_recalls": DeafBook,
        "hears_answers_twice": GreedyBook,
        "spends_expired_leases": TimelessBook,
        "knows_accounts_by_identity": PettyBook,
    }
    kind = next((book for name, book in books.items() if getattr(variant, name)), LeaseBook)
    return kind(holder, now)
