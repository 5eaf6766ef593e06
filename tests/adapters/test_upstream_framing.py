"""Where a reply ends: what is refused, and after which replies a connection is used again."""

import asyncio

import pytest

from smart_ai_router.domain.faults import FaultKind
from tests.adapters.upstream_harness import exchange, opened, raw_server, read_request, run, within

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SMTP ready\r\n\r\n", id="not http"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 99 Low\r\ncontent-length: 0\r\n\r\n", id="two digits"),
        pytest.param(b"HTTP/1.1 050 Low\r\ncontent-length: 0\r\n\r\n", id="status below 100"),
        pytest.param(b"HTTP/1.1 600 High\r\ncontent-length: 0\r\n\r\n", id="status above 599"),
        pytest.param(b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", id="version 2"),
        pytest.param(b"HTTP/0.9 200 OK\r\ncontent-length: 0\r\n\r\n", id="version 0.9"),
        pytest.param(b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", id="upgrade"),
        pytest.param(OK + b"content-length: 5\r\ncontent-length: 7\r\n\r\nhello", id="two lengths"),
        pytest.param(OK + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello", id="one length twice"),
        pytest.param(OK + b"content-length: 5, 5\r\n\r\nhello", id="a list of lengths"),
        pytest.param(OK + b"content-length: -5\r\n\r\nhello", id="negative length"),
        pytest.param(OK + b"content-length: +5\r\n\r\nhello", id="length with a sign"),
        pytest.param(OK + b"content-length: 0x5\r\n\r\nhello", id="length in hex"),
        pytest.param(OK + b"content-length: 99999999999999999999\r\n\r\n", id="length beyond 64 bits"),
        pytest.param(OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="length, chunked"),
        pytest.param(OK + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", id="chunked, length"),
        pytest.param(OK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="coded and chunked"),
        pytest.param(OK + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n", id="chunked not last"),
        pytest.param(OK + b"transfer-encoding: identity\r\n\r\nhello", id="identity coding"),
        pytest.param(b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked in 1.0"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\n-5\r\nhello\r\n", id="negative chunk"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\nhello\r\n", id="chunk size no number"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n", id="chunk without its end"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", id="chunk beyond 64 bits"),
        pytest.param(OK + b"bad header: x\r\ncontent-length: 0\r\n\r\n", id="space in a name"),
        pytest.param(OK + b"no colon\r\n\r\n", id="header without a colon"),
        pytest.param(OK + b"x: a\x00b\r\ncontent-length: 0\r\n\r\n", id="NUL in a value"),
        pytest.param(OK + b"x: a\rb\r\ncontent-length: 0\r\n\r\n", id="bare CR"),
        pytest.param(OK + b"x: a\nb: c\ncontent-length: 0\n\n", id="bare LF"),
        pytest.param(OK + b"x: a\r\n b\r\ncontent-length: 0\r\n\r\n", id="folded header"),
        pytest.param(
            OK + b"x: y\r\n" * 1 + b"".join(b"h%d: x\r\n" % n for n in range(300)) + b"\r\n", id="300 headers"
        ),
        pytest.param(OK + b"x: " + b"y" * 200_000 + b"\r\ncontent-length: 0\r\n\r\n", id="a header of 200 kB"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 4000 + OK, id="interim heads without end"),
        pytest.param(OK + b"content-encoding: br\r\ncontent-length: 5\r\n\r\nhello", id="brotli"),
        pytest.param(OK + b"content-encoding: zstd\r\ncontent-length: 5\r\n\r\nhello", id="zstd"),
        pytest.param(OK + b"content-encoding: gzip, gzip\r\ncontent-length: 5\r\n\r\nhello", id="gzip twice"),
        pytest.param(OK + b"content-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello", id="not gzip at all"),
    ],
)
def test_a_reply_that_breaks_http_is_a_fault_and_its_connection_is_closed(raw: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(raw)
        if raw:
            await reader.read()  # until the other side closes: it must, without being told

    async def scenario() -> None:
        async with raw_server(answer) as server, opened() as upstream:
            heard = await exchange(upstream, server.url)
            assert heard.ends == ["fault"]
            assert heard.fault is not None
            assert heard.fault.kind is (FaultKind.MALFORMED if raw else FaultKind.RESET)
            await within(server.closed.wait())
            assert upstream.figures.connections_idle == 0

    run(scenario)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        pytest.param(OK + b"content-length: 5\r\n\r\nhello", b"hello", id="length"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello", id="chunked"),
        pytest.param(OK + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello", id="case"),
        pytest.param(
            OK + b"transfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;z\r\n\r\n", b"hello", id="extensions"
        ),
        pytest.param(
            OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n", b"hello", id="trailers"
        ),
        pytest.param(OK + b"content-length: 0\r\n\r\n", b"", id="empty"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", id="204"),
        pytest.param(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 999\r\n\r\n", b"", id="304 with a length"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 2\r\n\r\nok", b"ok", id="100"),
        pytest.param(
            b"HTTP/1.1 103 Early\r\nlink: </a>\r\n\r\n" * 3 + OK + b"content-length: 2\r\n\r\nok", b"ok", id="103"
        ),
        pytest.param(
            b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", b"ok", id="1.0 keep-alive"
        ),
        pytest.param(
            OK + b"upgrade: h2,h2c\r\nconnection: Upgrade, Keep-Alive\r\ncontent-length: 2\r\n\r\nok",
            b"ok",
            id="an upgrade on offer",
        ),
        pytest.param(OK + b"content-encoding: identity\r\ncontent-length: 2\r\n\r\nok", b"ok", id="identity"),
    ],
)
def test_after_a_cleanly_framed_reply_the_connection_is_used_again(raw: bytes, body: bytes) -> None:
    async def scenario() -> None:
        async with raw_server(raw) as server, opened() as upstream:
            for _ in range(3):
                heard = await exchange(upstream, server.url)
                assert heard.ends == ["end"]
                assert heard.body == body
            assert server.connections == 1

    run(scenario)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello", id="connection: close"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", id="1.0"),
        pytest.param(OK + b"content-length: 5\r\n\r\nhello!", id="one byte too many"),
        pytest.param(
            OK + b"content-length: 5\r\n\r\nhello" + OK + b"content-length: 4\r\n\r\nEVIL", id="a second reply"
        ),
        pytest.param(OK + b"content-length: 5\r\n\r\nhelloHTTP/1.1 2", id="part of a second reply"),
        pytest.param(b"HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nEVIL", id="204 with a body"),
        pytest.param(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nEVIL", id="behind the last chunk"),
    ],
)
def test_after_a_reply_with_a_doubtful_end_the_connection_is_not_used_again(raw: bytes) -> None:
    async def scenario() -> None:
        async with raw_server(raw) as server, opened() as upstream:
            for number in (1, 2):
                heard = await exchange(upstream, server.url)
                assert heard.ends == ["end"]
                assert heard.body == (b"" if b"204" in raw else b"hello")
                assert server.connections == number
            assert upstream.figures.connections_idle == 0

    run(scenario)
