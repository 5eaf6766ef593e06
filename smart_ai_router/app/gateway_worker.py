"""One gateway worker: its loop, its doors, its gateway, from start to drained."""

import asyncio
import gc
import logging
import math
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import uvloop

from smart_ai_router.adapters.chance import SystemChance
from smart_ai_router.adapters.clock import LoopClock
from smart_ai_router.adapters.http_server import HttpServer, ServerLimits
from smart_ai_router.adapters.inflight import InflightFile
from smart_ai_router.adapters.journal import JournalWriter
from smart_ai_router.adapters.link import LinkClient
from smart_ai_router.adapters.local_upstream import UpstreamWithLocal
from smart_ai_router.adapters.open_files import allow_open_files
from smart_ai_router.adapters.processes import SupervisorLink
from smart_ai_router.adapters.secrets import SnapshotFile, decode_snapshot
from smart_ai_router.adapters.upstream_http import HttpUpstream
from smart_ai_router.adapters.upstream_proxies import ProxySettings
from smart_ai_router.api.control_passage import ControlPassage
from smart_ai_router.api.front import Front, Readiness, health_facts
from smart_ai_router.app.boot import GatewayBoot
from smart_ai_router.app.recovery import dead_tables, inflight_path, recover
from smart_ai_router.core.calls import Call, Caller
from smart_ai_router.core.gateway import Doors, Gateway
from smart_ai_router.core.http_messages import ClientReply, HttpRequest
from smart_ai_router.core.link_messages import (
    AttemptsSeen,
    ExplainAnswered,
    ExplainAsked,
    FromControl,
    Hello,
    LeaseAnswer,
    LeaseRecalls,
    LeaseReport,
    NewSnapshot,
    ResetChannel,
    WorkerState,
    pack_report,
    unpack_answer,
)
from smart_ai_router.core.plain_json import encode_plain
from smart_ai_router.core.snapshot import KeyGrant, Snapshot
from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.faults import Fault
from smart_ai_router.domain.leasing import Report
from smart_ai_router.domain.money import Pico, pico_to_decimal
from smart_ai_router.domain.routing import Explanation
from smart_ai_router.providers import demo
from smart_ai_router.providers.openai import OpenAIDialect

REPORT_INTERVAL_S: Final = 0.2  # faults reach the monitor well within a second
STATE_INTERVAL_S: Final = 1.0
RECOVERY_LOOK_S: Final = 0.25
DRAIN_POLL_S: Final = 0.05
GOODBYE_S: Final = 1.0  # the last bytes of calls that were cut reach their clients
GARBAGE_THRESHOLD: Final = 20_000  # calls leave no cycles behind; a collection is for rare paths only
FILES_PER_CONNECTION: Final = 2.125  # the client's, its call's upstream's, and an eighth for refused ones that linger
OWN_FILES: Final = 64  # listener, link, journal, in-flight table, idle upstream connections that outlive their call
HOLDER_BYTES: Final = 6
DATE_KEPT_S: Final = 900  # every time zone's midnight falls on a quarter of an hour of UTC

_logger = logging.getLogger(__name__)


class AttemptReporter:
    """Implements `core.gateway.AttemptObserver`: gathers what was seen and sends it in short intervals."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self._successes: Counter[tuple[str, str]] = Counter()
        self._latest: dict[tuple[str, str], float] = {}
        self._faults: list[tuple[str, str, float, Fault]] = []
        self.link: LinkClient | None = None

    def observe_attempt(self, channel: Channel, fault: Fault | None) -> None:
        if fault is None:
            key = (channel.id, channel.name)
            self._successes[key] += 1
            self._latest[key] = self._clock.now()
        else:
            if not self._faults:
                self._clock.call_later(0.0, self.flush)
            self._faults.append((channel.id, channel.name, self._clock.now(), fault))

    def flush(self) -> None:
        if self.link is None or not (self._successes or self._faults):
            return
        successes = tuple([(*key, self._latest[key], count) for key, count in self._successes.items()])
        self.link.send(AttemptsSeen(successes, tuple(self._faults)))
        self._successes.clear()
        self._faults = []


class Worker:
    """Implements `api.front.Calls` over the gateway, and answers the control plane."""

    def __init__(self, boot: GatewayBoot, loop: asyncio.AbstractEventLoop) -> None:
        self._boot = boot
        self._loop = loop
        self._clock = LoopClock(loop)
        self._zone = ZoneInfo(boot.time_zone)
        self._date = date.min
        self._date_until = 0.0
        data_dir = Path(boot.data_dir)
        self._snapshot_file = SnapshotFile(data_dir)
        self._inflight = InflightFile(inflight_path(data_dir, boot.worker))
        self._journal = JournalWriter(Path(boot.logs_dir), loop, boot.durability)
        network = HttpUpstream(loop, proxies=ProxySettings.from_environment(os.environ))
        self._network = network
        self._reporter = AttemptReporter(self._clock)
        snapshot = self._snapshot_file.load() or Snapshot(version=0, made_at=0.0)
        self.gateway = Gateway(self._doors(), boot.worker, self._inflight.last_number, snapshot, boot.workers)
        limits = ServerLimits(
            head_s=boot.head_s,
            body_s=boot.body_s,
            keep_alive_s=boot.keep_alive_s,
            body_bytes_max=boot.body_bytes_max,
            connections_max=boot.connections_max,
        )
        self._front = Front(self, ControlPassage(network, str(boot.control_socket)))
        self.server = HttpServer(self._front, limits)
        self._link = LinkClient(boot.link_socket, self._take, self._hello)
        self._reporter.link = self._link
        self._models: dict[tuple[int, tuple[str, ...]], bytes] = {}
        self._first_snapshot = asyncio.Event()
        if snapshot.version:
            self._first_snapshot.set()

    def _doors(self) -> Doors:
        """What the gateway reaches outside of itself. A measurement puts others in their place."""
        return Doors(
            clock=self._clock,
            journal=self._journal,
            journal_position=lambda: self._journal.position,
            inflight=self._inflight,
            upstream=UpstreamWithLocal(self._network, demo.answer, self._loop),
            dialects={"openai": OpenAIDialect(), "demo": demo.DemoDialect()},
            observer=self._reporter,
            chance=SystemChance(),
            today=self._today,
        )

    # --- life ---

    async def start(self, listener: socket.socket) -> None:
        """Recover what a dead predecessor left, then serve."""
        self._link.start()
        await self._first_snapshot.wait()
        self._recovering = self._loop.create_task(self._recover())
        while self._journal.admits and not self._recovering.done():
            await asyncio.wait({self._recovering}, timeout=RECOVERY_LOOK_S)
        if self._recovering.done():  # else the disk is full: they are booked when it has room again
            self._recovering.result()
        await self.server.start(self._loop, sock=listener)
        self._report()

    async def drain(self) -> None:
        """Stop accepting, let calls finish until the deadline, cut the rest; every line is on disk afterwards."""
        self.server.drain()
        deadline = self._clock.monotonic() + self._boot.drain_deadline_s
        while self._is_busy() and self._clock.monotonic() < deadline:  # noqa: ASYNC110 - once in a worker's life
            await asyncio.sleep(DRAIN_POLL_S)
        self.gateway.cut_all()
        self._reporter.flush()
        await asyncio.sleep(0)  # lines of calls that were just cut reach the journal's thread
        self._recovering.cancel()
        self._journal.close()
        await asyncio.sleep(0)  # their slots in the in-flight table are freed, their clients are told
        deadline = self._clock.monotonic() + GOODBYE_S
        while self.server.connection_count and self._clock.monotonic() < deadline:  # noqa: ASYNC110 - as above
            await asyncio.sleep(DRAIN_POLL_S)
        self.gateway.funds.give_back_all()
        self.server.close()
        await asyncio.sleep(0)  # the last report leaves
        self._link.close()
        await self._network.close()
        self._inflight.close_file()

    def _is_busy(self) -> bool:
        return bool(self.gateway.calls_under_way or self.server.connection_count)

    async def _recover(self) -> None:
        tables = [self._inflight]
        if self._boot.worker == 0:
            tables += dead_tables(Path(self._boot.data_dir), self._boot.workers)
        for table in tables:
            now = self._clock.now()
            booked = await recover(table, self._journal, Path(self._boot.logs_dir), self.gateway.snapshot, now)
            if booked:
                _logger.warning("%d calls that were in flight when a worker died are on the books now", booked)
            if table is not self._inflight:
                table.close_file()
                table.path.unlink()
        self._borrow()  # not before: what a dead predecessor held is lent to others when its calls are booked

    def _report(self) -> None:
        self._reporter.flush()
        self._send_state()
        self.gateway.funds.tick()
        self._clock.call_later(REPORT_INTERVAL_S, self._report)

    def _send_state(self) -> None:
        state = WorkerState(
            self._boot.worker,
            self.gateway.calls_under_way,
            self.server.connection_count,
            self._journal.admits,
            self.gateway.snapshot.version,
            dict(self._front.refusals),
        )
        if self._link.is_connected:
            self._link.send(state)

    # --- control plane ---

    def _hello(self) -> Hello:
        return Hello(self._boot.worker, os.getpid(), self.gateway.snapshot.version, self.gateway.funds.holder)

    def _borrow(self) -> None:
        """Ask for slices of money under a new name: nobody can take it for an earlier life's."""
        holder = f"{self._boot.worker}-{os.getpid()}-{os.urandom(HOLDER_BYTES).hex()}"
        self.gateway.funds.begin(holder, self._send_report)
        if self._link.is_connected:
            self._link.send(self._hello())

    def _send_report(self, report: Report) -> None:
        if self._link.is_connected:  # what is lost is said again
            self._link.send(LeaseReport(pack_report(report)))

    def _take(self, message: FromControl) -> None:
        match message:
            case NewSnapshot(data):
                self._adopt(data)
            case ResetChannel(channel_id):
                self.gateway.reset_channel(channel_id)
            case LeaseAnswer(data):
                if not self.gateway.funds.absorb(unpack_answer(data)):
                    self._borrow()
            case LeaseRecalls(recalls):
                for each in recalls:
                    self.gateway.funds.recall(each)
            case ExplainAsked(question, model, kind):
                self._link.send(self._explain(question, model, kind))

    def _adopt(self, data: bytes) -> None:
        snapshot = decode_snapshot(data)
        self.gateway.adopt(snapshot)
        self._models.clear()
        self._first_snapshot.set()
        self._send_state()  # whoever changed something waits for this

    def _explain(self, question: int, model: str, kind: str) -> ExplainAnswered:
        try:
            return ExplainAnswered(question, 200, encode_plain(_in_units(self.gateway.explain(model, kind))))
        except Refusal as refusal:
            body = {"status": refusal.status, "code": refusal.code, "message": refusal.message}
            return ExplainAnswered(question, refusal.status, msgspec.json.encode(body))

    # --- front ---

    @property
    def region_header(self) -> str | None:
        return self.gateway.region_header

    @property
    def cross_origins(self) -> tuple[str, ...]:
        return self.gateway.snapshot.access.cross_origins

    def identify(self, request: HttpRequest) -> tuple[Caller, KeyGrant | None]:
        return self.gateway.keyring.identify(request.headers, request.client_ip, self._clock.now())

    def run(self, call: Call, caller: Caller, grant: KeyGrant | None, reply: ClientReply, started: float) -> None:
        self.gateway.run(call, caller, grant, reply, started)

    def new_request_id(self) -> str:
        return self.gateway.new_request_id()

    def model_list(self, grant: KeyGrant | None) -> bytes:
        key = (self.gateway.snapshot.version, grant.models if grant is not None else ())
        known = self._models.get(key)
        if known is None:
            made_at = int(self.gateway.snapshot.made_at)
            data = [
                {"id": each.id, "object": "model", "created": made_at, "owned_by": each.owned_by}
                for each in self.gateway.table.models(grant.models if grant is not None else ())
            ]
            known = self._models[key] = msgspec.json.encode({"object": "list", "data": data})
        return known

    def health(self) -> dict[str, object]:
        snapshot = self.gateway.snapshot
        return health_facts(len(snapshot.providers), len(snapshot.channels), int(self._clock.now()))

    def readiness(self) -> Readiness:
        version = self.gateway.snapshot.version
        admits = self._journal.admits
        return Readiness(
            bool(version) and admits and not self.server.is_draining, version, admits, self._link.is_connected
        )

    def _today(self) -> date:
        """The date in the configured time zone; looked up again only when a quarter of an hour has begun."""
        now = self._clock.now()
        if now >= self._date_until or now < self._date_until - DATE_KEPT_S:
            self._date = datetime.fromtimestamp(now, self._zone).date()
            self._date_until = now - now % DATE_KEPT_S + DATE_KEPT_S
        return self._date


def _in_units(explanation: Explanation) -> dict[str, object]:
    """The explanation with its prices in currency units, as people read them."""
    told: dict[str, object] = msgspec.to_builtins(explanation)
    told["ranked"] = [
        {
            **msgspec.to_builtins(each),
            "price_input_per_mtok": _units(each.price_input_per_mtok),
            "price_output_per_mtok": _units(each.price_output_per_mtok),
        }
        for each in explanation.ranked
    ]
    return told


def _units(pico: Pico | None) -> Decimal | None:
    return None if pico is None else pico_to_decimal(pico)


async def serve(
    boot: GatewayBoot,
    listener: socket.socket,
    supervisor: SupervisorLink | None = None,
    make_worker: Callable[[GatewayBoot, asyncio.AbstractEventLoop], Worker] = Worker,
) -> None:
    """Run one worker on this loop until SIGTERM, and drain it."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    worker = make_worker(boot, loop)
    await worker.start(listener)
    gc.collect()
    gc.freeze()  # what lives as long as the worker is not looked at again
    gc.set_threshold(GARBAGE_THRESHOLD, 10, 10)
    if supervisor is not None:
        supervisor.report_ready()
    await stop.wait()
    await worker.drain()


def run_gateway(boot: GatewayBoot, listener: socket.socket, supervisor: SupervisorLink | None = None) -> int:
    """Serve until SIGTERM; returns the exit code."""
    uvloop.run(serve(_within_open_files(boot), listener, supervisor))
    return 0


def _within_open_files(boot: GatewayBoot) -> GatewayBoot:
    """No more connections than the system lets this process hold open: a full table is answered, not suffered."""
    limit = allow_open_files(math.ceil(boot.connections_max * FILES_PER_CONNECTION) + OWN_FILES)
    fitting = math.floor((limit - OWN_FILES) / FILES_PER_CONNECTION)
    if fitting >= boot.connections_max:
        return boot
    _logger.log(
        logging.WARNING if fitting < boot.connections_max // 2 else logging.INFO,
        "the limit of %d open files allows %d client connections instead of %d; raise it (ulimit -n)",
        limit,
        max(1, fitting),
        boot.connections_max,
    )
    return msgspec.structs.replace(boot, connections_max=max(1, fitting))
