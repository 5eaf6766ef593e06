"""Processes that a measurement starts: pinned to a core, known by their pid, stopped by it and by nothing else."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.machine import MeasurementImpossible
from benchmarks.meters import cpu_us, listens

START_S: Final = 15.0
STOP_S: Final = 10.0
POLL_S: Final = 0.02
LOG_BYTES_SHOWN: Final = 2000


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """The command, on one core with all its descendants. `taskset` becomes the command: the pid is the same."""
    return ["taskset", "--cpu-list", str(core), *command]


class Child:
    """One server under measurement or beside it. Use it in a `with` block: it is stopped at the end."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: int,
        port: int,
        log: Path,
        variables: dict[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """`port` is where it will listen, `log` takes what it says."""
        self.port = port
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                pinned(core, command),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(variables or {})},
                cwd=folder,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_until_listening(self) -> Self:
        """Return once this very process listens on its port; raises MeasurementImpossible."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1.0):
                if listens(self.pid, self.port):
                    return self
                self.stop()
                raise MeasurementImpossible(f"another process answers on port {self.port}")
            time.sleep(POLL_S)
        said = self._log.read_bytes()[-LOG_BYTES_SHOWN:].decode(errors="replace")
        self.stop()
        raise MeasurementImpossible(f"{self._process.args!r} did not start listening on {self.port}:\n{said}")

    def idle_us_per_s(self, seconds: float) -> float:
        """CPU that it uses while nobody asks for anything."""
        before = cpu_us(self.pid)
        begun = time.monotonic()
        time.sleep(seconds)
        return (cpu_us(self.pid) - before) / (time.monotonic() - begun)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
