"""The export of the ledger: exact, complete, in lines of JSON."""

from decimal import Decimal
from typing import Any

import msgspec

from smart_ai_router.core.ledger_export import ledger_lines
from smart_ai_router.core.ledger_requests import NewGrant
from smart_ai_router.domain.accounts import user_account
from tests.core.ledger_samples import ALICE, POOL, Money, by, take


def exported(money: Money) -> list[dict[str, Any]]:
    with money.store.ledger() as ledger:
        lines = list(ledger_lines(ledger))
    return [msgspec.json.decode(line, type=dict[str, Any]) for line in lines]


def test_every_transfer_and_every_account_is_exported(money: Money) -> None:
    money.recharge("10")
    money.quotas.grant("alice", NewGrant("audio", Decimal(1), description=""), by("grant-1"))
    call = money.call(take(ALICE, 75_000_000), take(POOL, 1))

    rows = exported(money)

    transfers = [row for row in rows if row["type"] == "transfer"]
    assert [row["kind"] for row in transfers] == ["usage", "recharge", "grant"]
    assert transfers[0]["request_id"] == call.request_id
    assert transfers[2]["key"] == "grant-1"
    assert [(entry["account"], entry["owner"], entry["parts"]) for entry in transfers[0]["entries"]] == [
        ("pool", "openai", -1),
        ("provider", "openai", 1),
        ("revenue", "", 75_000_000),
        ("user", "alice", -75_000_000),
    ]
    balances = {(row["account"], row["unit"]): row["balance_parts"] for row in rows if row["type"] == "account"}
    assert balances["user", "audio_ms"] == 60_000
    assert sum(amount for (_, unit), amount in balances.items() if unit == "CNY") == 0


def test_amounts_are_plain_exact_decimals(money: Money) -> None:
    money.call(take(ALICE, 75_000_000), take(user_account("bob", "USD"), 10**30 // 10**12))

    with money.store.ledger() as ledger:
        text = b"\n".join(ledger_lines(ledger)).decode()

    assert '"amount":-0.000075,' in text
    assert "e-" not in text.lower().replace("alice", "")
    assert '"amount":-1000000,"parts":-1000000000000000000' in text


def test_an_empty_ledger_has_no_lines(money: Money) -> None:
    assert exported(money) == []
