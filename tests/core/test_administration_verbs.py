"""The audit record as it is told. The other verbs have files of their own."""

import pytest

from smart_ai_router.core.administration_messages import NewKey, NewUser, UserEdit
from smart_ai_router.core.users_and_keys import FieldInvalid
from tests.core.administration_samples import Office, by


@pytest.fixture
def office() -> Office:
    """Four things were done."""
    office = Office()
    office.verbs.create_user(NewUser("Alice", "alice"), by())
    office.verbs.change_user("alice", UserEdit(enabled=False), by())
    key = office.verbs.create_key("alice", NewKey("laptop"), by())
    office.verbs.revoke_key(key.id, by())
    return office


def test_the_record_is_told_newest_first_and_without_secrets(office: Office) -> None:
    entries = office.verbs.audit().entries

    assert [entry.action for entry in entries] == ["key_revoked", "key_created", "user_changed", "user_created"]
    assert (entries[2].before["enabled"], entries[2].after["enabled"]) == (True, False)
    assert (entries[0].actor, entries[0].client, entries[0].at) == ("admin", "192.0.2.7", "2026-11-22T12:00:00.000Z")
    assert "sha256_hex" not in {name for entry in entries for name in (*entry.before, *entry.after)}


def test_the_record_comes_in_pages_and_by_subject(office: Office) -> None:
    first = office.verbs.audit(limit=3)
    second = office.verbs.audit(first.next_cursor, limit=3)

    assert [entry.number for entry in first.entries] == [4, 3, 2]
    assert [entry.number for entry in second.entries] == [1]
    assert second.next_cursor is None
    assert [entry.number for entry in office.verbs.audit(subject="user:alice").entries] == [2, 1]


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 19, "１"])
def test_a_cursor_of_another_make_is_refused(office: Office, cursor: str) -> None:
    with pytest.raises(FieldInvalid, match="no cursor"):
        office.verbs.audit(cursor)
