"""The desk that lends: hears what workers say of their leases, and takes back what the dead have left.

Theory of operation. A whole report is decided in one transaction: for each wish the account and all its leases are
read, `leasing.hear` decides, and what changed is written. The answer leaves after the commit, then the recalls to
other holders; both may be lost, because the counters only grow and everything is told again.

A holder is one life of a worker. It registers before its first report. One that is not known, that is over, or whose
counters contradict ours is told to begin anew under another name, and is lent nothing more; what it spent under its old
name is still booked. Such a contradiction is also that somebody who has just become known speaks of what he was lent:
then the books were made anew while he lived.

What a holder was lent comes back when it is certain that all it spent is on the books (`leasing.is_over_for`): its
process is gone, its calls in flight have their lines, and after that the journal was read to its end. Everything but
the time since a holder was last heard stands in the store; after a restart that time begins anew.
"""

import logging
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final

from smart_ai_router.core.ledger_store import HolderRow, HolderStatus, LeaseBooks, LedgerStore
from smart_ai_router.core.timestamps import Instant
from smart_ai_router.domain.accounts import AccountKey, first_day_after
from smart_ai_router.domain.leasing import (
    Answer,
    Evidence,
    LeaseBroken,
    LeaseState,
    Presence,
    Recall,
    Report,
    Ruling,
    Standing,
    Wish,
    hear,
    is_over_for,
    presence_of,
    reconcile,
)

PARTS_KNOWN_MAX: Final = 100_000  # accounts of a month or a day; about 20 MB

_logger = logging.getLogger(__name__)


def _no_parts(_account: AccountKey) -> None:
    """No account has parts that begin."""


class LeaseDesk:
    """Lends, recalls and takes back. Safe to use from any thread."""

    def __init__(
        self,
        store: LedgerStore,
        *,
        monotonic: Callable[[], Instant],
        tell: Callable[[Recall], None],
        begin_part: Callable[[AccountKey], None] = _no_parts,
    ) -> None:
        """`tell` sends a recall to its holder, and may lose it. `begin_part` credits a part that begins, once."""
        self._store = store
        self._monotonic = monotonic
        self._tell = tell
        self._begin_part = begin_part
        self._lock = Lock()  # one report at a time; the store lets one transaction write anyway
        self._heard: dict[str, int] = {}  # holder to the number of its latest report
        self._seen: dict[str, Instant] = {}
        self._dead: set[str] = set()
        self._open: set[str] = set()  # holders that were found open since we began
        self._lent_nothing: set[str] = set()  # holders that became known since we began
        self._begun: set[AccountKey] = set()  # parts that need not be looked at again

    def register(self, holder: str, worker: int, process_id: int) -> None:
        """A life of a worker begins, or its worker has come back to us. Doing it again changes nothing."""
        with self._lock:
            with self._store.lease_books() as books:
                if books.holder(holder) is None:
                    books.put_holder(HolderRow(holder, worker, process_id))
                    self._lent_nothing.add(holder)
            self._seen[holder] = self._monotonic()
            self._dead.discard(holder)

    def forget(self, holder: str) -> None:
        """Its process has ended: the kernel has released its lock."""
        with self._lock:
            self._dead.add(holder)

    # --- lending ---

    def hear(self, report: Report) -> Answer | None:
        """Decide on a report; None when a later one was heard already, and nobody waits for an answer.

        Raises StoreUnavailable; nothing was lent then.
        """
        for wish in report.wishes:
            self._begin(wish.account)
        with self._lock:
            if report.sequence <= self._heard.get(report.holder, 0):
                return None
            answer, recalled = self._answered(report)
            self._heard[report.holder] = report.sequence
            self._seen[report.holder] = self._monotonic()
        for lease in recalled:
            self._tell(Recall(lease.holder, lease.account, lease.asked_round))
        return answer

    def _begin(self, account: AccountKey) -> None:
        if first_day_after(account.part) is None or account in self._begun:
            return
        with self._store.ledger() as ledger:
            is_begun = ledger.account(account).is_granted
        if not is_begun:
            self._begin_part(account)
        if len(self._begun) >= PARTS_KNOWN_MAX:
            self._begun.clear()
        self._begun.add(account)

    def _answered(self, report: Report) -> tuple[Answer, Sequence[LeaseState]]:
        over = Answer(report.holder, report.sequence, is_over=True)
        if not report.wishes and report.holder in self._open:
            return Answer(report.holder, report.sequence), ()
        try:
            with self._store.lease_books() as books:
                row = books.holder(report.holder)
                if row is None or row.status is not HolderStatus.OPEN:
                    return over, ()
                self._open.add(report.holder)
                if report.holder in self._lent_nothing and any(wish.granted for wish in report.wishes):
                    raise LeaseBroken(f"{report.holder} speaks of leases that these books have never given")
                present = [each.holder for each in books.holders() if self._may_answer(each)]
                rulings: list[Ruling] = []
                recalled: list[LeaseState] = []
                for wish in report.wishes:
                    ruling, asked = _decide(books, report, wish, present)
                    rulings.append(ruling)
                    recalled += asked
            if any(ruling.granted for ruling in rulings):
                self._lent_nothing.discard(report.holder)
        except LeaseBroken as fault:
            _logger.error("%s begins anew: %s", report.holder, fault)
            self._mark_broken(report.holder)
            return over, ()
        return Answer(report.holder, report.sequence, tuple(rulings)), recalled

    def _mark_broken(self, holder: str) -> None:
        self._open.discard(holder)
        with self._store.lease_books() as books:
            row = books.holder(holder)
            if row is not None:
                books.put_holder(row._replace(status=HolderStatus.BROKEN))

    def _may_answer(self, row: HolderRow) -> bool:
        """Holders of other hosts are recalled through the books: their own desk tells them."""
        return row.status is HolderStatus.OPEN and (
            not row.is_ours or self._presence(row.holder) is not Presence.SILENT
        )

    def _presence(self, holder: str) -> Presence:
        silent_s = self._monotonic() - self._seen.setdefault(holder, self._monotonic())
        return presence_of(silent_s, holder in self._dead)

    def recalls(self) -> list[Recall]:
        """Recalls that were not answered yet: they, or their answers, may have been lost."""
        with self._store.ledger() as ledger:
            leases = ledger.leases()
        return [
            Recall(lease.holder, lease.account, lease.asked_round)
            for lease in leases
            if lease.asked_round > lease.answered_round and lease.outstanding > 0
        ]

    # --- taking back ---

    def end_over(
        self,
        *,
        is_dead: Callable[[HolderRow], bool],
        are_orphans_booked: Callable[[HolderRow], bool],
        read_to_end: Callable[[], bool],
    ) -> tuple[str, ...]:
        """Take back what the holders have left that are over; returns their names.

        `are_orphans_booked`: every call that a dead holder had in flight has its line. `read_to_end` brings the books
        to where the journal ends when it is called, and says whether it could; it is asked after the other two.
        """
        with self._lock, self._store.lease_books() as books:
            rows = [row for row in books.holders() if row.is_ours]
        evidence = {row: self._evidence(row, is_dead(row), are_orphans_booked) for row in rows}
        if not any(is_over_for(each) for each in evidence.values()) or not read_to_end():
            return ()
        ended: list[str] = []
        with self._lock, self._store.lease_books() as books:
            for row, proof in evidence.items():
                if is_over_for(proof) and not self._was_heard_since(row.holder, proof):
                    _take_back(books, row)
                    ended.append(row.holder)
        self._open.difference_update(ended)
        for holder in ended:
            self._heard.pop(holder, None)
            self._seen.pop(holder, None)
            self._dead.discard(holder)
        return tuple(ended)

    def _evidence(self, row: HolderRow, is_dead: bool, are_orphans_booked: Callable[[HolderRow], bool]) -> Evidence:
        """What is certain of a holder once the journal is read to its end."""
        with self._lock:
            if is_dead:
                self._dead.add(row.holder)
            now = self._monotonic()
            silent_s = now - self._seen.setdefault(row.holder, now)
            presence = presence_of(silent_s, row.holder in self._dead)
        is_booked = presence is Presence.DEAD and are_orphans_booked(row)
        return Evidence(presence, silent_s, is_booked, is_journal_read=True)

    def _was_heard_since(self, holder: str, proof: Evidence) -> bool:
        """A silent one that speaks after all is not over."""
        is_silent = proof.presence is Presence.SILENT
        return is_silent and self._monotonic() - self._seen.get(holder, 0.0) < proof.silent_s


def _decide(
    books: LeaseBooks, report: Report, wish: Wish, present: Sequence[str]
) -> tuple[Ruling, tuple[LeaseState, ...]]:
    account = books.account(wish.account)
    leases = {lease.holder: lease for lease in books.leases_on(wish.account)}
    own = leases.pop(report.holder, None)
    others = [lease for holder, lease in leases.items() if holder in present]
    hearing = hear(Standing(account, own, others, len(present)), wish, report)
    books.put_account(account, hearing.account)
    if hearing.lease is None:
        books.drop_lease(wish.account, report.holder)
    elif hearing.lease != own:
        books.put_lease(hearing.lease)
    for lease in hearing.recalled:
        books.put_lease(lease)
    return hearing.ruling, hearing.recalled


def _take_back(books: LeaseBooks, row: HolderRow) -> None:
    for lease in books.leases_of(row.holder):
        account = books.account(lease.account)
        after, _ = reconcile(account, lease)
        books.put_account(account, after)
        books.drop_lease(lease.account, row.holder)
    books.put_holder(row._replace(status=HolderStatus.OVER))
