"""The page of the ledger against the ledger: every figure in its tables is computed again, every word is the code's."""

import re
from decimal import Decimal

import pytest

from smart_ai_router.domain.accounts import AccountKey, AccountKind, QuotaUnit, outside_account
from smart_ai_router.domain.charges import OUTPUT_TOKENS_UNKNOWN, Charge, GapAnswer, Need
from smart_ai_router.domain.holds import Hold, LeaseBook, Shortage
from smart_ai_router.domain.lease_slices import IDLE_S
from smart_ai_router.domain.leasing import CALL_S_MAX, EXPIRY_MARGIN_S, LEASE_S, use
from smart_ai_router.domain.ledger import Posting, grant, recharge, refund, usage_transfer
from smart_ai_router.domain.ledger_proof import balances_of, transfer_faults, unit_faults
from smart_ai_router.domain.money import pico_to_text
from smart_ai_router.domain.pools import (
    ALERT_LEVELS,
    DEFAULT_RULE,
    REASON_NO_MONEY,
    PoolLevel,
    PoolState,
    after_check,
    after_recharge,
)
from tests.docs.pages import LANGUAGES, page_text, table_rows
from tests.domain.ledger_decisions import figures
from tests.domain.ledger_samples import CNY, POOL, Office, facts, order, pico

HEADINGS = {
    "en": {"accounts": "## Accounts", "example": "## An example", "leases": "## Holds and leases",
           "payers": "## Who pays what", "missing": "## What is missing", "pools": "## Pools"},
    "zh": {"accounts": "## 账户", "example": "## 例子", "leases": "## 预留与租约",
           "payers": "## 谁付多少", "missing": "## 缺了什么", "pools": "## 资源池"},
}  # fmt: skip
COLUMNS = (
    CNY,
    AccountKey(AccountKind.REVENUE, "", "CNY"),
    outside_account("CNY"),
    POOL,
    AccountKey(AccountKind.PROVIDER, "openai", "USD"),
    outside_account("USD"),
)


def section(language: str, name: str) -> list[list[str]]:
    return table_rows(f"docs/{language}/ledger.md", HEADINGS[language][name])


def marks(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_account_and_every_unit_is_named(language: str) -> None:
    rows = section(language, "accounts")

    assert {marks(row[0])[0] for row in rows} == {kind.value for kind in AccountKind}
    assert set(marks(rows[0][2])) == {unit.value for unit in QuotaUnit}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_is_what_the_ledger_books(language: str) -> None:
    call = usage_transfer(facts("req_1", (CNY, pico("0.0175"), 0), (POOL, pico("0.0025"), 0)))
    assert call is not None
    transfers = [
        grant(CNY, pico("10"), order("grant")),
        recharge(POOL, pico("100"), order("recharge")),
        call,
        refund("req_1", [call], {CNY: pico("0.0175")}, order("refund")),
    ]
    booked = [dict(transfer.entries) for transfer in transfers] + [balances_of(transfers)]

    told = [[Decimal(cell) for cell in row[1:]] for row in section(language, "example")]

    assert transfer_faults(transfers) == unit_faults(booked[-1]) == []
    assert told == [[Decimal(pico_to_text(each.get(column, 0))) for column in COLUMNS] for each in booked]
    assert all(sum(row[:3]) == sum(row[3:]) == 0 for row in told)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_moments_of_a_hold_are_what_worker_and_books_have(language: str) -> None:
    office, book = Office({CNY: pico("10")}), LeaseBook("w1", 0.0)
    need = Need((CNY,), pico("0.035"))
    moments = [moment(office, book)]
    assert isinstance(book.reserve([need], 0.0), Shortage)
    report = book.report(0.0)
    assert report is not None
    answer = office.hear(report)
    assert answer is not None
    book.absorb(answer, 0.0)
    moments.append(moment(office, book))
    hold = book.reserve([need], 0.0)
    assert isinstance(hold, Hold)
    moments.append(moment(office, book))
    (posting,) = book.settle(hold, [Charge((CNY,), pico("0.0175"))]).postings
    book.line_written(hold)
    moments.append(moment(office, book))
    post(office, posting)
    moments.append(moment(office, book))

    assert [[Decimal(cell) for cell in row[1:]] for row in section(language, "leases")] == moments


def moment(office: Office, book: LeaseBook) -> list[Decimal]:
    account = office.accounts[CNY]
    amounts = [account.balance, account.leased, account.available]
    amounts += next(([each.free, each.held, each.used] for each in book.slices()), [0, 0, 0])
    return [Decimal(pico_to_text(amount)) for amount in amounts]


def post(office: Office, posting: Posting) -> None:
    lease = office.leases[CNY, "w1"]
    office.accounts[CNY], _ = use(office.accounts[CNY], lease, posting.amount, posting.leased)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_row_of_who_pays_what_is_computed_again(language: str) -> None:
    told = [(row[2], tuple(row[3].split(", "))) for row in section(language, "payers")]

    assert told == [tuple(paid) for paid in figures().values()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_is_answered_in_the_words_of_the_code(language: str) -> None:
    words = {word for row in section(language, "missing") for word in marks(" ".join(row))}

    assert words == {answer.value for answer in GapAnswer} | {"quota_short"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_levels_of_a_pool_are_the_codes(language: str) -> None:
    rows = section(language, "pools")
    full, _ = after_recharge(PoolState("openai"), pico("100"), 0)

    for row, balance in zip(rows, ("10", "9.99", "0"), strict=True):
        state, _ = after_check(full, pico(balance), 0)
        assert marks(row[1]) == [state.level.value]
        assert marks(row[2]) == ([state.alert.kind.value] if state.alert else [])
        assert (REASON_NO_MONEY in row[3]) is state.are_models_off
    assert [marks(row[1])[0] for row in rows] == [level.value for level in PoolLevel]


def test_the_figures_in_the_text_are_the_codes() -> None:
    text = page_text("docs/en/ledger.md")

    assert DEFAULT_RULE.threshold_basis_points == 1_000
    assert DEFAULT_RULE.recovery_basis_points == 200
    assert f"at most {OUTPUT_TOKENS_UNKNOWN:,} tokens" in text
    assert IDLE_S == 10
    assert LEASE_S == 10 * 60
    assert "stood still for more than 40 minutes" in text
    assert 40 * 60 <= LEASE_S + CALL_S_MAX < LEASE_S + CALL_S_MAX + EXPIRY_MARGIN_S <= 41 * 60
    assert all(level in text for level in ALERT_LEVELS.values())
