"""The connection without a socket: any bytes in any pieces, and the sink hears one story with one end."""

import asyncio
import gzip
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smart_ai_router.adapters.upstream_connection import UpstreamConnection
from smart_ai_router.adapters.upstream_exchange import DONE, HttpExchange, Watched
from smart_ai_router.adapters.upstream_framing import HeaderNames
from smart_ai_router.core.ports import UpstreamRoute
from tests.adapters.upstream_harness import Recorder

ROUTE = UpstreamRoute(connect_s=1, first_byte_s=1, idle_s=1, total_s=1)
OK = b"HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(b"every call is on the books " * 20, mtime=0)


class FakeTransport:
    """Takes everything, and remembers being closed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class FakePool:
    """A pool of one connection, on a clock that stands still."""

    stale_close_s = 1.0

    def __init__(self) -> None:
        self.released = 0
        self.retried = 0
        self.reported: list[BaseException] = []

    def time(self) -> float:
        return 100.0

    def look_s(self, route: UpstreamRoute) -> float:
        return 1.0

    def watch(self, watched: Watched, look_at: float) -> None: ...

    def leave(self, exchange: HttpExchange) -> None: ...

    def report(self, error: BaseException) -> None:
        self.reported.append(error)

    def release(self, connection: UpstreamConnection) -> None:
        self.released += 1

    def withdraw(self, connection: UpstreamConnection) -> None: ...

    def lost(self, connection: UpstreamConnection) -> None: ...

    def retry(self, exchange: HttpExchange) -> None:
        self.retried += 1


class Bench:
    """One connection with one exchange begun on it."""

    def __init__(self) -> None:
        self.pool = FakePool()
        self.transport = FakeTransport()
        self.buffer = bytearray(65_536)
        self.connection = UpstreamConnection(self.pool, self.pool.time, memoryview(self.buffer), HeaderNames())
        self.connection.connection_made(cast(asyncio.Transport, self.transport))
        self.sink = Recorder()
        self.exchange = self.begin(self.sink)

    def begin(self, sink: Recorder) -> HttpExchange:
        exchange = HttpExchange(b"POST / HTTP/1.1\r\n\r\n", b"", ROUTE, sink, self.pool)  # type: ignore[arg-type]  # a method serves where an attribute is asked for
        self.connection.begin(exchange)
        return exchange

    def receive(self, data: bytes, size: int) -> None:
        """Read `data` in pieces of `size`, until the connection closes itself."""
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            if self.transport.closed:
                return
            self.buffer[: len(piece)] = piece
            self.connection.buffer_updated(len(piece))

    def lose(self, error: Exception | None = None) -> None:
        self.connection.eof_received()
        self.connection.connection_lost(error)


WHOLE = {
    "length": (OK + b"content-length: 11\r\nx-a: 1\r\n\r\nhello world", b"hello world"),
    "chunked": (
        OK + b"transfer-encoding: chunked\r\n\r\n6;x=y\r\nhello \r\n5\r\nworld\r\n0\r\nt: 1\r\n\r\n",
        b"hello world",
    ),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok", b"ok"),
    "gzip": (
        OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(PACKED) + PACKED,
        gzip.decompress(PACKED),
    ),
    "empty": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
}


@pytest.mark.parametrize("name", WHOLE)
@given(size=st.integers(1, 300))
def test_any_cut_of_a_reply_tells_the_same_story(name: str, size: int) -> None:
    raw, body = WHOLE[name]
    bench = Bench()
    bench.receive(raw, size)
    assert (bench.sink.body, bench.sink.ends) == (body, ["end"])
    assert (bench.pool.released, bench.transport.closed) == (1, False)


@pytest.mark.parametrize("name", WHOLE)
def test_a_reply_cut_at_any_byte_is_a_reset_and_never_an_end(name: str) -> None:
    raw, body = WHOLE[name]
    for length in range(len(raw)):
        bench = Bench()
        bench.receive(raw[:length], 65_536)
        bench.lose()
        assert bench.sink.ends == ["fault"]
        assert body.startswith(bench.sink.body)
        assert bench.pool.released == 0


@given(
    name=st.sampled_from(sorted(WHOLE)),
    at=st.integers(0, 500),
    junk=st.binary(min_size=1, max_size=20),
    size=st.integers(1, 100),
    error=st.sampled_from([None, ConnectionResetError()]),
)
@example(name="length", at=500, junk=b"HTTP/1.1 200 OK\r\n\r\n", size=100, error=None)
def test_bytes_put_anywhere_into_a_reply_never_raise_and_end_it_once(
    name: str, at: int, junk: bytes, size: int, error: Exception | None
) -> None:
    raw, _ = WHOLE[name]
    bench = Bench()
    bench.receive(raw[:at] + junk + raw[at:], size)
    bench.lose(error)
    assert len(bench.sink.ends) == 1
    assert bench.exchange.phase == DONE
    assert bench.pool.reported == []


@given(data=st.binary(max_size=300), size=st.integers(1, 50))
def test_any_bytes_at_all_end_an_exchange_once(data: bytes, size: int) -> None:
    bench = Bench()
    bench.receive(data, size)
    bench.lose()
    assert len(bench.sink.ends) == 1
    assert bench.pool.reported == []


@given(first=st.sampled_from(sorted(WHOLE)), second=st.sampled_from(sorted(WHOLE)), size=st.integers(1, 300))
def test_one_reply_leaves_nothing_behind_for_the_next(first: str, second: str, size: int) -> None:
    bench = Bench()
    bench.receive(WHOLE[first][0], size)
    following = Recorder()
    bench.begin(following)
    bench.receive(WHOLE[second][0], size)
    assert (following.body, following.ends) == (WHOLE[second][1], ["end"])
    alone = Bench()
    alone.receive(WHOLE[second][0], size)
    assert following.headers == alone.sink.headers


def test_a_read_after_the_reply_closes_the_connection_and_reaches_nobody() -> None:
    bench = Bench()
    bench.receive(WHOLE["length"][0], 65_536)
    calls = list(bench.sink.calls)
    bench.receive(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL", 65_536)
    assert bench.transport.closed
    assert bench.sink.calls == calls


def test_an_unanswered_close_is_tried_again_only_when_the_connection_had_served_before() -> None:
    fresh = Bench()
    fresh.lose()
    assert (fresh.pool.retried, fresh.sink.calls) == (0, ["fault"])
    reused = Bench()
    reused.receive(WHOLE["length"][0], 65_536)
    again = Recorder()
    reused.begin(again)
    reused.lose(ConnectionResetError())
    assert (reused.pool.retried, again.calls) == (1, [])


def test_a_connection_that_is_busy_takes_no_second_exchange() -> None:
    bench = Bench()
    with pytest.raises(RuntimeError, match="not idle"):
        bench.begin(Recorder())
