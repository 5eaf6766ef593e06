"""Changes that are made on several hosts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.core.action_verification import verify_actions
from smart_ai_router.core.administration import ActionsUnwritable, IdempotencyConflict, read_actions
from smart_ai_router.core.administration_messages import NewUser
from smart_ai_router.core.users_and_keys import UserExists
from smart_ai_router.core.verification_report import VerificationReport
from tests.adapters.postgres.conftest import OpenHost
from tests.core.administration_samples import Office, by

OpenOffice = Callable[[str], Office]
HOSTS = ("host-a", "host-b", "host-c")
CHANGES = 8


@pytest.fixture
def open_office(open_host: OpenHost, tmp_path: Path) -> OpenOffice:
    """The administration of a host, with a data directory of its own."""

    def open_one(host: str) -> Office:
        (tmp_path / host).mkdir()
        return Office(open_host(host).administration, ActionFile(tmp_path / host))

    return open_one


def in_file(office: Office) -> list[int]:
    return list(read_actions(office.log)[0])


def test_changes_that_hosts_make_at_once_are_all_made_in_one_order(open_office: OpenOffice) -> None:
    offices = [open_office(host) for host in HOSTS]

    def create(office: Office) -> None:
        for number in range(CHANGES):
            office.verbs.create_user(NewUser("Somebody", id=f"user-{offices.index(office)}-{number}"), by())

    with ThreadPoolExecutor(len(HOSTS)) as pool:
        list(pool.map(create, offices))

    numbers = set(range(1, len(HOSTS) * CHANGES + 1))
    for office in offices:
        office.desk.catch_up()
        assert set(in_file(office)) == set(office.store.numbers()) == numbers
        assert len(office.store.users("", 100)) == len(numbers)
        report = VerificationReport()
        verify_actions(report, office.log, office.store)
        assert report.is_equal, report.differences
    assert read_actions(offices[0].log) == read_actions(offices[1].log) == read_actions(offices[2].log)


def test_of_two_hosts_that_make_the_same_user_one_is_refused(open_office: OpenOffice) -> None:
    offices = [open_office(host) for host in HOSTS[:2]]

    def create(office: Office) -> bool:
        try:
            office.verbs.create_user(NewUser("Alice", id="alice"), by())
        except UserExists:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(create, offices)) == [False, True]
    assert len(offices[0].store.numbers()) == 1


def test_a_key_of_idempotency_holds_on_every_host(open_office: OpenOffice) -> None:
    one, other = open_office("host-a"), open_office("host-b")

    first = one.verbs.create_user(NewUser("Alice", id="alice"), by(key="once"))
    again = other.verbs.create_user(NewUser("Alice", id="alice"), by(key="once"))

    assert first == again
    assert len(one.store.numbers()) == 1
    with pytest.raises(IdempotencyConflict):
        other.verbs.create_user(NewUser("Bob", id="bob"), by(key="once"))


def test_a_host_learns_what_others_have_changed(open_office: OpenOffice) -> None:
    one, other = open_office("host-a"), open_office("host-b")
    other.desk.catch_up()
    assert not other.desk.has_news()

    one.verbs.create_user(NewUser("Alice", id="alice"), by())

    assert other.desk.has_news()
    assert other.desk.catch_up().restored == 1
    assert not other.desk.has_news()
    assert in_file(other) == [1]


class FullDisk(ActionFile):
    """Takes no more lines."""

    def append(self, lines: object) -> None:
        raise ActionsUnwritable("no space left")


def test_a_change_whose_line_could_not_be_written_is_made_and_its_line_comes_later(
    open_host: OpenHost, tmp_path: Path
) -> None:
    rows = open_host("host-a").administration
    office = Office(rows, FullDisk(tmp_path))

    office.verbs.create_user(NewUser("Alice", id="alice"), by())

    assert office.desk.is_behind
    assert [user.id for user in rows.users("", 10)] == ["alice"]
    healed = Office(rows, ActionFile(tmp_path))
    assert healed.desk.catch_up().restored == 1
