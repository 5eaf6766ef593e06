"""The load generators, started on the load's core."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.children import pinned
from benchmarks.machine import LOAD_CORE, ROOT, MeasurementImpossible
from benchmarks.paced_client import LatencyFigures
from benchmarks.payloads import PATH, chat_body
from benchmarks.stream_client import StreamFigures

LIMIT_S: Final = 600.0
_REQUESTS: Final = re.compile(r"(\d+) requests in ([\d.]+)(ms|s|m)")
_FAULTS: Final = re.compile(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class CallFigures:
    """What wrk saw."""

    requests: int
    seconds: float


class Wrk:
    """Closed-loop load: every connection asks again as soon as it is answered."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._script = folder / "post.lua"
        self._script.write_text(
            f"wrk.method = 'POST'\nwrk.body = [==[{chat_body().decode()}]==]\n"
            "wrk.headers['Content-Type'] = 'application/json'\n"
        )

    def run(self, port: int, connections: int, seconds: float, key: str | None) -> CallFigures:
        """Raises MeasurementImpossible when an answer was not a success."""
        command = [self._program, "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(self._script)]
        if key is not None:
            command += ["-H", f"Authorization: Bearer {key}"]
        return read_wrk(_on_load_core([*command, f"http://127.0.0.1:{port}{PATH}"]))


def read_wrk(output: str) -> CallFigures:
    """Raises MeasurementImpossible."""
    counted = _REQUESTS.search(output)
    faults = _FAULTS.search(output)
    if counted is None or faults is not None or counted[1] == "0":
        raise MeasurementImpossible(f"not every call was answered with a success:\n{output}")
    return CallFigures(int(counted[1]), float(counted[2]) * _SECONDS[counted[3]])


def run_streams(port: int, model: str, streams: int, key: str | None) -> StreamFigures:
    """Raises MeasurementImpossible when a stream did not arrive complete."""
    options = ["--port", str(port), "--model", model, "--streams", str(streams), *_key(key)]
    figures = msgspec.json.decode(_on_load_core(_module("benchmarks.stream_client", options)), type=StreamFigures)
    if figures.complete != figures.streams:
        raise MeasurementImpossible(f"{figures.complete} of {figures.streams} streams are complete: {figures.broken}")
    return figures


def run_paced(port: int, rate: float | None, seconds: float, key: str | None) -> LatencyFigures:
    """At a rate, or one at a time. Raises MeasurementImpossible when an answer was not a success."""
    options = ["--port", str(port), "--seconds", str(seconds), *_key(key)]
    if rate is not None:
        options += ["--rate", str(rate)]
    figures = msgspec.json.decode(_on_load_core(_module("benchmarks.paced_client", options)), type=LatencyFigures)
    if figures.failed:
        raise MeasurementImpossible(f"{figures.failed} of {figures.calls} calls failed")
    return figures


class HeldStreams:
    """Streams that stay open inside a `with` block."""

    def __init__(self, port: int, model: str, streams: int, key: str | None) -> None:
        options = ["--port", str(port), "--model", model, "--streams", str(streams), "--hold", *_key(key)]
        self._command = _module("benchmarks.stream_client", options)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            pinned(LOAD_CORE, self._command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said != "open":
            self._process.kill()
            raise MeasurementImpossible(f"the streams did not open: {said}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate("", timeout=60)


def _module(name: str, options: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", name, *options]


def _key(key: str | None) -> list[str]:
    return [] if key is None else ["--key", key]


def _on_load_core(command: Sequence[str]) -> str:
    done = subprocess.run(
        pinned(LOAD_CORE, command), capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=ROOT
    )
    if done.returncode:
        raise MeasurementImpossible(f"the load broke off:\n{done.stderr[-2000:]}")
    return done.stdout
