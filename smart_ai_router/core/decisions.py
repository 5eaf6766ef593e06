"""Everything that follows from one snapshot, compiled once: keys, routes, prices, tags."""

from typing import Final

from smart_ai_router.core.admission import Keyring
from smart_ai_router.core.ports import UpstreamRoute
from smart_ai_router.core.routing_table import RoutingTable
from smart_ai_router.core.snapshot import Snapshot
from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.meters import Meter, Usage, UsageSource
from smart_ai_router.domain.money import Pico
from smart_ai_router.domain.pricing import UNPRICED, PriceCatalog, PriceSheet, price_usage
from smart_ai_router.domain.tags import recorded_tags

TAGS_CACHED_MAX: Final = 4096  # distinct (model, query, features) of one snapshot


class Decisions:
    """Everything that follows from one snapshot, compiled once."""

    def __init__(self, snapshot: Snapshot, now: float) -> None:
        self.snapshot = snapshot
        self.keyring = Keyring(snapshot)
        self.catalog = PriceCatalog(snapshot.prices)
        self.table = RoutingTable(snapshot, lambda channel, model: self._prices_per_mtok(channel, model, now))
        self._tags: dict[tuple[str, str, tuple[str, ...], tuple[str, ...]], tuple[str, ...]] = {}
        self._routes = {channel.id: _route(channel) for channel in snapshot.channels}

    def sheet(self, channel: Channel, model: ChannelModel, now: float) -> PriceSheet | None:
        return self.catalog.sheet(channel.id, channel.provider_id, channel.region, model.upstream_name, model.name, now)

    def route(self, channel: Channel) -> UpstreamRoute:
        """A candidate of an earlier snapshot may name a channel that this one no longer has."""
        return self._routes.get(channel.id) or _route(channel)

    def tags(
        self, model: str, request_type: str, query_tags: tuple[str, ...], features: tuple[str, ...]
    ) -> tuple[str, ...]:
        """The tags that a record bears; worked out once for each combination."""
        key = (model, request_type, query_tags, features)
        known = self._tags.get(key)
        if known is None:
            if len(self._tags) >= TAGS_CACHED_MAX:
                self._tags.clear()
            known = self._tags[key] = recorded_tags(model, request_type, query_tags, features)
        return known

    def _prices_per_mtok(self, channel: Channel, model: ChannelModel, now: float) -> tuple[Pico | None, Pico | None]:
        """Input and output price of a million tokens in short calls, for the routing scores."""
        sheet = self.sheet(channel, model, now)
        return (None, None) if sheet is None else (_per_mtok(sheet, Meter.INPUT), _per_mtok(sheet, Meter.OUTPUT))


def _per_mtok(sheet: PriceSheet, meter: Meter) -> Pico | None:
    bill = price_usage(sheet, Usage(((meter, 1000),), UsageSource.ESTIMATED))
    return None if bill.basis == UNPRICED else bill.total_cost * 1000


def _route(channel: Channel) -> UpstreamRoute:
    timeouts = channel.timeouts
    return UpstreamRoute(
        timeouts.connect_s, timeouts.first_byte_s, timeouts.idle_s, timeouts.total_s, channel.proxy, channel.tls_verify
    )
