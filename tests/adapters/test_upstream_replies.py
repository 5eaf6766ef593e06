"""How a reply is read: what is delivered, what is refused, and which connections are used again."""

import asyncio
import gzip
import json

import pytest

from smart_ai_router.adapters.upstream_pool import PoolLimits
from smart_ai_router.domain.faults import FaultKind
from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.upstream_harness import Recorder, begin, exchange, opened, raw_server, read_request, run, within

OK = b"HTTP/1.1 200 OK\r\n"


def asking(model: str, *, stream: bool = False) -> bytes:
    asked: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    if stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(asked).encode()


def test_a_reply_comes_as_head_data_end() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(upstream, f"{server.base_url}/chat/completions", body=asking("m"))
            assert heard.calls == ["head", "data", "end"]
            assert heard.status == 200
            assert heard.headers["content-type"] == "application/json"
            assert json.loads(heard.body)["usage"]["total_tokens"] == 450

    run(scenario)


def test_the_sink_is_never_called_within_send() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            await exchange(upstream, f"{server.base_url}/models", method="GET", body=b"")
            sink = Recorder()
            begin(upstream, f"{server.base_url}/models", sink, method="GET", body=b"")
            assert sink.calls == []
            await within(sink.done.wait())

    run(scenario)


def test_a_stream_is_handed_on_chunk_by_chunk_without_change() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(upstream, f"{server.base_url}/chat/completions", body=asking("m", stream=True))
            assert heard.body.endswith(b"data: [DONE]\n\n")
            assert len(heard.pieces) == heard.body.count(b"\n\n")
            assert all(piece.startswith(b"data: ") and piece.endswith(b"\n\n") for piece in heard.pieces)

    run(scenario)


def test_a_kept_alive_connection_serves_many_exchanges() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            for _ in range(20):
                heard = await exchange(upstream, f"{server.base_url}/chat/completions", body=asking("m"))
                assert heard.status == 200
            assert server.connections_total == 1
            assert upstream.figures.connections_idle == 1

    run(scenario)


def test_the_newest_idle_connection_is_used_first() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            both = [Recorder(), Recorder()]
            for sink in both:
                begin(upstream, f"{server.base_url}/chat/completions", sink, body=asking("fault:latency,ms=20"))
            for sink in both:
                await within(sink.done.wait())
            newest = server.served.entries[-1].connection
            for _ in range(3):
                await exchange(upstream, f"{server.base_url}/chat/completions", body=asking("m"))
                assert server.served.entries[-1].connection == newest

    run(scenario)


def test_bytes_on_an_idle_connection_close_it() -> None:
    late = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK + b"content-length: 5\r\n\r\nhello")
        await late.wait()
        writer.write(OK + b"content-length: 4\r\n\r\nEVIL")
        await reader.read()

    async def scenario() -> None:
        async with raw_server(answer) as server, opened() as upstream:
            await exchange(upstream, server.url)
            assert upstream.figures.connections_idle == 1
            late.set()
            await within(server.closed.wait())
            assert upstream.figures.connections_idle == 0

    run(scenario)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_reply_without_a_length_ends_with_its_connection(version: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/%b 200 OK\r\n\r\nhello " % version)
        await writer.drain()
        writer.write(b"world")

    async def scenario() -> None:
        async with raw_server(answer) as server, opened() as upstream:
            heard = await exchange(upstream, server.url)
            assert (heard.body, heard.ends) == (b"hello world", ["end"])

    run(scenario)


@pytest.mark.parametrize(
    "mode", ["reset-after-head", "reset-mid-body", "close-mid-body", "length-too-long", "cut-before-done"]
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_reply_cut_short_is_a_reset(mode: str, stream: bool) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            body = asking(f"fault:{mode}", stream=stream)
            heard = await exchange(upstream, f"{server.base_url}/chat/completions", body=body)
            assert heard.calls[0] == "head"
            assert heard.ends == ["fault"]
            assert heard.fault is not None
            assert heard.fault.kind is FaultKind.RESET

    run(scenario)


@pytest.mark.parametrize("mode", ["reset-before-head", "close-before-head"])
def test_a_new_connection_that_closes_unanswered_is_a_reset_and_not_tried_again(mode: str) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(upstream, f"{server.base_url}/chat/completions", body=asking(f"fault:{mode}"))
            assert heard.calls == ["fault"]
            assert heard.fault is not None
            assert heard.fault.kind is FaultKind.RESET
            assert server.served.total == 1

    run(scenario)


def test_a_reused_connection_that_closes_unanswered_is_tried_again_once_on_a_new_one() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            await exchange(upstream, url, body=asking("fault:close-on-next,times=1"))
            heard = await exchange(upstream, url, body=asking("m"))
            assert heard.calls == ["head", "data", "end"]
            assert server.connections_total == 2
            assert upstream.figures.stale_retries_total == 1
            assert server.served.by_model["m"] == 1  # the first copy was never taken

    run(scenario)


def test_the_second_try_is_the_last_and_goes_to_no_reused_connection() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            await exchange(upstream, url, body=asking("fault:close-on-next"))
            heard = await exchange(upstream, url, body=asking("fault:reset-before-head"))
            assert heard.calls == ["fault"]
            assert heard.fault is not None
            assert heard.fault.kind is FaultKind.RESET
            assert server.connections_total == 2

    run(scenario)


def test_a_reused_connection_that_closes_late_is_not_tried_again_since_the_request_was_taken() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK + b"content-length: 0\r\n\r\n")
        await read_request(reader)
        closing = asyncio.Event()
        asyncio.get_running_loop().call_later(0.1, closing.set)  # an upstream that works, and dies of it
        await closing.wait()

    async def scenario() -> None:
        async with raw_server(answer) as server, opened(limits=PoolLimits(stale_close_s=0.05)) as upstream:
            assert (await exchange(upstream, server.url)).ends == ["end"]
            heard = await exchange(upstream, server.url)
            assert heard.calls == ["fault"]
            assert heard.fault is not None
            assert heard.fault.kind is FaultKind.RESET
            assert server.connections == 1
            assert upstream.figures.stale_retries_total == 0

    run(scenario)


def test_a_reused_connection_that_closes_after_an_interim_answer_is_not_tried_again() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK + b"content-length: 0\r\n\r\n")
        await read_request(reader)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def scenario() -> None:
        async with raw_server(answer) as server, opened() as upstream:
            assert (await exchange(upstream, server.url)).ends == ["end"]
            assert (await exchange(upstream, server.url)).calls == ["fault"]
            assert server.connections == 1

    run(scenario)


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(upstream, f"{server.base_url}/chat/completions", body=asking("fault:redirect"))
            assert (heard.status, heard.headers["location"]) == (302, "/_canary")
            assert [entry.path for entry in server.served.entries] == ["/v1/chat/completions"]

    run(scenario)


def test_cookies_and_hop_by_hop_headers_are_not_handed_on_and_repeated_ones_are_joined() -> None:
    raw = OK + b"Set-Cookie: a=1\r\nKeep-Alive: timeout=5\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"

    async def scenario() -> None:
        async with raw_server(raw) as server, opened() as upstream:
            heard = await exchange(upstream, server.url)
            assert heard.headers == {"x-a": "1, 2", "content-length": "0"}

    run(scenario)


def test_a_head_request_has_no_body_whatever_its_length_says() -> None:
    raw = OK + b"content-length: 1000\r\n\r\n"

    async def scenario() -> None:
        async with raw_server(raw) as server, opened() as upstream:
            for _ in range(2):
                heard = await exchange(upstream, server.url, method="HEAD", body=b"")
                assert (heard.calls, heard.headers["content-length"]) == (["head", "end"], "1000")
            assert server.connections == 1

    run(scenario)


@pytest.mark.parametrize("mode", ["gzip", "deflate"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_encoding_nobody_asked_for_is_undone(mode: str, stream: bool) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            plain = await exchange(upstream, url, body=asking("m", stream=stream), headers=(("x-fault", "normal"),))
            coded = await exchange(upstream, url, body=asking("m", stream=stream), headers=(("x-fault", mode),))
            assert coded.body == plain.body
            assert "content-encoding" not in coded.headers
            assert "content-length" not in coded.headers
            assert server.served.entries[-1].headers["accept-encoding"] == "identity"
            assert server.connections_total == 1

    run(scenario)


def test_a_gzip_bomb_is_a_fault_before_it_grows() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(
                upstream, f"{server.base_url}/chat/completions", body=asking("fault:gzip-bomb,mb=10240")
            )
            assert heard.fault is not None
            assert heard.fault.kind is FaultKind.MALFORMED
            assert "times its size" in heard.fault.message
            assert len(heard.body) < 2 * 1024 * 1024

    run(scenario)


def test_a_gzip_body_that_is_cut_inside_proper_framing_is_malformed() -> None:
    cut = gzip.compress(b"hello " * 100)[:-9]
    raw = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(cut) + cut

    async def scenario() -> None:
        async with raw_server(raw) as server, opened() as upstream:
            heard = await exchange(upstream, server.url)
            assert heard.ends == ["fault"]
            assert heard.fault is not None
            assert heard.fault.kind is FaultKind.MALFORMED

    run(scenario)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_head_in_pieces_is_read_like_a_whole_one(size: int) -> None:
    raw = OK + b"x-a: 1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for start in range(0, len(raw), size):
            writer.write(raw[start : start + size])
            await asyncio.sleep(0)
        await reader.read()

    async def scenario() -> None:
        async with raw_server(answer) as server, opened() as upstream:
            heard = await exchange(upstream, server.url)
            assert (heard.status, heard.headers, heard.body) == (200, {"x-a": "1"}, b"hello")

    run(scenario)
