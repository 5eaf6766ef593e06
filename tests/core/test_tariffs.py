from dataclasses import replace
from datetime import date
from decimal import Decimal

from smart_ai_router.core.calls import Call, Caller
from smart_ai_router.core.tariffs import Tariffs, call_size
from smart_ai_router.domain.accounts import pool_account, user_account
from smart_ai_router.domain.channel import ChannelModel
from smart_ai_router.domain.charges import OUTPUT_TOKENS_UNKNOWN
from smart_ai_router.domain.exchange import ExchangeRate
from smart_ai_router.domain.pricing import PriceCatalog, PriceSheet
from smart_ai_router.domain.quotas import UserQuota
from tests.core.playbook import CHAT, NOON, channel, prices, snapshot

DAY = date(2025, 8, 24)
ANN = Caller("127.0.0.1", None, "u1", "k1")
NOBODY = Caller("127.0.0.1", None)
MONEY = UserQuota("u1", "CNY", frozenset(("CNY",)))


def sheet() -> PriceSheet:
    found = PriceCatalog(prices(channel())).sheet("ch_openai_001", "openai", None, "gpt-4o-mini", "gpt-4o-mini", NOON)
    assert found is not None
    return found


def rate(number: str, effective_from: float) -> ExchangeRate:
    return ExchangeRate("USD", "CNY", Decimal(number), int(effective_from * 1000))


def test_who_has_no_quota_meets_the_same_unlimited_needs_every_time() -> None:
    tariffs = Tariffs(snapshot(), DAY, NOON)
    prices_now = sheet()
    terms = tariffs.terms(ANN, "openai", prices_now)
    assert terms.unlimited is not None
    assert terms.unlimited.wanted == ()
    assert terms is tariffs.terms(ANN, "openai", prices_now)
    assert terms.tariff.charge_currency == "USD"  # the price's own: no rate is needed


def test_a_caller_without_a_user_is_not_charged() -> None:
    assert Tariffs(snapshot(), DAY, NOON).terms(NOBODY, "openai", sheet()).tariff.plan is None


def test_a_quota_a_pool_or_a_gap_needs_a_hold() -> None:
    limited = snapshot(quotas=(MONEY,), rates=(rate("7", NOON - 1),))
    assert Tariffs(limited, DAY, NOON).terms(ANN, "openai", sheet()).unlimited is None
    pooled = snapshot(pools=(("openai", "USD"),))
    terms = Tariffs(pooled, DAY, NOON).terms(NOBODY, "openai", sheet())
    assert terms.unlimited is None
    assert terms.tariff.pool is not None
    assert terms.tariff.pool.wallet == (pool_account("openai", "USD"),)
    assert Tariffs(pooled, DAY, NOON).terms(NOBODY, "deepseek", sheet()).unlimited is not None
    gap = Tariffs(snapshot(quotas=(MONEY,)), DAY, NOON).terms(ANN, "openai", sheet())
    assert gap.unlimited is None
    assert [each.flag for each in gap.tariff.gaps] == ["no_rate:USD>CNY"]


def test_the_users_group_ratio_counts_with_and_without_a_quota() -> None:
    users = tuple(replace(user, group_ratio="0.5") for user in snapshot().users)
    charge = Tariffs(snapshot(users=users), DAY, NOON).terms(ANN, "openai", sheet()).tariff.charge
    assert charge is not None
    assert charge.of(1000) == 500
    quota = UserQuota("u1", "USD", frozenset(("USD",)), group_ratio="2")
    (money,) = Tariffs(snapshot(quotas=(quota,)), DAY, NOON).terms(ANN, "openai", sheet()).tariff.user
    assert money.wallet == (user_account("u1", "USD"),)
    assert money.factor.of(1000) == 2000


def test_tariffs_last_until_the_snapshot_the_day_or_a_rate_changes() -> None:
    made = snapshot(rates=(rate("7", NOON - 1), rate("8", NOON + 60)))
    tariffs = Tariffs(made, DAY, NOON)
    assert tariffs.are_of(made, DAY, NOON + 59.999)
    assert not tariffs.are_of(made, DAY, NOON + 60)
    assert not tariffs.are_of(made, date(2025, 8, 25), NOON)
    assert not tariffs.are_of(snapshot(), DAY, NOON)
    assert Tariffs(snapshot(), DAY, NOON).are_of(made, DAY, NOON) is False


def test_both_rates_apply_from_their_instants() -> None:
    made = snapshot(quotas=(MONEY,), rates=(rate("7", NOON - 1), rate("8", NOON + 60)))
    for now, expected in ((NOON, 7), (NOON + 59.999, 7), (NOON + 60, 8)):
        charge = Tariffs(made, DAY, now).terms(ANN, "openai", sheet()).tariff.charge
        assert charge is not None
        assert charge.of(1) == expected


def test_a_calls_size_is_bounded_by_its_body_and_by_its_model() -> None:
    call = Call(CHAT, "m", b"x" * 1000, output_tokens_max=500, choices=2, prompt_bytes=1000)
    size = call_size(call, ChannelModel("m", "m"))
    assert (size.input_tokens, size.output_tokens) == (1000, 1000)
    small = call_size(call, ChannelModel("m", "m", context_tokens=100, output_tokens_max=50))
    assert (small.input_tokens, small.output_tokens) == (100, 100)
    open_ended = call_size(Call(CHAT, "m", b"x", prompt_bytes=1), ChannelModel("m", "m"))
    assert open_ended.output_tokens == OUTPUT_TOKENS_UNKNOWN
