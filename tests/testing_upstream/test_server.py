"""The test upstream as a program and as a fixture: how a mode is chosen, what is logged, real clients."""

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from smart_ai_router.testing.upstream import UpstreamServer, UpstreamThread
from smart_ai_router.testing.upstream_call import Defaults
from tests.adapters.upstream_harness import Recorder, begin, exchange, opened, run, until

PROGRAM = [sys.executable, "-m", "smart_ai_router.testing.upstream"]


def asking(model: str, **more: object) -> bytes:
    return json.dumps({"model": model, "messages": [], **more}).encode()


def total_tokens(heard: Recorder) -> int:
    found = json.loads(heard.body)["usage"]["total_tokens"]
    assert isinstance(found, int)
    return found


# --- choosing a mode -----------------------------------------------------------------------------------------------


def test_a_mode_is_chosen_by_header_then_model_then_key_then_default() -> None:
    key = (("authorization", "Bearer sk-fault:status-403"),)
    header = (("x-fault", "status-500"),)

    async def scenario() -> None:
        async with UpstreamServer(Defaults(mode="status-529")) as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            model = asking("fault:status-404")
            statuses = [
                (await exchange(upstream, url, body=model, headers=key + header)).status,
                (await exchange(upstream, url, body=model, headers=key)).status,
                (await exchange(upstream, url, body=asking("m"), headers=key)).status,
                (await exchange(upstream, url, body=asking("m"))).status,
            ]
            assert statuses == [500, 404, 403, 529]

    run(scenario)


def test_the_reply_names_the_model_before_the_mark() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(upstream, f"{server.base_url}/chat/completions", body=asking("gpt-4o+fault:openai"))
            assert json.loads(heard.body)["model"] == "gpt-4o"

    run(scenario)


def test_options_change_the_numbers() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            body = asking("fault:openai,prompt=10,completion=20,cached=4,reasoning=5,pieces=2")
            reply = json.loads((await exchange(upstream, url, body=body)).body)
            assert reply["usage"]["total_tokens"] == 30
            assert reply["usage"]["prompt_tokens_details"]["cached_tokens"] == 4
            assert reply["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5
            assert reply["choices"][0]["message"]["content"] == "Every call "

    run(scenario)


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [
        ("status-500,times=2", [500, 500, 200, 200, 200, 200]),
        ("status-500,every=3", [200, 200, 500, 200, 200, 500]),
        ("status-500", [500] * 6),
    ],
)
def test_a_mode_may_hold_for_some_calls_only(mode: str, statuses: list[int]) -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions"
            heard = [(await exchange(upstream, url, body=asking(f"fault:{mode}"))).status for _ in range(6)]
            assert heard == statuses

    run(scenario)


def test_an_unknown_mode_is_said_and_not_taken_for_ordinary() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = await exchange(upstream, f"{server.base_url}/chat/completions", body=asking("fault:no-such"))
            assert heard.status == 404
            assert "no-such" in heard.body.decode()

    run(scenario)
    with pytest.raises(ValueError, match="no-such"):
        UpstreamServer(Defaults(mode="no-such"))


# --- the served-log ------------------------------------------------------------------------------------------------


def test_every_request_is_logged_with_what_it_was_and_no_key() -> None:
    body = asking("fault:status-429", stream=True)

    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            url = f"{server.base_url}/chat/completions?x=1"
            await exchange(upstream, url, body=body, headers=(("authorization", "Bearer sk-secret"), ("x-a", "1")))
            (entry,) = server.served.entries
            assert (entry.number, entry.method, entry.path) == (1, "POST", "/v1/chat/completions?x=1")
            assert (entry.model, entry.mode, entry.stream, entry.completed) == (
                "fault:status-429",
                "status-429",
                True,
                True,
            )
            assert (entry.body_bytes, entry.body_sha256) == (len(body), hashlib.sha256(body).hexdigest())
            assert entry.authorization_sha256 == hashlib.sha256(b"Bearer sk-secret").hexdigest()
            assert entry.headers["x-a"] == "1"
            assert "sk-secret" not in entry.as_line()
            assert json.loads(entry.as_line())["sent_bytes"] > 0

    run(scenario)


def test_a_reply_that_the_caller_left_is_not_completed() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server, opened() as upstream:
            heard = Recorder()
            body = asking("fault:normal,chunk_ms=50", stream=True)
            leaving = begin(upstream, f"{server.base_url}/chat/completions", heard, body=body)
            await heard.heard_data.wait()
            leaving.cancel()
            await until(lambda: server.connections_open == 0)
            assert not server.served.entries[0].completed

    run(scenario)


def test_the_log_keeps_the_newest_and_counts_all() -> None:
    async def scenario() -> None:
        async with UpstreamServer(entries_max=3) as server, opened() as upstream:
            for number in range(5):
                await exchange(upstream, f"{server.base_url}/chat/completions", body=asking(f"m{number % 2}"))
            assert [entry.number for entry in server.served.entries] == [3, 4, 5]
            assert server.served.counts() == {"total": 5, "by_model": {"m0": 3, "m1": 2}, "by_mode": {"normal": 5}}

    run(scenario)


def test_the_log_and_the_mode_are_reached_over_http_and_leave_no_entry_themselves() -> None:
    with UpstreamThread() as server, httpx2.Client(base_url=server.url) as client:
        client.post("/v1/chat/completions", json={"model": "m"})
        lines = client.get("/_served").text.splitlines()
        assert [json.loads(line)["model"] for line in lines] == ["m"]
        assert client.get("/_served/count").json()["total"] == 1
        assert client.put("/_mode", content="status-503").json() == {"mode": "status-503"}
        assert client.post("/v1/chat/completions", json={"model": "m"}).status_code == 503
        assert client.put("/_mode", content="nonsense").status_code == 400
        assert client.get("/_served/count").json()["by_mode"] == {"normal": 1, "status-503": 1}
        client.delete("/_served")
        assert client.get("/_served").text == ""
        assert len(client.get("/_modes").json()) == len(server.modes)


# --- HTTP ----------------------------------------------------------------------------------------------------------


async def raw(port: int, sent: bytes, until_bytes: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    got = await asyncio.wait_for(reader.readuntil(until_bytes), 5)
    writer.close()
    return got


def test_a_client_that_expects_100_continue_gets_it_before_its_body() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server:
            sent = b"POST /v1/models HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
            assert await raw(server.port, sent, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    run(scenario)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server:
            one = b"GET /v1/%b HTTP/1.1\r\nx-fault: %b\r\n\r\n"
            sent = one % (b"a", b"latency,ms=30") + one % (b"b", b"normal") + one % (b"c", b"normal")
            got = await raw(server.port, sent, b"/v1/c")
            assert [got.find(b"/v1/%b" % name) for name in (b"a", b"b", b"c")] == sorted(
                got.find(b"/v1/%b" % name) for name in (b"a", b"b", b"c")
            )
            assert got.count(b"HTTP/1.1 404") == 3

    run(scenario)


def test_a_request_that_is_not_http_is_refused() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server:
            assert b" 400 " in await raw(server.port, b"\x00\x01\x02\r\n\r\n", b"\r\n")
            assert server.served.total == 0

    run(scenario)


def test_a_slow_reader_stops_the_stream() -> None:
    async def scenario() -> None:
        async with UpstreamServer() as server:
            body = asking("fault:infinite", stream=True)
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            loop = asyncio.get_running_loop()
            stood, since = 0, loop.time()

            def stands() -> bool:
                nonlocal stood, since
                sent = server.served.entries[0].sent_bytes if server.served.entries else 0
                if sent != stood:
                    stood, since = sent, loop.time()
                return bool(sent) and loop.time() - since > 0.2

            await until(stands)
            assert stood < 32 * 1024 * 1024
            writer.transport.abort()
            await reader.read()

    run(scenario)


# --- real clients --------------------------------------------------------------------------------------------------


@pytest.fixture
def client() -> Any:
    with UpstreamThread() as server, openai.OpenAI(base_url=server.base_url, api_key="sk-x", max_retries=0) as made:
        yield made


def test_the_openai_client_chats_and_streams(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], n=2)
    assert len(whole.choices) == 2
    assert whole.usage is not None
    assert whole.usage.total_tokens == 450
    chunks = list(
        client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hi"}], stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == (
        whole.choices[0].message.content
    )
    assert chunks[-1].usage == whole.usage


def test_the_openai_client_completes_embeds_and_lists(client: openai.OpenAI) -> None:
    assert client.completions.create(model="m", prompt="x").choices[0].text.startswith("Every call")
    pieces = list(client.completions.create(model="m", prompt="x", stream=True))
    assert "".join(piece.choices[0].text for piece in pieces).startswith("Every call")
    packed = client.embeddings.create(model="e", input=["a", "b"], dimensions=4)  # asks for base64 and unpacks it
    plain = client.embeddings.create(model="e", input=["a", "b"], dimensions=4, encoding_format="float")
    for made in (packed, plain):
        assert [each.embedding for each in made.data] == [pytest.approx([-0.375, -0.25, -0.125, 0.0])] * 2
    assert "gpt-4o-mini" in [model.id for model in client.models.list()]


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("status-401", openai.AuthenticationError),
        ("status-429", openai.RateLimitError),
        ("status-500", openai.InternalServerError),
        ("reset-before-head", openai.APIConnectionError),
    ],
)
def test_the_openai_client_sees_faults_as_its_own_errors(
    client: openai.OpenAI, mode: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        client.chat.completions.create(model=f"fault:{mode}", messages=[{"role": "user", "content": "hi"}])


def test_the_openai_client_raises_on_an_error_in_the_middle_of_a_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="fault:error-mid-stream", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    with pytest.raises(openai.APIError, match="disconnected"):
        list(stream)


# --- as a program --------------------------------------------------------------------------------------------------


def test_the_program_prints_its_address_and_serves() -> None:
    command = [*PROGRAM, "--mode", "status-503", "--prompt-tokens", "1", "--completion-tokens", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            where = json.loads(program.stdout.readline())
            assert where["base_url"] == where["url"] + "/v1"
            with httpx2.Client(base_url=where["url"]) as client:
                assert client.post("/v1/chat/completions", json={"model": "m"}).status_code == 503
                ordinary = client.post("/v1/chat/completions", json={"model": "fault:normal"})
                assert ordinary.json()["usage"]["total_tokens"] == 3
        finally:
            program.terminate()


def test_the_program_lists_its_modes_and_refuses_unknown_ones() -> None:
    listed = subprocess.run([*PROGRAM, "--list-modes"], capture_output=True, text=True, check=True).stdout
    names = {line.split()[0] for line in listed.splitlines() if line.startswith("  ")}
    assert names == set(UpstreamServer().modes)
    refused = subprocess.run([*PROGRAM, "--mode", "no-such"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "no-such" in refused.stderr


def test_a_taken_port_is_an_error_where_the_thread_was_started() -> None:
    with UpstreamThread() as server:
        taken = UpstreamThread(UpstreamServer(port=server.port))
        with pytest.raises(OSError, match="in use"):
            taken.__enter__()


def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "u.sock"
        async with UpstreamServer(unix_path=str(path)) as server, opened() as upstream:
            base = "http+unix://" + str(path).replace("/", "%2F")
            assert total_tokens(await exchange(upstream, f"{base}/v1/chat/completions", body=asking("m"))) == 450
            assert server.served.total == 1

    run(scenario)
