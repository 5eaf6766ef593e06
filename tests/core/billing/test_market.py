"""What is on offer."""

from smart_ai_router.core.snapshot import ModelDisabled
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pools import REASON_NO_MONEY
from tests.core.billing.billing_samples import a_channel, market_of
from tests.core.billing.price_samples import NOW
from tests.domain.pricing_samples import row

CHANNEL = a_channel("ch_p", "p", "m", "n")


def test_every_model_of_every_channel_is_offered() -> None:
    market = market_of(CHANNEL, a_channel("ch_q", "q", "m"))

    assert [(offer.channel.id, offer.model.name) for offer in market.offers()] == [
        ("ch_p", "m"),
        ("ch_p", "n"),
        ("ch_q", "m"),
    ]


def test_an_offer_has_the_prices_that_a_call_would_meet_or_none() -> None:
    market = market_of(CHANNEL, prices=[row(Meter.INPUT, "0.5")])
    priced, unpriced = market.offers()

    sheet = market.sheet(priced, NOW)

    assert sheet is not None
    assert (sheet.currency, market.prices(priced, NOW)[0]) == ("USD", "book")
    assert (market.sheet(unpriced, NOW), market.prices(unpriced, NOW)) == (None, ("", ()))


def test_a_model_s_own_reason_goes_before_that_of_its_provider() -> None:
    whole, own = ModelDisabled("p", "*", "all"), ModelDisabled("p", "m", "this one")
    market = market_of(CHANNEL, disabled=[own, whole, ModelDisabled("q", "n", "elsewhere")])

    assert (market.disabled("p", "m"), market.disabled("p", "n"), market.disabled("q", "m")) == (own, whole, None)


def test_what_a_person_switched_off_goes_before_what_money_did() -> None:
    money, hand = ModelDisabled("p", "*", REASON_NO_MONEY), ModelDisabled("p", "*", "by hand")

    for disabled in ([money, hand], [hand, money]):
        assert market_of(CHANNEL, disabled=disabled).disabled("p", "m") == hand
    own = ModelDisabled("p", "m", REASON_NO_MONEY)
    assert market_of(CHANNEL, disabled=[money, own]).disabled("p", "m") == own


def test_a_provider_is_known_by_its_id() -> None:
    market = market_of(CHANNEL)

    provider = market.provider("p")

    assert provider is not None
    assert (provider.display_name, market.provider("q")) == ("Name of p", None)
