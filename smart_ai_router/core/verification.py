"""The proof of the books: everything is made once more from the journal's bytes, and compared.

`verify` works on a snapshot, so that booking goes on meanwhile: it reads each journal file up to the byte that the
snapshot's books have taken in. Content that is gone (a file that was cut or replaced) is named, and does no harm as
long as every record has its line somewhere. Besides the comparison, row for row and cell for cell, it adds the costs
up a second time in another way (exact decimals, straight from the lines) and holds the sums against the records and
against each rollup; and it adds up the bill lines of every record. What the lines take of the ledger is held against
its entries one by one, and against the sums of every account (`ledger_verification.py`).

`rebuild` makes the books anew from the journal and puts them in the place of the old ones in one step.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from decimal import Context, Decimal
from hashlib import blake2b
from itertools import groupby
from typing import Final, TypeVar

from smart_ai_router.core.bookkeeper import BATCH_LINES, Bookkeeper, is_of, post_lines
from smart_ai_router.core.journal_source import JournalFiles, JournalSource, LineBatch, SourceGone, TooLong
from smart_ai_router.core.ledger_verification import ledger_facts, verify_ledger
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.rollups import ATTEMPT_ROLLUPS, LIVE, ROLLUPS, TAG_DAY, Rollup
from smart_ai_router.core.store import BookedRecord, BooksSnapshot, BookStore, CellKey, JournalFileState, RecordSums
from smart_ai_router.core.usage_record import cost_in_pico
from smart_ai_router.core.verification_report import VerificationReport
from smart_ai_router.domain.money import pico_from_decimal, pico_to_decimal, pico_to_text

_EXACT: Final = Context(prec=100)  # sums of amounts of twelve decimals never need as many digits
_DIGEST_BYTES: Final = 32

Progress = Callable[[int, int], None]  # bytes read, bytes to read
Measured = TypeVar("Measured")


def verify(store: BookStore, journal: JournalFiles, progress: Progress | None = None) -> VerificationReport:
    """Compare the books with the journal, its archive included."""
    report = VerificationReport()
    with store.snapshot() as books, store.scratch() as scratch:
        _Recount(journal, scratch, report, progress).run(books.journal_files())
        with scratch.snapshot() as proof:
            _compare_records(report, proof.records(), books.records())
            for rollup in ROLLUPS:
                _compare_cells(report, rollup, proof.cells(rollup), books.cells(rollup))
            for rollup in ATTEMPT_ROLLUPS:
                _compare_cells(report, rollup, proof.attempt_cells(rollup), books.attempt_cells(rollup))
            names, kept_names = proof.channel_names(), books.channel_names()
            for channel_id in names.keys() | kept_names.keys():
                if names.get(channel_id) != kept_names.get(channel_id):
                    report.note("channel_name", channel_id, names.get(channel_id), kept_names.get(channel_id))
            verify_ledger(report, proof.ledger_books, books.ledger_books)
        _compare_sums(report, "records", books.record_sums())
        for rollup in LIVE:
            if rollup is not TAG_DAY:  # a call counts under each of its tags
                _compare_sums(report, rollup.name, _rollup_sums(books, rollup))
    return report


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild came to."""

    files: int
    records: int
    problem_lines: int
    digest: str


def rebuild(
    replacement: AbstractContextManager[BookStore], journal: JournalFiles, progress: Progress | None = None
) -> RebuildReport:
    """Make the books anew; `replacement` puts them in their place when it is left without an error."""
    with replacement as store:
        total = sum(source.size for source in journal.sources())
        bookkeeper = Bookkeeper(store, journal, _no_clock)
        if progress is not None:
            bookkeeper.add_observer(_Bytes(total, progress))
        bookkeeper.catch_up()
        problems = sum(each.times for each in store.problem_counts())
        with store.snapshot() as books:
            states = books.journal_files()
            digest = books_digest(books)
        return RebuildReport(len(states), sum(state.lines for state in states), problems, digest)


class _Bytes:
    """Tells the progress of a rebuild by the lines that were booked; archives unpack to more than their size."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total = total
        self._progress = progress
        self._done = 0

    def __call__(self, fresh: Sequence[Posting]) -> None:
        self._done += sum(len(posting.line) + 1 for posting in fresh)
        self._progress(min(self._done, self._total), self._total)


def _no_clock() -> float:
    """Nothing is measured where there is no budget."""
    return 0.0


def books_digest(books: BooksSnapshot) -> str:
    """A digest of all records, cells and names, whatever their order and numbering: equal books, equal digests."""
    total = 0
    for record in books.records():
        row = record.row
        values = tuple(getattr(row, name) for name in row.__dataclass_fields__ if name != "sid")
        total += _digest("record", values)
    for rollup in ROLLUPS:
        total += sum(_digest(rollup.name, cell) for cell in books.cells(rollup))
    for rollup in ATTEMPT_ROLLUPS:
        total += sum(_digest(rollup.name, cell) for cell in books.attempt_cells(rollup))
    total += sum(_digest("channel_name", each) for each in books.channel_names().items())
    total += sum(_digest("ledger", fact) for fact in ledger_facts(books.ledger_books))
    return (total % (1 << 8 * _DIGEST_BYTES)).to_bytes(_DIGEST_BYTES, "big").hex()


class _Recount:
    """Books the journal once more into an empty store, and adds the costs up in another way."""

    def __init__(
        self, journal: JournalFiles, scratch: BookStore, report: VerificationReport, progress: Progress | None
    ) -> None:
        self._journal = journal
        self._scratch = scratch
        self._report = report
        self._progress = progress
        self._days = LocalDays(scratch.time_zone)
        self._sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 3)
        self._counts: dict[str, int] = defaultdict(int)
        self._bytes_read = 0
        self._bytes_total = 0

    def run(self, states: Iterable[JournalFileState]) -> None:
        """Read every file as far as the books have."""
        noted = list(states)
        self._bytes_total = sum(state.applied for state in noted)
        for state in noted:
            self._report.files += 1
            if not self._read(state):
                self._report.missing_files.append(f"{state.name} ({state.generation})")
        for currency, (in_cost, out_cost, total) in self._sums.items():
            self._report.sums[currency] = RecordSums(
                self._counts[currency],
                pico_from_decimal(in_cost),
                pico_from_decimal(out_cost),
                pico_from_decimal(total),
            )

    def _read(self, state: JournalFileState) -> bool:
        """Book the content that a state stands for; False when no file has it."""
        for _ in range(3):  # a file may be archived between being found and being opened
            try:
                source = self._source_of(state)
                if source is None:
                    return not state.applied
                self._book(state, source)
            except SourceGone:
                continue
            return True
        return False

    def _source_of(self, state: JournalFileState) -> JournalSource | None:
        named = [source for source in self._journal.sources() if source.name == state.name]
        for source in sorted(named, key=lambda each: not is_of(each, state)):
            if self._journal.crc32_of(source, state.applied) == state.crc32:
                return source
        return None

    def _book(self, state: JournalFileState, source: JournalSource) -> None:
        file = JournalFileState(state.name, state.generation, host=state.host)
        with closing(self._journal.open(source, 0, 0, stop=state.applied)) as stream:
            while (batch := stream.next_batch(BATCH_LINES)) is not None:
                file = self._apply(file, batch)
            rest = stream.rest
            if rest:
                end = batch_end = state.applied - (rest.length if isinstance(rest, TooLong) else len(rest))
                self._apply(file, LineBatch(batch_end, [rest], end, 0))

    def _apply(self, file: JournalFileState, batch: LineBatch) -> JournalFileState:
        postings, problems = post_lines(batch, self._days)
        applied = self._scratch.apply(file, postings, problems)
        self._report.problem_lines += len(problems) + applied.conflicts
        for posting in applied.fresh:
            self._count(posting)
        self._bytes_read += sum(len(each.line) + 1 for each in postings)
        if self._progress is not None:
            self._progress(min(self._bytes_read, self._bytes_total), self._bytes_total)
        return applied.file

    def _count(self, posting: Posting) -> None:
        record = posting.record
        self._report.records += 1
        self._counts[record.cost_currency] += 1
        sums = self._sums[record.cost_currency]
        for place, cost in enumerate((record.input_cost, record.output_cost, record.total_cost)):
            sums[place] = _EXACT.add(sums[place], _whole_picos(cost))
        if record.lines:
            billed = sum((line.amount for line in record.lines), Decimal(0))
            if billed != record.total_cost:
                self._report.note("line", record.request_id, f"bill lines of {billed}", f"cost {record.total_cost}")
        for each in record.postings:
            self._report.count_taken((each.kind, each.owner, each.unit, each.part), each.amount)


def _whole_picos(cost: Decimal) -> Decimal:
    """A cost as it stands, or what the books make of one that is finer than a pico."""
    exponent = cost.as_tuple().exponent
    return cost if isinstance(exponent, int) and exponent >= -12 else pico_to_decimal(cost_in_pico(cost))


def _compare_records(
    report: VerificationReport, journal: Iterator[BookedRecord], books: Iterator[BookedRecord]
) -> None:
    """Both come by rising number."""
    ours, theirs = next(journal, None), next(books, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours.row.sid < theirs.row.sid):
            assert ours is not None
            report.note("record", ours.row.request_id, _place(ours), "not in the books")
            ours = next(journal, None)
        elif ours is None or theirs.row.sid < ours.row.sid:
            report.note("record", theirs.row.request_id, "no line", _place(theirs))
            theirs = next(books, None)
        else:
            if ours.row != theirs.row:
                report.note("record", ours.row.request_id, *_differing(ours, theirs))
            elif ours != theirs and not report.missing_files:
                report.note("record", ours.row.request_id, _place(ours), _place(theirs))
            ours, theirs = next(journal, None), next(books, None)


def _place(record: BookedRecord) -> str:
    return f"{record.file} ({record.generation}) at {record.offset}, {record.length} bytes"


def _differing(ours: BookedRecord, theirs: BookedRecord) -> tuple[str, str]:
    names = [name for name in ours.row.__dataclass_fields__ if getattr(ours.row, name) != getattr(theirs.row, name)]
    sides = [", ".join(f"{name} {getattr(each.row, name)}" for name in names) for each in (ours, theirs)]
    return sides[0], sides[1]


def _compare_cells(
    report: VerificationReport,
    rollup: Rollup,
    journal: Iterator[tuple[CellKey, Measured]],
    books: Iterator[tuple[CellKey, Measured]],
) -> None:
    """Period by period, so that only one period's cells are held at a time."""
    ours, theirs = _periods(journal), _periods(books)
    our_period, their_period = next(ours, None), next(theirs, None)
    while our_period is not None or their_period is not None:
        first = min(each[0] for each in (our_period, their_period) if each is not None)
        our_cells: Mapping[tuple[str, ...], Measured] = {}
        their_cells: Mapping[tuple[str, ...], Measured] = {}
        if our_period is not None and our_period[0] == first:
            our_cells, our_period = our_period[1], next(ours, None)
        if their_period is not None and their_period[0] == first:
            their_cells, their_period = their_period[1], next(theirs, None)
        if our_cells != their_cells:
            for key in sorted(our_cells.keys() | their_cells.keys()):
                if our_cells.get(key) != their_cells.get(key):
                    where = f"{rollup.name} {first} {' '.join(key)}"
                    report.note("rollup", where, our_cells.get(key), their_cells.get(key))


def _periods(
    cells: Iterator[tuple[CellKey, Measured]],
) -> Iterator[tuple[int, dict[tuple[str, ...], Measured]]]:
    for period, group in groupby(cells, key=lambda cell: cell[0][0]):
        yield period, {key[1]: measures for key, measures in group}


def _rollup_sums(books: BooksSnapshot, rollup: Rollup) -> dict[str, RecordSums]:
    sums: dict[str, RecordSums] = {}
    for (_, names), cell in books.cells(rollup):
        before = sums.get(names[-1], RecordSums(0, 0, 0, 0))
        total = cell.input_cost + cell.output_cost + cell.other_cost
        sums[names[-1]] = RecordSums(
            before.records + cell.requests,
            before.input_cost + cell.input_cost,
            before.output_cost + cell.output_cost,
            before.total_cost + total,
        )
    return sums


def _compare_sums(report: VerificationReport, where: str, books: Mapping[str, RecordSums]) -> None:
    for currency in sorted(report.sums.keys() | books.keys()):
        ours, theirs = report.sums.get(currency), books.get(currency)
        if ours != theirs:
            report.note("sum", f"{where} {currency}", _sum_text(ours), _sum_text(theirs))


def _sum_text(sums: RecordSums | None) -> str:
    return "nothing" if sums is None else f"{sums.records} records, {pico_to_text(sums.total_cost)}"


def _digest(kind: str, value: object) -> int:
    return int.from_bytes(blake2b(f"{kind} {value!r}".encode(), digest_size=_DIGEST_BYTES).digest(), "big")
