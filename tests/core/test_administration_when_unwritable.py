"""Administration while a disk or a store refuses to be written."""

from collections.abc import Sequence

import pytest

from smart_ai_router.adapters.memory_administration import MemoryActionLog, MemoryAdministration
from smart_ai_router.core.actions import (
    Action,
)
from smart_ai_router.core.administration import (
    ActionLog,
    ActionsRead,
    ActionsUnwritable,
    AdministrationStore,
    ChangeUnavailable,
)
from smart_ai_router.core.administration_messages import NewUser
from smart_ai_router.core.store import StoreUnavailable
from tests.core.administration_samples import Office, by, names


class StubbornLog(MemoryActionLog):
    """Refuses while it is told to."""

    refuses = False

    def append(self, lines: Sequence[bytes]) -> None:
        if self.refuses:
            raise ActionsUnwritable("actions.jsonl cannot be written: No space left on device")
        super().append(lines)

    def read(self) -> ActionsRead:
        return super().read()


class StubbornStore(MemoryAdministration):
    """Refuses while it is told to."""

    refuses = False

    def apply(self, actions: Sequence[Action]) -> None:
        if self.refuses:
            raise StoreUnavailable("books.db: database or disk is full")
        super().apply(actions)


def test_a_full_disk_refuses_changes_and_the_desk_recovers_by_itself() -> None:
    store, log = StubbornStore(), StubbornLog()
    office = Office(store, log)
    log.refuses = True

    with pytest.raises(ChangeUnavailable, match="No space left") as refused:
        office.verbs.create_user(NewUser("Alice", "alice"), by("k1"))
    assert (refused.value.status, refused.value.should_retry) == (503, True)
    assert office.desk.is_behind
    log.refuses = False
    office.verbs.create_user(NewUser("Alice", "alice"), by("k1"))

    assert (names(store), len(log.lines), office.desk.is_behind) == (["alice"], 1, False)


def test_a_change_that_reached_only_the_file_is_applied_when_the_store_can_be_written_again() -> None:
    store, log = StubbornStore(), StubbornLog()
    office = Office(store, log)
    store.refuses = True

    with pytest.raises(ChangeUnavailable, match="repeat it with the same Idempotency-Key"):
        office.verbs.create_user(NewUser("Alice", "alice"), by("k1"))
    with pytest.raises(ChangeUnavailable):
        office.verbs.create_user(NewUser("Bob", "bob"), by("k2"))
    store.refuses = False
    assert office.desk.catch_up().applied == 1
    office.verbs.create_user(NewUser("Alice", "alice"), by("k1"))

    assert (names(store), len(log.lines)) == (["alice"], 1)


def test_the_memory_doors_are_the_ports_they_claim_to_be() -> None:
    store: AdministrationStore = MemoryAdministration()
    log: ActionLog = MemoryActionLog()

    assert (store.numbers(), log.read().lines, log.is_current()) == (set(), (), True)
