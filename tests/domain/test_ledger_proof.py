"""The proofs find each thing that is wrong, name it, and find nothing in books that are right."""

from smart_ai_router.domain.accounts import AccountKey, AccountKind, outside_account
from smart_ai_router.domain.leasing import AccountState, LeaseState
from smart_ai_router.domain.ledger import (
    Entry,
    Transfer,
    TransferKind,
    adjust,
    grant,
    recharge,
    repricing,
    usage_transfer,
)
from smart_ai_router.domain.ledger_proof import (
    LedgerFault,
    allowed_below_zero,
    balance_faults,
    balances_of,
    lending_faults,
    line_faults,
    transfer_faults,
    unit_faults,
)
from tests.domain.ledger_samples import CNY, POOL, facts, order

LINE = facts("req_1", (CNY, 100, 100), (POOL, 10, 10))
CALL = usage_transfer(LINE)
assert CALL is not None
BOOKS = [grant(CNY, 1_000, order("a")), recharge(POOL, 500, order("b")), CALL]


def broken(*entries: tuple[AccountKey, int]) -> Transfer:
    return Transfer(TransferKind.ADJUST, "broken", 0, tuple(Entry(*each) for each in entries))


def lease(granted: int, used: int = 0, returned: int = 0, account: AccountKey = CNY, holder: str = "w1") -> LeaseState:
    return LeaseState(holder, account, granted, used, returned)


def test_books_that_are_right_have_no_faults() -> None:
    balances = balances_of(BOOKS)

    assert transfer_faults(BOOKS) == []
    assert unit_faults(balances) == []
    assert balance_faults(balances, balances) == []
    assert line_faults([LINE], {each.key: each for each in BOOKS}) == []
    assert balances[CNY] == 900
    assert balances[POOL] == 490


def test_a_transfer_that_does_not_balance_is_named_with_what_is_left() -> None:
    lopsided = broken((CNY, 5), (outside_account("CNY"), -4))

    assert transfer_faults([*BOOKS, lopsided]) == [LedgerFault("transfer", "broken", "0 in each unit", "{'CNY': 1}")]


def test_two_units_do_not_balance_each_other() -> None:
    assert len(transfer_faults([broken((CNY, 5), (POOL, -5))])) == 1


def test_a_transfer_without_entries_is_named() -> None:
    assert transfer_faults([broken()]) == [LedgerFault("transfer", "broken", "0 in each unit", "no entries")]


def test_money_that_came_from_nowhere_shows_in_its_unit() -> None:
    balances = balances_of([*BOOKS, broken((POOL, 7))])

    assert unit_faults(balances) == [LedgerFault("unit", "USD", "0", "7")]


def test_a_balance_that_is_not_the_sum_of_its_entries_is_named_with_both() -> None:
    by_entries = balances_of(BOOKS)
    kept = {**by_entries, CNY: 901}
    del kept[POOL]

    assert balance_faults(by_entries, kept) == [
        LedgerFault("balance", "pool openai USD", "490", "0"),
        LedgerFault("balance", "user alice CNY permanent", "900", "901"),
    ]


def test_a_balance_that_no_entry_explains_is_named() -> None:
    assert balance_faults({}, {CNY: 1}) == [LedgerFault("balance", "user alice CNY permanent", "0", "1")]


# --- lending ---


def test_what_is_lent_is_what_the_leases_have_outstanding() -> None:
    leases = [lease(100, 30, 20), lease(10, holder="w2")]

    assert lending_faults([AccountState(CNY, 60, 60)], leases, {}) == []
    assert lending_faults([AccountState(CNY, 61, 61)], leases, {}) == [
        LedgerFault("leased", "user alice CNY permanent", "60", "61")
    ]


def test_a_lease_that_used_more_than_it_was_granted_is_named() -> None:
    faults = lending_faults([AccountState(CNY, 5, -1)], [lease(10, 11)], {})

    assert faults == [LedgerFault("leased", "user alice CNY permanent w1", "at least 0 outstanding", "-1")]


def test_a_lease_of_an_account_that_does_not_exist_is_named() -> None:
    assert lending_faults([], [lease(1)], {}) == [
        LedgerFault("leased", "user alice CNY permanent", "an account", "none")
    ]


def test_lending_what_is_not_there_is_named_and_one_that_is_explained_is_not() -> None:
    account, leases = AccountState(CNY, 9, 10), [lease(10)]

    assert lending_faults([account], leases, {CNY: 1}) == []
    assert lending_faults([account], leases, {}) == [
        LedgerFault("overdrawn", "user alice CNY permanent", "at least 0 available", "-1")
    ]


def test_a_counter_account_may_lie_below_zero() -> None:
    assert lending_faults([AccountState(outside_account("CNY"), -1_000)], [], {}) == []


def test_what_calls_took_beyond_their_leases_and_corrections_took_away_explains_a_debt() -> None:
    call = usage_transfer(facts("req_2", (CNY, 100, 60)))
    assert call is not None
    dearer = repricing("req_2", [call], {CNY: 107}, "dearer", order())
    assert dearer is not None
    transfers = [*BOOKS, call, dearer, adjust(POOL, -3, order("c")), adjust(POOL, 9, order("d"))]

    allowed = allowed_below_zero([LINE, facts("req_2", (CNY, 100, 60))], transfers)

    assert allowed[CNY] == 40 + 7
    assert allowed[POOL] == 3


# --- lines ---


def test_a_line_without_its_transfer_is_named() -> None:
    assert [fault[:2] for fault in line_faults([LINE], {})] == [("line", "req_1")]


def test_a_line_with_another_transfer_is_named_with_both() -> None:
    other = usage_transfer(facts("req_1", (CNY, 99, 0)))
    assert other is not None
    (fault,) = line_faults([LINE], {other.key: other})

    assert "-100" in fault.expected
    assert "-99" in fault.found


def test_a_transfer_of_a_call_without_a_line_is_named() -> None:
    assert line_faults([], {each.key: each for each in BOOKS}) == [
        LedgerFault("line", "usage:req_1", "a journal line", "none")
    ]


def test_a_line_that_took_nothing_needs_no_transfer_and_an_order_no_line() -> None:
    orders = {each.key: each for each in BOOKS[:2]}

    assert line_faults([facts("req_9", (CNY, 0, 0))], orders) == []


def test_a_line_that_stands_twice_in_the_journal_is_one_call() -> None:
    assert line_faults([LINE, LINE], {each.key: each for each in BOOKS}) == []


def test_the_revenue_is_what_users_were_charged() -> None:
    assert balances_of(BOOKS)[AccountKey(AccountKind.REVENUE, "", "CNY")] == 100
