"""What an action makes of a key or an administrator."""

from msgspec.structs import replace

from smart_ai_router.core.access_rows import (
    AdministratorRow,
    access_after,
    access_subject,
    administrator_facts,
    changed_administrator,
    changed_key,
    created_key,
    key_grants,
)
from smart_ai_router.core.actions import (
    AdministratorChanged,
    AdministratorCreated,
    AdministratorDisabled,
    KeyChanged,
    KeyRevoked,
    KeyRotated,
    LoggedIn,
    LoginsFailed,
)
from tests.core.administration_samples import NOW_MS, key_created

CAROL = AdministratorRow("carol", "admin", True, "hash", NOW_MS, 1)
KEY = created_key(key_created(expires_ms=NOW_MS + 5000), NOW_MS)
NEW = "ab" * 32


def test_a_rotated_key_has_its_new_secret_and_for_a_while_the_former_one() -> None:
    rotated = changed_key(KeyRotated("key_1", NEW, "wxyz", NOW_MS + 1000), KEY, NOW_MS)

    assert rotated is not None
    assert rotated.hashes == (NEW, KEY.sha256_hex)
    now, former = key_grants(rotated)
    assert (now.id, now.sha256_hex, now.expires_at) == ("key_1", NEW, (NOW_MS + 5000) / 1000)
    assert (former.id, former.sha256_hex, former.expires_at) == ("key_1", KEY.sha256_hex, (NOW_MS + 1000) / 1000)


def test_the_former_secret_does_not_outlive_its_key() -> None:
    rotated = changed_key(KeyRotated("key_1", NEW, "wxyz", NOW_MS + 60_000), KEY, NOW_MS)

    assert rotated is not None
    assert key_grants(rotated)[1].expires_at == (NOW_MS + 5000) / 1000


def test_without_an_overlap_the_former_secret_is_nobodys() -> None:
    rotated = changed_key(KeyRotated("key_1", NEW, "wxyz"), KEY, NOW_MS)

    assert rotated is not None
    assert rotated.hashes == (NEW,)
    assert [grant.sha256_hex for grant in key_grants(rotated)] == [NEW]


def test_of_two_rotations_the_first_secret_ends_at_the_second() -> None:
    once = changed_key(KeyRotated("key_1", NEW, "wxyz", NOW_MS + 1000), KEY, NOW_MS)
    twice = changed_key(KeyRotated("key_1", "cd" * 32, "rstu", NOW_MS + 2000), once, NOW_MS)

    assert twice is not None
    assert twice.hashes == ("cd" * 32, NEW)


def test_a_revoked_key_has_no_former_secret_and_never_changes_again() -> None:
    rotated = changed_key(KeyRotated("key_1", NEW, "wxyz", NOW_MS + 1000), KEY, NOW_MS)
    revoked = changed_key(KeyRevoked("key_1"), rotated, NOW_MS + 1)

    assert revoked is not None
    assert (revoked.hashes, revoked.revoked_ms) == ((NEW,), NOW_MS + 1)
    for change in (KeyRotated("key_1", "cd" * 32, "x"), KeyChanged("key_1", "x", True), KeyRevoked("key_1")):
        assert changed_key(change, revoked, NOW_MS + 2) is None
        assert changed_key(change, None, NOW_MS) is None


def test_a_changed_key_is_as_it_stands_in_the_change_and_keeps_its_secret() -> None:
    changed = changed_key(KeyChanged("key_1", "ci", False, ("m",), 5, 2, None), KEY, NOW_MS)

    assert changed == replace(
        KEY, name="ci", enabled=False, models=("m",), requests_per_minute_max=5, concurrency_max=2, expires_ms=None
    )
    assert not changed.is_usable(NOW_MS)
    assert [grant.enabled for grant in key_grants(changed)] == [False]


def test_an_administrator_is_made_once() -> None:
    change = AdministratorCreated("carol", "hash", "admin")

    assert changed_administrator(change, None, 1, NOW_MS) == CAROL
    assert changed_administrator(replace(change, password_hash="other"), CAROL, 2, NOW_MS) is None


def test_a_new_password_and_a_lock_begin_an_epoch_and_a_role_does_not() -> None:
    def epoch_after(change: AdministratorChanged | AdministratorDisabled) -> int:
        row = changed_administrator(change, CAROL, 7, NOW_MS)
        assert row is not None
        return row.epoch

    assert epoch_after(AdministratorChanged("carol", password_hash="new")) == 7
    assert epoch_after(AdministratorDisabled("carol")) == 7
    assert epoch_after(AdministratorChanged("carol", enabled=False)) == 7
    assert epoch_after(AdministratorChanged("carol", role="billing_viewer")) == 1
    assert epoch_after(AdministratorChanged("carol", enabled=True)) == 1


def test_nobody_is_changed_who_is_not_there_or_disabled_twice() -> None:
    assert changed_administrator(AdministratorChanged("dan", role="admin"), None, 2, NOW_MS) is None
    assert changed_administrator(AdministratorDisabled("dan"), None, 2, NOW_MS) is None
    assert changed_administrator(AdministratorDisabled("carol"), replace(CAROL, enabled=False), 2, NOW_MS) is None
    assert changed_administrator(LoggedIn("administrator:carol"), None, 2, NOW_MS) is None


def test_the_audit_record_shows_no_hash_and_that_a_password_is_new() -> None:
    assert administrator_facts(CAROL) == {"username": "carol", "role": "admin", "enabled": True}
    assert access_after(AdministratorChanged("carol", password_hash="new"), CAROL)["password"] == "changed"
    assert "password" not in access_after(AdministratorChanged("carol", role="admin"), CAROL)
    assert access_after(LoginsFailed("unknown", 7), None) == {"times": 7}
    assert access_subject(LoggedIn("key:key_1")) == "key:key_1"
    assert access_subject(AdministratorDisabled("carol")) == "administrator:carol"
