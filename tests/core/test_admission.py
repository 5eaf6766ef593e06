"""Who may call."""

from dataclasses import replace
from hashlib import sha256

import pytest

from smart_ai_router.core.admission import Keyring, is_local_caller
from smart_ai_router.core.snapshot import AccessPolicy, KeyGrant, User
from smart_ai_router.domain.errors import KeyInvalid
from tests.core.playbook import NOON, USER_KEY, snapshot

LOCAL = {"host": "localhost:7601", "user-agent": "curl/8"}
GRANT = KeyGrant("k1", sha256(USER_KEY.encode()).hexdigest(), "u1", "laptop")


def test_a_key_is_known_by_its_hash_and_names_its_user() -> None:
    caller, grant = Keyring(snapshot()).identify({"authorization": f"Bearer {USER_KEY}"}, "10.0.0.9", NOON)
    assert (caller.user_id, caller.api_key_id) == ("u1", "k1")
    assert grant is not None
    again, _ = Keyring(snapshot()).identify({"x-api-key": USER_KEY}, "10.0.0.9", NOON)
    assert again.user_id == "u1"


REFUSED = {
    "unknown": {},
    "disabled": {"keys": (replace(GRANT, enabled=False),)},
    "expired": {"keys": (replace(GRANT, expires_at=NOON),)},
    "of a disabled user": {"users": (User("u1", "Ann", enabled=False),)},
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_bad_key_is_answered_alike(case: str) -> None:
    key = "sk-unknown" if case == "unknown" else USER_KEY
    with pytest.raises(KeyInvalid) as refused:
        Keyring(snapshot(**REFUSED[case])).identify({"authorization": f"Bearer {key}", **LOCAL}, "127.0.0.1", NOON)
    assert refused.value.message == "the API key is not valid; ask your administrator for one"
    assert refused.value.status == 401


def test_a_key_works_until_the_moment_it_expires() -> None:
    keyring = Keyring(snapshot(keys=(replace(GRANT, expires_at=NOON),)))
    caller, _ = keyring.identify({"authorization": f"Bearer {USER_KEY}"}, "10.0.0.9", NOON - 0.001)
    assert caller.user_id == "u1"


def test_without_a_key_only_a_program_on_this_machine_is_served() -> None:
    keyring = Keyring(snapshot())
    caller, grant = keyring.identify(LOCAL, "127.0.0.1", NOON)
    assert (caller.user_id, grant) == (None, None)
    with pytest.raises(KeyInvalid):
        keyring.identify(LOCAL, "10.0.0.9", NOON)


@pytest.mark.parametrize(
    "policy", [AccessPolicy(keys_required=True), AccessPolicy(anonymous_loopback=False)], ids=["required", "closed"]
)
def test_when_keys_are_required_this_machine_needs_one_too(policy: AccessPolicy) -> None:
    with pytest.raises(KeyInvalid, match="required"):
        Keyring(snapshot(access=policy)).identify(LOCAL, "127.0.0.1", NOON)


def test_a_placeholder_key_is_no_obstacle_while_no_keys_exist() -> None:
    caller, grant = Keyring(snapshot(keys=())).identify({"authorization": "Bearer EMPTY", **LOCAL}, "127.0.0.1", NOON)
    assert (caller.user_id, grant) == (None, None)


FOREIGN = {
    "a proxy in front": ({**LOCAL, "x-forwarded-for": "1.2.3.4"}, "127.0.0.1"),
    "another proxy header": ({**LOCAL, "via": "1.1 edge"}, "127.0.0.1"),
    "a rebound name": ({"host": "evil.example.com:7601"}, "127.0.0.1"),
    "a name that only begins like ours": ({"host": "localhost.evil.example.com"}, "127.0.0.1"),
    "a web page elsewhere": ({**LOCAL, "origin": "https://evil.example.com"}, "127.0.0.1"),
    "a page without an origin of its own": ({**LOCAL, "origin": "null"}, "127.0.0.1"),
    "another machine": (LOCAL, "192.168.1.5"),
    "no address": (LOCAL, ""),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_nobody_can_borrow_the_machines_own_right(case: str) -> None:
    headers, address = FOREIGN[case]
    assert not is_local_caller(headers, address)


@pytest.mark.parametrize("host", ["localhost", "localhost:7601", "127.0.0.1:7601", "[::1]:7601", "LOCALHOST:1"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_a_local_program_is_local_by_every_loopback_name(host: str, address: str) -> None:
    assert is_local_caller({"host": host}, address)
    assert is_local_caller({"host": host, "origin": "http://localhost:7601"}, address)
