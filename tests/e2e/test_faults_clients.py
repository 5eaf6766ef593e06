"""Clients that leave, read slowly or not at all: one record each, bounded memory, and the upstream waits for them."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_calls import BEARER, JSON_TYPE, chat, chat_body, request
from tests.e2e.fault_harness import Router, configuration, memory_kib, until

ABORTS = 100
SLOW_READER_S = 1.0
GROWTH_KIB_MAX = 4096  # buffers of 64 KiB here and in the kernel, and what the allocator rounds up
POLICY = "routing: {drain_timeout: 5, error_cooldown_period: 0.05}\n"


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    started = Router(tmp_path_factory.mktemp("clients"), configuration(upstream.base_url, more=POLICY))
    try:
        yield started.start()
        assert started.stop() == 0
        assert "Traceback" not in started.said()
        assert started.open_slots() == 0
        started.verify()
    finally:
        started.close()


@pytest.fixture(autouse=True)
def _fresh(upstream: UpstreamServer) -> None:
    upstream.set_mode("normal")
    upstream.served.reset()


async def leave(port: int, name: str, stream: bool, wait_for_bytes: int) -> None:
    """Begin a call and leave when so many bytes of the answer have come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    headers = (JSON_TYPE, BEARER, ("connection", "close"))
    writer.write(request("POST", "/v1/chat/completions", chat_body(name, stream=stream), *headers))
    await writer.drain()
    got = 0
    while got < wait_for_bytes:
        chunk = await reader.read(min(64, wait_for_bytes - got))
        if not chunk:
            break
        got += len(chunk)
    writer.transport.abort()


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_each_of_a_hundred_calls_that_were_left_has_one_record(
    router: Router, upstream: UpstreamServer, stream: bool
) -> None:
    upstream.set_mode("normal,chunk_ms=5" if stream else "normal,ms=20")
    chance = random.Random(7)
    names = [f"left-{stream}-{number}" for number in range(ABORTS)]

    async def scenario() -> None:
        gate = asyncio.Semaphore(20)

        async def one(name: str) -> None:
            async with gate:
                await leave(router.port, name, stream, chance.choice((0, 1, 20, 200, 300, 600, 1200, 10**6)))

        await asyncio.gather(*(one(name) for name in names))

    asyncio.run(scenario())
    until(lambda: len(router.journal().starting(f"left-{stream}-")) >= upstream.served.total, 10, "all are recorded")
    records = router.journal().starting(f"left-{stream}-")
    assert len({record["end_user"] for record in records}) == len(records) == upstream.served.total
    assert len(records) > ABORTS * 3 // 4  # a client may leave before its request was read: then there was no call
    assert {record["outcome"] for record in records} == {"cancelled", "success"}
    assert {record["usage_source"] for record in records} == {"provider"}  # drained to the provider's own count
    assert len({str(record["total_cost"]) for record in records}) == 1


def test_a_call_left_while_the_upstream_is_silent_is_given_up_and_estimated(
    router: Router, upstream: UpstreamServer
) -> None:
    upstream.set_mode("stall-mid-body")
    asyncio.run(leave(router.port, "left-silent", True, 300))
    until(lambda: router.journal().of("left-silent"), 10, "recorded")
    (record,) = router.journal().of("left-silent")
    assert (record["outcome"], record["usage_source"]) == ("cancelled", "estimated")
    assert record["total_cost"] == record["user_charge"] != 0


def test_a_client_that_does_not_read_pauses_the_upstream_and_costs_little_memory(
    router: Router, upstream: UpstreamServer
) -> None:
    upstream.set_mode("infinite")
    worker = router.children()["gateway"]

    async def scenario() -> tuple[int, int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", router.port, limit=4096)
        writer.write(request("POST", "/v1/chat/completions", chat_body("slow", stream=True), JSON_TYPE, BEARER))
        await reader.readexactly(1000)
        before = memory_kib(worker)
        (entry,) = upstream.served.entries
        sent, still = -1, 0
        async with asyncio.timeout(15):
            while still < SLOW_READER_S / 0.1:  # until nothing was sent for so long
                still, sent = (still + 1, sent) if entry.sent_bytes == sent else (0, entry.sent_bytes)
                await asyncio.sleep(0.1)
        grown = memory_kib(worker) - before
        assert (await chat(router.port, "beside", model="m1+fault:normal")).status in (200, 404)
        async with asyncio.timeout(15):
            while entry.sent_bytes == sent:  # it goes on when the client does
                await reader.readexactly(4096)
        writer.transport.abort()
        return sent, grown

    sent, grown = asyncio.run(scenario())
    assert sent < 16 * 1024 * 1024  # the kernel's buffers on the way, and ours
    assert grown < GROWTH_KIB_MAX
    until(lambda: router.journal().of("slow"), 10, "recorded")
    (record,) = router.journal().of("slow")
    assert record["outcome"] == "cancelled"


def test_a_thousand_calls_that_were_left_take_no_memory_with_them(router: Router, upstream: UpstreamServer) -> None:
    worker = router.children()["gateway"]

    async def scenario(count: int) -> None:
        for start in range(0, count, 20):
            await asyncio.gather(*(leave(router.port, f"gone-{start + n}", n % 2 == 0, 100) for n in range(20)))

    asyncio.run(scenario(200))  # warm
    before = memory_kib(worker)
    asyncio.run(scenario(1000))
    until(lambda: len(router.journal().starting("gone-")) == upstream.served.total, 10, "the calls have ended")
    assert memory_kib(worker) - before < GROWTH_KIB_MAX
