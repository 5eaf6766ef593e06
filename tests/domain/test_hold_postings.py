import pytest

from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.charges import Charge
from smart_ai_router.domain.hold_postings import add_posting, orphan_postings
from smart_ai_router.domain.ledger import Posting
from tests.domain.ledger_samples import CNY, POOL, TOKENS, TOKENS_MONTHLY

POOL_WALLET, BOTH = (POOL,), (TOKENS_MONTHLY, TOKENS)


@pytest.mark.parametrize(
    ("amount", "postings"),
    [
        (0, ()),
        (60, (Posting(TOKENS_MONTHLY, 60, 60),)),
        (130, (Posting(TOKENS_MONTHLY, 100, 100), Posting(TOKENS, 30, 30))),
        (170, (Posting(TOKENS_MONTHLY, 100, 100), Posting(TOKENS, 70, 50))),
    ],
)
def test_a_call_in_flight_at_a_crash_is_posted_within_what_its_intent_held(
    amount: int, postings: tuple[Posting, ...]
) -> None:
    assert orphan_postings([(TOKENS_MONTHLY, 100), (TOKENS, 50)], [Charge(BOTH, amount)]) == postings


def test_two_charges_of_one_account_share_what_was_held() -> None:
    charges = [Charge(POOL_WALLET, 30), Charge((POOL, CNY), 30)]

    assert orphan_postings([(POOL, 50)], charges) == (Posting(POOL, 50, 50), Posting(CNY, 10, 0))


def test_what_is_taken_of_one_account_is_one_posting() -> None:
    postings: dict[AccountKey, Posting] = {}
    add_posting(postings, CNY, 10, 10)
    add_posting(postings, CNY, 5, 0)
    assert postings == {CNY: Posting(CNY, 15, 10)}
