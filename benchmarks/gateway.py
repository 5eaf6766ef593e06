"""What `python -m benchmarks gateway` measures, part by part."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import nginx
from benchmarks.children import Child
from benchmarks.load import HeldStreams, Wrk, run_paced, run_streams
from benchmarks.machine import GATEWAY_CORE, LOAD_CORE, ROOT, Programs, free_port
from benchmarks.meters import memory
from benchmarks.payloads import KEY
from benchmarks.results import Figure, Goal, Side
from benchmarks.rounds import Contestant, cpu_figures, run_rounds
from benchmarks.statistic import Spread, spread

PACED: Final = "stream-200x20"
BURST: Final = "stream-20000x0"
HELD: Final = "stream-600x2000"
PACED_STREAMS: Final = 40
BURST_STREAMS: Final = 4
CONNECTIONS: Final = 32
MIB: Final = 2**20
KIB: Final = 2**10

OURS: Final = "ours, durable journal"
VARIANTS: Final = {
    "bare": "bare pass-through (the floor)",
    "strict": OURS,
    "group": "  synced every 100 ms",
    "no-journal": "  without journal",
    "no-intents": "  without intents",
    "no-prices": "  without prices",
}
WITHOUT_KEY: Final = "  without a key"


@dataclass(frozen=True, slots=True)
class Settings:
    """How long and how often."""

    rounds: int
    seconds: float
    calls: int  # of the memory part
    held: tuple[int, ...]  # open streams of the memory part
    connections: tuple[int, ...]  # of the calls part; the first one with every variant
    against: tuple[Path, ...] = ()  # other checkouts, measured beside this one


class Bench:
    """Starts what a part needs and measures it."""

    def __init__(self, programs: Programs, settings: Settings, folder: Path, say: Callable[[str], None]) -> None:
        """`folder` is on the disk that the journal is to be measured on."""
        self._programs = programs
        self._settings = settings
        self._folder = folder
        self._say = say
        self._wrk = Wrk(programs.wrk, folder)
        self.capacity = 0.0  # calls a second of ours, once `calls` has run

    # --- parts ---

    def calls(self) -> Iterator[Figure]:
        """CPU per call that is not a stream, and calls a second."""
        first, *others = self._settings.connections
        yield from self._calls(first, tuple(VARIANTS))
        for connections in others:
            yield from self._calls(connections, ("bare", "strict"))

    def streams(self) -> Iterator[Figure]:
        """CPU per forwarded chunk: paced, and as fast as it goes; and what a paced chunk's way adds in time."""
        with ExitStack() as stack:
            contestants = self._stream_contestants(stack)
            run_rounds(
                contestants,
                self._settings.rounds,
                lambda each: run_streams(each.child.port, PACED, PACED_STREAMS, each.key).chunks,
                self._say,
            )
            section = f"CPU per chunk, {PACED_STREAMS} streams of 200 chunks, one every 20 ms"
            yield from cpu_figures(section, "us", contestants)
            for each in contestants:
                each.cpu_us.clear()
                each.per_second.clear()
                each.goal = None
            run_rounds(
                contestants,
                self._settings.rounds,
                lambda each: run_streams(each.child.port, BURST, BURST_STREAMS, each.key).chunks,
                self._say,
            )
            yield from cpu_figures("CPU per chunk, as fast as it goes", "us", contestants)
            yield from self._chunk_times(contestants)

    def latency(self) -> Iterator[Figure]:
        """What a gateway adds to a call, one at a time and at half of our capacity."""
        rounds, seconds = self._settings.rounds, self._settings.seconds
        with ExitStack() as stack:
            stub = stack.enter_context(nginx.start_stub(self._programs.nginx, self._new_folder("stub")))
            proxy = nginx.start_proxy(self._programs.nginx, self._new_folder("proxy"), stub.port)
            contestants = [
                Contestant("direct", stub),
                Contestant("nginx proxy_pass", stack.enter_context(proxy)),
                Contestant(OURS, stack.enter_context(self._ours("strict", stub.port)), KEY),
                Contestant(VARIANTS["group"], stack.enter_context(self._ours("group", stub.port)), KEY),
            ]
            capacity = self.capacity or self._wrk.run(contestants[2].child.port, CONNECTIONS, 5.0, KEY).requests / 5.0
            yield _fixed("Latency, at half of our capacity", "calls offered", "1/s", round(capacity / 2))
            for title, rate in (("one call at a time", None), ("at half of our capacity", round(capacity / 2))):
                taken: dict[str, list[tuple[float, float]]] = {each.name: [] for each in contestants}
                for number in range(rounds):
                    for each in contestants:
                        self._say(f"latency, {title}, round {number + 1} of {rounds}: {each.name}")
                        figures = run_paced(each.child.port, rate, seconds, each.key)
                        taken[each.name].append((figures.p50, figures.p99))
                yield from _added(title, taken, is_goal=rate is not None)

    def memory(self) -> Iterator[Figure]:
        """Memory of a worker: warm, after many calls, and with open streams."""
        section = "Memory of a gateway worker"
        with ExitStack() as stack:
            stub = stack.enter_context(nginx.start_stub(self._programs.nginx, self._new_folder("stub")))
            worker = stack.enter_context(self._ours("strict", stub.port))
            self._wrk.run(worker.port, CONNECTIONS, 5.0, KEY)
            warm = memory(worker.pid)
            yield _fixed(section, "warm, resident", "MiB", warm.rss / MIB, Goal(Side.VALUE, 80.0))
            yield _fixed(section, "warm, proportional", "MiB", warm.pss / MIB)
            done = 0
            while done < self._settings.calls:
                self._say(f"memory: {done} of {self._settings.calls} calls")
                done += self._wrk.run(worker.port, CONNECTIONS, 10.0, KEY).requests
            grown = memory(worker.pid)
            yield _fixed(section, f"grown by {done} calls", "MiB", (grown.pss - warm.pss) / MIB, Goal(Side.VALUE, 2.0))
        yield from self._open_streams(section)

    # --- inside ---

    def _calls(self, connections: int, variants: tuple[str, ...]) -> Iterator[Figure]:
        section = f"CPU per call, {connections} connections"
        with ExitStack() as stack:
            stub = stack.enter_context(nginx.start_stub(self._programs.nginx, self._new_folder("stub")))
            proxy = nginx.start_proxy(self._programs.nginx, self._new_folder("proxy"), stub.port)
            contestants = [Contestant("nginx proxy_pass", stack.enter_context(proxy))]
            for variant in variants:
                child = stack.enter_context(self._ours(variant, stub.port))
                goal = Goal(Side.RATIO, 4.0) if variant == "strict" else None
                contestants.append(Contestant(VARIANTS[variant], child, KEY, goal))
                if variant == "strict" and len(variants) == len(VARIANTS):
                    contestants.append(Contestant(WITHOUT_KEY, child, None))
            for checkout in self._settings.against:
                child = stack.enter_context(self._ours("strict", stub.port, checkout))
                contestants.append(Contestant(f"{checkout.name}, durable journal", child, KEY))
            seconds = self._settings.seconds
            run_rounds(
                contestants,
                self._settings.rounds,
                lambda each: self._wrk.run(each.child.port, connections, seconds, each.key).requests,
                self._say,
            )
        yield from cpu_figures(section, "us", contestants)
        for each in contestants:
            if each.name == OURS and connections == self._settings.connections[0]:
                self.capacity = spread(each.per_second).median
            yield Figure(f"Calls per second, {connections} connections", each.name, "1/s", spread(each.per_second))

    def _open_streams(self, section: str) -> Iterator[Figure]:
        with ExitStack() as stack:
            server = stack.enter_context(self._stream_server())
            for name, contestant in (
                (
                    "nginx",
                    nginx.start_proxy(self._programs.nginx, self._new_folder("proxy"), server.port, buffering=False),
                ),
                ("ours", self._ours("strict", server.port)),
            ):
                child = stack.enter_context(contestant)
                key = KEY if name == "ours" else None
                run_streams(child.port, "stream-5x1", 10, key)  # warm
                for count in self._settings.held:
                    self._say(f"memory: {count} open streams, {name}")
                    before = memory(child.pid)
                    with HeldStreams(child.port, HELD, count, key):
                        held = memory(child.pid)
                    goal = Goal(Side.VALUE, 40.0) if name == "ours" else None
                    per_stream = (held.pss - before.pss) / count / KIB
                    yield _fixed(section, f"one of {count} open streams, {name}", "KiB", per_stream, goal)

    def _stream_contestants(self, stack: ExitStack) -> list[Contestant]:
        server = stack.enter_context(self._stream_server())
        proxy = nginx.start_proxy(self._programs.nginx, self._new_folder("proxy"), server.port, buffering=False)
        contestants = [Contestant("nginx proxy_pass", stack.enter_context(proxy))]
        for variant in ("bare", "strict"):
            goal = Goal(Side.RATIO, 2.0) if variant == "strict" else None
            child = stack.enter_context(self._ours(variant, server.port))
            contestants.append(Contestant(VARIANTS[variant], child, KEY, goal))
        for checkout in self._settings.against:
            child = stack.enter_context(self._ours("strict", server.port, checkout))
            contestants.append(Contestant(f"{checkout.name}, durable journal", child, KEY))
        return contestants

    def _chunk_times(self, contestants: list[Contestant]) -> Iterator[Figure]:
        section = f"Streams, {PACED_STREAMS} paced: from the upstream's write to the client"
        for each in contestants:
            runs = [run_streams(each.child.port, PACED, PACED_STREAMS, each.key) for _ in range(self._settings.rounds)]
            yield Figure(section, f"{each.name.strip()}, chunk p50", "us", spread([run.chunk_p50 for run in runs]))
            yield Figure(section, f"{each.name.strip()}, chunk p99", "us", spread([run.chunk_p99 for run in runs]))
            yield Figure(
                section, f"{each.name.strip()}, first byte p50", "us", spread([r.first_byte_p50 for r in runs])
            )

    def _stream_server(self) -> Child:
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.stream_server", "--port", str(port)]
        log = self._new_folder("streams") / "output"
        return Child(command, core=LOAD_CORE, port=port, log=log, folder=ROOT).wait_until_listening()

    def _ours(self, variant: str, upstream: int, checkout: Path = ROOT) -> Child:
        port = free_port()
        folder = self._new_folder(variant)
        command = [sys.executable, "-m", "benchmarks.gateway_process", variant, "--port", str(port)]
        command += ["--upstream", str(upstream), "--folder", str(folder / "data")]
        for model in (PACED, BURST, HELD, "stream-5x1"):
            command += ["--stream", model]
        child = Child(command, core=GATEWAY_CORE, port=port, log=folder / "output", folder=checkout)
        return child.wait_until_listening()

    def _new_folder(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder for journals and configurations, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="smart-ai-router-benchmark-", dir=parent) as folder:
        yield Path(folder)


def _fixed(section: str, name: str, unit: str, value: float, goal: Goal | None = None) -> Figure:
    return Figure(section, name, unit, Spread(value, value, value), None, goal)


def _added(title: str, taken: dict[str, list[tuple[float, float]]], *, is_goal: bool) -> Iterator[Figure]:
    """Latencies, and what each gateway adds to going straight, round by round."""
    direct = taken["direct"]
    for name, rounds in taken.items():
        for index, (percent, limit_us) in enumerate((("p50", 1000.0), ("p99", 5000.0))):
            values = [each[index] for each in rounds]
            yield Figure(f"Latency, {title}", f"{name.strip()}, {percent}", "us", spread(values))
            if name == "direct":
                continue
            added = [mine - straight[index] for mine, straight in zip(values, direct, strict=True)]
            goal = Goal(Side.VALUE, limit_us) if is_goal and name == OURS else None
            yield Figure(f"Latency added, {title}", f"{name.strip()}, {percent}", "us", spread(added), None, goal)
