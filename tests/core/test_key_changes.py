"""Keys that stand: changed, and given another secret."""

from hashlib import sha256

import pytest

from smart_ai_router.core.access_messages import KeyEdit, KeyRotation
from smart_ai_router.core.administration_messages import KeyFacts, NewKey, NewUser
from smart_ai_router.core.key_changes import OVERLAP_S_MAX, KeyIsRevoked
from smart_ai_router.core.users_and_keys import USABLE_KEYS_MAX, FieldInvalid, KeyUnknown, TooManyKeys
from smart_ai_router.domain.errors import Refusal
from tests.core.administration_samples import NOW, Office, by
from tests.core.test_users_and_keys import FullStore


@pytest.fixture
def office() -> Office:
    """With the user alice."""
    office = Office()
    office.verbs.create_user(NewUser("Alice", "alice"), by())
    return office


def new_key(office: Office, **given: object) -> KeyFacts:
    return office.verbs.create_key("alice", NewKey("laptop", **given), by())  # type: ignore[arg-type]


def accepted(office: Office, key: object) -> bool:
    """Whether the gateway takes this key now."""
    hashed = sha256(str(key).encode()).hexdigest()
    now = office.clock.now
    return any(
        grant.sha256_hex == hashed and grant.enabled and (grant.expires_at is None or now < grant.expires_at)
        for grant in office.store.state().keys
    )


# --- change ---


def test_only_what_is_given_changes(office: Office) -> None:
    made = new_key(office, models=("gpt-4o",), requests_per_minute=5, concurrency=2, expires_at="2027-01-31")

    office.verbs.change_key(made.id, KeyEdit(name="ci"), by())
    changed = office.verbs.change_key(made.id, KeyEdit(requests_per_minute=7), by())

    assert (changed.name, changed.requests_per_minute, changed.concurrency) == ("ci", 7, 2)
    assert (changed.models, changed.expires_at, changed.enabled) == (("gpt-4o",), "2027-01-31T00:00:00.000Z", True)
    assert (changed.key_end, changed.effective) == (made.key_end, True)
    assert accepted(office, made.key)


def test_null_takes_a_limit_away_and_an_empty_list_all_models_back(office: Office) -> None:
    made = new_key(office, models=("gpt-4o",), requests_per_minute=5, concurrency=2, expires_at="2027-01-31")

    free = KeyEdit(models=(), requests_per_minute=None, concurrency=None, expires_at=None)
    changed = office.verbs.change_key(made.id, free, by())

    assert (changed.models, changed.requests_per_minute, changed.concurrency, changed.expires_at) == (
        (), None, None, None,
    )  # fmt: skip


def test_a_disabled_key_is_refused_until_it_is_enabled_again(office: Office) -> None:
    made = new_key(office)

    disabled = office.verbs.change_key(made.id, KeyEdit(enabled=False), by())
    assert (disabled.status, accepted(office, made.key)) == ("disabled", False)

    assert office.verbs.change_key(made.id, KeyEdit(enabled=True), by()).status == "active"
    assert accepted(office, made.key)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (KeyEdit(name=""), "name"),
        (KeyEdit(models=("tag:",)), "models"),
        (KeyEdit(requests_per_minute=0), "requestsPerMinute"),
        (KeyEdit(concurrency=-1), "concurrency"),
        (KeyEdit(expires_at="tomorrow"), "expiresAt"),
        (KeyEdit(expires_at="2026-11-22T12:00:00Z"), "expiresAt"),
    ],
)
def test_a_change_that_cannot_be_is_refused_with_its_field(office: Office, edit: KeyEdit, field: str) -> None:
    made = new_key(office)

    with pytest.raises(FieldInvalid) as refused:
        office.verbs.change_key(made.id, edit, by())
    assert refused.value.param == field


def test_an_expired_key_may_be_renamed_and_given_more_time(office: Office) -> None:
    made = new_key(office, expires_at="2026-11-22T12:00:01Z")
    office.clock.now = NOW + 5

    assert office.verbs.change_key(made.id, KeyEdit(name="old"), by()).status == "expired"
    assert office.verbs.change_key(made.id, KeyEdit(expires_at="2026-11-22T12:01:00Z"), by()).status == "active"


def test_a_change_of_nothing_of_nobodys_and_of_a_revoked_key_is_refused(office: Office) -> None:
    made = new_key(office)
    with pytest.raises(FieldInvalid, match="nothing to change"):
        office.verbs.change_key(made.id, KeyEdit(), by())
    with pytest.raises(KeyUnknown):
        office.verbs.change_key("key_x", KeyEdit(name="x"), by())
    office.verbs.revoke_key(made.id, by())
    for ask in (
        lambda: office.verbs.change_key(made.id, KeyEdit(enabled=True), by()),
        lambda: office.verbs.rotate_key(made.id, KeyRotation(), by()),
    ):
        with pytest.raises(KeyIsRevoked) as refused:
            ask()
        assert refused.value.status == 409
    assert not accepted(office, made.key)


class FullLater(FullStore):
    """Holds as many keys as may be, from the first one on."""

    def usable_key_count(self, at_ms: int) -> int:
        return USABLE_KEYS_MAX if self.state().keys else 0


def test_a_key_is_not_enabled_beyond_what_the_gateway_can_hold() -> None:
    office = Office(FullLater())
    office.verbs.create_user(NewUser("Alice", "alice"), by())
    made = new_key(office)
    office.verbs.change_key(made.id, KeyEdit(enabled=False), by())

    with pytest.raises(TooManyKeys):
        office.verbs.change_key(made.id, KeyEdit(enabled=True), by())
    office.verbs.change_key(made.id, KeyEdit(name="still off"), by())


# --- rotation ---


def test_a_rotated_key_keeps_its_id_and_only_the_new_secret_is_accepted(office: Office) -> None:
    made = new_key(office, requests_per_minute=5)

    rotated = office.verbs.rotate_key(made.id, KeyRotation(), by())

    assert isinstance(rotated.key, str)
    assert (rotated.id, rotated.requests_per_minute, rotated.key_end) == (made.id, 5, rotated.key[-4:])
    assert rotated.former_key_until is None
    assert (accepted(office, made.key), accepted(office, rotated.key)) == (False, True)


@pytest.mark.parametrize(("after_s", "is_accepted"), [(59.999, True), (60, False), (61, False)])
def test_with_an_overlap_the_former_secret_is_accepted_until_it_is_over(
    office: Office, after_s: float, is_accepted: bool
) -> None:
    made = new_key(office)
    rotated = office.verbs.rotate_key(made.id, KeyRotation(60), by())
    office.clock.now = NOW + after_s

    assert rotated.former_key_until == "2026-11-22T12:01:00.000Z"
    assert (accepted(office, made.key), accepted(office, rotated.key)) == (is_accepted, True)


def test_a_revocation_ends_both_secrets(office: Office) -> None:
    made = new_key(office)
    rotated = office.verbs.rotate_key(made.id, KeyRotation(60), by())
    office.verbs.revoke_key(made.id, by())

    assert not accepted(office, made.key)
    assert not accepted(office, rotated.key)


def test_a_repeated_rotation_is_done_once_and_does_not_show_the_key_again(office: Office) -> None:
    made = new_key(office)
    first = office.verbs.rotate_key(made.id, KeyRotation(), by("r1"))
    second = office.verbs.rotate_key(made.id, KeyRotation(), by("r1"))

    assert (second.key, second.key_end) == (None, first.key_end)
    assert accepted(office, first.key)
    with pytest.raises(Refusal) as refused:
        office.verbs.rotate_key(made.id, KeyRotation(60), by("r1"))
    assert refused.value.status == 409


@pytest.mark.parametrize("overlap", [-1, OVERLAP_S_MAX + 1])
def test_an_overlap_has_bounds(office: Office, overlap: int) -> None:
    made = new_key(office)

    with pytest.raises(FieldInvalid, match="overlapSeconds"):
        office.verbs.rotate_key(made.id, KeyRotation(overlap), by())
    assert office.verbs.rotate_key(made.id, KeyRotation(OVERLAP_S_MAX), by()).key


def test_no_secret_stands_in_actions_or_audit(office: Office) -> None:
    made = new_key(office)
    rotated = office.verbs.rotate_key(made.id, KeyRotation(60), by())

    written = b"\n".join(office.log.read().lines).decode()
    told = repr(office.verbs.audit())
    for secret in (str(made.key), str(rotated.key)):
        assert secret not in written + told
        assert sha256(secret.encode()).hexdigest() not in told
