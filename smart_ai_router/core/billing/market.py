"""What is on offer: the providers, models and prices that the gateways decide by, of one snapshot."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from smart_ai_router.core.snapshot import ModelDisabled, Snapshot
from smart_ai_router.core.timestamps import Instant
from smart_ai_router.domain.channel import Channel, ChannelModel, Provider
from smart_ai_router.domain.pools import REASON_NO_MONEY
from smart_ai_router.domain.pricing import PriceCatalog, PriceSheet, PriceVersion

ALL_MODELS = "*"


class Offer(NamedTuple):
    """One model on one channel."""

    channel: Channel
    model: ChannelModel


@dataclass(frozen=True)
class Market:
    """A snapshot and the index of its prices; made once for each snapshot."""

    snapshot: Snapshot
    catalog: PriceCatalog = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "catalog", PriceCatalog(self.snapshot.prices))

    def offers(self) -> Iterator[Offer]:
        """Every model of every channel."""
        for channel in self.snapshot.channels:
            for model in channel.models:
                yield Offer(channel, model)

    def provider(self, provider_id: str) -> Provider | None:
        """A provider by its id; None for one that is not configured."""
        return next((each for each in self.snapshot.providers if each.id == provider_id), None)

    def sheet(self, offer: Offer, now: Instant) -> PriceSheet | None:
        """The prices that a call would meet; None when the model is unpriced."""
        channel, model = offer
        return self.catalog.sheet(channel.id, channel.provider_id, channel.region, model.upstream_name, model.name, now)

    def prices(self, offer: Offer, now: Instant) -> tuple[str, tuple[PriceVersion, ...]]:
        """The rows behind the sheet, and whose they are: channel, provider, book, or "" for nobody's."""
        channel, model = offer
        return self.catalog.price_list(
            channel.id, channel.provider_id, channel.region, model.upstream_name, model.name, now
        )

    def disabled(self, provider_id: str, model: str) -> ModelDisabled | None:
        """Why a model of a provider is off.

        What a person has switched off goes before what money has: a recharge will not bring it back. Then the model's
        own reason goes before that of the whole provider.
        """
        found = [each for each in self.snapshot.disabled if each.provider_id == provider_id]
        found = [each for each in found if each.model in {model, ALL_MODELS}]
        found.sort(key=lambda each: (each.reason == REASON_NO_MONEY, each.model != model))
        return found[0] if found else None
