"""Actions as they stand in the file."""

from dataclasses import fields
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.actions import (
    Action,
    ActionDamaged,
    ActionUnknown,
    AdministratorChanged,
    AdministratorCreated,
    AdministratorDisabled,
    Change,
    KeyChanged,
    KeyRevoked,
    KeyRotated,
    LoggedIn,
    LoggedOut,
    LoginsFailed,
    PriceRow,
    UserChanged,
    UserCreated,
    decode_action,
    encode_action,
    price_row,
    price_version,
)
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceVersion
from tests.core.administration_samples import NOW_MS, action, key_created, prices_added
from tests.domain.pricing_samples import row

FULL_PRICE = PriceVersion(
    id="channel:ch/m/second@2026-11-22",
    provider="",
    model="m",
    meter=Meter.SECOND,
    price=Decimal("0.000000000001875"),
    currency="CNY",
    per=60,
    effective_from=1_795_305_600.0,
    effective_to=1_795_392_000.0,
    region="cn",
    channel_id="ch",
    context_over=200_000,
    window_utc=(60, 240),
    service_tier="batch",
    minimum_charge=Decimal("0.1"),
    round_up_to=Decimal(1),
    source="contract 7",
    checked="2026-11-21",
    output_over=200,
    with_reasoning=True,
    variant="720p",
    weekdays_utc=(0, 4),
)
CHANGES: tuple[Change, ...] = (
    UserCreated("alice", "爱丽丝", "0.8"),
    UserChanged("alice", "Alice", False, "1"),
    key_created(models=("tag:free", "gpt-4o"), requests_per_minute_max=60, concurrency_max=3, expires_ms=NOW_MS + 1),
    KeyRevoked("key_1"),
    KeyChanged("key_1", "ci", False, ("m",), 5, 2, NOW_MS),
    KeyRotated("key_1", "ab" * 32, "wxyz", NOW_MS),
    AdministratorCreated("carol", "$argon2id$v=19$...", "admin"),
    AdministratorChanged("carol", "billing_viewer", True, "$argon2id$v=19$..."),
    AdministratorDisabled("carol"),
    LoggedIn("administrator:carol"),
    LoggedOut("key:key_1"),
    LoginsFailed("unknown", 7),
    prices_added(row(Meter.INPUT, "0.15"), FULL_PRICE),
)


@pytest.mark.parametrize("change", CHANGES)
def test_an_action_is_one_line_that_reads_back_as_it_was(change: Change) -> None:
    written = action(7, change)

    line = encode_action(written)

    assert b"\n" not in line
    assert decode_action(line) == written


def test_a_line_is_readable_by_people() -> None:
    line = encode_action(action(1, UserCreated("alice", "Alice")))

    assert line == (
        b'{"number":1,"id":"id-1","at":"2026-11-22T12:00:00.000Z","actor":"admin","client":"192.0.2.7","request":"00",'
        b'"change":{"kind":"user_created","user_id":"alice","name":"Alice"}}'
    )


def test_a_moment_reads_back_to_the_millisecond() -> None:
    assert action(1, KeyRevoked("k"), at_ms=NOW_MS + 999).at_ms == NOW_MS + 999


@pytest.mark.parametrize("cut", [0, 1, 50, -2, -1])
def test_a_piece_of_a_line_is_damaged(cut: int) -> None:
    line = encode_action(action(1, UserCreated("alice", "Alice")))

    with pytest.raises(ActionDamaged):
        decode_action(line[:cut])


@given(st.binary(max_size=200))
def test_no_bytes_at_all_are_anything_but_damaged(line: bytes) -> None:
    with pytest.raises(ActionDamaged):
        decode_action(line)


@pytest.mark.parametrize(
    "change",
    [
        b'{"kind":"quota_granted","user_id":"alice","amount":"5"}',
        b'{"kind":"user_created","user_id":"alice","name":"Alice","tier":"gold"}',
        b'{"kind":"user_created","user_id":"alice"}',
        b'{"kind":"prices_added","prices":[{"id":"x","provider":"p","model":"m","meter":"smell","price":"1",'
        b'"currency":"USD","per":1}]}',
    ],
)
def test_what_a_later_version_wrote_is_never_left_out(change: bytes) -> None:
    line = encode_action(action(9, KeyRevoked("k"))).replace(b'{"kind":"key_revoked","key_id":"k"}', change)

    with pytest.raises(ActionUnknown, match="action 9 cannot be understood"):
        decode_action(line)


def test_a_price_row_has_every_field_of_a_price_version_with_the_same_default() -> None:
    ours = {each.name: each.default for each in msgspec.structs.fields(PriceRow)}
    theirs = {each.name: each.default for each in fields(PriceVersion)}

    assert list(ours) == list(theirs)
    assert {name: each for name, each in ours.items() if each is not msgspec.NODEFAULT} == {
        name: theirs[name] for name, each in ours.items() if each is not msgspec.NODEFAULT
    }
    assert price_version(price_row(FULL_PRICE)) == FULL_PRICE


def test_kinds_are_the_words_of_the_file() -> None:
    assert [action(1, change).kind for change in CHANGES] == [
        "user_created",
        "user_changed",
        "key_created",
        "key_revoked",
        "key_changed",
        "key_rotated",
        "administrator_created",
        "administrator_changed",
        "administrator_disabled",
        "logged_in",
        "logged_out",
        "logins_failed",
        "prices_added",
    ]
    assert {each.__struct_config__.tag_field for each in CHANGES} == {"kind"}


def test_an_action_holds_no_field_for_a_secret() -> None:
    names = {field.name for shape in (Action, *map(type, CHANGES)) for field in msgspec.structs.fields(shape)}

    assert not {"key", "secret", "token", "password"} & names
