"""The stream server and the client that checks what arrives."""

import asyncio

import pytest

from benchmarks.machine import free_port
from benchmarks.stream_client import StreamFigures, StreamReader, run_streams
from benchmarks.stream_server import DONE, HEAD, StreamConnection, content_event, http_chunk


async def streamed(model: str, streams: int) -> StreamFigures:
    loop = asyncio.get_running_loop()
    port = free_port()
    server = await loop.create_server(lambda: StreamConnection(loop), "127.0.0.1", port)
    try:
        return await run_streams(port, model, streams, None)
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(("model", "chunks"), [("stream-20x1", 60), ("stream-500x0", 1500)])
def test_every_stream_arrives_complete_and_in_order(model: str, chunks: int) -> None:
    figures = asyncio.run(streamed(model, 3))

    assert (figures.complete, figures.chunks, figures.broken) == (3, chunks, ())
    assert 0 < figures.chunk_p50 <= figures.chunk_p99


def test_an_upstream_that_refuses_is_told_and_counts_as_broken() -> None:
    figures = asyncio.run(streamed("stream-5", 1))

    assert (figures.complete, figures.broken) == (0, ("status 400",))


def fault_of(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> str | None:
    """What the reader says of a reply of two expected chunks."""

    async def read() -> str | None:
        reader = StreamReader(b"", 2, asyncio.get_running_loop().create_future())
        reader.data_received(HEAD + b"".join(http_chunk(chunk) for chunk in chunks) + end)
        return reader.fault

    return asyncio.run(read())


def test_a_whole_stream_has_no_fault() -> None:
    assert fault_of(content_event(0, 1), content_event(1, 1), DONE) is None


@pytest.mark.parametrize(
    ("chunks", "fault"),
    [
        ((content_event(0, 1), DONE), "1 of 2 chunks came"),
        ((content_event(1, 1), content_event(0, 1), DONE), "chunk 1 came where 0 was due"),
        ((content_event(0, 1), content_event(1, 1)), "there was no [DONE]"),
    ],
)
def test_a_lost_or_unended_stream_is_a_fault(chunks: tuple[bytes, ...], fault: str) -> None:
    assert fault_of(*chunks) == fault


def test_a_stream_that_is_cut_is_a_fault() -> None:
    assert fault_of(content_event(0, 1), content_event(1, 1), end=b"") == "the connection closed"
