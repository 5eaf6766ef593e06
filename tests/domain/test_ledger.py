"""The ledger: every transfer sums to zero in each unit, is booked once under its key, and nothing is ever changed."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.domain.accounts import (
    AccountKey,
    AccountKind,
    key_account,
    outside_account,
    pool_account,
    user_account,
)
from smart_ai_router.domain.ledger import (
    KEY_LENGTH_MAX,
    Order,
    Posting,
    Repetition,
    Transfer,
    TransferInvalid,
    TransferKind,
    UsageFacts,
    adjust,
    compared,
    expiry,
    grant,
    recharge,
    recurring_grant,
    refund,
    repricing,
    require_key,
    taken_of,
    usage_transfer,
)
from smart_ai_router.domain.ledger_proof import balances_of, transfer_faults
from smart_ai_router.domain.money import CELL_MAX, AmountInvalid, AmountTooLarge
from tests.domain.ledger_samples import BUDGET, CNY, NOW_MS, POOL, TODAY, TOKENS, TOKENS_MONTHLY, facts, order, pico

REVENUE = AccountKey(AccountKind.REVENUE, "", "CNY")
PROVIDER = AccountKey(AccountKind.PROVIDER, "openai", "USD")
ALLOWANCE = AccountKey(AccountKind.ALLOWANCE, "", "CNY")


def entries(transfer: Transfer | None) -> dict[AccountKey, int]:
    assert transfer is not None
    assert len({entry.account for entry in transfer.entries}) == len(transfer.entries)
    return {entry.account: entry.amount for entry in transfer.entries}


# --- calls ---


def test_a_call_takes_from_each_account_and_gives_to_its_counter_account() -> None:
    transfer = usage_transfer(
        facts("req_1", (CNY, pico("0.018"), pico("0.018")), (BUDGET, pico("0.018"), 0), (POOL, pico("0.0025"), 0))
    )

    assert entries(transfer) == {
        CNY: -pico("0.018"),
        REVENUE: pico("0.018"),
        BUDGET: -pico("0.018"),
        ALLOWANCE: pico("0.018"),
        POOL: -pico("0.0025"),
        PROVIDER: pico("0.0025"),
    }
    assert transfer is not None
    assert (transfer.kind, transfer.key, transfer.request_id) == (TransferKind.USAGE, "usage:req_1", "req_1")
    assert transfer.at_ms == NOW_MS


def test_two_parts_of_one_unit_share_a_counter_account() -> None:
    transfer = usage_transfer(facts("req_1", (TOKENS_MONTHLY, 300, 300), (TOKENS, 150, 100)))

    assert entries(transfer)[AccountKey(AccountKind.REVENUE, "", "text_token")] == 450


def test_a_call_that_took_nothing_has_no_transfer() -> None:
    assert usage_transfer(facts("req_1")) is None
    assert usage_transfer(facts("req_1", (CNY, 0, 0))) is None


@pytest.mark.parametrize(("amount", "leased"), [(1, 2), (1, -1), (-1, 0), (-1, -1), (0, 1)])
def test_a_line_whose_lease_covers_more_than_it_took_is_refused(amount: int, leased: int) -> None:
    with pytest.raises(TransferInvalid):
        usage_transfer(facts("req_1", (CNY, amount, leased)))


def test_a_line_that_takes_of_a_counter_account_is_refused() -> None:
    with pytest.raises(TransferInvalid, match="counter-account"):
        usage_transfer(facts("req_1", (REVENUE, 1, 0)))


def test_the_lease_of_a_line_is_no_part_of_its_money() -> None:
    one, other = (usage_transfer(facts("req_1", (CNY, 5, leased))) for leased in (0, 5))

    assert one == other


# --- orders ---


def test_a_recharge_comes_from_outside_into_the_pool() -> None:
    transfer = recharge(POOL, pico("1000"), order()._replace(source="bank", remark="first"))

    assert entries(transfer) == {POOL: pico("1000"), outside_account("USD"): -pico("1000")}
    assert (transfer.actor, transfer.source, transfer.remark) == ("admin", "bank", "first")


def test_a_grant_of_quota_comes_from_outside_and_a_budget_from_the_allowance() -> None:
    assert entries(grant(TOKENS, 500, order())) == {TOKENS: 500, outside_account("text_token"): -500}
    assert entries(grant(BUDGET, 500, order())) == {BUDGET: 500, ALLOWANCE: -500}


@pytest.mark.parametrize("amount", [1, -1, CELL_MAX, -CELL_MAX])
def test_m2_78_a_correction_goes_either_way(amount: int) -> None:
    for account in (CNY, POOL, BUDGET):
        assert entries(adjust(account, amount, order()))[account] == amount


@pytest.mark.parametrize("amount", [0, -1])
def test_n_01_n_05_what_is_not_above_zero_is_refused(amount: int) -> None:
    with pytest.raises(AmountInvalid):
        recharge(POOL, amount, order())
    with pytest.raises(AmountInvalid):
        grant(CNY, amount, order())


def test_a_correction_by_nothing_is_refused() -> None:
    with pytest.raises(AmountInvalid):
        adjust(CNY, 0, order())


def test_an_amount_fits_one_entry_or_is_refused() -> None:
    assert recharge(POOL, CELL_MAX, order()).entries[0].amount == CELL_MAX
    with pytest.raises(AmountTooLarge):
        recharge(POOL, CELL_MAX + 1, order())
    with pytest.raises(AmountTooLarge):
        adjust(POOL, -CELL_MAX - 1, order())


@pytest.mark.parametrize("account", [CNY, BUDGET, REVENUE, PROVIDER, outside_account("CNY")])
def test_only_a_pool_is_recharged(account: AccountKey) -> None:
    with pytest.raises(TransferInvalid):
        recharge(account, 1, order())


@pytest.mark.parametrize("account", [POOL, REVENUE, PROVIDER, outside_account("CNY")])
def test_only_users_and_keys_are_granted_anything(account: AccountKey) -> None:
    with pytest.raises(TransferInvalid):
        grant(account, 1, order())
    with pytest.raises(TransferInvalid):
        recurring_grant(account, 1, NOW_MS)


def test_a_counter_account_cannot_be_corrected() -> None:
    with pytest.raises(TransferInvalid):
        adjust(REVENUE, 1, order())


# --- parts that begin and end ---


def test_a_part_is_credited_by_its_rule_under_one_key() -> None:
    first, again = (recurring_grant(TOKENS_MONTHLY, 500, at_ms) for at_ms in (NOW_MS, NOW_MS + 1))
    others = [
        recurring_grant(user_account("bob", "text_token", "monthly:2026-11"), 500, NOW_MS),
        recurring_grant(user_account("alice", "image", "monthly:2026-11"), 500, NOW_MS),
        recurring_grant(user_account("alice", "text_token", "monthly:2026-12"), 500, NOW_MS),
        recurring_grant(key_account("alice", "text_token", "monthly:2026-11"), 500, NOW_MS),
    ]

    assert compared(first, again) is Repetition.REPEATED
    assert len({first.key, *(each.key for each in others)}) == 5
    assert compared(first, recurring_grant(TOKENS_MONTHLY, 900, NOW_MS)) is Repetition.CONFLICT


def test_the_longest_names_give_keys_that_can_be_stored() -> None:
    account = user_account("用户" * 500, "text_token", "monthly:2026-11")

    assert len(recurring_grant(account, 1, NOW_MS).key) <= KEY_LENGTH_MAX


@pytest.mark.parametrize(
    ("part", "balance", "leased", "today", "taken"),
    [
        ("monthly:2026-10", 500, 0, TODAY, 500),
        ("monthly:2026-11", 500, 0, date(2026, 11, 30), None),  # not over
        ("monthly:2026-11", 500, 0, date(2026, 12, 1), 500),
        ("daily:2026-11-21", 1, 0, TODAY, 1),
        ("monthly:2026-10", 500, 1, TODAY, None),  # still lent: its lines may yet come
        ("monthly:2026-10", 0, 0, TODAY, None),
        ("monthly:2026-10", -5, 0, TODAY, None),  # a debt stays visible
        ("permanent", 500, 0, date(2099, 1, 1), None),
    ],
)
def test_what_is_left_of_a_part_that_is_over_is_taken_back_when_nothing_is_lent(
    part: str, balance: int, leased: int, today: date, taken: int | None
) -> None:
    account = user_account("alice", "text_token", part)
    transfer = expiry(account, balance, leased, today, NOW_MS)

    if taken is None:
        assert transfer is None
    else:
        assert entries(transfer) == {account: -taken, outside_account("text_token"): taken}


# --- refunds and repricings ---

CALL = (usage_transfer(facts("req_1", (CNY, 100, 100), (POOL, 10, 10))),)
CHARGES: Sequence[Transfer] = [each for each in CALL if each is not None]


def test_a_refund_gives_back_at_most_what_was_taken() -> None:
    assert entries(refund("req_1", CHARGES, {CNY: 100}, order())) == {CNY: 100, REVENUE: -100}
    with pytest.raises(TransferInvalid, match="100 was charged"):
        refund("req_1", CHARGES, {CNY: 101}, order())
    with pytest.raises(TransferInvalid, match="0 was charged"):
        refund("req_1", CHARGES, {TOKENS: 1}, order())


def test_a_second_refund_gives_back_what_is_left() -> None:
    first = refund("req_1", CHARGES, {CNY: 60}, order("a"))

    assert entries(refund("req_1", [*CHARGES, first], {CNY: 40}, order("b")))[CNY] == 40
    with pytest.raises(TransferInvalid, match="40 was charged"):
        refund("req_1", [*CHARGES, first], {CNY: 41}, order("b"))


def test_a_refund_of_nothing_is_refused() -> None:
    with pytest.raises(AmountInvalid):
        refund("req_1", CHARGES, {}, order())
    with pytest.raises(AmountInvalid):
        refund("req_1", CHARGES, {CNY: 0}, order())


def test_a_refund_of_another_call_under_the_same_key_is_a_conflict() -> None:
    other = usage_transfer(facts("req_2", (CNY, 100, 100)))
    assert other is not None

    booked = refund("req_1", CHARGES, {CNY: 100}, order("same"))
    assert compared(booked, refund("req_2", [other], {CNY: 100}, order("same"))) is Repetition.CONFLICT


def test_a_call_is_carried_over_to_the_right_price_and_then_is_right() -> None:
    fixed = repricing("req_1", CHARGES, {CNY: 130, POOL: 4}, "openai/m#1", order())

    assert entries(fixed) == {CNY: -30, REVENUE: 30, POOL: 6, PROVIDER: -6}
    assert fixed is not None
    assert repricing("req_1", [*CHARGES, fixed], {CNY: 130, POOL: 4}, "openai/m#2", order()) is None
    assert taken_of([*CHARGES, fixed]) == {CNY: 130, POOL: 4}


def test_an_account_that_is_not_named_right_gets_all_back() -> None:
    fixed = repricing("req_1", CHARGES, {}, "free", order())

    assert entries(fixed) == {CNY: 100, REVENUE: -100, POOL: 10, PROVIDER: -10}


def test_a_call_is_carried_over_to_the_same_prices_once() -> None:
    one, other = (repricing("req_1", CHARGES, {CNY: 130, POOL: 10}, "模型" * 200, order(key)) for key in ("a", "b"))
    assert one is not None
    assert other is not None

    assert compared(one, other) is Repetition.REPEATED
    assert len(one.key) <= KEY_LENGTH_MAX
    third = repricing("req_1", CHARGES, {CNY: 130, POOL: 10}, "other prices", order())
    assert third is not None
    assert third.key != one.key


# --- keys ---


@pytest.mark.parametrize("key", ["a", "x" * KEY_LENGTH_MAX, "order 1: November", "usage"])
def test_printable_ascii_is_a_key(key: str) -> None:
    assert require_key(key) == key


@pytest.mark.parametrize(
    "key",
    ["", "x" * (KEY_LENGTH_MAX + 1), "a\nb", "a\x00", "订单", "usage:req_1", "recurring:x", "expire:x", "reprice:x"],
)
def test_what_is_no_key_or_looks_like_one_of_ours_is_refused(key: str) -> None:
    with pytest.raises(TransferInvalid):
        require_key(key)
    with pytest.raises(TransferInvalid):
        recharge(POOL, 1, order(key))
    with pytest.raises(TransferInvalid):
        grant(CNY, 1, order(key))
    with pytest.raises(TransferInvalid):
        adjust(CNY, 1, order(key))
    with pytest.raises(TransferInvalid):
        refund("req_1", CHARGES, {CNY: 1}, order(key))


def test_the_first_under_a_key_is_new() -> None:
    assert compared(None, recharge(POOL, 5, order())) is Repetition.NEW


def test_another_moment_actor_or_word_is_still_the_same_transfer() -> None:
    booked = recharge(POOL, 5, order())
    again = recharge(POOL, 5, Order("order 1", NOW_MS + 9, "somebody", "else", "entirely"))

    assert compared(booked, again) is Repetition.REPEATED


@pytest.mark.parametrize(
    "other",
    [
        recharge(POOL, 6, order()),
        recharge(pool_account("dashscope", "USD"), 5, order()),
        recharge(pool_account("openai", "CNY"), 5, order()),
        adjust(POOL, 5, order()),
    ],
)
def test_another_amount_account_or_kind_is_a_conflict(other: Transfer) -> None:
    assert compared(recharge(POOL, 5, order()), other) is Repetition.CONFLICT


# --- always ---

limited = st.sampled_from([CNY, BUDGET, POOL, TOKENS, TOKENS_MONTHLY, pool_account("dashscope", "CNY")])
amounts = st.integers(0, 10**15)
lines = st.builds(
    lambda number, parts: UsageFacts(
        f"req_{number}", NOW_MS, "w", tuple(Posting(account, a + b, a) for account, a, b in parts)
    ),
    st.integers(0, 5),
    st.lists(st.tuples(limited, amounts, amounts), max_size=5),
)


@given(lines)
def test_the_entries_of_every_call_sum_to_zero_in_each_unit(line: UsageFacts) -> None:
    transfer = usage_transfer(line)

    if transfer is None:
        assert not any(posting.amount for posting in line.postings)
        return
    assert transfer_faults([transfer]) == []
    for account in {posting.account for posting in line.postings}:
        total = sum(posting.amount for posting in line.postings if posting.account == account)
        assert taken_of([transfer]).get(account, 0) == total


@given(st.lists(st.tuples(limited, st.integers(-(10**15), 10**15).filter(bool)), max_size=8))
def test_the_entries_of_every_order_sum_to_zero_in_each_unit(orders: list[tuple[AccountKey, int]]) -> None:
    made = [adjust(account, amount, order()) for account, amount in orders]
    made += [grant(a, abs(amount), order()) for a, amount in orders if a.kind is not AccountKind.POOL]
    made += [recharge(a, abs(amount), order()) for a, amount in orders if a.kind is AccountKind.POOL]

    assert transfer_faults(made) == []


@given(st.lists(lines, max_size=20), st.permutations(range(20)))
def test_lines_that_come_again_and_in_any_order_give_the_same_books(
    journal: list[UsageFacts], arrivals: list[int]
) -> None:
    def books(order_of_lines: Sequence[UsageFacts]) -> dict[AccountKey, int]:
        booked: dict[str, Transfer] = {}
        for line in order_of_lines:
            transfer = usage_transfer(line)
            if transfer is not None and compared(booked.get(transfer.key), transfer) is Repetition.NEW:
                booked[transfer.key] = transfer
        return balances_of(booked.values())

    unique = list({line.request_id: line for line in journal}.values())
    shuffled = [unique[place] for place in arrivals if place < len(unique)]
    assert books(unique) == books([*unique, *unique]) == books([*shuffled, *reversed(unique)])


@given(lines, st.dictionaries(limited, amounts, max_size=5))
def test_after_a_repricing_a_call_has_taken_exactly_what_is_right(
    line: UsageFacts, right: dict[AccountKey, int]
) -> None:
    booked = usage_transfer(line)
    charges = [booked] if booked is not None else []
    fixed = repricing(line.request_id, charges, right, "right", order())
    after = [*charges, *([fixed] if fixed is not None else [])]

    assert transfer_faults(after) == []
    assert {account: amount for account, amount in taken_of(after).items() if amount} == {
        account: amount for account, amount in right.items() if amount
    }
