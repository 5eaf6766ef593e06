"""What a worker's calls set aside, wait for and settle, through the whole gateway."""

from dataclasses import replace
from decimal import Decimal

import pytest

from smart_ai_router.core.funds import ABOVE_HOLD, PATIENCE_S, RETRY_S
from smart_ai_router.core.intents import decode_intents
from smart_ai_router.core.snapshot import KeyGrant, RoutingPolicy
from smart_ai_router.domain.accounts import AccountKey, pool_account, user_account
from smart_ai_router.domain.exchange import ExchangeRate
from smart_ai_router.domain.leasing import Recall
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.money import pico_from_decimal
from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.quotas import KeyBudget, UserQuota
from tests.core.lending_samples import Lender
from tests.core.playbook import House, channel, completion, prices

GRANT = KeyGrant("k1", "", "u1", "laptop")
TOKENS = user_account("u1", "text_token")
MONEY = user_account("u1", "USD")
POOL = pool_account("openai", "USD")
LATER_S = 0.01
COST = Decimal("0.000375")  # 150 tokens at 0.50 and 300 at 1.00 a million


def pico(amount: str) -> int:
    return pico_from_decimal(Decimal(amount))


def house(balances: dict[AccountKey, int], *, answers_at_once: bool = True, **changes: object) -> tuple[House, Lender]:
    quota = UserQuota("u1", "USD", frozenset(each.unit for each in balances if each.owner == "u1"))
    pools = tuple((each.owner, each.unit) for each in balances if each.kind == "pool")
    snapshot: dict[str, object] = {"pools": pools, **changes}
    if quota.permanent:
        snapshot.setdefault("quotas", (quota,))
    made = House(**snapshot)  # type: ignore[arg-type]
    return made, Lender(made.gateway.funds, balances, answers_at_once=answers_at_once)


def settle_down(made: House) -> None:
    """Let everything that was asked be answered."""
    for _ in range(5):
        made.clock.advance(LATER_S)


def test_a_call_waits_for_its_first_slice_and_then_goes_out() -> None:
    made, lender = house({TOKENS: 100_000}, answers_at_once=False)
    reply = made.call(GRANT, max_tokens=300)
    assert made.upstream.exchanges == []
    assert made.gateway.funds.waiting_calls == 1

    settle_down(made)
    lender.answer()

    made.upstream.last.answers(200, completion())
    made.journal.settle()
    assert reply.status == 200
    assert made.gateway.funds.waiting_calls == 0


def test_the_line_says_what_was_taken_of_each_account_and_under_whose_lease() -> None:
    made, _ = house({TOKENS: 100_000, MONEY: pico("1"), POOL: pico("5")})
    made.call(GRANT, max_tokens=300)
    settle_down(made)
    made.upstream.last.answers(200, completion())
    made.journal.settle()

    record = made.journal.record
    taken = {(each.kind, each.owner, each.unit, each.part): each for each in record.postings}
    assert record.holder == "w1"
    assert taken["user", "u1", "text_token", "permanent"].amount == 450
    assert taken["user", "u1", "USD", "permanent"].amount == pico("0.000375")
    assert taken["pool", "openai", "USD", ""].amount == pico("0.000375")
    assert all(each.leased == each.amount for each in record.postings)
    assert record.user_charge == record.total_cost == COST
    assert record.charge_currency is None


def test_what_a_call_did_not_use_is_free_again_only_when_its_line_is_written() -> None:
    made, lender = house({TOKENS: 700})
    made.call(GRANT, max_tokens=300)  # the body is about 90 bytes: at most so many tokens
    settle_down(made)
    made.upstream.last.answers(200, completion(10, 10))
    second = made.call(GRANT, max_tokens=300)
    settle_down(made)
    assert len(made.upstream.exchanges) == 1  # two holds of about 390 are more than there is

    made.journal.settle()
    made.call(GRANT, max_tokens=300)
    settle_down(made)
    assert second.status == 402
    assert len(made.upstream.exchanges) == 2
    assert lender.accounts[TOKENS].balance == 700  # the books follow from the journal, not from the worker


def test_a_call_beyond_the_quota_is_402_with_what_a_program_can_read() -> None:
    made, _ = house({TOKENS: 100})
    reply = made.call(GRANT, max_tokens=300)
    settle_down(made)
    made.journal.settle()

    assert reply.status == 402
    assert made.upstream.exchanges == []
    body = reply.json
    assert body["code"] == 402
    assert body["quotaType"] == "text_token"
    assert body["available"] == 100
    needed = body["needed"]
    assert isinstance(needed, int)
    assert needed > 300
    assert body["message"] == f"配额不足: text_token, 需要: {needed}, 可用: 100"
    assert reply.error["code"] == "user_quota_exhausted"
    assert reply.error["type"] == "insufficient_quota"
    assert reply.headers["x-should-retry"] == "false"
    record = made.journal.record
    assert (record.outcome, record.status_code, record.postings) == ("refused", 402, ())


def test_a_quota_that_pays_for_exactly_one_call_serves_exactly_one() -> None:
    made, _ = house({MONEY: pico("0.01")}, prices=_per_request("0.01"))
    replies = [made.call(GRANT) for _ in range(3)]
    settle_down(made)
    (exchange,) = made.upstream.exchanges
    exchange.answers(200, completion())
    made.journal.settle()
    assert sorted(reply.status for reply in replies) == [200, 402, 402]
    taken = [each.amount for record in made.journal.records for each in record.postings]
    assert taken == [pico("0.01")]


def test_who_has_no_quota_is_charged_without_a_hold() -> None:
    made, lender = house({}, answers_at_once=False)
    made.call(GRANT)
    made.upstream.last.answers(200, completion())
    made.journal.settle()
    settle_down(made)
    record = made.journal.record
    assert (record.postings, record.holder, record.user_charge) == ((), None, COST)
    assert all(not report.wishes for report in lender.reports)


def test_while_enforcement_is_off_a_call_is_served_and_its_quota_goes_below_zero() -> None:
    made, _ = house({TOKENS: 100}, quotas_enforced=False)
    reply = made.call(GRANT, max_tokens=300)
    settle_down(made)
    made.upstream.last.answers(200, completion())
    made.journal.settle()
    assert reply.status == 200
    (taken,) = made.journal.record.postings
    assert taken.amount == 450
    assert taken.leased <= 100
    assert ABOVE_HOLD not in made.journal.record.flags


def test_a_call_that_costs_more_than_was_held_is_charged_in_full_and_marked() -> None:
    made, _ = house({TOKENS: 1000})
    made.call(GRANT, max_tokens=10)
    settle_down(made)
    made.upstream.last.answers(200, completion(5000, 10))
    made.journal.settle()
    (taken,) = made.journal.record.postings
    assert taken.amount == 5010
    assert ABOVE_HOLD in made.journal.record.flags


def test_a_provider_whose_pool_is_empty_is_passed_over() -> None:
    other = channel(2, provider_id="deepseek")
    made = House(channel(), other, pools=(("openai", "USD"),))
    Lender(made.gateway.funds, {POOL: 0})
    reply = made.call()
    settle_down(made)
    made.upstream.last.answers(200, completion())
    made.journal.settle()
    assert reply.headers["x-smart-ai-router-channel"] == "ch_openai_002"
    assert reply.status == 200


def test_when_every_pool_is_empty_the_client_is_told_so() -> None:
    made, _ = house({POOL: 0})
    reply = made.call()
    settle_down(made)
    made.journal.settle()
    assert reply.status == 503
    assert "资费不足，暂不可用" in str(reply.error["message"])


def test_a_failed_attempt_that_cost_something_is_charged_to_its_own_pool() -> None:
    other = channel(2, provider_id="deepseek")
    made = House(channel(), other, pools=(("openai", "USD"), ("deepseek", "USD")))
    Lender(made.gateway.funds, {POOL: pico("5"), pool_account("deepseek", "USD"): pico("5")})
    made.call()
    settle_down(made)
    usage = {"prompt_tokens": 100, "completion_tokens": 0, "total_tokens": 100}
    made.upstream.last.answers(200, {"error": {"message": "overloaded", "code": 500}, "usage": usage})
    settle_down(made)
    made.upstream.last.answers(200, completion())
    made.journal.settle()
    record = made.journal.record
    failed, served = record.attempts
    taken = {each.owner: each.amount for each in record.postings}
    assert taken.get("openai", 0) == pico(str(failed.cost))
    assert taken["deepseek"] == pico(str(served.cost)) == pico("0.000375")


def test_prices_in_another_currency_are_charged_by_the_stored_rate() -> None:
    yuan = user_account("u1", "CNY")
    made = House(
        quotas=(UserQuota("u1", "CNY", frozenset(("CNY",))),),
        rates=(ExchangeRate("USD", "CNY", Decimal("7.2"), 1_700_000_000_000),),
    )
    Lender(made.gateway.funds, {yuan: pico("10")})
    made.call(GRANT)
    settle_down(made)
    made.upstream.last.answers(200, completion())
    made.journal.settle()
    record = made.journal.record
    assert (record.user_charge, record.charge_currency) == (Decimal("0.0027"), "CNY")
    (rate,) = record.rates
    assert (rate.base, rate.quote, rate.rate, rate.is_inverse) == ("USD", "CNY", Decimal("7.2"), False)
    assert rate.effective_from.startswith("2023-11-14T22:13:20")
    assert record.postings[0].amount == pico("0.0027")


@pytest.mark.parametrize("missing", ["rate", "price"])
def test_limited_money_does_not_pay_for_what_cannot_be_told(missing: str) -> None:
    changes: dict[str, object] = {"quotas": (UserQuota("u1", "CNY", frozenset(("CNY",))),)}
    if missing == "price":
        changes["prices"] = ()
    made = House(**changes)  # type: ignore[arg-type]
    Lender(made.gateway.funds, {user_account("u1", "CNY"): pico("10")})
    reply = made.call(GRANT)
    assert reply.status == 0
    made.journal.settle()
    assert reply.status == 503
    assert reply.error["code"] == ("exchange_rate_unknown" if missing == "rate" else "model_unpriced")


def test_a_keys_budget_limits_what_its_user_could_afford() -> None:
    made = House(budgets=(KeyBudget("k1", "USD"),))
    Lender(made.gateway.funds, {AccountKey(POOL.kind.KEY, "k1", "USD", "permanent"): pico("0.00001")})
    reply = made.call(GRANT)
    settle_down(made)
    made.journal.settle()
    assert reply.status == 402
    assert reply.json["quotaType"] == "key_budget"


def test_a_ledger_out_of_reach_is_503_and_not_402() -> None:
    made, lender = house({TOKENS: 100_000}, answers_at_once=False)
    reply = made.call(GRANT)
    for _ in range(int(PATIENCE_S / RETRY_S) + 2):
        made.clock.advance(RETRY_S)
    made.journal.settle()
    assert reply.status == 503
    assert reply.headers["retry-after"] == "1"
    assert lender.reports
    assert made.gateway.funds.waiting_calls == 0


def test_before_the_worker_may_borrow_a_limited_call_waits() -> None:
    made = House(quotas=(UserQuota("u1", "USD", frozenset(("text_token",))),))
    made.call(GRANT, max_tokens=10)
    assert made.gateway.funds.waiting_calls == 1
    Lender(made.gateway.funds, {TOKENS: 100_000})
    made.clock.advance(RETRY_S)
    settle_down(made)
    assert len(made.upstream.exchanges) == 1


def test_a_client_that_leaves_while_its_call_waits_costs_nothing() -> None:
    made, lender = house({TOKENS: 100_000}, answers_at_once=False)
    reply = made.call(GRANT)
    assert reply.events is not None
    reply.events.on_client_gone()
    settle_down(made)
    lender.answer()
    made.journal.settle()
    assert made.upstream.exchanges == []
    record = made.journal.record
    assert (record.outcome, record.total_cost, len(record.postings)) == ("cancelled", Decimal(0), 0)


def test_a_stop_refuses_the_calls_that_wait() -> None:
    made, _ = house({TOKENS: 100_000}, answers_at_once=False)
    reply = made.call(GRANT)
    made.gateway.cut_all()
    made.journal.settle()
    assert reply.status == 503
    assert made.journal.record.outcome == "refused"


def test_the_intent_keeps_what_is_held_and_by_whom() -> None:
    made, _ = house({TOKENS: 100_000, POOL: pico("5")})
    made.call(GRANT, max_tokens=300)
    settle_down(made)
    ((intent,), unreadable) = decode_intents(made.inflight.slots.values())
    assert unreadable == 0
    assert intent.holder == "w1"
    held = dict(intent.held)
    assert held[TOKENS] > 300
    assert held[POOL] > 0


def test_a_recall_takes_what_lies_idle_and_leaves_what_is_held() -> None:
    made, lender = house({TOKENS: 10_000})
    made.call(GRANT, max_tokens=300)
    settle_down(made)
    before = lender.lent(TOKENS)
    made.gateway.funds.recall(Recall("w1", TOKENS, 1))
    settle_down(made)
    assert 300 < lender.lent(TOKENS) < before
    ((intent,), _) = decode_intents(made.inflight.slots.values())
    assert lender.lent(TOKENS) == dict(intent.held)[TOKENS]


def test_a_book_that_is_over_settles_what_it_holds_and_a_new_one_borrows() -> None:
    made, lender = house({TOKENS: 10_000})
    made.call(GRANT, max_tokens=300)
    settle_down(made)
    made.gateway.funds.begin("w2", lambda report: None)
    made.upstream.last.answers(200, completion())
    made.journal.settle()
    assert made.journal.record.holder == "w1"
    assert made.gateway.funds.holder == "w2"
    assert lender.lent(TOKENS) > 0


def test_everything_goes_back_when_the_worker_stops() -> None:
    made, lender = house({TOKENS: 10_000})
    made.call(GRANT, max_tokens=300)
    settle_down(made)
    made.upstream.last.answers(200, completion())
    made.journal.settle()
    made.gateway.funds.give_back_all()
    assert lender.lent(TOKENS) == 450  # what the line has taken and the books have not read yet


def test_a_channel_at_its_limit_leaves_no_hold_behind() -> None:
    made, lender = house({TOKENS: 10_000}, routing=RoutingPolicy())
    limited = House(channel(concurrency_max=1), quotas=made.gateway.snapshot.quotas)
    lender = Lender(limited.gateway.funds, {TOKENS: 10_000})
    limited.call(GRANT, max_tokens=300)
    settle_down(limited)
    refused = limited.call(GRANT, max_tokens=300)
    settle_down(limited)
    limited.journal.settle()
    assert refused.status == 429
    limited.gateway.funds.give_back_all()
    ((intent,), _) = decode_intents(limited.inflight.slots.values())
    assert lender.lent(TOKENS) == dict(intent.held)[TOKENS]


def _per_request(price: str) -> tuple[PriceVersion, ...]:
    (first, *_) = prices(channel())
    return (replace(first, id="channel/request", meter=Meter.REQUEST, price=Decimal(price), per=1),)
