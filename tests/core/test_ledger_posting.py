"""What a batch takes of the ledger, and which lines may take nothing."""

import pytest
from msgspec.structs import replace

from smart_ai_router.core.ledger_posting import AccountUse, counters_of, take_from, usage_facts, use_leases
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.placing import Placed
from smart_ai_router.core.posting import LineRefused, Posting, post_line
from smart_ai_router.core.usage_record import AccountPosting, encode_usage_record
from smart_ai_router.domain.accounts import usage_counter
from smart_ai_router.domain.leasing import AccountState, LeaseState
from smart_ai_router.domain.money import CELL_MAX
from tests.contract.lines import postings, record
from tests.core.ledger_samples import ALICE, POOL, take


def placed(*taken: tuple[AccountPosting, ...], holder: str | None = "w1") -> list[Placed]:
    lines = [record("2026-11-22 12:00:00", number, postings=each, holder=holder) for number, each in enumerate(taken)]
    return [Placed(posting, number, 0) for number, posting in enumerate(postings(lines))]


def test_a_batch_is_summed_up_by_account_and_by_lease() -> None:
    found = take_from(placed((take(ALICE, 5, 5), take(POOL, 7)), (take(ALICE, 3, 1),), (take(ALICE, 0),)))

    assert found == {
        ALICE: AccountUse(8, {"w1": 6}, [(0, 5), (1, 3)]),
        POOL: AccountUse(7, {}, [(0, 7)]),
    }
    assert counters_of([(ALICE, 8), (POOL, 7)]) == {usage_counter(ALICE): 8, usage_counter(POOL): 7}


def test_lines_without_postings_take_nothing() -> None:
    assert take_from(placed((), ())) == {}


def test_a_line_without_a_holder_uses_no_lease() -> None:
    assert take_from(placed((take(ALICE, 5, 5),), holder=None))[ALICE].leased == {}


@pytest.mark.parametrize(("outstanding", "covered"), [(5, 5), (6, 6), (7, 6)])
def test_a_lease_covers_no_more_than_it_has(outstanding: int, covered: int) -> None:
    lease = LeaseState("w1", ALICE, granted=outstanding)
    taken = AccountUse(10, {"w1": 6, "gone": 2}, [])

    account, changed = use_leases(AccountState(ALICE, 100, leased=outstanding), taken, {"w1": lease})

    assert (account.balance, account.leased) == (90, outstanding - covered)
    assert changed == [lease._replace(used=covered)]


def test_the_facts_of_a_line_are_what_it_says() -> None:
    (posting,) = (each.posting for each in placed((take(ALICE, 5, 3),)))

    facts = usage_facts(posting)

    assert (facts.request_id, facts.holder) == (posting.record.request_id, "w1")
    assert facts.postings == ((ALICE, 5, 3),)


def posted(*taken: AccountPosting) -> Posting:
    return post_line(encode_usage_record(record("2026-11-22 12:00:00", postings=taken)), 0, LocalDays("UTC"))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "revenue"},
        {"kind": "bank"},
        {"owner": ""},
        {"owner": "x" * 201},
        {"unit": ""},
        {"part": "x" * 201},
        {"amount": -1, "leased": -1},
        {"leased": -1},
        {"leased": 6},
        {"amount": CELL_MAX + 1},
    ],
)
def test_a_line_that_takes_what_cannot_be_taken_is_refused(changes: dict[str, object]) -> None:
    assert posted(take(ALICE, 5, 5)).record.postings

    with pytest.raises(LineRefused) as refusal:
        posted(replace(take(ALICE, 5, 5), **changes))

    assert refusal.value.reason == "invalid"


def test_the_largest_amount_of_a_cell_can_be_taken_and_nothing_twice() -> None:
    assert posted(take(ALICE, CELL_MAX, CELL_MAX)).record.postings[0].amount == CELL_MAX

    with pytest.raises(LineRefused, match="twice"):
        posted(take(ALICE, 1), take(ALICE, 2))
