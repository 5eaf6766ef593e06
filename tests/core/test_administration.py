"""The desk: every change once, in order, durable, and whole after a crash at any step."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Barrier, Thread

import pytest

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.adapters.memory_administration import MemoryActionLog, MemoryAdministration
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.actions import (
    Action,
    ActionUnknown,
    KeyRevoked,
    PricesAdded,
    UserCreated,
    decode_action,
    encode_action,
)
from smart_ai_router.core.administration import (
    ACTION_BYTES_MAX,
    ActionsDiverge,
    ActionTooLarge,
    AdministrationStore,
    IdempotencyConflict,
    IdempotencyKeyInvalid,
    Origin,
    read_actions,
    require_idempotency_key,
)
from smart_ai_router.core.administration_messages import NewUser
from smart_ai_router.domain.meters import Meter
from tests.core.administration_samples import Office, action, by, names, prices_added
from tests.domain.pricing_samples import row


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AdministrationStore]:
    if request.param == "memory":
        yield MemoryAdministration()
        return
    books = SqliteStore(tmp_path / "books.db", "UTC", is_durable=False)
    yield books.administration
    books.close()


@pytest.fixture
def file(tmp_path: Path) -> ActionFile:
    return ActionFile(tmp_path)


def lines(file: ActionFile) -> list[bytes]:
    return file.path.read_bytes().splitlines() if file.path.exists() else []


# --- one change ---


def test_a_change_stands_in_the_file_and_in_the_store_before_it_is_told(
    store: AdministrationStore, file: ActionFile
) -> None:
    seen: list[tuple[int, list[str]]] = []

    def tell() -> bool:
        seen.append((len(lines(file)), names(store)))
        return True

    done = Office(store, file, tell_gateways=tell).verbs.create_user(NewUser("Alice", "alice"), by())

    assert seen == [(1, ["alice"])]
    assert done.effective is True


def test_a_change_that_a_worker_does_not_take_in_time_is_done_and_says_so() -> None:
    office = Office(tell_gateways=lambda: False)

    assert office.verbs.create_user(NewUser("Alice", "alice"), by()).effective is False
    assert names(office.store) == ["alice"]


def test_numbers_count_on_without_gaps_over_restarts(store: AdministrationStore, file: ActionFile) -> None:
    for name in ("a", "b"):
        Office(store, file).verbs.create_user(NewUser(name, name), by(name))
    third = Office(store, file)
    third.verbs.create_user(NewUser("c", "c"), by("c"))
    third.verbs.create_user(NewUser("d", "d"), by("d"))

    assert [decode_action(line).number for line in lines(file)] == [1, 2, 3, 4]


def test_a_refused_change_leaves_nothing_behind_and_its_key_may_be_used_again(
    store: AdministrationStore, file: ActionFile
) -> None:
    office = Office(store, file)
    office.verbs.create_user(NewUser("Alice", "alice"), by())

    with pytest.raises(Exception, match="there is a user alice already"):
        office.verbs.create_user(NewUser("Alice", "alice"), by("k1"))
    office.verbs.create_user(NewUser("Bob", "bob"), by("k1"))

    assert names(store) == ["alice", "bob"]
    assert len(lines(file)) == 2


def test_a_change_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    huge = PricesAdded(prices_added(row(Meter.INPUT, "1", source="x" * ACTION_BYTES_MAX)).prices)

    with pytest.raises(ActionTooLarge):
        office.desk.perform("prices", NewUser("x"), by(), lambda _: huge)

    assert office.store.numbers() == set()


# --- idempotency ---


def test_a_repeated_request_is_done_once_and_told_the_same(store: AdministrationStore, file: ActionFile) -> None:
    office = Office(store, file)

    first = office.verbs.create_user(NewUser("Alice"), by("k1"))
    second = office.verbs.create_user(NewUser("Alice"), by("k1"))
    after_restart = Office(store, file).verbs.create_user(NewUser("Alice"), by("k1"))

    assert first == second == after_restart
    assert names(store) == [first.id]


def test_another_request_under_the_same_key_is_refused(store: AdministrationStore, file: ActionFile) -> None:
    office = Office(store, file)
    office.verbs.create_user(NewUser("Alice", "alice"), by("k1"))

    for again in (office, Office(store, file)):
        with pytest.raises(IdempotencyConflict) as refused:
            again.verbs.create_user(NewUser("Alice", "alice2"), by("k1"))
        assert refused.value.status == 409
        with pytest.raises(IdempotencyConflict):  # the same fields, but another verb
            again.desk.perform("revoke key key_1", NewUser("Alice", "alice"), by("k1"), lambda _: KeyRevoked("key_1"))
    assert names(store) == ["alice"]


def test_the_same_request_fifty_times_at_once_is_done_once(store: AdministrationStore, file: ActionFile) -> None:
    office = Office(store, file)
    barrier, told = Barrier(50), []

    def ask() -> None:
        barrier.wait()
        told.append(office.verbs.create_user(NewUser("Alice"), by("one key")))

    threads = [Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 50
    assert len(set(told)) == 1
    assert len(lines(file)) == len(names(store)) == 1


def test_requests_without_a_key_are_each_done(store: AdministrationStore, file: ActionFile) -> None:
    office = Office(store, file)

    office.verbs.create_user(NewUser("Alice"), by())
    office.verbs.create_user(NewUser("Alice"), by())

    assert len(names(store)) == 2


@pytest.mark.parametrize(
    ("key", "good"), [("", False), ("k" * 255, True), ("k" * 256, False), ("ü", False), ("\n", False)]
)
def test_an_idempotency_key_is_visible_ascii_of_bounded_length(key: str, good: bool) -> None:
    office = Office()

    if good:
        assert office.verbs.create_user(NewUser("Alice"), by(key)).name == "Alice"
    else:
        with pytest.raises(IdempotencyKeyInvalid):
            office.verbs.create_user(NewUser("Alice"), by(key))


def test_what_moves_money_needs_a_key() -> None:
    require_idempotency_key(Origin("admin", "here", "k"))
    with pytest.raises(IdempotencyKeyInvalid, match="moves money"):
        require_idempotency_key(Origin("admin", "here"))


# --- crashes ---


class Killed(BaseException):
    """The process ends here."""


class TornFile(ActionFile):
    """Dies while it appends, with so many bytes of the line written."""

    def __init__(self, data_dir: Path, written: int) -> None:
        super().__init__(data_dir)
        self._written = written

    def append(self, lines: Sequence[bytes]) -> None:
        whole = b"".join(line + b"\n" for line in lines)
        with self.path.open("ab") as file:
            file.write(whole[: self._written] if self._written >= 0 else whole[: len(whole) + self._written])
        raise Killed


class DeadlyStore:
    """Dies before or after a transaction; everything else is the store's."""

    def __init__(self, store: AdministrationStore, after: bool) -> None:
        self._store = store
        self._after = after

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def apply(self, actions: Sequence[Action]) -> None:
        if self._after:
            self._store.apply(actions)
        if actions:
            raise Killed


def die() -> bool:
    raise Killed


Crash = Callable[[AdministrationStore, ActionFile], Office]
CRASHES: dict[str, tuple[Crash, bool]] = {
    "before the line": (lambda store, file: Office(store, TornFile(file.path.parent, 0)), False),
    "within the line": (lambda store, file: Office(store, TornFile(file.path.parent, 40)), False),
    "at its last byte": (lambda store, file: Office(store, TornFile(file.path.parent, -2)), False),
    "before its newline": (lambda store, file: Office(store, TornFile(file.path.parent, -1)), True),
    "before the transaction": (lambda store, file: Office(DeadlyStore(store, False), file), True),  # type: ignore[arg-type]
    "after the transaction": (lambda store, file: Office(DeadlyStore(store, True), file), True),  # type: ignore[arg-type]
    "before it is told": (lambda store, file: Office(store, file, tell_gateways=die), True),
}


@pytest.mark.parametrize("step", CRASHES)
def test_a_crash_at_any_step_leaves_a_change_done_or_undone_and_a_retry_does_it_once(
    step: str, store: AdministrationStore, file: ActionFile
) -> None:
    crash, is_done = CRASHES[step]
    Office(store, file).verbs.create_user(NewUser("Before", "before"), by())

    with pytest.raises(Killed):
        crash(store, file).verbs.create_user(NewUser("Alice", "alice"), by("k1"))

    restarted = Office(store, ActionFile(file.path.parent))
    restarted.desk.catch_up()
    assert names(store) == (["alice", "before"] if is_done else ["before"])
    retried = restarted.verbs.create_user(NewUser("Alice", "alice"), by("k1"))
    assert retried.id == "alice"
    restarted.verbs.create_user(NewUser("Later", "later"), by())
    assert names(store) == ["alice", "before", "later"]
    standing, _ = read_actions(file)
    assert [each.number for each in standing.values()] == [1, 2, 3]
    assert set(store.numbers()) == {1, 2, 3}


def test_a_crash_while_catching_up_is_healed_by_the_next_start(store: AdministrationStore, file: ActionFile) -> None:
    file.append([encode_action(action(number, UserCreated(f"u{number}", "u"))) for number in (1, 2, 3)])

    for after in (False, True):
        with suppress(Killed):
            Office(DeadlyStore(store, after), ActionFile(file.path.parent)).desk.catch_up()  # type: ignore[arg-type]
    done = Office(store, file).desk.catch_up()

    assert names(store) == ["u1", "u2", "u3"]
    assert (done.applied, done.restored, done.damaged, list(done.missing)) == (0, 0, 0, [])


# --- file and store restore each other ---


def test_a_lost_file_is_written_again_from_the_store(store: AdministrationStore, file: ActionFile) -> None:
    office = Office(store, file)
    for name in ("a", "b", "c"):
        office.verbs.create_user(NewUser(name, name), by())
    whole = file.path.read_bytes()

    for damage in (b"", whole[: whole.index(b"\n") + 1], whole[whole.index(b"\n") + 1 :]):
        file.path.write_bytes(damage)
        Office(store, ActionFile(file.path.parent)).desk.catch_up()
        assert sorted(file.path.read_bytes().splitlines()) == sorted(whole.splitlines())
    file.path.unlink()
    assert Office(store, ActionFile(file.path.parent)).desk.catch_up().restored == 3
    assert file.path.read_bytes() == whole


def test_a_file_that_is_lost_while_the_router_runs_is_whole_after_the_next_change(
    store: AdministrationStore, file: ActionFile
) -> None:
    office = Office(store, file)
    office.verbs.create_user(NewUser("a", "a"), by())
    file.path.unlink()

    office.verbs.create_user(NewUser("b", "b"), by())

    assert [decode_action(line).number for line in lines(file)] == [1, 2]


def test_a_lost_store_is_made_anew_from_the_file(store: AdministrationStore, file: ActionFile) -> None:
    office = Office(MemoryAdministration(), file)
    office.verbs.create_user(NewUser("Alice", "alice"), by())
    office.verbs.create_user(NewUser("Bob", "bob"), by())

    done = Office(store, file).desk.catch_up()

    assert done.applied == 2
    assert names(store) == ["alice", "bob"]


def test_files_and_stores_that_do_not_belong_together_are_not_mixed(
    store: AdministrationStore, file: ActionFile, tmp_path: Path
) -> None:
    Office(store, MemoryActionLog()).verbs.create_user(NewUser("Alice", "alice"), by("k1"))
    Office(MemoryAdministration(), file).verbs.create_user(NewUser("Mallory", "mallory"), by("k2"))

    with pytest.raises(ActionsDiverge, match="same backup"):
        Office(store, file).desk.catch_up()

    assert names(store) == ["alice"]
    assert len(lines(file)) == 1


def test_a_damaged_line_is_told_with_the_number_that_nobody_has(
    store: AdministrationStore, file: ActionFile, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(MemoryAdministration(), file)
    for name in ("a", "b", "c"):
        office.verbs.create_user(NewUser(name, name), by())
    first, second, third = lines(file)
    file.path.write_bytes(b"\n".join((first, b"\xff" + second[1:-9], third)) + b"\n")

    with caplog.at_level(logging.WARNING):
        done = Office(store, file).desk.catch_up()

    assert (done.damaged, list(done.missing)) == (1, [2])
    assert names(store) == ["a", "c"]
    assert "is no action" in caplog.text


def test_what_a_later_version_wrote_stops_the_start(store: AdministrationStore, file: ActionFile) -> None:
    line = encode_action(action(1, KeyRevoked("k"))).replace(b"key_revoked", b"key_blessed")
    file.append([line])

    with pytest.raises(ActionUnknown):
        Office(store, file).desk.catch_up()


def test_of_two_lines_with_one_number_the_first_counts(caplog: pytest.LogCaptureFixture) -> None:
    first, second = action(1, UserCreated("a", "A")), action(1, UserCreated("b", "B"))
    log = MemoryActionLog([encode_action(each) for each in (first, first, second)])

    with caplog.at_level(logging.WARNING):
        standing, damaged = read_actions(log)

    assert (standing, damaged) == ({1: first}, 1)
