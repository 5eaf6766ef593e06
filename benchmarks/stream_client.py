"""The load of streams: opens many at once, checks that each arrives complete and in order, and takes the times.

    python -m benchmarks.stream_client --port 7601 --model stream-200x20 --streams 40 --key sk-...

Prints one JSON object (`StreamFigures`). With `--hold` it prints `open` once every stream has brought its first
chunk, and leaves when its standard input ends.
"""

import argparse
import asyncio
import re
import sys
import time
from typing import Final, cast

import httptools
import msgspec
import uvloop

from benchmarks.payloads import request_bytes, stream_body
from benchmarks.statistic import percentile

CONTENT: Final = re.compile(rb'"content":"(\d+):(\d+)"')
DONE: Final = b"data: [DONE]\n\n"
OPENING_AT_ONCE: Final = 200  # connections under way at a time, so that no listen queue overflows
LIMIT_S: Final = 120.0


class StreamFigures(msgspec.Struct, frozen=True):
    """What one load of streams saw. Times in microseconds."""

    streams: int
    complete: int
    chunks: int
    seconds: float
    first_byte_p50: float
    first_byte_p99: float
    chunk_p50: float
    chunk_p99: float
    broken: tuple[str, ...] = ()  # what was wrong with the first few that were not complete


class StreamReader(asyncio.Protocol):
    """One stream on one connection."""

    def __init__(self, request: bytes, expected: int, is_over: asyncio.Future[None]) -> None:
        self._request = request
        self._expected = expected
        self._parser = httptools.HttpResponseParser(self)
        self._carry = b""
        self._is_done = False
        self._sent_ns = 0
        self.is_over = is_over
        self.is_open = asyncio.Event()
        self.fault: str | None = "the connection closed"
        self.chunks = 0
        self.first_byte_us = 0.0
        self.chunk_us: list[float] = []
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._sent_ns = time.monotonic_ns()
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.is_open.set()
        if not self.is_over.done():
            self.is_over.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != 200:
            self._end(f"status {status}")

    def on_body(self, body: bytes) -> None:
        now = time.monotonic_ns()
        if not self.first_byte_us:
            self.first_byte_us = (now - self._sent_ns) / 1000
            self.is_open.set()
        data = self._carry + body if self._carry else body
        cut = data.rfind(b"\n\n") + 2
        self._carry = data[cut:] if cut < len(data) else b""
        for index, sent_ns in CONTENT.findall(data, 0, cut):
            if int(index) != self.chunks:
                self._end(f"chunk {int(index)} came where {self.chunks} was due")
                return
            self.chunks += 1
            self.chunk_us.append((now - int(sent_ns)) / 1000)
        self._is_done = self._is_done or data.find(DONE, 0, cut) >= 0

    def on_message_complete(self) -> None:
        if self.chunks != self._expected:
            self._end(f"{self.chunks} of {self._expected} chunks came")
        else:
            self._end(None if self._is_done else "there was no [DONE]")

    def _end(self, fault: str | None) -> None:
        """The first end counts."""
        if self.is_over.done():
            return
        self.fault = fault
        self.is_over.set_result(None)
        if self.transport is not None:
            self.transport.close()


async def open_streams(port: int, model: str, count: int, key: str | None) -> list[StreamReader]:
    """Open that many streams, a few at a time."""
    loop = asyncio.get_running_loop()
    request = request_bytes(f"127.0.0.1:{port}", stream_body(model), key)
    expected = int(model.partition("-")[2].partition("x")[0])
    readers = [StreamReader(request, expected, loop.create_future()) for _ in range(count)]
    for start in range(0, count, OPENING_AT_ONCE):
        group = readers[start : start + OPENING_AT_ONCE]
        await asyncio.gather(
            *(loop.create_connection(lambda reader=reader: reader, "127.0.0.1", port) for reader in group)  # type: ignore[misc]
        )
    return readers


async def run_streams(port: int, model: str, count: int, key: str | None) -> StreamFigures:
    """Read that many streams to their ends."""
    begun = time.monotonic()
    readers = await open_streams(port, model, count, key)
    await asyncio.wait([reader.is_over for reader in readers], timeout=LIMIT_S)
    seconds = time.monotonic() - begun
    faults = [each.fault if each.is_over.done() else "still open" for each in readers]
    chunk_us = [each for reader in readers for each in reader.chunk_us]
    first_byte_us = [reader.first_byte_us for reader in readers]
    return StreamFigures(
        streams=count,
        complete=faults.count(None),
        chunks=len(chunk_us),
        seconds=seconds,
        first_byte_p50=percentile(first_byte_us, 50),
        first_byte_p99=percentile(first_byte_us, 99),
        chunk_p50=percentile(chunk_us, 50),
        chunk_p99=percentile(chunk_us, 99),
        broken=tuple(fault for fault in faults if fault is not None)[:5],
    )


async def hold_streams(port: int, model: str, count: int, key: str | None) -> None:
    """Keep streams open until standard input ends."""
    readers = await open_streams(port, model, count, key)
    await asyncio.wait_for(asyncio.gather(*(reader.is_open.wait() for reader in readers)), LIMIT_S)
    broken = sum(1 for reader in readers if reader.is_over.done())
    print(f"{broken} of {count} streams did not open" if broken else "open", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for reader in readers:
        if reader.transport is not None:
            reader.transport.abort()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--streams", type=int, required=True)
    parser.add_argument("--key")
    parser.add_argument("--hold", action="store_true")
    chosen = parser.parse_args()
    if chosen.hold:
        uvloop.run(hold_streams(chosen.port, chosen.model, chosen.streams, chosen.key))
    else:
        figures = uvloop.run(run_streams(chosen.port, chosen.model, chosen.streams, chosen.key))
        print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
