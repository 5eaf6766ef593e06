"""How far a host's journal has been read, and what in it could not be booked."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from smart_ai_router.adapters.postgres.driver import Connection, escaped
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.store import PROBLEMS_LISTED_MAX, JournalFileState, LineProblem

COLUMNS: Final = JournalFileState.__struct_fields__
_PLACES: Final = ", ".join("?" * len(COLUMNS))
_CHANGED: Final = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS if column != "id")
_WRITE: Final = (
    f"INSERT INTO journal_file ({', '.join(COLUMNS)}) VALUES ({_PLACES})"  # noqa: S608 - our own column names
    f" ON CONFLICT (id) DO UPDATE SET {_CHANGED} RETURNING pg_current_xact_id()::text"
)
_FIND: Final = "SELECT id, lines, repeated FROM journal_file WHERE host = ? AND name = ? AND generation = ?"
_NEXT_ID: Final = "SELECT nextval(pg_get_serial_sequence('journal_file', 'id'))"
_COUNT: Final = (
    "INSERT INTO journal_problem_count AS kept (file, reason, count) VALUES (?, ?, ?)"
    " ON CONFLICT (file, reason) DO UPDATE SET count = kept.count + excluded.count RETURNING count"
)
_LIST: Final = (
    "INSERT INTO journal_problem (file, reason, line_offset, line_length, detail)"
    " SELECT ?::integer, ?::text, * FROM unnest(?::bigint[], ?::bigint[], ?::text[])"
    " ON CONFLICT (file, line_offset, reason) DO UPDATE"
    " SET line_length = excluded.line_length, detail = excluded.detail"
)


class FileWriter:
    """Writes within the transaction of a batch."""

    def __init__(self, connection: Connection, host: str) -> None:
        self._connection = connection
        self._host = host

    def known(self, file: JournalFileState, *, is_behind: bool) -> JournalFileState:
        """The state with its number and its host. `is_behind`: the caller may not know of the last commit."""
        file = replace(file, host=file.host or self._host)
        if file.id and not is_behind:
            return file
        row = self._connection.execute(_FIND, (file.host, file.name, file.generation)).fetchone()
        if row is None:
            return replace(file, id=self._connection.execute(_NEXT_ID).get)
        return replace(file, id=row[0], lines=row[1], repeated=row[2])

    def write(self, file: JournalFileState, problems: Iterable[LineProblem]) -> str:
        """Note how far a file has been read, and its problems; the number of the transaction."""
        self._write_problems(file.id, problems)
        values = [getattr(file, column) for column in COLUMNS]
        return str(
            self._connection.execute(
                _WRITE, [int(each) if each is True or each is False else each for each in values]
            ).get
        )

    def conflict(self, posting: Posting, foreign_sid_of: Callable[[str], int | None]) -> LineProblem:
        """Another record stands under the id of this one."""
        request_id = posting.record.request_id
        sid = foreign_sid_of(request_id) if posting.key is None else posting.key[0]
        found = self._connection.execute(
            "SELECT name, line_offset FROM usage JOIN journal_file ON journal_file.id = file WHERE sid = ?", (sid,)
        ).fetchone()
        where = "earlier in this batch" if found is None else f"in {found[0]} at {found[1]}"
        detail = f"{request_id} stands in the books with other content, {where}"
        return LineProblem(posting.offset, len(posting.line), "duplicate_id", detail)

    def _write_problems(self, file_id: int, problems: Iterable[LineProblem]) -> None:
        by_reason: dict[str, list[LineProblem]] = defaultdict(list)
        for problem in problems:
            by_reason[problem.reason].append(problem)
        for reason, found in sorted(by_reason.items()):
            times = int(self._connection.execute(_COUNT, (file_id, reason, len(found))).get)
            room = max(0, PROBLEMS_LISTED_MAX - (times - len(found)))
            listed = {each.offset: each for each in found[:room]}  # of two at one place the later one
            if listed:
                self._connection.execute(_LIST, (file_id, reason, *_columns(list(listed.values()))))


def _columns(problems: Sequence[LineProblem]) -> tuple[list[int], list[int], list[str]]:
    return (
        [each.offset for each in problems],
        [each.length for each in problems],
        [escaped(each.detail) for each in problems],
    )
