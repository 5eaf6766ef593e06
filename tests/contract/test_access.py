"""What every store does with keys that change, administrators, and sessions."""

from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from smart_ai_router.adapters.memory_administration import MemoryAdministration
from smart_ai_router.adapters.memory_sessions import MemorySessions
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.access_rows import AdministratorRow
from smart_ai_router.core.actions import (
    AdministratorChanged,
    AdministratorCreated,
    AdministratorDisabled,
    KeyChanged,
    KeyRotated,
)
from smart_ai_router.core.administration import AdministrationStore
from smart_ai_router.core.sessions import IDLE_MS, SESSIONS_MAX, SessionRow, SessionStore
from tests.adapters.postgres.stores import postgres_books
from tests.contract.test_administration import ALICE, apply
from tests.core.administration_samples import NOW_MS, key_created

LIFE = 10 * IDLE_MS


class Stores(NamedTuple):
    """What one store has."""

    administration: AdministrationStore
    sessions: SessionStore


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    if request.param == "memory":
        yield Stores(MemoryAdministration(), MemorySessions())
        return
    with ExitStack() as stack:
        if request.param == "postgres":
            books = stack.enter_context(postgres_books(request.getfixturevalue("postgres_server")))
        else:
            books = SqliteStore(tmp_path / "books.db", "UTC", is_durable=False)
            stack.callback(books.close)
        yield Stores(books.administration, books.sessions)


@pytest.fixture
def store(stores: Stores) -> AdministrationStore:
    return stores.administration


@pytest.fixture
def sessions(stores: Stores) -> SessionStore:
    return stores.sessions


# --- keys and administrators ---


def test_a_key_changes_whole_and_keeps_its_secret(store: AdministrationStore) -> None:
    apply(store, ALICE, key_created(models=("a",), requests_per_minute_max=5, expires_ms=NOW_MS + 5))
    apply(store, KeyChanged("key_1", "ci", False, ("b", "c"), None, 2, None))

    key = store.key("key_1")

    assert key is not None
    assert (key.name, key.enabled, key.models) == ("ci", False, ("b", "c"))
    assert (key.requests_per_minute_max, key.concurrency_max, key.expires_ms) == (None, 2, None)
    assert key.sha256_hex == key_created().sha256_hex
    assert store.usable_key_count(NOW_MS) == 0
    assert [grant.enabled for grant in store.state().keys] == [False]


def test_a_rotated_key_has_two_secrets_until_the_former_one_is_gone(store: AdministrationStore) -> None:
    former, latter, latest = key_created().sha256_hex, "aa" * 32, "bb" * 32
    apply(store, ALICE, key_created(), KeyRotated("key_1", latter, "wxyz", NOW_MS + 500))

    assert {(grant.sha256_hex, grant.expires_at) for grant in store.state().keys} == {
        (latter, None),
        (former, NOW_MS / 1000 + 0.5),
    }
    assert store.has_key_of(former)
    assert store.has_key_of(latter)
    apply(store, KeyRotated("key_1", latest, "rstu"))
    assert [(grant.id, grant.sha256_hex) for grant in store.state().keys] == [("key_1", latest)]
    assert not store.has_key_of(former)
    assert not store.has_key_of(latter)


def test_a_secret_that_a_key_has_is_given_to_no_other(store: AdministrationStore) -> None:
    apply(store, ALICE, key_created("key_1"), key_created("key_2"))
    apply(store, KeyRotated("key_2", key_created("key_1").sha256_hex, "abcd"))

    key = store.key("key_2")
    assert key is not None
    assert key.sha256_hex == key_created("key_2").sha256_hex


def test_administrators_are_as_their_actions_left_them(store: AdministrationStore) -> None:
    apply(store, AdministratorCreated("vera", "h1", "billing_viewer"), AdministratorCreated("carol", "h2", "admin"))
    apply(store, AdministratorChanged("vera", role="admin", password_hash="h3"), AdministratorDisabled("carol"))

    assert store.administrators() == [
        AdministratorRow("carol", "admin", False, "h2", NOW_MS, 4),
        AdministratorRow("vera", "admin", True, "h3", NOW_MS, 3),
    ]
    assert store.administrator("carol") == store.administrators()[0]
    assert store.administrator("CAROL") is None
    assert "h3" not in "".join(entry.before + entry.after for entry in store.audit(None, 9))


# --- sessions ---


def session(number: int, account: str = "administrator:carol", opened_ms: int = NOW_MS) -> SessionRow:
    return SessionRow(sha256(b"%d" % number).digest(), account, 3, opened_ms, opened_ms, opened_ms + LIFE)


def test_a_session_is_found_as_it_was_opened(sessions: SessionStore) -> None:
    sessions.open(session(1))

    assert sessions.find(session(1).token_sha256) == session(1)
    assert sessions.find(session(2).token_sha256) is None


def test_a_session_that_is_used_says_when(sessions: SessionStore) -> None:
    sessions.open(session(1))
    sessions.touch(session(1).token_sha256, NOW_MS + 7)
    sessions.touch(session(2).token_sha256, NOW_MS + 7)

    found = sessions.find(session(1).token_sha256)
    assert found is not None
    assert (found.seen_ms, found.opened_ms) == (NOW_MS + 7, NOW_MS)
    assert sessions.find(session(2).token_sha256) is None


def test_a_closed_session_is_gone_and_others_stay(sessions: SessionStore) -> None:
    sessions.open(session(1))
    sessions.open(session(2))
    sessions.close(session(1).token_sha256)
    sessions.close(session(1).token_sha256)

    assert sessions.find(session(1).token_sha256) is None
    assert sessions.find(session(2).token_sha256) is not None


@pytest.mark.parametrize("step_ms", [0, 1])
def test_the_newest_sessions_of_an_account_are_kept(sessions: SessionStore, step_ms: int) -> None:
    sessions.open(session(-1, "administrator:vera", NOW_MS - 9))
    for number in range(SESSIONS_MAX + 5):
        sessions.open(session(number, opened_ms=NOW_MS + number * step_ms))
        assert sessions.find(session(number).token_sha256) is not None

    kept = [number for number in range(SESSIONS_MAX + 5) if sessions.find(session(number).token_sha256)]
    assert len(kept) == SESSIONS_MAX
    assert not step_ms or kept == list(range(5, SESSIONS_MAX + 5))
    assert sessions.find(session(-1).token_sha256) is not None


def test_what_has_ended_is_purged_and_nothing_else(sessions: SessionStore) -> None:
    over, idle, used = session(1, opened_ms=NOW_MS - LIFE), session(2, opened_ms=NOW_MS - IDLE_MS), session(3)
    just_not = session(4, opened_ms=NOW_MS - IDLE_MS + 1)
    for each in (over, idle, used, just_not):
        sessions.open(each)
    sessions.touch(over.token_sha256, NOW_MS - 1)

    assert sessions.purge(NOW_MS) == 2
    assert sessions.purge(NOW_MS) == 0
    assert [sessions.find(each.token_sha256) is not None for each in (over, idle, used, just_not)] == [
        False, False, True, True,
    ]  # fmt: skip


def test_sessions_survive_that_the_store_is_closed_and_opened(tmp_path: Path) -> None:
    books = SqliteStore(tmp_path / "books.db", "UTC")
    books.sessions.open(session(1))
    books.close()

    books = SqliteStore(tmp_path / "books.db", "UTC")
    found = books.sessions.find(session(1).token_sha256)
    books.close()

    assert found == session(1)
