"""Providers and models as the pages list them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.models import (
    OfferUnknown,
    ProviderUnknown,
    list_models,
    list_providers,
    masked,
    show_model,
    show_provider,
)
from smart_ai_router.core.snapshot import ModelDisabled
from smart_ai_router.domain.budgets import REASON_SPENT
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pools import REASON_NO_MONEY
from tests.core.billing.billing_samples import a_channel, market_of
from tests.core.billing.price_samples import NOW
from tests.domain.pricing_samples import row

CHANNELS = (
    a_channel("ch_2", "p", "m", "org/n", priority=2),
    a_channel("ch_1", "p", "m", priority=1),
    a_channel("ch_q", "q", "m"),
)


def test_m2_33_models_are_listed_by_provider_each_once_however_many_channels_it_has() -> None:
    models = list_models(market_of(*CHANNELS), NOW)

    assert [each.id for each in models] == ["p/m", "p/org/n", "q/m"]
    assert [each.channel_id for each in models[0].channels] == ["ch_1", "ch_2"]
    assert (models[0].provider_name, models[0].model_code, models[0].capability) == ("Name of p", "m", "chat")
    assert [each.id for each in list_models(market_of(*CHANNELS), NOW, "q")] == ["q/m"]


def test_a_model_is_shown_by_its_id_with_the_slashes_of_its_name() -> None:
    market = market_of(*CHANNELS)

    assert show_model(market, "p/org/n", NOW).model_name == "org/n"
    for unknown in ("p/x", "x/m", "m", ""):
        with pytest.raises(OfferUnknown):
            show_model(market, unknown, NOW)


@pytest.mark.parametrize(
    ("disabled", "status", "text", "cause"),
    [
        (None, "enabled", "启用", None),
        (ModelDisabled("p", "m", REASON_NO_MONEY), "no_money", "资费不足，暂不可用", "money"),
        (ModelDisabled("p", "*", REASON_NO_MONEY), "no_money", "资费不足，暂不可用", "money"),
        (ModelDisabled("p", "m", REASON_SPENT), "disabled", REASON_SPENT, "budget"),
        (ModelDisabled("p", "m", "too dear"), "disabled", "too dear", "hand"),
        (ModelDisabled("p", "m", ""), "disabled", "禁用", "hand"),
    ],
)
def test_m2_34_m2_35_m2_79_a_model_says_whether_and_why_it_is_off(
    disabled: ModelDisabled | None, status: str, text: str, cause: str | None
) -> None:
    market = market_of(*CHANNELS, disabled=[] if disabled is None else [disabled])

    model = show_model(market, "p/m", NOW)

    assert (model.status, model.status_text, model.disabled_cause) == (status, text, cause)
    assert model.enabled is model.is_active is (status == "enabled")


def test_a_model_is_off_when_all_of_its_channels_are_or_its_provider_is() -> None:
    off = tuple(replace(each, enabled=False) for each in CHANNELS)
    snapshot = market_of(*CHANNELS).snapshot
    provider_off = Market(replace(snapshot, providers=tuple(replace(p, enabled=False) for p in snapshot.providers)))

    for market in (market_of(*off), provider_off):
        model = show_model(market, "p/m", NOW)
        assert (model.enabled, model.status_text, model.disabled_cause) == (False, "禁用", "configuration")
    assert show_model(market_of(off[0], CHANNELS[1]), "p/m", NOW).enabled is True


def test_prices_stand_beside_a_model_and_an_unpriced_one_has_none() -> None:
    prices = [row(Meter.INPUT, "0.5"), row(Meter.OUTPUT, "1"), row(Meter.INPUT, "2", context_over=128_000)]

    priced, unpriced, _ = list_models(market_of(*CHANNELS, prices=prices), NOW)

    assert [(each.pricing_type, each.unit_price, each.unit, each.currency) for each in priced.prices] == [
        ("input_token", Decimal("0.5"), "per_1m_tokens", "USD"),
        ("output_token", Decimal(1), "per_1m_tokens", "USD"),
    ]
    assert (priced.priced, priced.price_owner, priced.cost_per_token) == (True, "book", Decimal("0.0000005"))
    assert (unpriced.priced, unpriced.price_owner, unpriced.prices, unpriced.cost_per_token) == (False, None, (), None)


def test_no_upstream_key_is_shown() -> None:
    models = list_models(market_of(*CHANNELS), NOW)

    assert {each.api_key for each in models} == {"****6789"}
    assert "sk-upstream-0123456789" not in repr(models)


@pytest.mark.parametrize(
    ("key", "shown"), [("", ""), ("short", "****"), ("12345678901", "****"), ("123456789012", "****9012")]
)
def test_of_a_short_key_nothing_is_shown(key: str, shown: str) -> None:
    assert masked(key) == shown


def test_m2_34_providers_are_listed_with_what_they_serve() -> None:
    disabled = [ModelDisabled("q", "*", REASON_NO_MONEY), ModelDisabled("p", "m", "by hand")]

    first, second = list_providers(market_of(*CHANNELS, disabled=disabled))

    assert (first.id, first.name, first.display_name, first.enabled) == ("p", "p", "Name of p", True)
    assert (first.channel_count, first.model_count, first.status_text) == (2, 2, "启用")
    assert (second.id, second.enabled, second.status_text) == ("q", False, "资费不足，暂不可用")


def test_a_provider_is_shown_or_not_found() -> None:
    market = market_of(*CHANNELS)

    assert show_provider(market, "q").model_count == 1
    with pytest.raises(ProviderUnknown) as refusal:
        show_provider(market, "x")
    assert refusal.value.status == 404
