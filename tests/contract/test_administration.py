"""What every store of users, keys and prices does with the actions that reach it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from smart_ai_router.adapters.memory_administration import MemoryAdministration
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.actions import (
    Action,
    AdministratorChanged,
    AdministratorCreated,
    AdministratorDisabled,
    Change,
    KeyChanged,
    KeyRevoked,
    KeyRotated,
    LoggedIn,
    LoginsFailed,
    UserChanged,
    UserCreated,
    price_version,
)
from smart_ai_router.core.administration import ActionsDiverge, AdministrationStore, AuditFilter
from smart_ai_router.core.administrative_state import AdministrativeState
from smart_ai_router.core.snapshot import KeyGrant, User
from smart_ai_router.domain.meters import Meter
from tests.adapters.postgres.stores import postgres_books
from tests.core.administration_samples import NOW_MS, action, key_created, prices_added
from tests.core.test_actions import FULL_PRICE
from tests.domain.pricing_samples import row

OpenStore = Callable[[], AdministrationStore]
OWN_PRICE = price_version(prices_added(row(Meter.INPUT, "0.15", is_book=False)).prices[0])
ALICE = UserCreated("alice", "Alice")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Open an empty store; as many as a test wants."""
    opened: list[SqliteStore] = []

    def open_one() -> AdministrationStore:
        if request.param == "memory":
            return MemoryAdministration()
        if request.param == "postgres":
            return stack.enter_context(postgres_books(request.getfixturevalue("postgres_server"))).administration
        opened.append(SqliteStore(tmp_path / f"books{len(opened)}.db", "UTC", is_durable=False))
        return opened[-1].administration

    with ExitStack() as stack:
        yield open_one
        for store in opened:
            store.close()


@pytest.fixture
def store(open_store: OpenStore) -> AdministrationStore:
    return open_store()


def apply(store: AdministrationStore, *changes: Change) -> None:
    first = len(store.numbers()) + 1
    store.apply([action(number, change) for number, change in enumerate(changes, first)])


def parts(state: AdministrativeState) -> tuple[object, ...]:
    return state.users, state.keys, state.prices, state.audit, state.administrators


# --- users and keys ---


def test_a_user_is_there_as_it_was_made_and_changes_whole(store: AdministrationStore) -> None:
    apply(store, UserCreated("alice", "爱丽丝", "0.8"))
    made = store.user("alice")
    apply(store, UserChanged("alice", "Alice", False, "1.25"))
    changed = store.user("alice")

    assert made is not None
    assert changed is not None
    assert (made.name, made.enabled, made.group_ratio, made.created_ms) == ("爱丽丝", True, "0.8", NOW_MS)
    assert (changed.name, changed.enabled, changed.group_ratio, changed.created_ms) == ("Alice", False, "1.25", NOW_MS)
    assert store.user("bob") is None


def test_a_key_is_there_with_all_that_it_may_do(store: AdministrationStore) -> None:
    limits: dict[str, Any] = {"models": ("tag:free", "gpt-4o"), "requests_per_minute_max": 60, "concurrency_max": 3}
    apply(store, ALICE, key_created(expires_ms=NOW_MS + 5, **limits))

    key = store.key("key_1")

    assert key is not None
    assert (key.user_id, key.name, key.shown_end, key.expires_ms) == ("alice", "laptop", "abcd", NOW_MS + 5)
    assert (key.models, key.requests_per_minute_max, key.concurrency_max) == (("tag:free", "gpt-4o"), 60, 3)
    assert key.revoked_ms is None
    assert store.has_key_of(key.sha256_hex)
    assert not store.has_key_of("00" * 32)
    assert store.key("key_2") is None


def test_a_revoked_key_keeps_the_moment_of_its_first_revocation(store: AdministrationStore) -> None:
    apply(store, ALICE, key_created())
    store.apply([action(3, KeyRevoked("key_1"), at_ms=NOW_MS + 1000), action(4, KeyRevoked("key_1"), at_ms=NOW_MS + 9)])

    key = store.key("key_1")

    assert key is not None
    assert key.revoked_ms == NOW_MS + 1000


def test_pages_come_by_rising_id_and_meet_without_gap(store: AdministrationStore) -> None:
    apply(store, *(UserCreated(f"user{number}", "u") for number in (3, 1, 5, 2, 4)))
    apply(store, *(key_created(f"key_{number}", f"user{number % 2 + 1}") for number in (4, 2, 3, 1)))

    assert [user.id for user in store.users("", 2)] == ["user1", "user2"]
    assert [user.id for user in store.users("user2", 9)] == ["user3", "user4", "user5"]
    assert [key.id for key in store.keys(None, "", 3)] == ["key_1", "key_2", "key_3"]
    assert [key.id for key in store.keys(None, "key_3", 3)] == ["key_4"]
    assert [key.id for key in store.keys("user1", "", 9)] == ["key_2", "key_4"]
    assert list(store.keys("nobody", "", 9)) == []


@pytest.mark.parametrize(("at_ms", "usable"), [(NOW_MS + 4, 1), (NOW_MS + 5, 0), (NOW_MS + 6, 0)])
def test_a_key_counts_until_the_millisecond_it_expires(store: AdministrationStore, at_ms: int, usable: int) -> None:
    apply(store, ALICE, key_created(expires_ms=NOW_MS + 5))

    assert store.usable_key_count(at_ms) == usable


def test_revoked_keys_and_those_of_disabled_users_do_not_count(store: AdministrationStore) -> None:
    apply(store, ALICE, UserCreated("bob", "Bob"))
    apply(store, key_created("key_1"), key_created("key_2"), key_created("key_3", "bob"))
    assert store.usable_key_count(NOW_MS) == 3

    apply(store, KeyRevoked("key_1"))
    assert store.usable_key_count(NOW_MS) == 2

    apply(store, UserChanged("bob", "Bob", False, "1"))
    assert store.usable_key_count(NOW_MS) == 1


# --- prices ---


def test_prices_come_back_field_for_field_in_the_order_of_their_ids(store: AdministrationStore) -> None:
    added = prices_added(OWN_PRICE, FULL_PRICE)
    apply(store, added)

    stored = store.prices()

    assert [each.price for each in stored] == sorted(added.prices, key=lambda price: price.id)
    assert {(each.actor, each.added_ms) for each in stored} == {("admin", NOW_MS)}


def test_a_price_that_stands_is_never_edited(store: AdministrationStore) -> None:
    apply(store, prices_added(OWN_PRICE))
    dearer = prices_added(row(Meter.INPUT, "99", is_book=False))
    assert dearer.prices[0].id == OWN_PRICE.id

    apply(store, dearer)

    (stored,) = store.prices()
    assert stored.price.price == Decimal("0.15")


# --- the gateway's part ---


def test_the_gateway_gets_every_user_the_keys_that_are_not_revoked_and_the_prices(store: AdministrationStore) -> None:
    assert not store.state().keys_known
    apply(store, ALICE, UserCreated("bob", "Bob", "0.5"), UserChanged("bob", "Bob", False, "0.5"))
    apply(store, key_created("key_1", expires_ms=NOW_MS + 500), key_created("key_2"), KeyRevoked("key_2"))
    apply(store, prices_added(OWN_PRICE))

    state = store.state()

    assert set(state.users) == {User("alice", "Alice"), User("bob", "Bob", False, "0.5")}
    (grant,) = state.keys
    assert grant == KeyGrant(
        "key_1", key_created("key_1").sha256_hex, "alice", "laptop", expires_at=NOW_MS / 1000 + 0.5
    )
    assert state.prices == (OWN_PRICE,)
    assert state.keys_known


def test_keys_stay_known_when_the_last_one_is_revoked(store: AdministrationStore) -> None:
    apply(store, ALICE, key_created(), KeyRevoked("key_1"))

    state = store.state()

    assert (state.keys, state.keys_known) == ((), True)


# --- actions ---


def test_an_action_stands_under_its_number_and_its_id(store: AdministrationStore) -> None:
    first, second = action(1, ALICE, action_id="from the client"), action(2, KeyRevoked("none"))
    store.apply([first, second])

    assert set(store.numbers()) == {1, 2}
    assert store.action(1) == first
    assert store.action_of("from the client") == first
    assert store.action(3) is None
    assert store.action_of("another") is None


def test_applying_twice_changes_nothing(store: AdministrationStore) -> None:
    done = [
        action(1, ALICE),
        action(2, key_created()),
        action(3, prices_added(OWN_PRICE)),
        action(4, KeyRevoked("key_1")),
    ]
    store.apply(done)
    before = parts(store.everything())

    store.apply(done)
    store.apply(done[1:3])
    store.apply([])

    assert parts(store.everything()) == before


def test_another_action_under_a_number_that_stands_is_refused_and_nothing_is_done(store: AdministrationStore) -> None:
    apply(store, ALICE)

    with pytest.raises(ActionsDiverge, match="under number 1"):
        store.apply([action(2, UserCreated("carol", "Carol")), action(1, UserCreated("bob", "Bob"))])

    assert [user.id for user in store.users("", 9)] == ["alice"]
    assert set(store.numbers()) == {1}


def test_an_action_about_what_is_not_there_leaves_its_trace_and_nothing_else(store: AdministrationStore) -> None:
    apply(store, UserChanged("ghost", "G", True, "1"), key_created("key_9", "ghost"), KeyRevoked("key_9"))

    assert (store.user("ghost"), store.key("key_9")) == (None, None)
    assert [entry.after for entry in store.audit(None, 9)] == ["{}", "{}", "{}"]


def test_one_hash_belongs_to_one_key(store: AdministrationStore) -> None:
    twin = key_created("key_1")
    apply(store, ALICE, twin, key_created("key_2"))
    apply(store, replace(twin, key_id="key_3"))

    assert store.key("key_3") is None
    assert store.key("key_1") is not None


# --- the audit record ---


def test_the_audit_record_says_who_did_what_before_and_after_newest_first(store: AdministrationStore) -> None:
    apply(store, ALICE, UserChanged("alice", "Alice B", False, "1"), key_created(), KeyRevoked("key_1"))

    entries = store.audit(None, 9)

    assert [(entry.number, entry.kind, entry.subject) for entry in entries] == [
        (4, "key_revoked", "key:key_1"),
        (3, "key_created", "key:key_1"),
        (2, "user_changed", "user:alice"),
        (1, "user_created", "user:alice"),
    ]
    assert entries[2].before == '{"id":"alice","name":"Alice","enabled":true,"group_ratio":"1"}'
    assert entries[2].after == '{"id":"alice","name":"Alice B","enabled":false,"group_ratio":"1"}'
    assert {(entry.actor, entry.client, entry.at_ms) for entry in entries} == {("admin", "192.0.2.7", NOW_MS)}
    assert key_created().sha256_hex not in "".join(entry.before + entry.after for entry in entries)


def test_the_audit_record_is_read_page_by_page_and_by_subject(store: AdministrationStore) -> None:
    apply(store, ALICE, UserCreated("bob", "Bob"), UserChanged("alice", "A", True, "1"), prices_added(OWN_PRICE))

    assert [entry.number for entry in store.audit(None, 2)] == [4, 3]
    assert [entry.number for entry in store.audit(3, 2)] == [2, 1]
    assert [entry.number for entry in store.audit(None, 9, "user:alice")] == [3, 1]
    assert [entry.number for entry in store.audit(3, 9, "user:alice")] == [1]
    assert [entry.subject for entry in store.audit(None, 1)] == ["price:p/m"]


def test_the_audit_record_is_read_by_actor_action_and_time(store: AdministrationStore) -> None:
    for number, (actor, at_ms, change) in enumerate(
        (
            ("admin", NOW_MS, ALICE),
            ("administrator:carol", NOW_MS + 1, UserCreated("bob", "Bob")),
            ("administrator:carol", NOW_MS + 2, UserChanged("alice", "A", True, "1")),
        ),
        1,
    ):
        store.apply([replace(action(number, change, at_ms=at_ms), actor=actor)])

    def numbers(subject: str | None = None, **asked: Any) -> list[int]:
        return [entry.number for entry in store.audit(None, 9, subject, AuditFilter(**asked))]

    assert numbers() == [3, 2, 1]
    assert numbers(actor="administrator:carol") == [3, 2]
    assert numbers(kind="user_created") == [2, 1]
    assert numbers("user:alice", kind="user_created") == [1]
    assert (numbers(from_ms=NOW_MS + 1), numbers(until_ms=NOW_MS + 1)) == ([3, 2], [1])
    assert numbers(actor="' OR 1=1 --") == []
    assert [entry.number for entry in store.audit(3, 9, None, AuditFilter(actor="administrator:carol"))] == [2]


# --- all together ---

USERS, KEYS = st.sampled_from(["a", "b", "c"]), st.sampled_from(["key_1", "key_2", "key_3"])
ROLES, HASHES = st.sampled_from(["admin", "billing_viewer"]), st.sampled_from(["aa" * 32, "bb" * 32, "cc" * 32])
CHANGES = st.one_of(
    st.builds(UserCreated, USERS, st.text(max_size=5), st.sampled_from(["1", "0.8"])),
    st.builds(UserChanged, USERS, st.text(max_size=5), st.booleans(), st.sampled_from(["1", "2"])),
    st.builds(key_created, KEYS, USERS, expires_ms=st.none() | st.integers(0, 2 * NOW_MS)),
    st.builds(KeyRevoked, KEYS),
    st.builds(KeyChanged, KEYS, st.text(max_size=5), st.booleans(), expires_ms=st.none() | st.integers(0, 2 * NOW_MS)),
    st.builds(KeyRotated, KEYS, HASHES, st.just("wxyz"), st.none() | st.integers(0, 2 * NOW_MS)),
    st.builds(AdministratorCreated, USERS, st.just("hash"), ROLES),
    st.builds(AdministratorChanged, USERS, st.none() | ROLES, st.none() | st.booleans(), st.none() | st.just("new")),
    st.builds(AdministratorDisabled, USERS),
    st.builds(LoggedIn, st.just("administrator:a")),
    st.builds(LoginsFailed, st.just("unknown"), st.integers(1, 9)),
    st.builds(
        lambda price, starts: prices_added(row(Meter.INPUT, price, effective_from=starts, is_book=False)),
        st.sampled_from(["1", "2.50"]),
        st.integers(0, 3).map(float),
    ),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, max_size=12), batch=st.integers(1, 5))
def test_a_store_is_what_its_actions_fold_to(open_store: OpenStore, changes: list[Change], batch: int) -> None:
    store, fold = open_store(), AdministrativeState()
    actions: list[Action] = [action(number, change) for number, change in enumerate(changes, 1)]

    for start in range(0, len(actions), batch):
        store.apply(actions[start : start + batch])
    for each in actions:
        fold.apply(each)
        fold.apply(each)

    assert parts(store.everything()) == parts(fold)
    assert set(store.numbers()) == set(fold.audit)
