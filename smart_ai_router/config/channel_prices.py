"""Prices that stand in the file: of a provider, and of a channel.

A row's id ends in a digest of its figures: a figure that is changed in the file becomes another price version, so a
record that was billed with the old one still names the old one.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Context, Decimal, Inexact
from hashlib import sha256
from typing import Final

from smart_ai_router.config.resolved import ResolvedProvider
from smart_ai_router.config.table.upstreams import PRICE_WORDS
from smart_ai_router.config.upstream_settings import ChannelSettings, CurrencyExchangeSettings, PriceSettings
from smart_ai_router.domain.channel import ChannelModel
from smart_ai_router.domain.meters import INPUT_METERS, OUTPUT_METERS, Meter
from smart_ai_router.domain.pricing import PriceVersion, price_id

TOKENS_PER_PRICE: Final = 1_000_000
REFERENCE_CURRENCY: Final = "USD"  # the reference project's cost_per_token and pricing are in it
_TOKEN_METERS: Final = INPUT_METERS | OUTPUT_METERS
_SOURCE: Final = "configuration"
# A price has up to 40 digits and so has a rate; a product that does not fit would raise, never round.
_EXACT: Final = Context(prec=100, traps=[Inexact])
_DIGEST_LENGTH: Final = 8  # of 16 characters; two lists of one model never meet by chance


def provider_prices(provider: ResolvedProvider) -> tuple[PriceVersion, ...]:
    """The file's own prices for a provider."""
    return tuple(
        row
        for price in provider.prices
        for row in _rows(price, price.currency or provider.currency, provider_id=provider.id, channel_id=None)
    )


def channel_prices(
    channel: ChannelSettings, channel_id: str, provider: ResolvedProvider, models: tuple[ChannelModel, ...]
) -> tuple[PriceVersion, ...]:
    """The file's own prices for a channel; `prices` go before `cost_per_token`, and that before `pricing`."""
    currency = channel.currency or provider.currency
    rows = [
        row
        for price in channel.prices
        for row in _rows(price, price.currency or currency, provider_id="", channel_id=channel_id)
    ]
    priced = {row.model.lower() for row in rows}
    for price in _reference_prices(channel, models):
        if price.model.lower() not in priced:
            rows.extend(_rows(price, channel.currency or REFERENCE_CURRENCY, provider_id="", channel_id=channel_id))
    return tuple(exchanged(row, channel.currency_exchange) for row in rows)


def exchanged(row: PriceVersion, exchange: CurrencyExchangeSettings) -> PriceVersion:
    """The row in the currency that is really paid; unchanged when the exchange is for another currency or missing."""
    if exchange.rate is None or exchange.from_ != row.currency or exchange.to is None:
        return row
    minimum = None if row.minimum_charge is None else _EXACT.multiply(row.minimum_charge, exchange.rate)
    price = _EXACT.multiply(row.price, exchange.rate)
    source = ", ".join(part for part in (row.source, exchange.description or f"exchange {exchange.rate}") if part)
    return with_content_id(replace(row, price=price, minimum_charge=minimum, currency=exchange.to, source=source))


def with_content_id(row: PriceVersion) -> PriceVersion:
    """The row under a name that no other figure ever had."""
    figures = (_plain(row.price), row.currency, row.per, _plain(row.minimum_charge), _plain(row.round_up_to))
    facts = " ".join(str(figure) for figure in figures)
    return replace(row, id=f"{price_id(row)}#{sha256(facts.encode()).hexdigest()[:_DIGEST_LENGTH]}")


def missing_side(channel: ChannelSettings) -> str:
    """ "input" or "output" when the file prices only the other one; "" when it prices both or none."""
    tokens, thousand = channel.cost_per_token, channel.pricing
    has_input = tokens.input is not None or thousand.input_cost_per_1k is not None
    has_output = tokens.output is not None or thousand.output_cost_per_1k is not None
    if has_input == has_output:
        return ""
    return "output" if has_input else "input"


def _reference_prices(channel: ChannelSettings, models: tuple[ChannelModel, ...]) -> Iterable[PriceSettings]:
    """`cost_per_token`, else `pricing`, for the main model; for every model when the channel names no main one."""
    names = [model.upstream_name for model in models]
    if channel.model_name:
        names = [model.upstream_name for model in models if model.name == channel.model_name]
    tokens, thousand = channel.cost_per_token, channel.pricing
    sides = ((tokens.input, tokens.output, 1), (thousand.input_cost_per_1k, thousand.output_cost_per_1k, 1000))
    for input_price, output_price, per in sides:
        if input_price is not None or output_price is not None:
            return [_price(name, input_price, output_price, per) for name in dict.fromkeys(names)]
    return ()


def _price(model: str, input_price: Decimal | None, output_price: Decimal | None, per: int) -> PriceSettings:
    others = dict.fromkeys(word for word in PRICE_WORDS if word not in {"input", "output"})
    return PriceSettings(model=model, currency=None, per=per, input=input_price, output=output_price, **others)


def _rows(price: PriceSettings, currency: str, *, provider_id: str, channel_id: str | None) -> Iterable[PriceVersion]:
    for word, meter in PRICE_WORDS.items():
        figure: Decimal | None = getattr(price, word)
        if figure is None:
            continue
        row = PriceVersion(
            id="",
            provider=provider_id,
            model=price.model,
            meter=meter,
            price=figure,
            currency=currency,
            per=price.per or default_per(meter),
            channel_id=channel_id,
            source=_SOURCE,
        )
        yield with_content_id(row)


def _plain(figure: Decimal | None) -> str:
    """The same text for the same amount: 0.10 and 0.1 are one price."""
    text = "" if figure is None else format(figure, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def default_per(meter: Meter) -> int:
    """What a price is for when the file does not say: a million tokens, or one of anything else."""
    return TOKENS_PER_PRICE if meter in _TOKEN_METERS else 1
