"""What every store does with the ledger: lines, actions, leases, pools, questions."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_ai_router.core.actions import Change
from smart_ai_router.core.ledger_actions import (
    CallRefunded,
    EnforcementSet,
    KeyBudgetSet,
    ModelSwitched,
    PoolRecharged,
    QuotaCurrencySet,
    QuotaGranted,
    QuotasGranted,
    RecurringGrantSet,
    transfer_row,
)
from smart_ai_router.core.ledger_rows import EnforcementRow, PoolRow
from smart_ai_router.core.ledger_store import HolderRow, LedgerAccount
from smart_ai_router.core.store import BookStore, JournalFileState
from smart_ai_router.core.usage_pages import CursorInvalid
from smart_ai_router.core.usage_record import AccountPosting, UsageRecord
from smart_ai_router.domain.accounts import (
    AccountKey,
    AccountKind,
    key_account,
    pool_account,
    usage_counter,
    user_account,
)
from smart_ai_router.domain.leasing import LeaseState, use
from smart_ai_router.domain.ledger import (
    Order,
    Posting,
    Transfer,
    TransferKind,
    UsageFacts,
    grant,
    recharge,
    refund,
    usage_transfer,
)
from smart_ai_router.domain.money import CELL_MAX
from tests.contract.conftest import OpenStore
from tests.contract.lines import own_id, postings, record
from tests.core.administration_samples import NOW_MS, action

ALICE = user_account("alice", "CNY")
BOB = user_account("bob", "CNY")
KEY = key_account("key_a", "CNY")
POOL = pool_account("openai", "CNY")
NOON = "2026-11-22 12:00:00"


def took(account: AccountKey, amount: int, leased: int = 0) -> AccountPosting:
    return AccountPosting(account.kind.value, account.owner, account.unit, account.part, amount, leased)


def book(store: BookStore, records: Sequence[UsageRecord], file: JournalFileState | None = None) -> JournalFileState:
    return store.apply(file or JournalFileState("usage_20261122.jsonl", 1), postings(records), []).file


def act(store: Any, *changes: Change) -> None:
    first = len(store.administration.numbers()) + 1
    store.administration.apply([action(number, change) for number, change in enumerate(changes, first)])


def granted(account: AccountKey, amount: int, key: str = "grant-1") -> QuotaGranted:
    return QuotaGranted(account.owner, transfers=(transfer_row(grant(account, amount, Order(key, NOW_MS, "admin"))),))


def recharged(amount: int, key: str = "recharge-1", before: int = 0) -> PoolRecharged:
    transfer = recharge(POOL, amount, Order(key, NOW_MS, "admin", remark="paid"))
    return PoolRecharged("openai", "CNY", transfers=(transfer_row(transfer, before),))


def balances(store: BookStore) -> dict[AccountKey, int]:
    with store.ledger() as ledger:
        return {account.key: account.balance for account in ledger.accounts()}


# --- lines ---


def test_a_line_takes_what_it_says_and_its_counter_accounts_get_it(store: BookStore) -> None:
    call = record(NOON, postings=(took(ALICE, 700), took(KEY, 700), took(POOL, 500)), holder="w1")

    book(store, [call])

    assert balances(store) == {
        ALICE: -700, KEY: -700, POOL: -500,
        usage_counter(ALICE): 700, usage_counter(KEY): 700, usage_counter(POOL): 500,
    }  # fmt: skip
    with store.ledger() as ledger:
        transfer = ledger.transfer(f"usage:{call.request_id}")
        assert transfer is not None
        assert (transfer.kind, transfer.request_id, len(transfer.entries)) == (TransferKind.USAGE, call.request_id, 6)
        assert ledger.call_transfers(call.request_id) == (transfer,)
        assert list(ledger.usage_transfers()) == [transfer]
        assert [(entry.account, entry.amount) for entry in ledger.usage_entries()] == [
            (KEY, 700), (POOL, 500), (ALICE, 700),
        ]  # fmt: skip


def test_a_retried_settlement_is_charged_once(store: BookStore) -> None:
    call = record(NOON, postings=(took(ALICE, 700),))
    file = book(store, [call])

    book(store, [call, record(NOON, 2, postings=(took(ALICE, 1),)), call], file)

    assert balances(store)[ALICE] == -701


def test_another_line_under_the_same_id_takes_nothing(store: BookStore) -> None:
    file = book(store, [record(NOON, postings=(took(ALICE, 700),))])

    book(store, [record(NOON, input_tokens=7, postings=(took(ALICE, 900),))], file)

    assert balances(store)[ALICE] == -700


def test_a_line_without_postings_leaves_the_ledger_empty(store: BookStore) -> None:
    book(store, [record(NOON), record(NOON, 2, postings=(took(ALICE, 0),))])

    assert balances(store) == {}
    with store.ledger() as ledger:
        assert ledger.call_transfers(own_id(NOW_MS)) == ()
        assert list(ledger.usage_entries()) == []


def test_sums_pass_sixty_four_bits_without_a_wrap(store: BookStore) -> None:
    book(store, [record(NOON, number, postings=(took(ALICE, CELL_MAX),)) for number in range(3)])

    assert balances(store)[ALICE] == -3 * CELL_MAX
    assert balances(store)[usage_counter(ALICE)] == 3 * CELL_MAX


def test_a_call_with_an_id_of_other_make_is_found_by_it(store: BookStore) -> None:
    book(store, [record(NOON, postings=(took(ALICE, 700), took(POOL, 5)), request_id="other-maker-1")])

    with store.ledger() as ledger:
        found = ledger.transfer("usage:other-maker-1")
    assert found is not None
    assert dict(found.entries)[ALICE] == -700


ACCOUNTS = [ALICE, BOB, KEY, POOL, user_account("alice", "CNY", "monthly:2026-11"), user_account("bob", "text_token")]
HOLDERS = ["w1", "w2", "gone"]


@st.composite
def calls(draw: st.DrawFn) -> list[list[UsageRecord]]:
    """Batches of calls, each of which takes something of some accounts, more or less of it under a lease."""
    made = []
    for number in range(draw(st.integers(1, 12))):
        taken = []
        for account in draw(st.lists(st.sampled_from(ACCOUNTS), unique=True, max_size=4)):
            amount = draw(st.integers(0, 50))
            taken.append(took(account, amount, draw(st.integers(0, amount))))
        made.append(record(NOON, number, postings=tuple(taken), holder=draw(st.sampled_from([*HOLDERS, None]))))
    cut = draw(st.integers(0, len(made)))
    return [made[:cut], made[cut:]]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=calls(), lent=st.lists(st.integers(1, 120), min_size=12, max_size=12))
def test_batches_come_to_what_the_domain_says_of_their_lines(
    open_store: OpenStore, batches: list[list[UsageRecord]], lent: list[int]
) -> None:
    store = open_store()
    leases = {
        (account, holder): LeaseState(holder, account, granted=amount)
        for (account, holder), amount in zip(((a, h) for a in ACCOUNTS for h in HOLDERS[:2]), lent, strict=True)
    }
    with store.lease_books() as books:
        for holder in HOLDERS[:2]:
            books.put_holder(HolderRow(holder, 0, 1))
        for lease in leases.values():
            before = books.account(lease.account)
            books.put_account(before, before._replace(leased=before.leased + lease.granted))
            books.put_lease(lease)
    states = {account: _state_with(leases, account) for account in ACCOUNTS}
    transfers: list[Transfer] = []
    file = None
    for batch in batches:
        file = book(store, batch, file)
        for call in batch:
            facts = _facts(call)
            transfers += [each for each in [usage_transfer(facts)] if each is not None]
            for key, amount, leased in facts.postings:
                states[key], lease_after = use(states[key], leases.get((key, facts.holder)), amount, leased)
                if lease_after is not None:
                    leases[key, facts.holder] = lease_after

    with store.ledger() as ledger:
        found = {account.key: account for account in ledger.accounts()}
        assert sorted(ledger.leases()) == sorted(leases.values())
        assert [_sorted(each) for each in ledger.usage_transfers()] == [_sorted(each) for each in transfers]
    assert {key: found[key].state for key in ACCOUNTS} == states
    assert sum(account.balance for account in found.values() if account.key.unit == "CNY") == 0


def _state_with(leases: dict[tuple[AccountKey, str], LeaseState], account: AccountKey) -> Any:
    lent = sum(lease.granted for (key, _), lease in leases.items() if key == account)
    return LedgerAccount(account, leased=lent).state


def _facts(call: UsageRecord) -> UsageFacts:
    taken = tuple(
        Posting(AccountKey(AccountKind(each.kind), each.owner, each.unit, each.part), each.amount, each.leased)
        for each in call.postings
    )
    return UsageFacts(call.request_id, NOW_MS, call.holder or "", taken)


def _sorted(transfer: Transfer) -> tuple[str, list[Any]]:
    return transfer.key, sorted(transfer.entries)


# --- actions ---


def test_a_transfer_is_booked_once_however_often_its_action_comes(store: Any) -> None:
    changes = [action(1, granted(ALICE, 100)), action(2, recharged(50))]
    for _ in range(3):
        store.administration.apply(changes)

    with store.ledger() as ledger:
        assert ledger.account(ALICE)[:3] == (ALICE, 100, 0)
        assert ledger.account(ALICE).is_granted
        assert [made.transfer.key for made in ledger.made_transfers()] == ["grant-1", "recharge-1"]
        assert ledger.transfer("grant-1") == grant(ALICE, 100, Order("grant-1", NOW_MS, "admin"))._replace(
            entries=tuple(sorted(grant(ALICE, 100, Order("grant-1", NOW_MS)).entries))
        )
        assert ledger.transfer("nobody's") is None


def test_another_transfer_under_a_key_that_stands_changes_nothing(store: Any) -> None:
    act(store, granted(ALICE, 100), granted(ALICE, 999), granted(BOB, 1, "grant-2"))

    assert balances(store)[ALICE] == 100
    with store.ledger() as ledger:
        assert len(list(ledger.made_transfers())) == 2


def test_a_refund_lowers_what_was_used_and_not_what_was_given(store: Any) -> None:
    call = record(NOON, postings=(took(ALICE, 70), took(POOL, 50)))
    act(store, granted(ALICE, 100))
    book(store, [call])
    with store.ledger() as ledger:
        charges = ledger.call_transfers(call.request_id)
    back = refund(call.request_id, charges, {ALICE: 70}, Order("refund-1", NOW_MS))

    act(store, CallRefunded(call.request_id, transfers=(transfer_row(back),)))

    with store.ledger() as ledger:
        assert ledger.account(ALICE)[:3] == (ALICE, 100, 0)
        assert len(ledger.call_transfers(call.request_id)) == 2


def test_settings_are_kept_by_kind_and_key_and_the_last_one_counts(store: Any) -> None:
    act(
        store,
        EnforcementSet(False),
        QuotaCurrencySet("alice", "USD"),
        QuotaCurrencySet("alice", "EUR"),
        KeyBudgetSet("key_a", "CNY", "monthly", 5, "2026-11-22"),
        RecurringGrantSet("user", "alice", "image", "monthly", 3, "2026-11-22"),
        ModelSwitched("openai", "gpt-4o", True, "by hand"),
        recharged(50),
    )

    with store.ledger() as ledger:
        assert ledger.setting("quota_enforcement", "") == EnforcementRow(False)
        assert [row.currency for row in ledger.settings("quota_currency")] == ["EUR"]
        assert [row.owner for row in ledger.settings("grant_rule")] == ["key_a", "alice"]
        assert [row.owner for row in ledger.settings("grant_rule", "user")] == ["alice"]
        assert ledger.setting("pool", "openai") == PoolRow("openai", "CNY", NOW_MS)
        assert ledger.setting("pool", "nobody") is None
    state = store.administration.state()
    assert (state.quotas_enforced, state.pools, [quota.monthly for quota in state.quotas]) == (
        False, (("openai", "CNY"),), [frozenset({"image"})],
    )  # fmt: skip


def test_accounts_are_asked_for_by_kind_owner_and_date(store: Any) -> None:
    dated = user_account("alice", "CNY", "monthly:2026-10")
    rows = tuple(
        transfer_row(grant(key, 5, Order(f"g-{number}", NOW_MS))) for number, key in enumerate((ALICE, BOB, dated))
    )
    act(store, QuotasGranted(2, transfers=rows))

    with store.ledger() as ledger:
        assert [account.key for account in ledger.accounts(AccountKind.USER)] == [dated, ALICE, BOB]
        assert [account.key for account in ledger.accounts(AccountKind.USER, "alice")] == [dated, ALICE]
        assert [account.key for account in ledger.dated_accounts()] == [dated]
        assert ledger.account(KEY) == LedgerAccount(KEY)


# --- movements ---


def test_movements_come_newest_first_and_pages_neither_repeat_nor_skip(store: Any) -> None:
    act(store, granted(ALICE, 100))
    file = None
    for minute in range(5):
        call = record(f"2026-11-22 12:0{minute}:30", minute, postings=(took(ALICE, minute + 1),))
        file = book(store, [call], file)

    with store.ledger() as ledger:
        whole = ledger.movements(ALICE, limit=100).movements
        first = ledger.movements(ALICE, limit=2)
    book(store, [record("2026-11-22 13:00:00", 9, postings=(took(ALICE, 9),))], file)  # does not shift the pages
    pages, cursor = list(first.movements), first.next_cursor
    with store.ledger() as ledger:
        while cursor is not None:
            page = ledger.movements(ALICE, cursor, limit=2)
            pages += page.movements
            cursor = page.next_cursor
        assert ledger.movements(BOB).movements == ()
        for wrong in ("x", "1", "1.2.3", f"{1 << 64}.0"):
            with pytest.raises(CursorInvalid):
                ledger.movements(ALICE, wrong)

    assert tuple(pages) == whole
    assert [movement.amount for movement in whole] == [-5, -4, -3, -2, -1, 100]
    assert (whole[-1].kind, whole[-1].key, whole[-1].actor) == (TransferKind.GRANT, "grant-1", "admin")
    assert whole[0].request_id is not None


def test_two_transfers_of_one_moment_stand_on_two_pages(store: Any) -> None:
    act(store, granted(ALICE, 1, "a"), granted(ALICE, 2, "b"), granted(ALICE, 3, "c"))

    with store.ledger() as ledger:
        first = ledger.movements(ALICE, limit=1)
        second = ledger.movements(ALICE, first.next_cursor, limit=5)
    assert [each.amount for each in (*first.movements, *second.movements)] == [3, 2, 1]
