"""The real router under adversity: started, killed, fed and checked from outside, over its public interfaces alone.

A `Router` owns a folder and every process it started; `close` leaves none behind. The checks read what an operator
has: the journal, `/v1/stats`, `verify`, and what reached the testing upstream.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from smart_ai_router.adapters.inflight import InflightFile
from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_calls import USER_KEY, Answer, Load, ask
from tests.tidy.python_source import ROOT

START_S = 30.0
STOP_S = 50.0
ADMIN_TOKEN = "admin-canary-5f1c7a90b2"
UPSTREAM_KEYS = ("sk-upstream-canary-0001", "sk-upstream-canary-0002", "upstreamcanarywithoutprefix0003")
ADMIN = ("authorization", f"Bearer {ADMIN_TOKEN}")


def configuration(*base_urls: str, more: str = "") -> str:
    """One channel `ch_N` for each upstream, all with model m1 at 0.15 and 0.60 USD a million tokens."""
    providers = "".join(f"  up{n}: {{display_name: Up {n}, base_url: '{url}'}}\n" for n, url in enumerate(base_urls, 1))
    channels = "".join(
        f"  - id: ch_{n}\n    name: Channel {n}\n    provider: up{n}\n    api_key: ${{UPSTREAM_KEY_{n}}}\n"
        f"    models: [m1, text-embedding-3-small]\n    priority: {n}\n"
        "    timeouts: {connect: 2, first_byte: 2, idle: 2, total: 20}\n"
        "    prices:\n      m1: {currency: USD, per: 1000000, input: 0.15, cached_input: 0.075, output: 0.60}\n"
        "      text-embedding-3-small: {currency: USD, per: 1000000, input: 0.02}\n"
        for n in range(1, len(base_urls) + 1)
    )
    return (
        "system: {demo_channel: never, probe_local_servers: false}\n"
        f"auth:\n  keys:\n    - {{name: alice, key: '${{USER_KEY}}', user: alice}}\n"
        f"providers:\n{providers}channels:\n{channels}{more}"
    )


def until(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for an event that has no other sign than that it holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


class Router:
    """`smart-ai-router serve` in a folder of its own, on a port that the kernel chose for it."""

    def __init__(self, folder: Path, config: str, *options: str, **variables: str) -> None:
        self.folder = folder
        self.data_dir, self.logs_dir = folder / "data", folder / "logs"
        self.config = folder / "router.yaml"
        self.config.write_text(config)
        self.options = options
        self.wrapper: tuple[str, ...] = ()  # a program that starts it, such as one that sets limits
        self.variables = {
            "PATH": os.defpath,
            "PYTHONPATH": str(ROOT),
            "SMART_AI_ROUTER_ADMIN_TOKEN": ADMIN_TOKEN,
            "USER_KEY": USER_KEY,
            **{f"UPSTREAM_KEY_{number}": key for number, key in enumerate(UPSTREAM_KEYS, 1)},
            **variables,
        }
        self.starts = 0
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._started: set[int] = set()

    # --- processes ---

    def begin(self) -> "subprocess.Popen[bytes]":
        """Start it without waiting."""
        assert self.process is None
        self.starts += 1
        command = [*self.wrapper, sys.executable, "-P", "-m", "smart_ai_router", "serve", "--config", str(self.config)]
        command += ["--data-dir", str(self.data_dir), "--logs-dir", str(self.logs_dir), "--port", "0"]
        with self._said("out").open("wb") as out, self._said("err").open("wb") as err:
            self.process = subprocess.Popen(
                [*command, *self.options], cwd=self.folder, env=self.variables, stdout=out, stderr=err
            )
        self._started.add(self.process.pid)
        return self.process

    def start(self) -> "Router":
        """Start it and wait until it serves."""
        process = self.begin()
        until(lambda: process.poll() is not None or "╰" in self.said("out"), START_S, "the router says where it is")
        found = re.search(r"http://(?:127\.0\.0\.1|\[::1\]):(\d+)/v1", self.said("out"))
        assert found, f"exit code {process.poll()}: {self.said('err')}"
        self.port = int(found[1])
        self._started.update(self.children().values())
        assert process.pid in listeners(self.port), "another process answers on the port"
        return self

    def children(self) -> dict[str, int]:
        """The pids of the living children by role: `control`, `gateway`, `gateway-1` …"""
        assert self.process is not None
        pid = self.process.pid
        with contextlib.suppress(OSError):
            pids = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            found: dict[str, int] = {}
            for each in pids:
                role = _role(each)
                if role is not None:
                    found[role if role not in found else f"{role}-{len(found)}"] = each
            self._started.update(found.values())
            return found
        return {}

    def kill(self, role: str) -> None:
        """SIGKILL one child, or `supervisor`, or `all` at once."""
        assert self.process is not None
        children = self.children()
        if role in ("supervisor", "all"):
            victims = [self.process.pid, *(children.values() if role == "all" else ())]
            for pid in victims:
                _kill(pid)
            self.process.wait(STOP_S)
            until(lambda: not any(map(is_alive, children.values())), 10, "the children end with their supervisor")
            self.process = None
            return
        victim = children[role]
        _kill(victim)
        until(lambda: self._has_replaced(victim, len(children)), 10, f"{role} is started again")

    def _has_replaced(self, victim: int, count: int) -> bool:
        now = self.children().values()
        return victim not in now and len(now) == count

    def lives_for(self, seconds: float) -> None:
        """Let it run so long, or until it serves."""
        end = time.monotonic() + seconds
        until(lambda: time.monotonic() >= end or "╰" in self.said("out"), seconds + 1, "time passes")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.children()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_S)
        self.process = None
        until(lambda: not self.survivors(), 5, "no process is left")
        return code

    def close(self) -> None:
        """End everything that this object started."""
        if self.process is not None:
            self.children()
            self.process.kill()
            self.process.wait()
            self.process = None
        for pid in self.survivors():
            _kill(pid)
        until(lambda: not self.survivors(), 10, "every process has ended")

    def survivors(self) -> list[int]:
        return [pid for pid in self._started if is_alive(pid) and _is_ours(pid, self.folder)]

    def said(self, stream: str = "err") -> str:
        """What it wrote to `out` or `err` since its last start."""
        path = self._said(stream)
        return path.read_text(errors="replace") if path.exists() else ""

    def _said(self, stream: str) -> Path:
        return self.folder / f"std{stream}.{self.starts}"

    # --- questions ---

    def ask(self, method: str, path: str, body: bytes = b"", *headers: tuple[str, str]) -> Answer:
        return asyncio.run(ask(self.port, method, path, body, *headers))

    def is_ready(self) -> bool:
        try:
            return self.ask("GET", "/ready").status == 200
        except (OSError, EOFError):
            return False

    def wait_ready(self) -> None:
        until(self.is_ready, START_S, f"ready; it said {self.said()}")

    def statistics(self) -> "Totals":
        """What `/v1/stats/query` says of all days."""
        answers: list[Answer] = []

        def is_answered() -> bool:  # 503 while the control plane comes back
            answers.append(self.ask("GET", "/v1/stats/query?first=2025-01-01", b"", ADMIN))
            return answers[-1].status != 503

        until(is_answered, START_S, "the control plane answers")
        answer = answers[-1]
        assert answer.status == 200, answer.body
        data = json.loads(answer.body, parse_float=Decimal)["data"]
        assert data["complete"], data
        rows = data["rows"] or [{"requests": 0, "cost": 0, "tokens": 0}]
        return Totals(rows[0]["requests"], Decimal(rows[0]["cost"]), rows[0]["tokens"])

    def verify(self) -> None:
        """The offline proof that books and journal are equal."""
        where = ["--config", str(self.config), "--data-dir", str(self.data_dir), "--logs-dir", str(self.logs_dir)]
        command = [sys.executable, "-P", "-m", "smart_ai_router", "verify", *where, "--json"]
        done = subprocess.run(command, cwd=self.folder, env=self.variables, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout, done.stderr)

    def open_slots(self) -> int:
        """Calls that the in-flight tables still hold; the router must have ended."""
        count = 0
        for path in (self.data_dir / "inflight").glob("*.bin"):
            with InflightFile(path) as table:
                count += len(table.open_intents())
        return count

    def journal(self) -> "Journal":
        return read_journal(self.logs_dir)


@dataclass(frozen=True)
class Totals:
    """Sums as the statistics and the journal both have them."""

    requests: int
    cost: Decimal
    tokens: int


@dataclass
class Journal:
    """Every usage file of a directory, read strictly."""

    records: list[dict[str, object]] = field(default_factory=list)
    torn: list[bytes] = field(default_factory=list)

    def of(self, end_user: str) -> list[dict[str, object]]:
        return [record for record in self.records if record["end_user"] == end_user]

    def starting(self, prefix: str) -> list[dict[str, object]]:
        """The records whose `end_user` begins so."""
        return [record for record in self.records if str(record["end_user"]).startswith(prefix)]

    def counts(self) -> Counter[str]:
        """How many records each `end_user` has."""
        return Counter(str(record["end_user"]) for record in self.records)

    @property
    def totals(self) -> Totals:
        cost = sum((Decimal(str(record["total_cost"])) for record in self.records), Decimal(0))
        return Totals(len(self.records), cost, sum(int(str(record["total_tokens"])) for record in self.records))


def read_journal(directory: Path) -> Journal:
    journal = Journal()
    for path in sorted(directory.glob("usage_*.jsonl")):
        content = path.read_bytes()
        assert content.endswith(b"\n") or not content, f"{path} ends within a line"
        for line in content.splitlines():
            try:
                journal.records.append(json.loads(line, parse_float=Decimal))
            except ValueError:
                journal.torn.append(line)
    ids = [record["request_id"] for record in journal.records]
    assert len(set(ids)) == len(ids), "a request id stands twice in the journal"
    return journal


def check_books(journal: Journal, load: Load, upstream: UpstreamServer) -> None:
    """The promise of the books: what reached the upstream has one record each, and so has every answered call."""
    counts = journal.counts()
    served = {load.sent[entry.body_sha256] for entry in upstream.served.entries if entry.method == "POST"}
    assert upstream.served.total == len(upstream.served.entries), "the served-log was too short for the run"
    assert not [name for name in served if counts[name] != 1], "served calls without exactly one record"
    assert not [name for name in load.acknowledged if counts[name] != 1], "answered calls without exactly one record"
    assert not [name for name, count in counts.items() if count > 1]


# --- processes -----------------------------------------------------------------------------------------------------


def listeners(port: int) -> set[int]:
    """The processes of ours that hold a listening socket of a loopback port."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A" and int(parts[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{parts[9]}]")
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(link.readlink()) in inodes:
                found.add(int(link.parts[2]))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def memory_kib(pid: int) -> int:
    """Proportional set size: what the process takes, shared pages by their share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise AssertionError("no Pss in smaps_rollup")


def _role(pid: int) -> str | None:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        for role in (b"control", b"gateway"):
            if b"_" + role in words:
                return role.decode()
    return None


def _is_ours(pid: int, folder: Path) -> bool:
    """A pid may have gone to somebody else since; ours work in our folder."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
