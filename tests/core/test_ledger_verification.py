"""The proof of the ledger: it says yes to true books, and names what somebody has changed on either side."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.adapters.journal_files import LogsDirectory
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.app.books import rebuild_books, verify_books
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.ledger_requests import (
    CallRefund,
    ModelSwitching,
    NewEnforcement,
    NewGrant,
    NewRecurringGrant,
    QuotaAdjustment,
)
from smart_ai_router.core.ledger_store import HolderRow
from smart_ai_router.core.ledger_verification import ledger_facts, verify_ledger
from smart_ai_router.core.verification import books_digest
from smart_ai_router.core.verification_report import VerificationReport
from smart_ai_router.domain.leasing import LeaseState
from tests.contract.lines import line, moment, own_id, write_lines
from tests.core.ledger_samples import ALICE, KEY, POOL, UNIT, Money, by, take

NOON = "2026-11-22 12:00:00"
CALLS = 12


@dataclass
class Books:
    """Books of a small journal and some actions, closed."""

    data: Path
    logs: Path

    @property
    def journal(self) -> Path:
        return self.logs / "usage_20261122.jsonl"

    def verify(self) -> VerificationReport:
        return verify_books(self.data, self.logs)

    def found(self) -> set[str]:
        report = self.verify()
        assert not report.is_equal
        assert report.exit_status == 1
        return {difference.what for difference in report.differences}

    def change(self, statement: str) -> None:
        connection = apsw.Connection(str(self.data / "books.db"))
        connection.execute(statement)
        assert connection.changes()
        connection.close()

    def facts(self) -> tuple[str, list[object]]:
        store = SqliteStore.read_only(self.data / "books.db")
        with store.snapshot() as snapshot:
            facts = list(ledger_facts(snapshot.ledger_books))
            digest = books_digest(snapshot)
        store.close()
        return digest, facts


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """A user with money and tokens, a pool, calls, a refund, a lease that is open."""
    made = Books(tmp_path / "data", tmp_path / "logs")
    made.logs.mkdir()
    taken = (take(ALICE, 7_500, 7_500), take(KEY, 100), take(POOL, 5_000_000))
    lines = [line(NOON, number, postings=taken, holder="w1") for number in range(CALLS)]
    write_lines(made.journal, [*lines, line(NOON, 99), line(NOON, 7, request_id="other-maker", postings=taken)])
    store = SqliteStore(made.data / "books.db", "UTC")
    money = Money(store, log=ActionFile(made.data))
    money.recharge("10")
    money.quotas.grant("alice", NewGrant("money", Decimal("2.5")), by("grant-1"))
    money.quotas.set_monthly_grant("alice", NewRecurringGrant("text_token", Decimal(500)), by())
    money.quotas.set_enforcement(NewEnforcement(False), by())
    money.pools.switch_model("openai", "gpt-4o", ModelSwitching(False, "by hand"), by())
    with store.lease_books() as lending:
        lending.put_holder(HolderRow("w1", 0, 1))
        before = lending.account(ALICE)
        lending.put_account(before, before._replace(leased=1_000_000))
        lending.put_lease(LeaseState("w1", ALICE, granted=1_000_000))
    Bookkeeper(store, LogsDirectory(made.logs), lambda: 0.0).catch_up()
    money.corrections.refund(own_id(moment(NOON) - 2000, 3), CallRefund(), by("refund-1"))
    money.quotas.adjust("alice", QuotaAdjustment("money", Decimal("-0.5")), by("adjust-1"))
    store.close()
    return made


def test_true_books_are_proven_line_by_line_and_account_by_account(books: Books) -> None:
    report = books.verify()

    assert report.is_equal, report.differences
    assert (report.entries, report.transfers, report.exit_status) == ((CALLS + 1) * 3, 5, 0)
    assert report.taken["user", "alice", "CNY", "permanent"] == (CALLS + 1) * 7_500


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE account SET used = used + 1 WHERE kind = 'user' AND unit = 'CNY'", {"balance", "unit"}),
        ("UPDATE account SET credited = credited - 1 WHERE kind = 'pool'", {"balance", "unit"}),
        ("UPDATE account SET credited = credited + 1, used = used + 1 WHERE kind = 'pool'", {"balance"}),
        ("UPDATE account SET is_granted = 0 WHERE kind = 'pool'", {"balance"}),
        ("DELETE FROM account WHERE kind = 'key'", {"balance", "unit", "entry", "transfer"}),
        (
            "INSERT INTO account VALUES (99, 'user', 'eve', 'CNY', 'permanent', '5', '0', '0', 0, 1)",
            {"balance", "unit"},
        ),
        ("UPDATE usage_entry SET amount = amount + 1 WHERE amount = 100 AND sid % 2 = 0", {"entry"}),
        ("DELETE FROM usage_entry WHERE amount = 100 AND sid % 2 = 0", {"entry"}),
        ("INSERT INTO usage_entry SELECT sid + 100000, account, 1 FROM usage_entry LIMIT 1", {"entry"}),
        ("UPDATE entry SET amount = amount + 1 WHERE amount > 0", {"transfer", "balance"}),
        ("UPDATE transfer SET actor = 'eve' WHERE idempotency_key = 'grant-1'", {"transfer"}),
        ("UPDATE transfer SET kind = 'refund' WHERE idempotency_key = 'grant-1'", {"transfer", "balance"}),
        ("UPDATE transfer SET balance_before = '1' WHERE kind = 'recharge'", {"transfer"}),
        ("UPDATE ledger_setting SET content = replace(content, 'false', 'true')", {"setting"}),
        ("DELETE FROM ledger_setting WHERE kind = 'model_switch'", {"setting"}),
        ("UPDATE account SET leased = leased + 1 WHERE leased <> '0'", {"leased"}),
        ("UPDATE lease SET used = used + 1", {"leased"}),
        ("UPDATE lease SET used = granted + 1", {"leased"}),
        ("DELETE FROM lease", {"leased"}),
    ],
)
def test_what_is_changed_in_the_books_is_named(books: Books, statement: str, what: set[str]) -> None:
    books.change(statement)

    assert books.found() == what


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"CNY","permanent",7500,7500', b'"CNY","permanent",7501,7501'), (b'"pool","openai"', b'"pool","openaj"')],
)
def test_what_is_changed_in_the_journal_is_named(books: Books, old: bytes, new: bytes) -> None:
    content = books.journal.read_bytes()
    assert old in content
    books.journal.write_bytes(content.replace(old, new, 1))

    report = books.verify()

    assert not report.is_equal
    assert report.missing_files == ["usage_20261122.jsonl (1)"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b"2500000000000", b"2600000000000", {"transfer", "action"}),
        (b'"permanent",-500000000000', b'"permanent",-600000000000', {"transfer", "action"}),
        (b'"is_enforced":false', b'"is_enforced":true', {"setting", "action"}),
    ],
)
def test_what_is_changed_in_the_actions_file_is_named(books: Books, old: bytes, new: bytes, what: set[str]) -> None:
    file = books.data / "actions.jsonl"
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))

    assert books.found() == what


def test_a_rebuild_from_journal_and_actions_gives_the_same_ledger_bit_for_bit(books: Books) -> None:
    before = books.facts()

    made = rebuild_books(books.data, books.logs, "UTC")

    assert books.facts() == before
    assert made.books.digest == before[0]
    report = books.verify()
    assert report.is_equal, report.differences
    store = SqliteStore(books.data / "books.db", "UTC")
    with store.ledger() as ledger:
        account = ledger.account(ALICE)
        assert ledger.leases() == []  # whoever held one begins anew
        assert (account.balance, account.leased) == (2 * UNIT - CALLS * 7_500, 0)
        assert [pool.state.filling for pool in ledger.pools()] == [10 * UNIT]  # what people were told is carried over
    store.close()


def test_a_rebuild_heals_what_somebody_has_changed(books: Books) -> None:
    before = books.facts()
    books.change("UPDATE account SET used = used + 1")
    books.change("UPDATE usage_entry SET amount = amount + 1")
    assert books.facts() != before

    rebuild_books(books.data, books.logs, "UTC")

    assert books.facts() == before


def test_a_ledger_that_is_lost_altogether_comes_back_from_the_two_files(books: Books) -> None:
    before = books.facts()
    (books.data / "books.db").unlink()

    rebuild_books(books.data, books.logs, "UTC")

    assert books.facts() == before
    store = SqliteStore(books.data / "books.db", "UTC")
    money = Money(store, log=ActionFile(books.data))
    money.watch.look()
    with store.ledger() as ledger:
        assert [pool.state.filling for pool in ledger.pools()] == [10 * UNIT]
    store.close()


def test_a_ledger_in_memory_is_proven_like_one_on_disk(money: Money) -> None:
    money.call(take(ALICE, 5))
    report, proof = VerificationReport(), Money()
    proof.call(take(ALICE, 5))
    report.count_taken(("user", "alice", "CNY", "permanent"), 5)

    with money.store.snapshot() as ours, proof.store.snapshot() as theirs:
        verify_ledger(report, theirs.ledger_books, ours.ledger_books)

    assert report.is_equal, report.differences
    assert report.entries == 1
