"""The commands about books, over several hosts in one PostgreSQL."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from smart_ai_router.adapters.postgres.hosts import host_id
from smart_ai_router.adapters.postgres.opening import SCHEMA
from smart_ai_router.adapters.postgres.scratch import drop_schema
from smart_ai_router.app.administration import AdministrationOffice
from smart_ai_router.app.books import open_bookkeeper, open_store, rebuild_books, verify_books
from smart_ai_router.cli import root
from smart_ai_router.core.administration_messages import NewUser
from smart_ai_router.core.store import StoreFailure
from tests.contract.lines import line, moment, own_id, write_lines
from tests.core.administration_samples import by
from tests.postgres_server import PostgresServer

AT = "2026-01-31 20:00:00"
CALLS = 15


class Host:
    """A data directory and a journal that are posted into the one database."""

    def __init__(self, folder: Path, node: int, url: str) -> None:
        self.data, self.logs, self._url = folder / "data", folder / "logs", url
        self.logs.mkdir(parents=True)
        lines = [line(AT, request_id=own_id(moment(AT), number, node)) for number in range(CALLS)]
        write_lines(self.logs / "usage_20260131.jsonl", lines)
        self.id = host_id(self.data)

    def post(self) -> None:
        """What a router at work does: it books, and learns what others have changed."""
        with closing(open_store(self.data, "UTC", self._url)) as store:
            open_bookkeeper(store, self.logs).catch_up()
            self.office(store).catch_up()

    def create_user(self, user_id: str) -> None:
        with closing(open_store(self.data, "UTC", self._url)) as store:
            self.office(store).verbs.create_user(NewUser("Somebody", user_id), by())

    def office(self, store: object) -> AdministrationOffice:
        return AdministrationOffice(store, self.data, given_prices=lambda: (), tell_gateways=lambda: True)  # type: ignore[arg-type]


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    drop_schema(postgres_server.url, SCHEMA)
    yield postgres_server.url
    drop_schema(postgres_server.url, SCHEMA)


@pytest.fixture
def hosts(tmp_path: Path, url: str) -> tuple[Host, Host]:
    """Two hosts that have posted; each has made a user."""
    one, other = Host(tmp_path / "one", 1, url), Host(tmp_path / "other", 2, url)
    one.create_user("alice")
    other.create_user("bob")
    one.post()
    other.post()
    return one, other


def test_the_proof_asks_for_the_journals_of_all_hosts(hosts: tuple[Host, Host], url: str) -> None:
    one, other = hosts

    with pytest.raises(StoreFailure, match=f"holds calls of {other.id} as well.*--logs-of {other.id}=DIR"):
        verify_books(one.data, one.logs, url=url)
    report = verify_books(one.data, one.logs, url=url, others={other.id: other.logs})

    assert report.is_equal, report.differences
    assert (report.files, report.records, report.actions) == (2, 2 * CALLS, 2)


def test_a_changed_line_on_another_host_is_found(hosts: tuple[Host, Host], url: str) -> None:
    one, other = hosts
    journal = other.logs / "usage_20260131.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"input_tokens":100', b'"input_tokens":101', 1))

    report = verify_books(one.data, one.logs, url=url, others={other.id: other.logs})

    assert not report.is_equal


def test_the_books_of_several_hosts_are_made_anew_from_all_their_journals(hosts: tuple[Host, Host], url: str) -> None:
    one, other = hosts
    with pytest.raises(StoreFailure, match="--logs-of"):
        rebuild_books(one.data, one.logs, "UTC", url=url)

    made = rebuild_books(one.data, one.logs, "UTC", url=url, others={other.id: other.logs})

    assert (made.books.files, made.books.records, made.actions) == (2, 2 * CALLS, 2)
    assert verify_books(other.data, other.logs, url=url, others={one.id: one.logs}).is_equal
    other.post()  # goes on where it was
    with closing(open_store(one.data, "UTC", url)) as store:
        assert [file.repeated for file in store.journal_files()] == [0]


def test_the_commands_take_the_other_journals(hosts: tuple[Host, Host], url: str, tmp_path: Path) -> None:
    one, other = hosts
    config = tmp_path / "router.yaml"
    config.write_text(f'storage: {{url: "{url}"}}\n')
    place = ["--config", str(config), "--data-dir", str(one.data), "--logs-dir", str(one.logs)]
    named = ["--logs-of", f"{other.id}={other.logs}"]

    proven = CliRunner().invoke(root, ["verify", *place, *named])
    alone = CliRunner().invoke(root, ["verify", *place])
    wrong = CliRunner().invoke(root, ["verify", *place, "--logs-of", "nowhere"])
    made = CliRunner().invoke(root, ["rebuild", *place, *named])

    assert (proven.exit_code, "The books are right" in proven.output) == (0, True)
    assert alone.exit_code == 1
    assert wrong.exit_code == 2
    assert (made.exit_code, f"booked {2 * CALLS} records of 2 files" in made.output) == (0, True)
