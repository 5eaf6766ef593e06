"""The record of who did what, read page by page."""

import re
from typing import Final, NamedTuple

import msgspec

from smart_ai_router.core.administration import AdministrationStore, AuditFilter
from smart_ai_router.core.administration_messages import AuditFacts, AuditPage
from smart_ai_router.core.administrative_state import AuditEntry
from smart_ai_router.core.timestamps import iso_utc_ms
from smart_ai_router.core.users_and_keys import FieldInvalid, checked_limit, moment

_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_FACTS: Final = msgspec.json.Decoder(dict[str, object])


class AuditQuestion(NamedTuple):
    """What is asked for, as it is written; None is everything. Moments are ISO 8601, the second one is not included."""

    actor: str | None = None
    action: str | None = None
    since: str | None = None
    until: str | None = None


class AuditRecord:
    """The verbs."""

    def __init__(self, store: AdministrationStore) -> None:
        self._store = store

    def audit(
        self,
        cursor: str | None = None,
        limit: int = 100,
        subject: str | None = None,
        asked: AuditQuestion = AuditQuestion(),  # noqa: B008 - immutable
    ) -> AuditPage:
        """What was done, newest first; the cursor is the number of the last entry that was read. Raises FieldInvalid.

        A page stays what it was while more is done: new entries come before the first one.
        """
        if cursor is not None and not _NUMBER.fullmatch(cursor):
            raise FieldInvalid(f"{cursor[:40]!r} is no cursor of this list", param="cursor")
        before = None if cursor is None else int(cursor)
        entries = self._store.audit(before, checked_limit(limit) + 1, subject, _filter(asked))
        more = str(entries[limit - 1].number) if len(entries) > limit else None
        return AuditPage(tuple(_facts(entry) for entry in entries[:limit]), more)


def _filter(asked: AuditQuestion) -> AuditFilter:
    return AuditFilter(
        asked.actor,
        asked.action,
        None if asked.since is None else moment(asked.since, "from"),
        None if asked.until is None else moment(asked.until, "to"),
    )


def _facts(entry: AuditEntry) -> AuditFacts:
    return AuditFacts(
        number=entry.number,
        at=iso_utc_ms(entry.at_ms),
        actor=entry.actor,
        action=entry.kind,
        subject=entry.subject,
        before=_FACTS.decode(entry.before),
        after=_FACTS.decode(entry.after),
        client=entry.client,
    )
