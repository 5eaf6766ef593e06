"""An office of money and the view that its pages are asked of, on the same day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.meters import Meter
from tests.core.administration_samples import NOW_MS
from tests.core.billing.billing_samples import market_of, view_over
from tests.domain.pricing_samples import row

TODAY = date(2026, 11, 22)


def a_shop() -> Market:
    """`openai` sells a chat and an image model by the second guide's golden prices, `qwen` one without a price."""
    golden = (
        ("chat", Meter.INPUT, "0.002", 1000), ("chat", Meter.OUTPUT, "0.008", 1000), ("picture", Meter.IMAGE, "0.5", 1),
        ("cheap", Meter.INPUT, "0.001", 1000), ("cheap", Meter.OUTPUT, "0.001", 1000),
    )  # fmt: skip
    prices = [
        row(meter, price, provider="openai", model=name, currency="CNY", per=per) for name, meter, price, per in golden
    ]
    return market_of(
        _channel("openai", ("chat", "chat"), ("cheap", "chat"), ("picture", "image")),
        _channel("qwen", ("free", "chat")),
        prices=prices,
    )


def view_on_the_day(records: Sequence[UsageRecord] = ()) -> BillingView:
    """The view of 2026-11-22 at noon, UTC."""
    return replace(view_over(records), today=TODAY, now_ms=NOW_MS)


def _channel(provider: str, *models: tuple[str, str]) -> Channel:
    return Channel(
        id=f"ch_{provider}",
        name=provider,
        provider_id=provider,
        dialect="openai",
        base_url="https://api.example.com/v1",
        api_key="sk-upstream-0123456789",
        models=tuple(ChannelModel(name, name, kind=kind) for name, kind in models),
    )
