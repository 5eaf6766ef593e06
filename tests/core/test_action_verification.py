"""The proof of users, keys and prices against the actions file."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.core.action_verification import verify_actions
from smart_ai_router.core.actions import UserCreated, encode_action
from smart_ai_router.core.administration_messages import NewKey, NewPrices, NewUser, PriceFigure
from smart_ai_router.core.verification_report import Difference, VerificationReport
from tests.core.administration_samples import Office, action, by


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Books and actions of some administration, closed."""
    store = SqliteStore(tmp_path / "books.db", "UTC", is_durable=False)
    office = Office(store.administration, ActionFile(tmp_path))
    office.verbs.create_user(NewUser("Alice", "alice"), by())
    key = office.verbs.create_key("alice", NewKey("laptop"), by())
    office.verbs.revoke_key(key.id, by())
    figure = PriceFigure("input", Decimal(3))
    office.verbs.set_prices(NewPrices(provider_id="p", model_id="m", currency="USD", prices=(figure,)), by())
    store.close()
    return tmp_path


def proof(folder: Path) -> VerificationReport:
    report = VerificationReport()
    store = SqliteStore.read_only(folder / "books.db")
    verify_actions(report, ActionFile(folder), store.administration)
    store.close()
    return report


def in_books(folder: Path, statement: str) -> None:
    connection = apsw.Connection(str(folder / "books.db"))
    connection.execute(statement)
    connection.close()


def test_books_that_are_what_the_actions_come_to_are_right(folder: Path) -> None:
    report = proof(folder)

    assert (report.is_equal, report.actions, report.pending_actions, report.problem_lines) == (True, 4, 0, 0)


@pytest.mark.parametrize(
    ("statement", "what", "journal", "books"),
    [
        ("UPDATE api_user SET group_ratio = '0'", "user", "group_ratio 1", "group_ratio 0"),
        ("UPDATE api_key SET revoked_ms = NULL", "key", "revoked_ms 1795348800000", "revoked_ms None"),
        ("UPDATE audit SET actor = 'nobody' WHERE id = 1", "action", "actor admin", "actor nobody"),
        ("DELETE FROM price_version", "price", "price PriceRow", "nothing"),
        ("INSERT INTO api_user VALUES ('mallory', 'M', 1, '0', 5, NULL)", "user", "nothing", "id mallory, name M"),
    ],
)
def test_a_row_that_somebody_changed_by_hand_is_found(
    folder: Path, statement: str, what: str, journal: str, books: str
) -> None:
    in_books(folder, statement)

    report = proof(folder)

    assert report.exit_status == 1
    (difference,) = report.differences
    assert difference.what == what
    assert difference.journal.startswith(journal)
    assert difference.books.startswith(books)


def test_an_action_that_the_file_has_lost_is_found(folder: Path) -> None:
    file = folder / "actions.jsonl"
    first, *others = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(others))

    found = {(each.what, each.journal == "nothing") for each in proof(folder).differences}

    assert ("user", True) in found
    assert ("action", True) in found
    assert first not in file.read_bytes()


def test_what_is_not_applied_yet_and_what_is_no_action_is_told_and_is_no_difference(folder: Path) -> None:
    ActionFile(folder).append([encode_action(action(5, UserCreated("bob", "Bob")))])
    with (folder / "actions.jsonl").open("ab") as file:
        file.write(b'{"number":6,"id":"torn')

    report = proof(folder)

    assert (report.is_equal, report.actions, report.pending_actions, report.problem_lines) == (True, 4, 1, 1)
    assert report.differences == list[Difference]()
