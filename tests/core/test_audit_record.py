"""The record of who did what, by page. As a file: `test_audit_export.py`."""

import pytest

from smart_ai_router.core.administration import Origin
from smart_ai_router.core.administration_messages import NewUser, UserEdit
from smart_ai_router.core.audit_record import AuditQuestion
from smart_ai_router.core.users_and_keys import FieldInvalid
from tests.core.administration_samples import NOW, Office, by

CAROL = Origin("administrator:carol", "192.0.2.8")


@pytest.fixture
def office() -> Office:
    return four_things_done()


def four_things_done() -> Office:
    """One a minute, by two people."""
    office = Office()
    office.verbs.create_user(NewUser("Alice", "alice"), by())
    office.clock.now = NOW + 60
    office.verbs.create_user(NewUser("Bob", "bob"), CAROL)
    office.clock.now = NOW + 120
    office.verbs.change_user("alice", UserEdit(name="=cmd|' /C calc'!A0"), CAROL)
    office.clock.now = NOW + 180
    office.verbs.change_user("bob", UserEdit(enabled=False), by())
    return office


def numbers(office: Office, subject: str | None = None, **asked: str) -> list[int]:
    return [entry.number for entry in office.verbs.audit(None, 100, subject, AuditQuestion(**asked)).entries]


def test_the_record_is_filtered_by_actor_action_subject_and_time(office: Office) -> None:
    assert numbers(office) == [4, 3, 2, 1]
    assert numbers(office, actor="administrator:carol") == [3, 2]
    assert numbers(office, action="user_changed") == [4, 3]
    assert numbers(office, "user:alice") == [3, 1]
    assert numbers(office, "user:alice", actor="admin", action="user_created") == [1]
    assert numbers(office, actor="nobody") == []


def test_of_two_moments_the_first_is_included_and_the_second_is_not(office: Office) -> None:
    assert numbers(office, since="2026-11-22T12:01:00Z") == [4, 3, 2]
    assert numbers(office, until="2026-11-22T12:01:00Z") == [1]
    assert numbers(office, since="2026-11-22T12:01:00Z", until="2026-11-22T12:02:00Z") == [2]
    assert numbers(office, since="2026-11-22T20:01:00.001+08:00", until="2026-11-22T12:02:00.001Z") == [3]
    assert numbers(office, since="2026-11-23") == []


@pytest.mark.parametrize("asked", [{"since": "yesterday"}, {"until": "2026-02-30"}, {"since": "2026-11-22T12:00:00"}])
def test_what_is_no_moment_is_refused_at_once(office: Office, asked: dict[str, str]) -> None:
    with pytest.raises(FieldInvalid):
        numbers(office, **asked)


def test_pages_of_a_filtered_record_meet_while_more_is_done(office: Office) -> None:
    asked = AuditQuestion(action="user_changed")
    first = office.verbs.audit(None, 1, None, asked)
    office.verbs.change_user("alice", UserEdit(name="A"), by())
    second = office.verbs.audit(first.next_cursor, 1, None, asked)

    assert [entry.number for entry in (*first.entries, *second.entries)] == [4, 3]
    assert second.next_cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1" * 19, "1 OR 1"])
def test_a_cursor_of_something_else_is_refused(office: Office, cursor: str) -> None:
    with pytest.raises(FieldInvalid, match="no cursor"):
        office.verbs.audit(cursor)
