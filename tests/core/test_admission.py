"""Who may call: keys by their hash, and the caller without a key on the router's own machine."""

from dataclasses import replace
from hashlib import sha256

import pytest

from smart_ai_router.core.admission import PROXY_HEADERS, USER_AGENT_CHARACTERS_MAX, Keyring, is_local_caller
from smart_ai_router.core.snapshot import AccessPolicy, KeyGrant, Snapshot, User
from smart_ai_router.domain.errors import KeyInvalid
from tests.core.playbook import NOON, USER_KEY, snapshot

LOCAL = {"host": "localhost:7601"}
BEARER = {"authorization": f"Bearer {USER_KEY}"}
WITHOUT_KEYS = snapshot(keys=(), users=())


def grant(**changes: object) -> KeyGrant:
    return replace(snapshot().keys[0], **changes)  # type: ignore[arg-type]


def refusal(made: Snapshot, headers: dict[str, str], client_ip: str = "127.0.0.1", now: float = NOON) -> str:
    with pytest.raises(KeyInvalid) as refused:
        Keyring(made).identify(headers, client_ip, now)
    assert refused.value.status == 401
    return refused.value.message


@pytest.mark.parametrize(
    "headers",
    [
        BEARER,
        {"authorization": f"bearer {USER_KEY}"},
        {"authorization": f"BEARER   {USER_KEY}  "},
        {"x-api-key": USER_KEY},
        {**BEARER, "x-forwarded-for": "203.0.113.9", "host": "gateway.example"},
    ],
)
def test_a_known_key_is_its_user_from_wherever_it_comes(headers: dict[str, str]) -> None:
    caller, found = Keyring(snapshot()).identify({**headers, "user-agent": "curl"}, "203.0.113.9", NOON)
    assert (caller.user_id, caller.api_key_id, caller.client_ip, caller.user_agent) == (
        "u1",
        "k1",
        "203.0.113.9",
        "curl",
    )
    assert found == snapshot().keys[0]


def test_which_keys_exist_cannot_be_told_from_the_answer() -> None:
    told = {
        refusal(snapshot(), {"authorization": "Bearer sk-nobody"}),
        refusal(snapshot(), {"authorization": f"Bearer {USER_KEY}x"}),
        refusal(snapshot(), {"authorization": f"Bearer {USER_KEY[:-1]}"}),
        refusal(snapshot(), {"authorization": f"Bearer {USER_KEY}, Bearer {USER_KEY}"}),
        refusal(snapshot(keys=(grant(enabled=False),)), BEARER),
        refusal(snapshot(keys=(grant(expires_at=NOON),)), BEARER),
        refusal(snapshot(users=(User("u1", "Ann", enabled=False),)), BEARER),
        refusal(snapshot(keys=(), access=AccessPolicy(keys_known=True)), {**BEARER, **LOCAL}),
    }
    assert len(told) == 1


def test_both_sides_of_a_keys_end() -> None:
    keyring = Keyring(snapshot(keys=(grant(expires_at=NOON),)))
    assert keyring.identify(BEARER, "127.0.0.1", NOON - 0.001)[0].user_id == "u1"
    with pytest.raises(KeyInvalid):
        keyring.identify(BEARER, "127.0.0.1", NOON)


def test_a_key_seen_before_is_still_looked_at_for_its_end() -> None:
    keyring = Keyring(snapshot(keys=(grant(expires_at=NOON + 1),)))
    for _ in range(3):
        assert keyring.identify(BEARER, "127.0.0.1", NOON)[1]
    with pytest.raises(KeyInvalid):
        keyring.identify(BEARER, "127.0.0.1", NOON + 1)


def test_a_key_of_a_user_that_nobody_described_is_good() -> None:
    assert Keyring(snapshot(users=())).identify(BEARER, "127.0.0.1", NOON)[0].user_id == "u1"


@pytest.mark.parametrize("key", ["\udcff", "é", "密钥", "x" * 100_000])
def test_a_key_of_any_characters_is_only_unknown(key: str) -> None:
    assert refusal(snapshot(), {"authorization": f"Bearer {key}"})


def test_only_the_hash_of_a_key_is_known() -> None:
    assert USER_KEY not in str(snapshot())
    assert Keyring(snapshot()).grant(sha256(USER_KEY.encode()).hexdigest())


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7601", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:7601"])
@pytest.mark.parametrize("client_ip", ["127.0.0.1", "127.3.2.1", "::1"])
def test_a_program_on_this_machine_needs_no_key_while_there_are_none(host: str, client_ip: str) -> None:
    caller, found = Keyring(WITHOUT_KEYS).identify({"host": host}, client_ip, NOON)
    assert (caller.user_id, caller.api_key_id, found) == (None, None, None)


def test_a_program_that_must_send_some_key_may_send_any_while_there_are_none() -> None:
    caller, found = Keyring(WITHOUT_KEYS).identify({**LOCAL, **BEARER}, "127.0.0.1", NOON)
    assert (caller.user_id, found) == (None, None)


@pytest.mark.parametrize(
    ("headers", "client_ip"),
    [
        (LOCAL, "192.168.1.7"),
        (LOCAL, "::ffff:10.0.0.1"),
        (LOCAL, ""),
        (LOCAL, "not an address"),
        ({}, "127.0.0.1"),
        ({"host": ""}, "127.0.0.1"),
        ({"host": "evil.example"}, "127.0.0.1"),
        ({"host": "localhost.evil.example"}, "127.0.0.1"),
        ({"host": "127.0.0.1.evil.example:7601"}, "127.0.0.1"),
        ({"host": "[::1].evil.example"}, "127.0.0.1"),
        ({"host": "[::2]:7601"}, "127.0.0.1"),
        ({"host": "localhost:7601.evil.example"}, "127.0.0.1"),
        ({"host": "localhost:7601\n"}, "127.0.0.1"),
        *(
            ({**LOCAL, "origin": origin}, "127.0.0.1")
            for origin in ("http://evil.example", "null", "", "http://[", "x")
        ),
        *(({**LOCAL, name: "127.0.0.1"}, "127.0.0.1") for name in PROXY_HEADERS),
    ],
)
def test_nobody_else_is_taken_for_a_program_on_this_machine(headers: dict[str, str], client_ip: str) -> None:
    assert not is_local_caller(headers, client_ip)
    assert "only served on the router's own machine" in refusal(WITHOUT_KEYS, headers, client_ip)


@pytest.mark.parametrize("access", [AccessPolicy(keys_required=True), AccessPolicy(anonymous_loopback=False)])
def test_an_operator_may_ask_everybody_for_a_key(access: AccessPolicy) -> None:
    assert "an API key is required" in refusal(replace(WITHOUT_KEYS, access=access), LOCAL)
    assert Keyring(snapshot(access=access)).identify(BEARER, "127.0.0.1", NOON)[1]


def test_of_a_long_user_agent_the_beginning_is_kept() -> None:
    caller, _ = Keyring(WITHOUT_KEYS).identify({**LOCAL, "user-agent": "a" * 5000}, "127.0.0.1", NOON)
    assert caller.user_agent == "a" * USER_AGENT_CHARACTERS_MAX
