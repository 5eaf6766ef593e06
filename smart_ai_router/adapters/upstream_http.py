"""The upstream HTTP door: HTTP/1.1 over kept-alive connections, callbacks only.

What `send` promises beyond `core.ports.Upstream`:

- The target, the Host header and every framing header are ours. A caller's `host`, `content-length`, `connection`,
  `accept-encoding` and the like are dropped (a `host` counts for `http+unix` URLs, where there is no other).
- Nothing is followed: a redirect is an answer like any other, so a key never goes where its channel does not point.
- Replies are read as they come; `accept-encoding: identity` is asked for, gzip and deflate are undone within bounds
  (see `upstream_decoding`), anything else is MALFORMED. `set-cookie` and hop-by-hop headers are not handed on; only
  from a unix socket, which is our own control plane, comes a cookie through (the last one, if there are several).
- Limits by phase, the pool's bounds and the one transparent retry are described where they live:
  `upstream_exchange`, `upstream_pool`, `upstream_connection`.
- A sink that raises loses its connection and hears RESET; the error goes to the loop's exception handler. A sink that
  raises in `on_end` or `on_fault` hears nothing more. Nobody else notices.

`proxy` of a route wins over the environment's; an empty string there means straight.
"""

import asyncio
from dataclasses import dataclass

from smart_ai_router.adapters.upstream_dialing import Dialer, Way
from smart_ai_router.adapters.upstream_exchange import Deadlines, HttpExchange
from smart_ai_router.adapters.upstream_framing import COOKIES, DROPPED_HEADERS, HeaderNames
from smart_ai_router.adapters.upstream_pool import PoolLimits, UpstreamPool
from smart_ai_router.adapters.upstream_proxies import ProxySettings
from smart_ai_router.adapters.upstream_targets import Endpoint, Targets, request_head
from smart_ai_router.core.ports import ExchangeSink, UpstreamRequest, UpstreamRoute

READ_BUFFER_BYTES = 65_536  # also the most that still comes after `pause_reading`
POOLS_MAX = 4096  # above any configuration; unused pools are forgotten first


@dataclass(frozen=True, slots=True)
class UpstreamFigures:
    """What stands open, and what has been counted since the start."""

    connections_open: int
    connections_idle: int
    exchanges_waiting: int
    dials_total: int
    stale_retries_total: int


class HttpUpstream:
    """Upstream calls of one event loop. Not safe for use from another thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        proxies: ProxySettings | None = None,
        limits: PoolLimits | None = None,
        ca_file: str | None = None,
        tick_s: float = 0.05,
    ) -> None:
        """`tick_s`: how finely time limits are kept."""
        self._loop = loop
        self._time = loop.time
        self._proxies = proxies or ProxySettings()
        self._limits = limits or PoolLimits()
        self._dialer = Dialer(loop, ca_file)
        self._targets = Targets()
        self._names = HeaderNames()
        self._own_names = HeaderNames(DROPPED_HEADERS - COOKIES)
        self._read_view = memoryview(bytearray(READ_BUFFER_BYTES))
        self._deadlines = Deadlines(loop, tick_s)
        self._pools: dict[tuple[Endpoint, str | None, bool, bool], UpstreamPool] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self._forgotten = (0, 0)  # dials and stale retries of pools that are no more

    def send(self, request: UpstreamRequest, route: UpstreamRoute, sink: ExchangeSink) -> HttpExchange:
        """Begin one exchange. Raises ValueError for a URL, method or header that no request can carry."""
        target = self._targets.get(request.url)
        body = request.body
        head = request_head(target, request.method, request.headers, len(body))
        pool = self._pools.get((target.endpoint, route.proxy, route.tls_verify, route.public_only))
        if pool is None:
            pool = self._make_pool(target.endpoint, route)
        exchange = HttpExchange(head, body, route, sink, pool)
        pool.send(exchange)
        return exchange

    @property
    def figures(self) -> UpstreamFigures:
        """The present state, for metrics."""
        pools = self._pools.values()
        return UpstreamFigures(
            connections_open=sum(len(pool.connections) for pool in pools),
            connections_idle=sum(len(pool.idle) for pool in pools),
            exchanges_waiting=sum(len(pool.waiting) for pool in pools),
            dials_total=self._forgotten[0] + sum(pool.dial_count for pool in pools),
            stale_retries_total=self._forgotten[1] + sum(pool.stale_retry_count for pool in pools),
        )

    async def close(self) -> None:
        """Close every connection. Exchanges still open hear RESET."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for pool in list(self._pools.values()):
            await pool.close()
        self._deadlines.close()
        await asyncio.sleep(0)  # the transports close their files on the next turn

    def _make_pool(self, endpoint: Endpoint, route: UpstreamRoute) -> UpstreamPool:
        if len(self._pools) >= POOLS_MAX:
            self._forget_unused_pools()
        proxy = route.proxy
        if proxy is None:
            proxy = self._proxies.proxy_for(endpoint.scheme, endpoint.host, endpoint.port)
        way = Way(endpoint, proxy or None, route.tls_verify, route.public_only)
        pool = UpstreamPool(
            self._loop,
            way,
            self._dialer,
            limits=self._limits,
            deadlines=self._deadlines,
            read_view=self._read_view,
            names=self._own_names if endpoint.scheme == "http+unix" else self._names,
            on_idle=self._sweep_later,
        )
        self._pools[(endpoint, route.proxy, route.tls_verify, route.public_only)] = pool
        return pool

    def _sweep_later(self) -> None:
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._limits.idle_s, self._expire)

    def _expire(self) -> None:
        self._sweep = None
        now = self._time()
        looks = [look for pool in self._pools.values() if (look := pool.expire(now)) is not None]
        self._forget_unused_pools()
        if looks:
            self._sweep = self._loop.call_at(min(looks), self._expire)

    def _forget_unused_pools(self) -> None:
        for key, pool in list(self._pools.items()):
            if pool.is_unused:
                dials, retries = self._forgotten
                self._forgotten = (dials + pool.dial_count, retries + pool.stale_retry_count)
                del self._pools[key]
