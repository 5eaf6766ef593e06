from decimal import Decimal

import msgspec

from smart_ai_router.core.funds import Settlement
from smart_ai_router.core.record_money import CHARGED_NOTHING, NOBODY_CHARGED, ledger_keys
from smart_ai_router.core.usage_record import AccountPosting
from smart_ai_router.domain.accounts import pool_account, user_account
from smart_ai_router.domain.charges import Charged
from smart_ai_router.domain.ledger import Posting
from tests.domain.ledger_samples import SEVEN, plan, tariff


def settlement(charge: int | None, currency: str) -> Settlement:
    postings = (Posting(user_account("alice", "CNY"), 70, 60), Posting(pool_account("openai", "USD"), 10, 10))
    of = tariff(plan("CNY"), rates=SEVEN)
    return Settlement(Charged((), charge, currency), "w1", postings, ("above_hold",), of)


def test_a_call_that_went_nowhere_charges_its_user_nothing_and_nobody_else() -> None:
    assert ledger_keys(None, "alice", "USD") is CHARGED_NOTHING
    assert ledger_keys(None, None, "USD") is NOBODY_CHARGED
    assert msgspec.json.encode(CHARGED_NOTHING.user_charge) == b"0"
    assert NOBODY_CHARGED.user_charge is None


def test_the_keys_say_who_paid_from_where_and_by_which_rate() -> None:
    keys = ledger_keys(settlement(70, "CNY"), "alice", "USD")
    assert msgspec.json.encode(keys.user_charge) == b"0.00000000007"
    assert keys.charge_currency == "CNY"
    assert keys.holder == "w1"
    assert keys.postings == (
        AccountPosting("user", "alice", "CNY", "permanent", 70, 60),
        AccountPosting("pool", "openai", "USD", "", 10, 10),
    )
    (rate,) = keys.rates
    assert msgspec.json.encode(rate) == (
        b'{"base":"USD","quote":"CNY","rate":7,"effective_from":"1970-01-01T00:00:00+00:00","is_inverse":false}'
    )
    assert keys.flags == ("above_hold",)
    assert SEVEN.conversion("USD", "CNY", 0).rate == Decimal(7)


def test_a_charge_in_the_costs_own_currency_does_not_name_it_again() -> None:
    assert ledger_keys(settlement(70, "USD"), "alice", "USD").charge_currency is None
    unknown = ledger_keys(settlement(None, "CNY"), "alice", "USD")
    assert (unknown.user_charge, unknown.charge_currency) == (None, None)
