"""An upstream inside the process: URLs of the scheme `demo:` are answered by a function, others by the network."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeAlias

from smart_ai_router.core.ports import Exchange, ExchangeSink, Upstream, UpstreamRequest, UpstreamRoute

Responder: TypeAlias = Callable[[str, bytes], tuple[int, Mapping[str, str], list[bytes]]]

SCHEME = "demo:"


class UpstreamWithLocal:
    """Implements `core.ports.Upstream`."""

    def __init__(self, network: Upstream, responder: Responder, loop: asyncio.AbstractEventLoop) -> None:
        self._network = network
        self._responder = responder
        self._loop = loop

    def send(self, request: UpstreamRequest, route: UpstreamRoute, sink: ExchangeSink) -> Exchange:
        if not request.url.startswith(SCHEME):
            return self._network.send(request, route, sink)
        exchange = _LocalExchange(sink, self._loop)
        self._loop.call_soon(exchange.begin, *self._responder(request.url, request.body))
        return exchange


class _LocalExchange:
    """One chunk a turn of the loop, as a network would bring them."""

    def __init__(self, sink: ExchangeSink, loop: asyncio.AbstractEventLoop) -> None:
        self._sink = sink
        self._loop = loop
        self._chunks: list[bytes] = []
        self._is_cancelled = False
        self._is_paused = False
        self._is_scheduled = False

    def begin(self, status: int, headers: Mapping[str, str], chunks: list[bytes]) -> None:
        if self._is_cancelled:
            return
        self._chunks = chunks[::-1]
        self._sink.on_head(status, headers)
        self._schedule()

    def cancel(self) -> None:
        self._is_cancelled = True

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        self._is_scheduled = False
        if self._is_cancelled or self._is_paused:
            return
        if not self._chunks:
            self._is_cancelled = True
            self._sink.on_end()
            return
        self._sink.on_data(self._chunks.pop())
        self._schedule()
