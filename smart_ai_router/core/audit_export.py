"""The record of who did what, as one file for a spreadsheet."""

from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from smart_ai_router.core.administration_messages import AuditFacts, AuditPage
from smart_ai_router.core.audit_record import AuditQuestion
from smart_ai_router.core.billing.spreadsheet import BYTE_ORDER_MARK, csv_line

EXPORT_MAX: Final = 100_000  # entries of one file: some seconds of work, and less than any spreadsheet takes
_PAGE: Final = 1000
_COLUMNS: Final = ("number", "at", "actor", "action", "subject", "before", "after", "client")
_ENCODER: Final = msgspec.json.Encoder()


class AuditPages(Protocol):
    """The record, page by page."""

    def audit(self, cursor: str | None, limit: int, subject: str | None, asked: AuditQuestion) -> AuditPage: ...


def export_audit(pages: AuditPages, subject: str | None, asked: AuditQuestion) -> Iterator[str]:
    """The lines of a CSV file, newest first, EXPORT_MAX at most, some at a time. Raises FieldInvalid at once."""
    return _lines(pages, subject, asked, pages.audit(None, _PAGE, subject, asked))


def _lines(pages: AuditPages, subject: str | None, asked: AuditQuestion, page: AuditPage) -> Iterator[str]:
    yield BYTE_ORDER_MARK + csv_line(_COLUMNS)
    for _ in range(EXPORT_MAX // _PAGE - 1):
        yield "".join(csv_line(_cells(entry)) for entry in page.entries)
        if page.next_cursor is None:
            return
        page = pages.audit(page.next_cursor, _PAGE, subject, asked)
    yield "".join(csv_line(_cells(entry)) for entry in page.entries)


def _cells(entry: AuditFacts) -> tuple[str | int, ...]:
    before, after = (_ENCODER.encode(facts).decode() for facts in (entry.before, entry.after))
    return (entry.number, entry.at, entry.actor, entry.action, entry.subject, before, after, entry.client)
