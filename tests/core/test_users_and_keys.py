"""Users and their keys: what is made, what is refused, what is told."""

import base64
from decimal import Decimal
from hashlib import sha256

import pytest

from smart_ai_router.adapters.memory_administration import MemoryActionLog, MemoryAdministration
from smart_ai_router.core.administration_messages import KeyFacts, NewKey, NewUser, UserEdit
from smart_ai_router.core.administration_verbs import AdministrationVerbs
from smart_ai_router.core.users_and_keys import (
    MODELS_MAX,
    USABLE_KEYS_MAX,
    FieldInvalid,
    IdInvalid,
    KeyUnknown,
    TooManyKeys,
    UserExists,
    UserUnknown,
)
from smart_ai_router.domain.errors import Refusal
from tests.core.administration_samples import NOW, Office, by


@pytest.fixture
def office() -> Office:
    """With the user alice."""
    office = Office()
    office.verbs.create_user(NewUser("Alice", "alice"), by())
    return office


def new_key(office: Office, **given: object) -> KeyFacts:
    return office.verbs.create_key("alice", NewKey("laptop", **given), by())  # type: ignore[arg-type]


# --- users ---


def test_a_user_gets_the_id_that_was_asked_for_or_one_of_its_own(office: Office) -> None:
    named = office.verbs.create_user(NewUser("Bob", "bob", Decimal("0.80")), by())
    unnamed = office.verbs.create_user(NewUser("Bob"), by())

    assert (named.id, named.group_ratio, named.enabled, named.created_at) == (
        "bob",
        Decimal("0.8"),
        True,
        "2026-11-22T12:00:00.000Z",
    )
    assert unnamed.id.startswith("user_")
    assert office.verbs.user(unnamed.id).name == "Bob"


@pytest.mark.parametrize("user_id", ["a", "A.b_c-9", "x" * 64])
def test_an_id_of_letters_digits_and_three_marks_is_taken(office: Office, user_id: str) -> None:
    assert office.verbs.create_user(NewUser("U", user_id), by()).id == user_id


@pytest.mark.parametrize("user_id", ["", "x" * 65, "a b", "a/b", "ü", "a\n", "a'--", "../x", "a\u2028"])
def test_any_other_id_is_refused(office: Office, user_id: str) -> None:
    with pytest.raises(IdInvalid) as refused:
        office.verbs.create_user(NewUser("U", user_id), by())
    assert refused.value.status == 400


@pytest.mark.parametrize("name", ["x", "张三", "O'Brien <b>", "x" * 128, "=cmd()"])
def test_a_name_is_any_visible_text(office: Office, name: str) -> None:
    assert office.verbs.create_user(NewUser(f" {name} "), by()).name == name


@pytest.mark.parametrize("name", ["", "  ", "x" * 129, "a\nb", "a\x1b[31m", "a\u2028b", "a\u202eb", "a\u200bb", "\x00"])
def test_a_name_with_hidden_characters_is_refused(office: Office, name: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        office.verbs.create_user(NewUser(name), by())
    assert (refused.value.status, refused.value.param) == (400, "name")


@pytest.mark.parametrize("ratio", ["0", "1", "0.123456789", "1000"])
def test_a_group_ratio_is_exact(office: Office, ratio: str) -> None:
    assert office.verbs.create_user(NewUser("U", None, Decimal(ratio)), by()).group_ratio == Decimal(ratio)


@pytest.mark.parametrize("ratio", ["-0.1", "-0", "1000.1", "0.1234567891", "NaN", "Infinity", "1E-20"])
def test_a_group_ratio_out_of_bounds_is_refused(office: Office, ratio: str) -> None:
    with pytest.raises(FieldInvalid, match="group ratio"):
        office.verbs.create_user(NewUser("U", None, Decimal(ratio)), by())


def test_an_id_is_given_once(office: Office) -> None:
    with pytest.raises(UserExists) as refused:
        office.verbs.create_user(NewUser("Another", "alice"), by())
    assert (refused.value.status, office.verbs.user("alice").name) == (409, "Alice")


def test_only_what_is_given_changes(office: Office) -> None:
    office.verbs.change_user("alice", UserEdit(group_ratio=Decimal("0.5")), by())
    office.verbs.change_user("alice", UserEdit(enabled=False), by())
    changed = office.verbs.change_user("alice", UserEdit(name="Alice B"), by())

    assert (changed.name, changed.enabled, changed.group_ratio) == ("Alice B", False, Decimal("0.5"))
    assert changed.created_at == office.verbs.user("alice").created_at


def test_a_change_of_nothing_or_of_nobody_is_refused(office: Office) -> None:
    with pytest.raises(FieldInvalid, match="nothing to change"):
        office.verbs.change_user("alice", UserEdit(), by())
    with pytest.raises(UserUnknown) as refused:
        office.verbs.change_user("bob", UserEdit(enabled=False), by())
    assert refused.value.status == 404
    with pytest.raises(UserUnknown):
        office.verbs.user("bob")


def test_a_repeated_change_is_told_as_it_was_made(office: Office) -> None:
    first = office.verbs.change_user("alice", UserEdit(name="A1"), by("k1"))
    office.verbs.change_user("alice", UserEdit(name="A2"), by("k2"))

    assert office.verbs.change_user("alice", UserEdit(name="A1"), by("k1")) == first
    assert office.verbs.user("alice").name == "A2"


def test_users_come_in_pages(office: Office) -> None:
    for name in ("b", "c", "d"):
        office.verbs.create_user(NewUser(name, name), by())

    first = office.verbs.users(limit=2)
    second = office.verbs.users(first.next_cursor or "", limit=2)

    assert ([user.id for user in first.users], first.next_cursor) == (["alice", "b"], "b")
    assert ([user.id for user in second.users], second.next_cursor) == (["c", "d"], None)


@pytest.mark.parametrize("limit", [-1, 0, 1001])
def test_a_page_has_a_length(office: Office, limit: int) -> None:
    for ask in (
        office.verbs.users,
        lambda limit: office.verbs.keys(limit=limit),
        lambda limit: office.verbs.audit(limit=limit),
    ):
        with pytest.raises(FieldInvalid, match="limit"):
            ask(limit=limit)


# --- keys ---


def test_a_key_is_32_random_bytes_shown_once_and_kept_as_a_hash(office: Office) -> None:
    made = new_key(office)

    assert isinstance(made.key, str)
    assert made.key.startswith("sk-sar-")
    assert len(base64.urlsafe_b64decode(made.key.removeprefix("sk-sar-") + "=")) == 32
    assert made.key_end == made.key[-4:]
    row = office.store.key(made.id)
    assert row is not None
    assert row.sha256_hex == sha256(made.key.encode()).hexdigest()
    assert isinstance(office.log, MemoryActionLog)
    assert made.key not in b"\n".join(office.log.lines).decode()
    assert "key=" not in repr(office.verbs.keys("alice").keys[0]).replace("key=UNSET", "")


def test_two_keys_differ(office: Office) -> None:
    first, second = new_key(office), new_key(office)

    assert first.key != second.key
    assert first.id != second.id


def test_a_repeated_creation_makes_no_second_key_and_does_not_show_the_first(office: Office) -> None:
    first = office.verbs.create_key("alice", NewKey("laptop"), by("k1"))
    second = office.verbs.create_key("alice", NewKey("laptop"), by("k1"))

    assert (second.id, second.key, second.key_end) == (first.id, None, first.key_end)
    assert len(office.verbs.keys().keys) == 1


def test_one_idempotency_key_serves_one_user(office: Office) -> None:
    office.verbs.create_user(NewUser("Bob", "bob"), by())
    office.verbs.create_key("alice", NewKey("laptop"), by("k1"))

    with pytest.raises(Refusal) as refused:
        office.verbs.create_key("bob", NewKey("laptop"), by("k1"))
    assert refused.value.status == 409


def test_a_key_says_what_it_may_do(office: Office) -> None:
    made = new_key(
        office,
        models=(" gpt-4o-mini", "tag:free,!local", "gpt-4o-mini"),
        expires_at="2027-01-31T08:00:00+08:00",
        requests_per_minute=60,
        concurrency=4,
    )

    assert made.models == ("gpt-4o-mini", "tag:free,!local")
    assert (made.expires_at, made.requests_per_minute, made.concurrency) == ("2027-01-31T00:00:00.000Z", 60, 4)
    assert (made.status, made.user_id, made.revoked_at) == ("active", "alice", None)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"models": ("tag:",)}, "models"),
        ({"models": ("auto:best",)}, "models"),
        ({"models": ("",)}, "models"),
        ({"models": ("a\nb",)}, "models"),
        ({"models": ("m" * 257,)}, "models"),
        ({"models": tuple(f"m{number}" for number in range(MODELS_MAX + 1))}, "models"),
        ({"requests_per_minute": 0}, "requestsPerMinute"),
        ({"requests_per_minute": -1}, "requestsPerMinute"),
        ({"concurrency": 10**10}, "concurrency"),
        ({"expires_at": "tomorrow"}, "expiresAt"),
        ({"expires_at": "2027-02-30"}, "expiresAt"),
        ({"expires_at": "2027-01-31T08:00:00"}, "expiresAt"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_its_field(office: Office, given: dict[str, object], field: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        new_key(office, **given)
    assert (refused.value.status, refused.value.param) == (400, field)
    assert not office.verbs.keys().keys


@pytest.mark.parametrize(
    ("expires_at", "good"),
    [("2026-11-22T11:59:59Z", False), ("2026-11-22T12:00:00Z", False), ("2026-11-22T12:00:00.001Z", True)],
)
def test_a_key_expires_in_the_future(office: Office, expires_at: str, good: bool) -> None:
    if good:
        assert new_key(office, expires_at=expires_at).status == "active"
    else:
        with pytest.raises(FieldInvalid, match="has passed"):
            new_key(office, expires_at=expires_at)


def test_a_key_for_nobody_is_refused(office: Office) -> None:
    with pytest.raises(UserUnknown):
        office.verbs.create_key("bob", NewKey("laptop"), by())
    with pytest.raises(UserUnknown):
        office.verbs.keys("bob")


def test_a_repeated_creation_is_told_even_when_its_key_has_expired_since(office: Office) -> None:
    asked = NewKey("laptop", expires_at="2026-11-22T12:00:01Z")
    office.verbs.create_key("alice", asked, by("k1"))
    office.clock.now = NOW + 5

    assert office.verbs.create_key("alice", asked, by("k1")).status == "expired"


def test_the_status_of_a_key_follows_its_user_its_expiry_and_its_revocation(office: Office) -> None:
    made = new_key(office, expires_at="2026-11-22T12:00:01Z")
    office.verbs.change_user("alice", UserEdit(enabled=False), by())
    assert office.verbs.keys("alice").keys[0].status == "user_disabled"

    office.verbs.change_user("alice", UserEdit(enabled=True), by())
    assert office.verbs.keys("alice").keys[0].status == "active"

    office.clock.now = NOW + 1
    assert office.verbs.keys("alice").keys[0].status == "expired"

    assert office.verbs.revoke_key(made.id, by()).status == "revoked"


def test_a_key_is_revoked_for_good(office: Office) -> None:
    made = new_key(office)

    revoked = office.verbs.revoke_key(made.id, by())
    office.clock.now = NOW + 60
    again = office.verbs.revoke_key(made.id, by())

    assert (revoked.status, revoked.revoked_at, revoked.effective) == ("revoked", "2026-11-22T12:00:00.000Z", True)
    assert again.revoked_at == revoked.revoked_at
    assert [entry.action for entry in office.verbs.audit().entries].count("key_revoked") == 1


def test_a_key_that_is_not_there_is_refused_with_where_it_may_be(office: Office) -> None:
    with pytest.raises(KeyUnknown, match=r"there is no key 'key_x'$") as refused:
        office.verbs.revoke_key("key_x", by())
    assert refused.value.status == 404
    with pytest.raises(KeyUnknown, match="configuration file"):
        office.verbs.revoke_key("config:alice", by())


def test_keys_of_one_user_and_of_all_come_in_pages(office: Office) -> None:
    office.verbs.create_user(NewUser("Bob", "bob"), by())
    mine = sorted(new_key(office).id for _ in range(3))
    his = office.verbs.create_key("bob", NewKey("phone"), by()).id

    page = office.verbs.keys("alice", limit=2)
    rest = office.verbs.keys("alice", page.next_cursor or "", limit=2)

    assert [key.id for key in (*page.keys, *rest.keys)] == mine
    assert {key.id for key in office.verbs.keys().keys} == {*mine, his}


class FullStore(MemoryAdministration):
    """Holds as many keys as may be."""

    def usable_key_count(self, at_ms: int) -> int:
        return USABLE_KEYS_MAX


def test_there_are_no_more_keys_than_the_gateway_can_hold() -> None:
    office = Office(FullStore())
    office.verbs.create_user(NewUser("Alice", "alice"), by())

    with pytest.raises(TooManyKeys, match="revoke some"):
        new_key(office)


def test_the_office_is_what_the_api_calls(office: Office) -> None:
    verbs: AdministrationVerbs = office.verbs

    assert verbs.user("alice").id == "alice"
