"""Administrators: made, changed, locked out; their passwords are nowhere."""

import unicodedata

import pytest

from smart_ai_router.core.access_messages import AdministratorEdit, NewAdministrator
from smart_ai_router.core.administration import IdempotencyConflict
from smart_ai_router.core.administrators import (
    PASSWORD_CHARACTERS_MAX,
    AdministratorExists,
    AdministratorUnknown,
    checked_password,
)
from smart_ai_router.core.users_and_keys import FieldInvalid, IdInvalid
from tests.core.administration_samples import Office, QuickHasher, by

PASSWORD = "correct horse battery"


@pytest.fixture
def office() -> Office:
    """With the administrator carol."""
    office = Office()
    office.verbs.create_administrator(NewAdministrator("carol", PASSWORD), by())
    return office


def hash_of(office: Office, username: str = "carol") -> str:
    row = office.store.administrator(username)
    assert row is not None
    return row.password_hash


def test_an_administrator_is_made_and_listed(office: Office) -> None:
    made = office.verbs.create_administrator(NewAdministrator("books", PASSWORD, "billing_viewer"), by())

    assert (made.username, made.role, made.enabled, made.created_at) == (
        "books", "billing_viewer", True, "2026-11-22T12:00:00.000Z",
    )  # fmt: skip
    listed = office.verbs.administrators().administrators
    assert [(each.username, each.role) for each in listed] == [("books", "billing_viewer"), ("carol", "admin")]


def test_a_name_is_given_once(office: Office) -> None:
    with pytest.raises(AdministratorExists):
        office.verbs.create_administrator(NewAdministrator("carol", "another long password"), by())
    assert QuickHasher().fits(PASSWORD, hash_of(office))


@pytest.mark.parametrize("username", ["", "a b", "x" * 65, "carol\n", "../x", "卡罗尔"])
def test_a_name_is_an_id(office: Office, username: str) -> None:
    with pytest.raises(IdInvalid):
        office.verbs.create_administrator(NewAdministrator(username, PASSWORD), by())


@pytest.mark.parametrize("role", ["", "user", "nobody", "ADMIN", "root"])
def test_a_role_is_one_of_two(office: Office, role: str) -> None:
    with pytest.raises(FieldInvalid, match="no role: admin or billing_viewer"):
        office.verbs.create_administrator(NewAdministrator("x", PASSWORD, role), by())
    with pytest.raises(FieldInvalid, match="no role"):
        office.verbs.change_administrator("carol", AdministratorEdit(role=role), by())


@pytest.mark.parametrize("length", [12, PASSWORD_CHARACTERS_MAX])
def test_a_password_of_these_lengths_is_taken(length: int) -> None:
    assert len(checked_password("ab" * (length // 2), "carol")) == length


@pytest.mark.parametrize("password", ["", "ab" * 5 + "c", "ab" * 512 + "c", "aaaaaaaaaaaaaaaa"])
def test_a_password_too_short_too_long_or_too_simple_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        checked_password(password, "carol")
    assert refused.value.param == "password"
    assert not password or password not in refused.value.message


def test_a_password_is_not_the_name() -> None:
    with pytest.raises(FieldInvalid, match="easy to guess"):
        checked_password("Administrator1", "administrator1")


def test_one_password_typed_on_two_keyboards_is_one_password() -> None:
    typed = "Zoë's long password"

    forms = {checked_password(unicodedata.normalize(form, typed), "carol") for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(forms) == 1


def test_only_what_is_given_changes(office: Office) -> None:
    before = hash_of(office)
    changed = office.verbs.change_administrator("carol", AdministratorEdit(role="billing_viewer"), by())

    assert (changed.role, changed.enabled, hash_of(office)) == ("billing_viewer", True, before)
    office.verbs.change_administrator("carol", AdministratorEdit(password="another long password"), by())
    assert QuickHasher().fits("another long password", hash_of(office))


def test_a_lock_is_an_action_of_its_own(office: Office) -> None:
    assert office.verbs.change_administrator("carol", AdministratorEdit(enabled=False), by()).enabled is False
    assert office.verbs.change_administrator("carol", AdministratorEdit(enabled=True), by()).enabled is True
    with pytest.raises(FieldInvalid, match="by itself"):
        office.verbs.change_administrator("carol", AdministratorEdit(enabled=False, role="admin"), by())

    assert [entry.action for entry in office.verbs.audit().entries] == [
        "administrator_changed", "administrator_disabled", "administrator_created",
    ]  # fmt: skip


def test_a_change_of_nothing_or_of_nobody_is_refused(office: Office) -> None:
    with pytest.raises(FieldInvalid, match="nothing to change"):
        office.verbs.change_administrator("carol", AdministratorEdit(), by())
    with pytest.raises(AdministratorUnknown):
        office.verbs.change_administrator("dan", AdministratorEdit(role="admin"), by())


def test_a_repeated_creation_is_done_once_and_with_another_password_refused(office: Office) -> None:
    first = office.verbs.create_administrator(NewAdministrator("dan", PASSWORD), by("k1"))

    assert office.verbs.create_administrator(NewAdministrator("dan", PASSWORD), by("k1")) == first
    with pytest.raises(IdempotencyConflict):
        office.verbs.create_administrator(NewAdministrator("dan", "another long password"), by("k1"))
    with pytest.raises(IdempotencyConflict):
        office.verbs.create_administrator(NewAdministrator("eve", PASSWORD), by("k1"))


def test_a_repeated_password_change_is_done_once_and_with_another_password_refused(office: Office) -> None:
    edit = AdministratorEdit(password="another long password")
    office.verbs.change_administrator("carol", edit, by("k2"))
    epoch = office.store.administrators()[0].epoch

    office.verbs.change_administrator("carol", edit, by("k2"))

    assert office.store.administrators()[0].epoch == epoch
    with pytest.raises(IdempotencyConflict):
        office.verbs.change_administrator("carol", AdministratorEdit(password="a third long password"), by("k2"))


def test_equal_requests_with_different_passwords_leave_the_same_trace_in_the_actions() -> None:
    """What is compared of repeated requests is a fast hash: from it nobody may guess a password."""
    fingerprints = set()
    for password in (PASSWORD, "another long password"):
        office = Office()
        office.verbs.create_administrator(NewAdministrator("carol", password), by())
        done = office.store.action(1)
        assert done is not None
        fingerprints.add(done.request)

    assert len(fingerprints) == 1


def test_no_password_stands_in_actions_or_audit(office: Office) -> None:
    office.verbs.change_administrator("carol", AdministratorEdit(password="another long password"), by())

    written = b"\n".join(office.log.read().lines).decode() + repr(office.verbs.audit())
    assert PASSWORD not in written
    assert "another long password" not in written
    assert hash_of(office) not in repr(office.verbs.audit())


def test_gateways_are_not_told_of_administrators() -> None:
    told: list[int] = []
    office = Office(tell_gateways=lambda: bool(told.append(1)))
    office.verbs.create_administrator(NewAdministrator("carol", PASSWORD), by())

    assert told == []
