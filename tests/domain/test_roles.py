"""Roles: who includes whom, and what is one's own."""

import pytest

from smart_ai_router.domain.roles import ADMINISTRATORS_ROLES, Identity, Role

USER = Identity(Role.USER, "user:alice", "alice", "alice")
VIEWER = Identity(Role.BILLING_VIEWER, "administrator:vera", "vera")
ADMIN = Identity(Role.ADMIN, "admin", "admin")


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (USER, {Role.NOBODY, Role.USER}),
        (VIEWER, {Role.NOBODY, Role.USER, Role.BILLING_VIEWER}),
        (ADMIN, set(Role)),
    ],
)
def test_a_role_includes_every_role_below_it(who: Identity, allowed: set[Role]) -> None:
    assert {role for role in Role if who.may(role)} == allowed


def test_what_is_one_s_own_takes_no_higher_role() -> None:
    assert USER.may(Role.ADMIN, own="alice")
    assert not USER.may(Role.ADMIN, own="bob")
    assert not USER.may(Role.ADMIN, own="")
    assert not USER.may(Role.ADMIN)


def test_nobody_without_a_user_id_owns_anything() -> None:
    assert not VIEWER.may(Role.ADMIN, own="vera")
    assert not VIEWER.may(Role.ADMIN, own=None)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_read_as_it_is_written(role: Role) -> None:
    assert Role.of_word(role.word) is role


@pytest.mark.parametrize("word", ["", "ADMIN", "root", "billing-viewer"])
def test_any_other_word_is_no_role(word: str) -> None:
    with pytest.raises(ValueError, match="no role"):
        Role.of_word(word)


def test_administrators_have_two_roles() -> None:
    assert [role.word for role in ADMINISTRATORS_ROLES] == ["admin", "billing_viewer"]
