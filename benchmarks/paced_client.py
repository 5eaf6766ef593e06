"""Calls at a steady rate, or one after the other, and how long each took: the load behind the latency figures.

At a rate, the calls are due at fixed moments whatever became of the ones before; a latency counts from the moment a
call was due, so that a stall is seen by every call that it held up. Blocking `select` with microseconds keeps the
pace; an event loop's timers are a millisecond coarse.

    python -m benchmarks.paced_client --port 7601 --rate 1500 --seconds 5 --key sk-...
"""

import argparse
import re
import select
import socket
import time
from collections import deque
from typing import Final

import msgspec

from benchmarks.payloads import chat_body, request_bytes
from benchmarks.statistic import percentile

CONNECTIONS: Final = 64
WARM_UP_S: Final = 0.5
LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class LatencyFigures(msgspec.Struct, frozen=True):
    """Latencies of one load, in microseconds."""

    calls: int
    failed: int
    p50: float
    p99: float


class Line:
    """One kept-alive connection."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._reply = b""
        self.due = 0.0

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, due: float) -> None:
        self.due = due
        self._reply = b""
        self.socket.sendall(self._request)

    def take(self) -> int | None:
        """Read what is there; the status once the reply is complete. Raises ConnectionError."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the connection closed")
        self._reply += data
        head, separator, body = self._reply.partition(b"\r\n\r\n")
        found = LENGTH.search(head + b"\r\n") if separator else None
        if found is None or len(body) < int(found[1]):
            return None
        return int(head[9:12])


def one_at_a_time(port: int, seconds: float, key: str | None) -> LatencyFigures:
    """Each call begins when the one before has ended."""
    line = Line(port, request_bytes(f"127.0.0.1:{port}", chat_body(), key))
    taken: list[float] = []
    failed = 0
    begun = time.perf_counter()
    while (now := time.perf_counter()) < begun + WARM_UP_S + seconds:
        line.send(now)
        while (status := line.take()) is None:
            pass
        if now > begun + WARM_UP_S:
            taken.append((time.perf_counter() - now) * 1e6)
            failed += status != 200
    return LatencyFigures(len(taken), failed, percentile(taken, 50), percentile(taken, 99))


def at_rate(port: int, rate: float, seconds: float, key: str | None) -> LatencyFigures:
    """So many calls a second."""
    request = request_bytes(f"127.0.0.1:{port}", chat_body(), key)
    idle = deque(Line(port, request) for _ in range(CONNECTIONS))
    busy: set[Line] = set()
    waiting: deque[float] = deque()  # due, but every connection is busy
    taken: list[float] = []
    failed = 0
    begun = time.perf_counter()
    counted_from, until = begun + WARM_UP_S, begun + WARM_UP_S + seconds
    due = begun
    while due < until or busy or waiting:
        now = time.perf_counter()
        while due <= now and due < until:
            waiting.append(due)
            due += 1 / rate
        while waiting and idle:
            line = idle.popleft()
            line.send(waiting.popleft())
            busy.add(line)
        pause = max(0.0, due - time.perf_counter()) if due < until else None
        for line in select.select(list(busy), (), (), pause)[0]:
            status = line.take()
            if status is None:
                continue
            if line.due >= counted_from:
                taken.append((time.perf_counter() - line.due) * 1e6)
                failed += status != 200
            busy.discard(line)
            idle.append(line)
    return LatencyFigures(len(taken), failed, percentile(taken, 50), percentile(taken, 99))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, help="calls a second; one after the other when it is missing")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--key")
    chosen = parser.parse_args()
    if chosen.rate is None:
        figures = one_at_a_time(chosen.port, chosen.seconds, chosen.key)
    else:
        figures = at_rate(chosen.port, chosen.rate, chosen.seconds, chosen.key)
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
