"""The writer of one host: a batch is one transaction, and several hosts make theirs at the same time.

Theory of operation. Whatever can be found out beforehand is: the numbers of names, which records stand in the books
already, the cells that the batch adds to. The transaction only writes, in an order that every host keeps: the row of
the books, records by number, cells table by table and key by key, the ledger, the files. So hosts wait for each other
for the length of a few statements, and never in a circle; should the server break a circle all the same, or should
another host have booked one of the records in between, the batch is made anew.

The days that are over are folded when the first record of a later day arrives. Whoever folds takes the row of the
books for itself, everybody else shares it: no cell of a day can change while the day is folded, and whoever comes
after knows that it is. The same goes for the span of days and lags, which only ever widens.

A commit whose answer was lost is looked up by its transaction number before anything else is written. If it was made,
its records are told to the caller as the new ones they are, with the next batch that brings them again.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

from msgspec.structs import replace

from smart_ai_router.adapters.postgres.dialect import (
    INSERT_USAGE,
    SELECT_USAGE,
    array_text,
    fold_cells,
    upsert_attempts,
    upsert_cells,
)
from smart_ai_router.adapters.postgres.dictionary import Numbers
from smart_ai_router.adapters.postgres.driver import Connection, ConnectionLost, RaceLost, escaped
from smart_ai_router.adapters.postgres.files import FileWriter
from smart_ai_router.adapters.postgres.ledger import post_usage
from smart_ai_router.adapters.sqlite.statements import CONTENT_START, StoredRow
from smart_ai_router.adapters.sqlite.usage_rows import row_of
from smart_ai_router.core.local_days import month_days, month_number
from smart_ai_router.core.placing import Placed, Placement, place
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.record_keys import sid_ms
from smart_ai_router.core.rollups import (
    ATTEMPT_ROLLUPS,
    FOLDED,
    ROLLUPS,
    AttemptCells,
    Cells,
    Deltas,
    Grain,
    fold,
    fold_over,
    latest_names,
)
from smart_ai_router.core.store import Applied, JournalFileState, LineProblem
from smart_ai_router.domain.money import PICO_PER_UNIT

TRIES_MAX: Final = 10  # of one batch that others overtake; each time somebody else has come to an end

_UPSERT_CELLS: Final = {rollup: upsert_cells(rollup) for rollup in ROLLUPS}
_UPSERT_TRIES: Final = {rollup: upsert_attempts(rollup) for rollup in ATTEMPT_ROLLUPS}
_FOLD_CELLS: Final = {target: fold_cells(source, target) for target, source in FOLDED.items()}
_COSTS: Final = (6, 7, 8)  # places of the costs in a row of measures
_ATTEMPT_COST: Final = 4
FILE: Final = StoredRow._fields.index("file")
_SPAN: Final = "SELECT first_day, live_from, lag_min_ms, lag_max_ms FROM books"


class Span(NamedTuple):
    """What the row of the books says: the days of all records, and how far their times lie from those of their ids."""

    first_day: int | None
    live_from: int | None
    lag_min_ms: int
    lag_max_ms: int

    def widened(self, placed: Sequence[Placed]) -> "Span":
        """The span with some records. Lags are rounded outwards to powers of two, so that they seldom change."""
        days = [each.posting.day for each in placed]
        lags = [each.posting.at_ms - sid_ms(each.sid) for each in placed]
        return Span(
            min(days) if self.first_day is None else min(self.first_day, *days),
            max(days) if self.live_from is None else max(self.live_from, *days),
            min(self.lag_min_ms, -_power_of_two(-min(lags))),
            max(self.lag_max_ms, _power_of_two(max(lags))),
        )


NOTHING: Final = Span(None, None, 0, 0)


class Unsure(NamedTuple):
    """A transaction whose commit was not answered."""

    transaction: str
    fresh: list[Posting]


class Writer:
    """Applies batches on one connection, which nobody else uses."""

    def __init__(self, connection: Connection, schema: str, host: str) -> None:
        self._connection = connection
        self._schema = schema
        self._numbers = Numbers(connection)
        self._files = FileWriter(connection, host)
        self._span = Span(*connection.execute(_SPAN).fetchone())
        self._kept = _Kept(connection, ())
        self.unsure: Unsure | None = None

    def was_made(self, unsure: Unsure) -> bool:
        """Whether a transaction of a former connection was committed. It has come to an end: its locks are ours."""
        status = self._connection.execute("SELECT pg_xact_status(?::text::xid8)", (unsure.transaction,)).get
        return bool(status == "committed")

    def apply(
        self,
        file: JournalFileState,
        postings: Sequence[Posting],
        problems: Sequence[LineProblem],
        untold: dict[str, Posting],
    ) -> Applied:
        """See `BookStore`. `untold` are records that this host has booked and not told the caller of; they are taken
        out as they come by. Raises StoreUnavailable; afterwards `unsure` may be set.
        """
        if self._numbers.is_large:
            self._numbers = Numbers(self._connection)
        for attempt in range(TRIES_MAX):
            try:
                return self._try(file, postings, problems, untold, is_first=attempt == 0)
            except RaceLost:
                if attempt == TRIES_MAX - 1:
                    raise
        raise AssertionError("the last try returns or raises")

    def _try(
        self,
        file: JournalFileState,
        postings: Sequence[Posting],
        problems: Sequence[LineProblem],
        untold: dict[str, Posting],
        *,
        is_first: bool,
    ) -> Applied:
        self._numbers.learn(postings)
        placement = self._placement(postings, is_first=is_first)
        rows = [row_of(0, each, self._numbers) for each in placement.placed]
        deltas = fold([each.posting for each in placement.placed], self._numbers)
        file = self._files.known(file, is_behind=bool(untold))
        told = [each for each in placement.repeated if untold.get(each.record.request_id) == each]
        placed = [each.posting for each in placement.placed]
        repeated = len(placement.repeated) - len(told)
        file = replace(file, lines=file.lines + len(placed), repeated=file.repeated + repeated)
        self._connection.script("BEGIN")
        try:
            if placed:
                self._write(placement.placed, rows, deltas, file.id)
            conflicts = [self._files.conflict(each, self.foreign_sid_of) for each in placement.conflicts]
            transaction = self._files.write(file, [*problems, *conflicts])
        except BaseException:
            self._span = NOTHING  # what it says now was not committed
            if not self._connection.is_lost:
                self._connection.script("ROLLBACK")
            raise
        self._commit(transaction, placed)
        for each in told:
            del untold[each.record.request_id]
        return Applied(file, [*told, *placed], repeated, len(conflicts))

    def _commit(self, transaction: str, fresh: list[Posting]) -> None:
        try:
            self._connection.script("COMMIT")
        except ConnectionLost:
            self.unsure = Unsure(transaction, fresh)
            raise

    # --- records ---

    def _placement(self, postings: Sequence[Posting], *, is_first: bool) -> Placement:
        """The common batch holds only new records with ids of ours: then nothing is looked up at first."""
        own = [Placed(each, *each.key) for each in postings if each.key is not None]
        if is_first and len(own) == len(postings) and len({each.sid for each in own}) == len(own):
            return Placement(sorted(own, key=itemgetter(1)), [], [])
        self._kept = _Kept(self._connection, postings)
        placement = place(postings, self)
        return placement._replace(placed=sorted(placement.placed, key=itemgetter(1)))

    def _write(
        self, placed: Sequence[Placed], rows: Sequence[tuple[int | None, ...]], deltas: Deltas, file_id: int
    ) -> None:
        before = self._hold_span(placed)
        columns = list(zip(*rows, strict=True))
        columns[FILE] = (file_id,) * len(rows)
        if self._connection.execute(
            f"{INSERT_USAGE} RETURNING sid", [array_text(each) for each in columns]
        ).count != len(rows):
            raise RaceLost("records of this batch stand in the books already")
        foreign = sorted(
            (escaped(each.posting.record.request_id), each.sid) for each in placed if each.check_bits is None
        )
        if foreign:
            self._connection.execute(
                "INSERT INTO foreign_id (sid, request_id) SELECT * FROM unnest(?::bigint[], ?::text[])",
                ([sid for _, sid in foreign], [request_id for request_id, _ in foreign]),
            )
        self._add_deltas(deltas)
        if before.live_from is not None:
            self._add_late(deltas, before.live_from)
        assert self._span.first_day is not None
        assert self._span.live_from is not None
        self._fold_days(self._span.first_day if before.live_from is None else before.live_from, self._span.live_from)
        self._name_channels([each.posting for each in placed])
        post_usage(self._connection, self._schema, placed)

    # --- `placing.KeptRecords` ---

    def check_bits_of(self, sid: int) -> int | None:
        """See `KeptRecords`."""
        return self._kept.check_bits_of(sid)

    def foreign_sid_of(self, request_id: str) -> int | None:
        """See `KeptRecords`."""
        return self._kept.foreign.get(request_id)

    def is_same(self, sid: int, posting: Posting) -> bool:
        """See `KeptRecords`."""
        kept = self._kept.rows[sid]
        return bool(kept[CONTENT_START:] == row_of(0, Placed(posting, sid, None), self._numbers)[CONTENT_START:])

    # --- rollups ---

    def _hold_span(self, placed: Sequence[Placed]) -> Span:
        """Keep others from folding, or everybody from adding when this batch widens the span; the span before it."""
        if self._span.widened(placed) == self._span:
            self._span = Span(*self._connection.execute(f"{_SPAN} FOR SHARE").fetchone())
            return self._span
        before = Span(*self._connection.execute(f"{_SPAN} FOR UPDATE").fetchone())
        self._span = before.widened(placed)
        if self._span != before:
            self._connection.execute(
                "UPDATE books SET first_day = ?, live_from = ?, lag_min_ms = ?, lag_max_ms = ?", self._span
            )
        return before

    def _add_deltas(self, deltas: Deltas) -> None:
        for rollup, cells in deltas.cells.items():
            self._upsert(_UPSERT_CELLS[rollup], _cell_columns(cells))
        for rollup, tries in deltas.attempts.items():
            self._upsert(_UPSERT_TRIES[rollup], _attempt_columns(tries))

    def _upsert(self, statement: str, columns: Sequence[Sequence[object]]) -> None:
        if columns:
            self._connection.execute(statement, [array_text(column) for column in columns])

    def _add_late(self, deltas: Deltas, live_from: int) -> None:
        """Records of days that are folded already go to the folded rollups as well."""
        for target, source in FOLDED.items():
            late = {key: measures for key, measures in deltas.cells[source].items() if int(key[0]) < live_from}
            if late:
                self._upsert(_UPSERT_CELLS[target], _cell_columns(fold_over(late, source, target)))

    def _fold_days(self, first: int, end: int) -> None:
        """Fold the days first..end-1, which are over now; only those that hold anything are looked at."""
        if first >= end:
            return
        found = self._connection.execute(
            "SELECT DISTINCT period FROM cube_day WHERE period >= ? AND period < ?", (first, end)
        )
        for month in sorted({month_number(day) for (day,) in found}):
            month_first, month_last = month_days(month)
            days = (max(first, month_first), min(end - 1, month_last))
            for target, statement in _FOLD_CELLS.items():
                self._connection.execute(statement, (month, *days) if target.grain is Grain.MONTH else days)

    def _name_channels(self, postings: Iterable[Posting]) -> None:
        latest = latest_names(postings).items()
        names = sorted((escaped(channel_id), moment, escaped(name)) for channel_id, (moment, name) in latest)
        if names:
            channel_ids, moments, texts = zip(*names, strict=True)
            self._connection.execute(
                "INSERT INTO channel_name AS kept (channel_id, name, named_ms)"
                " SELECT * FROM unnest(?::text[], ?::text[], ?::bigint[]) ON CONFLICT (channel_id) DO UPDATE"
                " SET name = excluded.name, named_ms = excluded.named_ms"
                " WHERE (excluded.named_ms, excluded.name) > (kept.named_ms, kept.name)",
                (channel_ids, texts, moments),
            )


class _Kept:
    """What the books hold of a batch before it, asked for at once."""

    def __init__(self, connection: Connection, postings: Sequence[Posting]) -> None:
        self._connection = connection
        self.foreign: dict[str, int] = {}
        self.rows: dict[int, tuple[int | None, ...]] = {}
        self._asked: set[int] = set()
        if postings:
            ids = [escaped(each.record.request_id) for each in postings]
            found = connection.execute(
                "SELECT request_id, sid FROM foreign_id WHERE request_id = ANY (?::text[])", (ids,)
            )
            self.foreign = {request_id: int(sid) for request_id, sid in found}
            self._ask({each.key[0] for each in postings if each.key is not None} | set(self.foreign.values()))

    def check_bits_of(self, sid: int) -> int | None:
        """The check bits under a number; None when nothing stands there, -1 for an id of other make."""
        if sid not in self._asked:
            self._ask({sid})
        row = self.rows.get(sid)
        return None if row is None else -1 if row[1] is None else row[1]

    def _ask(self, sids: set[int]) -> None:
        self._asked |= sids
        for row in self._connection.execute(f"{SELECT_USAGE} WHERE sid = ANY (?::bigint[])", (list(sids),)):
            self.rows[row[0]] = tuple(row)


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length() if number > 0 else 0


def _cell_columns(cells: Cells) -> list[Sequence[object]]:
    """Columns of some cells by rising key; a cost becomes two, as it stands in the table."""
    if not cells:
        return []
    keys = sorted(cells)
    measures = list(zip(*(cells[key] for key in keys), strict=True))
    split = chain.from_iterable(
        _split(column) if place in _COSTS else (column,) for place, column in enumerate(measures)
    )
    return [*zip(*keys, strict=True), *split]


def _attempt_columns(cells: AttemptCells) -> list[Sequence[object]]:
    if not cells:
        return []
    keys = sorted(cells)
    sums = list(zip(*(cells[key][:-1] for key in keys), strict=True))
    latencies = zip(*(cells[key][-1] for key in keys), strict=True)
    split = chain.from_iterable(
        _split(column) if place == _ATTEMPT_COST else (column,) for place, column in enumerate(sums)
    )
    return [*zip(*keys, strict=True), *split, *latencies]


def _split(costs: Sequence[int]) -> tuple[list[int], list[int]]:
    """Whole units, and the picos beyond them: neither passes 64 bits."""
    return [cost // PICO_PER_UNIT for cost in costs], [cost % PICO_PER_UNIT for cost in costs]
