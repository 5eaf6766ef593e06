"""An upstream that only streams: `stream-200x20` answers 200 chunks, one every 20 ms, each its own write.

`stream-50000x0` sends its chunks as fast as they are taken. Each chunk says which one it is and when it left
(CLOCK_MONOTONIC, the same for all processes of a machine), so that the reader can prove that all came, in order, and
how long each took.

    python -m benchmarks.stream_server --port 9001
"""

import argparse
import asyncio
import re
import time
from typing import Final, cast

import httptools
import uvloop

MODEL_NAME: Final = re.compile(rb'"model"\s*:\s*"stream-(\d+)x(\d+)"')
USAGE_ASKED: Final = re.compile(rb'"include_usage"\s*:\s*true')
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
REFUSED: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
BURST_PIECE: Final = 64  # chunks between two looks at whether the reader still takes them

_FRAME: Final = (
    b'data: {"id":"chatcmpl-benchmark","object":"chat.completion.chunk","created":1700000000,"model":"stream",'
    b'"choices":[%b]%b}\n\n'
)
_FINISH: Final = _FRAME % (b'{"index":0,"delta":{},"finish_reason":"stop"}', b"")
_USAGE: Final = _FRAME % (b"", b',"usage":{"prompt_tokens":150,"completion_tokens":300,"total_tokens":450}')
DONE: Final = b"data: [DONE]\n\n"


def content_event(index: int, sent_ns: int) -> bytes:
    """One chunk of generated text."""
    return _FRAME % (b'{"index":0,"delta":{"content":"%d:%d"},"finish_reason":null}' % (index, sent_ns), b"")


def http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class StreamConnection(asyncio.Protocol):
    """One client connection; one stream at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._parser = httptools.HttpRequestParser(self)
        self._body = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_paused = False
        self._next = 0
        self._count = 0
        self._pace_s = 0.0
        self._due = 0.0
        self._wants_usage = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        if not self._pace_s and self._next < self._count:
            self._burst()

    def on_message_begin(self) -> None:
        self._body.clear()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        asked = MODEL_NAME.search(self._body)
        if self._transport is None:
            return
        if asked is None:
            self._transport.write(REFUSED)
            return
        self._count, self._pace_s = int(asked[1]), int(asked[2]) / 1000
        self._wants_usage = USAGE_ASKED.search(self._body) is not None
        self._next = 0
        self._due = self._loop.time()
        self._transport.write(HEAD)
        if self._pace_s:
            self._step()
        else:
            self._burst()

    def _step(self) -> None:
        """Send one chunk and come back when the next is due; the pace does not drift."""
        if self._transport is None:
            return
        self._transport.write(http_chunk(content_event(self._next, time.monotonic_ns())))
        self._next += 1
        if self._next == self._count:
            self._finish()
            return
        self._due += self._pace_s
        self._timer = self._loop.call_at(self._due, self._step)

    def _burst(self) -> None:
        transport = self._transport
        if transport is None or self._is_paused:
            return
        for _ in range(BURST_PIECE):
            transport.write(http_chunk(content_event(self._next, time.monotonic_ns())))
            self._next += 1
            if self._next == self._count:
                self._finish()
                return
            if self._is_paused:
                return
        self._loop.call_soon(self._burst)

    def _finish(self) -> None:
        if self._transport is not None:
            usage = http_chunk(_USAGE) if self._wants_usage else b""
            self._transport.write(http_chunk(_FINISH) + usage + http_chunk(DONE) + b"0\r\n\r\n")


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StreamConnection(loop), "127.0.0.1", port, backlog=8192)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
