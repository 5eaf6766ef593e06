"""Prices that stand in the file, exactly and by name."""

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.config.channel_prices import exchanged, with_content_id
from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.upstream_settings import CurrencyExchangeSettings
from smart_ai_router.domain.meters import Meter, Usage, UsageSource
from smart_ai_router.domain.money import pico_to_text
from smart_ai_router.domain.pricing import PriceCatalog, PriceVersion, price_usage
from tests.config.reading import KEY, load

_WIDE = Context(prec=200)


def rows_of(channel: str, top: str = "") -> list[PriceVersion]:
    text = f"{top}\nchannels: [{{provider: openai, id: c, api_key: {KEY}, {channel}}}]"
    return list(build_channels(load(text).settings, {}, None).prices)


def figures(rows: list[PriceVersion]) -> list[tuple[str, str, str, str, int]]:
    return [(row.model, row.meter.value, format(row.price, "f"), row.currency, row.per) for row in rows]


def row(price: str, currency: str = "USD") -> PriceVersion:
    version = PriceVersion("", "", "m", Meter.INPUT, Decimal(price), currency, 1_000_000, channel_id="c")
    return with_content_id(version)


def test_m1_17_the_guides_prices_give_the_guides_costs_exactly():
    rows = rows_of("model_name: gpt-4o-mini, cost_per_token: {input: 5e-7, output: 0.000001}")

    sheet = PriceCatalog(rows).sheet("c", "openai", None, "gpt-4o-mini", "gpt-4o-mini", 1.8e9)

    assert sheet is not None
    bill = price_usage(sheet, Usage(((Meter.INPUT, 150), (Meter.OUTPUT, 300)), UsageSource.PROVIDER))
    assert [pico_to_text(cost) for cost in (bill.input_cost, bill.output_cost, bill.total_cost)] == [
        "0.000075",
        "0.0003",
        "0.000375",
    ]
    assert (bill.basis, bill.currency) == ("channel", "USD")


def test_a_price_list_has_a_row_for_each_meter_that_it_names():
    rows = rows_of("models: [m], prices: {m: {currency: cny, input: 0.8, cached_input: 0.16, output: 2, image: 0.04}}")

    assert figures(rows) == [
        ("m", "input_token", "0.8", "CNY", 1_000_000),
        ("m", "cached_input_token", "0.16", "CNY", 1_000_000),
        ("m", "output_token", "2", "CNY", 1_000_000),
        ("m", "image", "0.04", "CNY", 1),
    ]


def test_per_says_how_many_units_a_price_is_for():
    assert figures(rows_of("models: [m], prices: {m: {per: 1000, input: 0.002}}")) == [
        ("m", "input_token", "0.002", "USD", 1000)
    ]
    assert figures(rows_of("models: [m], prices: {m: {per: 10000, character: 0.1}}")) == [
        ("m", "character", "0.1", "USD", 10_000)
    ]


@pytest.mark.parametrize(
    ("channel", "top", "currency"),
    [
        ("prices: {m: {input: 1}}", "", "USD"),
        ("prices: {m: {input: 1}}", "providers: {openai: {currency: CNY}}", "CNY"),
        ("currency: EUR, prices: {m: {input: 1}}", "providers: {openai: {currency: CNY}}", "EUR"),
        ("currency: EUR, prices: {m: {input: 1, currency: JPY}}", "", "JPY"),
        ("cost_per_token: {input: 1e-6}", "providers: {openai: {currency: CNY}}", "USD"),
        ("currency: CNY, cost_per_token: {input: 1e-6}", "", "CNY"),
    ],
)
def test_the_currency_of_a_price_is_the_nearest_one_that_is_named(channel: str, top: str, currency: str):
    assert {row.currency for row in rows_of(f"models: [m], {channel}", top)} == {currency}


def test_a_provider_of_a_cny_price_list_has_cny_prices():
    text = f"channels: [{{provider: dashscope, api_key: {KEY}, models: [q], prices: {{q: {{input: 1}}}}}}]"

    assert build_channels(load(text).settings, {}, None).prices[0].currency == "CNY"


def test_cost_per_token_is_of_the_main_model_and_of_no_other():
    rows = rows_of("model_name: a, configured_models: [b], model_aliases: {c: a}, cost_per_token: {input: 1e-7}")

    assert figures(rows) == [("a", "input_token", "0.0000001", "USD", 1)]


def test_without_a_main_model_cost_per_token_is_of_every_model():
    rows = rows_of("models: [a, {name: b, upstream_name: c}], cost_per_token: {input: 0, output: 0}")

    assert figures(rows) == [
        ("a", "input_token", "0", "USD", 1),
        ("a", "output_token", "0", "USD", 1),
        ("c", "input_token", "0", "USD", 1),
        ("c", "output_token", "0", "USD", 1),
    ]


def test_prices_go_before_cost_per_token_and_that_before_pricing():
    both = "cost_per_token: {input: 1e-7, output: 1e-7}, pricing: {input_cost_per_1k: 5, output_cost_per_1k: 5}"

    assert {row.price for row in rows_of(f"model_name: a, {both}")} == {Decimal("1E-7")}
    assert {row.price for row in rows_of(f"model_name: a, prices: {{a: {{input: 9}}}}, {both}")} == {Decimal(9)}
    assert figures(rows_of("model_name: a, pricing: {input_cost_per_1k: 0.001, output_cost_per_1k: 0.002}")) == [
        ("a", "input_token", "0.001", "USD", 1000),
        ("a", "output_token", "0.002", "USD", 1000),
    ]


def test_no_price_is_no_row():
    assert rows_of("model_name: a") == []


def test_a_missing_side_is_told():
    text = f"channels: [{{provider: openai, api_key: {KEY}, model_name: a, cost_per_token: {{input: 1e-7}}}}]"
    built = build_channels(load(text).settings, {}, None)

    assert any("no price for output tokens" in notice.message for notice in built.notices)


def test_a_price_for_a_model_that_the_channel_lacks_is_told():
    prices = "{'a*': {input: 1}, b: {input: 1}}"
    text = f"channels: [{{provider: openai, api_key: {KEY}, models: [abc], prices: {prices}}}]"
    built = build_channels(load(text).settings, {}, None)

    assert [str(notice) for notice in built.notices] == [
        "channels[0].prices.b: matches no model of this channel, so it has no effect"
    ]


def test_a_providers_own_prices_are_the_providers():
    rows = rows_of("models: [m]", "providers: {openai: {prices: {'gpt-*': {input: 0.1, output: 0.2}}}}")

    assert [(row.provider, row.channel_id, row.model, row.is_book) for row in rows] == [
        ("openai", None, "gpt-*", False),
        ("openai", None, "gpt-*", False),
    ]


def test_an_exchange_multiplies_exactly_and_names_the_paid_currency():
    exchange = CurrencyExchangeSettings("USD", "CNY", Decimal("0.7"), "0.7 yuan for a dollar")

    paid = exchanged(row("0.15"), exchange)

    assert (paid.price, paid.currency, paid.source) == (Decimal("0.105"), "CNY", "0.7 yuan for a dollar")
    assert exchanged(row("0.15", "CNY"), exchange) == row("0.15", "CNY")
    assert exchanged(row("0.15"), CurrencyExchangeSettings(None, None, None, "")) == row("0.15")


@given(st.integers(1, 10**30), st.integers(1, 10**30))
def test_an_exchange_never_rounds(price: int, rate: int):
    exchange = CurrencyExchangeSettings("USD", "CNY", Decimal(f"{rate}e-20"), "")

    paid = exchanged(row(f"{price}e-20"), exchange)

    assert int(paid.price.scaleb(40, _WIDE)) == price * rate


def test_an_exchange_for_another_currency_is_told():
    text = (
        f"channels: [{{provider: openai, api_key: {KEY}, models: [m], prices: {{m: {{currency: CNY, input: 1}}}},"
        " currency_exchange: {from: USD, to: EUR, rate: 0.9}}]"
    )

    assert any("not in USD" in notice.message for notice in build_channels(load(text).settings, {}, None).notices)


def test_a_changed_figure_is_another_price_version():
    one, same, other = row("0.1"), row("0.10"), row("0.11")

    assert one.id == same.id
    assert one.id != other.id
    assert one.id.startswith("channel:c/m/input_token#")
    assert row("0.1", "CNY").id != one.id


def test_one_file_read_twice_gives_the_same_versions():
    channel = "model_name: a, cost_per_token: {input: 1e-7, output: 2e-7}"

    assert rows_of(channel) == rows_of(channel)
