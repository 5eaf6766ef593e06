"""The record of who did what, as a file."""

import csv
import io

import pytest

from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_messages import NewUser
from smart_ai_router.core.audit_export import export_audit
from smart_ai_router.core.audit_record import AuditQuestion
from smart_ai_router.core.users_and_keys import FieldInvalid
from tests.core.administration_samples import Office, by
from tests.core.test_audit_record import four_things_done


@pytest.fixture
def office() -> Office:
    return four_things_done()


def exported(office: Office, subject: str | None = None, **asked: str) -> list[list[str]]:
    text = "".join(export_audit(office.verbs, subject, AuditQuestion(**asked)))
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline="")))


@pytest.mark.parametrize("asked", [{"since": "yesterday"}, {"until": "2026-02-30"}])
def test_what_is_no_moment_is_refused_before_the_file_begins(office: Office, asked: dict[str, str]) -> None:
    with pytest.raises(FieldInvalid):
        export_audit(office.verbs, None, AuditQuestion(**asked))


def test_s12_the_file_holds_every_entry_and_no_formula(office: Office) -> None:
    office.verbs.create_user(NewUser("x", "-1"), Origin("=1+1", "@SUM(A1)"))

    header, *rows = exported(office)

    assert header == ["number", "at", "actor", "action", "subject", "before", "after", "client"]
    assert [row[0] for row in rows] == ["5", "4", "3", "2", "1"]
    assert (rows[0][2], rows[0][7]) == ("'=1+1", "'@SUM(A1)")
    assert rows[4][1:5] == ["2026-11-22T12:00:00.000Z", "admin", "user_created", "user:alice"]
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


def test_the_file_is_filtered_as_the_record_is(office: Office) -> None:
    assert [row[0] for row in exported(office, "user:bob", actor="admin")[1:]] == ["4"]
    assert exported(office, actor="nobody")[1:] == []


def test_the_file_goes_over_more_than_one_page() -> None:
    office = Office()
    for number in range(1001):
        office.verbs.create_user(NewUser("x", f"u{number}"), by())

    assert [row[0] for row in exported(office)[1:]] == [str(number) for number in range(1001, 0, -1)]
