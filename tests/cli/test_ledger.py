"""`ledger export` over books on the disk."""

import json
from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner, Result

from smart_ai_router.adapters.action_file import ActionFile
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.cli import root
from tests.core.ledger_samples import ALICE, POOL, Money, take


def run(folder: Path, *command: str) -> Result:
    places = ["--data-dir", str(folder / "data"), "--logs-dir", str(folder / "logs")]
    return CliRunner().invoke(root, [*command, *places])


def test_the_ledger_is_written_line_by_line_with_exact_amounts(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "data" / "books.db", "UTC")
    money = Money(store, log=ActionFile(tmp_path / "data"))
    money.recharge("10")
    money.call(take(ALICE, 75_000_000), take(POOL, 1))
    store.close()

    done = run(tmp_path, "ledger", "export")

    assert done.exit_code == 0, done.output
    rows = [json.loads(line, parse_float=Decimal) for line in done.output.splitlines()]
    assert [row["kind"] for row in rows if row["type"] == "transfer"] == ["usage", "recharge"]
    balances = {(row["account"], row["owner"]): row["balance"] for row in rows if row["type"] == "account"}
    assert balances["user", "alice"] == Decimal("-0.000075")
    assert balances["pool", "openai"] == Decimal("9.999999999999")
    assert sum(balances.values()) == 0


def test_without_books_there_is_nothing_to_export(tmp_path: Path) -> None:
    done = run(tmp_path, "ledger", "export")

    assert done.exit_code == 2
    assert "no books" in done.output
