"""Books in memory and what the billing pages are asked of, for tests."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from smart_ai_router.adapters.memory_store import MemoryStore
from smart_ai_router.core.billing.currency import DatedRates
from smart_ai_router.core.billing.market import Market
from smart_ai_router.core.billing.record_lines import FoundLine, LineState
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.snapshot import ModelDisabled, Snapshot
from smart_ai_router.core.store import BookStore, JournalFileState
from smart_ai_router.core.usage_record import UsageRecord
from smart_ai_router.domain.channel import Channel, ChannelModel, Provider
from smart_ai_router.domain.exchange import ExchangeRate
from smart_ai_router.domain.pricing import PriceVersion
from tests.contract.lines import moment, postings, record

FILE = JournalFileState("usage_20260131.jsonl", 1)
TODAY = date(2026, 1, 31)
NOW_MS = moment("2026-01-31 12:00:00")
USD_RATE = ExchangeRate("USD", "CNY", Decimal("7.1234"))

__all__ = ["record"]


def books_of(records: Sequence[UsageRecord], time_zone: str = "UTC") -> MemoryStore:
    """Books that hold these records."""
    store = MemoryStore(time_zone)
    store.apply(FILE, postings(records, time_zone), [])
    return store


def view_over(
    records: Sequence[UsageRecord],
    *rates: ExchangeRate,
    currency: str = "CNY",
    time_zone: str = "UTC",
    books: BookStore | None = None,
    complete: bool = True,
) -> BillingView:
    """Books of these records whose lines are all at hand."""
    by_id = {each.request_id: each for each in records}

    def read_lines(request_ids: Sequence[str], unpack: bool) -> Mapping[str, FoundLine]:
        return {each: FoundLine(by_id[each], LineState.LIVE) for each in request_ids if each in by_id}

    return BillingView(
        books=books or books_of(records, time_zone),
        read_lines=read_lines,
        rates=DatedRates(currency, time_zone, rates),
        provider_name=lambda provider_id: f"Name of {provider_id}",
        today=TODAY,
        now_ms=NOW_MS,
        complete=complete,
    )


def rate_from(day: str, rate: str, base: str = "USD", quote: str = "CNY") -> ExchangeRate:
    """An exchange rate from a UTC midnight on."""
    return ExchangeRate(base, quote, Decimal(rate), moment(f"{day} 00:00:00"))


def a_channel(channel_id: str, provider_id: str, *models: str, **given: object) -> Channel:
    """A channel that serves these models under their own names."""
    served = tuple(ChannelModel(name, name) for name in models)
    common = {"name": f"Name of {channel_id}", "dialect": "openai", "base_url": "https://api.example.com/v1"}
    return Channel(
        id=channel_id,
        provider_id=provider_id,
        api_key="sk-upstream-0123456789",
        models=served,
        **{**common, **given},  # type: ignore[arg-type]
    )


def market_of(
    *channels: Channel, prices: Sequence[PriceVersion] = (), disabled: Sequence[ModelDisabled] = ()
) -> Market:
    """A market of these channels, with a provider for each that is named."""
    providers = tuple(
        Provider(provider_id, f"Name of {provider_id}", "openai", "https://api.example.com/v1")
        for provider_id in sorted({channel.provider_id for channel in channels})
    )
    return Market(
        Snapshot(
            version=1,
            made_at=0.0,
            providers=providers,
            channels=channels,
            prices=tuple(prices),
            disabled=tuple(disabled),
        )
    )
