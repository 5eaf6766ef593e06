"""One gateway under measurement: ours, ours with one feature off, or the bare pass-through that is its floor.

    python -m benchmarks.gateway_process strict --port 7601 --upstream 9001 --folder /var/tmp/measured

`bare` is our HTTP server and our upstream client with nothing between them: no check, no routing, no bill, no line.
The others are the gateway worker as it runs in production, with the doors replaced that the variant names.
"""

import argparse
import asyncio
import gc
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.payloads import KEY, MODEL, PATH
from smart_ai_router.adapters.http_server import HttpServer, ServerLimits
from smart_ai_router.adapters.secrets import SnapshotFile, encode_snapshot
from smart_ai_router.adapters.upstream_http import HttpUpstream
from smart_ai_router.app.boot import GatewayBoot
from smart_ai_router.app.gateway_worker import Worker, serve
from smart_ai_router.core.gateway import Doors
from smart_ai_router.core.http_messages import ClientReply, HttpRequest
from smart_ai_router.core.ports import ExchangeSink, UpstreamRequest, UpstreamRoute
from smart_ai_router.core.snapshot import AccessPolicy, KeyGrant, Snapshot, User
from smart_ai_router.domain.channel import Channel, ChannelModel, Provider
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceVersion

CHANNELS: Final = 3  # that serve each model, so that there is something to choose from
USERS: Final = 100
OTHER_MODELS: Final = 50


class QuietJournal:
    """Keeps nothing and calls back at once: the journal switched off."""

    admits = True

    def append(self, line: bytes, timestamp: float, on_durable: Callable[[], None]) -> None:  # noqa: ARG002
        on_durable()


class QuietTable:
    """Keeps no intents: a call in flight would be lost without a trace."""

    is_full = False

    def open(self, intent: bytes) -> int:  # noqa: ARG002 - the port's signature
        return 0

    def close(self, slot: int) -> None: ...

    def remember_number(self, number: int) -> None: ...


class WithoutJournal(Worker):
    """No line is written."""

    def _doors(self) -> Doors:
        return replace(super()._doors(), journal=QuietJournal())


class WithoutIntents(Worker):
    """No intent is stored before the upstream is asked."""

    def _doors(self) -> Doors:
        return replace(super()._doors(), inflight=QuietTable())


class PassSink(ExchangeSink):
    """Hands a reply on as it comes."""

    def __init__(self, reply: ClientReply) -> None:
        self._reply = reply
        self._status = 0
        self._is_stream = False
        self._type = ""
        self._parts: list[bytes] = []

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        self._status = status
        self._type = headers.get("content-type", "")
        self._is_stream = self._type.startswith("text/event-stream")
        if self._is_stream:
            self._reply.start(status, (("content-type", self._type),), None)

    def on_data(self, data: bytes) -> None:
        if self._is_stream:
            self._reply.write(data)
        else:
            self._parts.append(data)

    def on_end(self) -> None:
        if self._is_stream:
            self._reply.finish()
        else:
            self._reply.send(self._status, (("content-type", self._type),), b"".join(self._parts))

    def on_fault(self, fault: Fault) -> None:
        self._reply.send(502, (), fault.message.encode())


class PassHandler:
    """Sends every request to the upstream."""

    def __init__(self, upstream: HttpUpstream, url: str) -> None:
        self._upstream = upstream
        self._url = url
        self._headers = (("content-type", "application/json"), ("authorization", "Bearer upstream"))
        self._route = UpstreamRoute(5.0, 60.0, 60.0, 600.0)

    def handle(self, request: HttpRequest, reply: ClientReply) -> None:
        exchange = UpstreamRequest("POST", self._url, self._headers, request.body)
        self._upstream.send(exchange, self._route, PassSink(reply))

    def refuse(self, status: int, message: str, reply: ClientReply) -> None:
        reply.send(status, (), message.encode())


async def serve_bare(listener: socket.socket, upstream_port: int) -> None:
    loop = asyncio.get_running_loop()
    handler = PassHandler(HttpUpstream(loop), f"http://127.0.0.1:{upstream_port}{PATH}")
    await HttpServer(handler, ServerLimits()).start(loop, sock=listener)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # as the gateway worker does
    await asyncio.get_running_loop().create_future()


def make_snapshot(upstream_port: int, streams: tuple[str, ...], *, priced: bool) -> Snapshot:
    """Some channels, models, users and keys, as a small company has them."""
    names = (MODEL, *streams, *(f"other-model-{number}" for number in range(OTHER_MODELS)))
    models = tuple(ChannelModel(name, name, tags=tuple(name.split("-"))) for name in names)
    channels = tuple(
        Channel(
            f"ch_{number}",
            f"Channel {number}",
            "openai",
            "openai",
            f"http://127.0.0.1:{upstream_port}/v1",
            api_key=f"sk-upstream-{number}",
            models=models,
        )
        for number in range(CHANNELS)
    )
    prices = tuple(
        PriceVersion(
            id=f"book/{name}/{meter}",
            provider="openai",
            model=name,
            meter=meter,
            price=Decimal(price),
            currency="USD",
            per=1_000_000,
        )
        for name in names
        for meter, price in ((Meter.INPUT, "0.15"), (Meter.CACHED_INPUT, "0.075"), (Meter.OUTPUT, "0.6"))
    )
    users = tuple(User(f"user_{number}", f"User {number}") for number in range(USERS))
    hashes = [sha256((KEY if number == 0 else f"key-{number}").encode()).hexdigest() for number in range(USERS)]
    keys = tuple(KeyGrant(f"key_{number}", each, f"user_{number}", "key") for number, each in enumerate(hashes))
    return Snapshot(
        version=1,
        made_at=0.0,
        providers=(Provider("openai", "OpenAI", "openai", f"http://127.0.0.1:{upstream_port}/v1"),),
        channels=channels,
        prices=prices if priced else (),
        users=users,
        keys=keys,
        access=AccessPolicy(),
    )


WORKERS: Final[Mapping[str, type[Worker]]] = {"no-journal": WithoutJournal, "no-intents": WithoutIntents}
VARIANTS: Final = ("bare", "strict", "group", "no-prices", *WORKERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("variant", choices=VARIANTS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--stream", action="append", default=[], help="a model of the stream server")
    chosen = parser.parse_args()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", chosen.port))
    listener.listen(4096)
    listener.setblocking(False)
    if chosen.variant == "bare":
        uvloop.run(serve_bare(listener, chosen.upstream))
        return
    data_dir = chosen.folder
    data_dir.mkdir(parents=True, exist_ok=True)
    snapshot = make_snapshot(chosen.upstream, tuple(chosen.stream), priced=chosen.variant != "no-prices")
    SnapshotFile(data_dir).save(encode_snapshot(snapshot))
    durability = "group" if chosen.variant == "group" else "strict"
    boot = GatewayBoot(0, 1, str(data_dir), str(data_dir / "logs"), durability=durability, drain_deadline_s=1.0)
    uvloop.run(serve(boot, listener, make_worker=WORKERS.get(chosen.variant, Worker)))


if __name__ == "__main__":
    main()
