"""Requests that no client of good will sends: each is answered in OpenAI's envelope or closed, and disturbs nobody."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_calls import BEARER, JSON_TYPE, USER_KEY, Answer, ask, chat, chat_body, read_answer, request
from tests.e2e.fault_harness import Router, configuration

HEAD_S, BODY_S = 1.0, 2.0
LIMITS = f"server: {{header_timeout: {HEAD_S}, body_timeout: {BODY_S}, keep_alive_timeout: 3}}\n"
CHAT = "/v1/chat/completions"
ASKED = {"model": "m1", "messages": [{"role": "user", "content": "hi"}]}
ENVELOPE = {"message", "type", "param", "code", "request_id"}


@pytest.fixture(scope="module")
def router(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    started = Router(tmp_path_factory.mktemp("input"), configuration(upstream.base_url, more=LIMITS))
    try:
        yield started.start()
        assert started.stop() == 0
        assert "Traceback" not in started.said()
        started.verify()
    finally:
        started.close()


def post(router: Router, body: bytes, *headers: tuple[str, str], path: str = CHAT) -> Answer:
    given = {name for name, _ in headers}
    kept = [each for each in (JSON_TYPE, BEARER) if each[0] not in given]
    return router.ask("POST", path, body, *kept, *headers)


def raw(router: Router, data: bytes, seconds: float = 8.0) -> bytes:
    """Everything that comes back until the router closes."""
    got = b""
    with socket.create_connection(("127.0.0.1", router.port), timeout=seconds) as connection:
        connection.sendall(data)
        try:
            while chunk := connection.recv(65536):
                got += chunk
        except ConnectionResetError:
            pass
    return got


def assert_refused(answer: Answer, status: int) -> None:
    assert answer.status == status, (answer.status, answer.body)
    assert answer.is_whole
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert set(answer.error) == ENVELOPE
    assert answer.error["message"]


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b'{"model": "m1", "messages": [',
    "null": b"null",
    "a list": b"[]",
    "a text": b'"m1"',
    "a number": b"1",
    "two objects": b"{}{}",
    "a trailing comma": b'{"model": "m1",}',
    "single quotes": b"{'model': 'm1'}",
    "a comment": b'{"model": "m1" /* x */}',
    "NaN": b'{"model": "m1", "messages": [{}], "temperature": NaN}',
    "Infinity": b'{"model": "m1", "messages": [{}], "temperature": -Infinity}',
    "a number beyond doubles": b'{"model": "m1", "messages": [{}], "temperature": 1e999}',
    "a number of 5000 digits": b'{"model": "m1", "messages": [{}], "seed": ' + b"9" * 5000 + b"}",
    "a key twice": b'{"model": "m1", "model": "m2", "messages": [{}]}',
    "a key twice, deep inside": b'{"model": "m1", "messages": [{"role": "user", "role": "system"}]}',
    "a key twice, once escaped": b'{"model": "m1", "mod\\u0065l": "m2", "messages": [{}]}',
    "65 levels": b'{"model": "m1", "messages": [' + b"[" * 65 + b"]" * 65 + b"]}",
    "100,000 levels": b'{"a":' * 100_000,
    "UTF-8 that is none": b'{"model": "m1", "messages": [{"content": "\xff"}]}',
    "an overlong slash": b'{"model": "m1", "messages": [{"content": "\xc0\xaf"}]}',
    "a surrogate as bytes": b'{"model": "m1", "messages": [{"content": "\xed\xa0\x80"}]}',
    "UTF-16": json.dumps(ASKED).encode("utf-16"),
    "UTF-32": json.dumps(ASKED).encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(ASKED).encode(),
    "half a surrogate pair": b'{"model": "m1", "messages": [{"content": "\\ud83d"}]}',
    "half a pair in a key": b'{"model": "m1", "messages": [{"\\udc00": 1}]}',
    "a bare NUL": b'{"model": "m1\x00", "messages": [{}]}',
    "a bare newline in a text": b'{"model": "m\n1", "messages": [{}]}',
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_body_that_is_no_plain_json_object_is_refused(router: Router, case: str) -> None:
    began = time.monotonic()
    assert_refused(post(router, MALFORMED[case]), 400)
    assert time.monotonic() - began < 1.0


WRONG_FIELDS: tuple[tuple[str, object], ...] = (
    *(("max_tokens", value) for value in (0, -1, 10**18, 2**63, True, "5", 1.5)),
    ("max_completion_tokens", -5),
    *(("n", value) for value in (0, -1, 129, 10**9, True, "2", 1.0)),
    ("stream", "yes"),
    ("stream", 1),
    ("stream_options", []),
    ("model", ""),
    ("model", " "),
    ("model", None),
    ("model", 5),
    ("model", ["m1"]),
    ("model", "m" * 4097),
    ("messages", None),
    ("messages", []),
    ("messages", "hi"),
    ("messages", {}),
)  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG_FIELDS, ids=lambda each: repr(each)[:24])
def test_an_absurd_field_is_refused_by_its_name(router: Router, name: str, value: object) -> None:
    answer = post(router, json.dumps({**ASKED, name: value}).encode())
    assert_refused(answer, 400)
    assert answer.error["param"] == name


def test_the_edges_of_the_counts_are_served(router: Router) -> None:
    for fields in ({"max_tokens": 1}, {"max_tokens": 10**8}, {"n": 1}, {"n": 128}, {"max_completion_tokens": 1}):
        assert post(router, json.dumps({**ASKED, **fields}).encode()).status == 200, fields


def test_a_body_beyond_the_limit_is_413_and_its_sender_is_told(router: Router) -> None:
    assert_refused(post(router, b"x" * (10 * 1024 * 1024 + 1)), 413)
    lines = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    chunk = b"%x\r\n%b\r\n" % (1 << 20, b"x" * (1 << 20))
    assert raw(router, lines + chunk * 11).startswith(b"HTTP/1.1 413 ")


def test_the_largest_body_that_may_be_is_served(router: Router) -> None:
    body = json.dumps({**ASKED, "messages": [{"role": "user", "content": "x" * (10 * 1024 * 1024 - 200)}]}).encode()
    assert post(router, body).status == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data", "application/jsonp", ""]
)
def test_any_other_content_type_is_415_so_that_no_web_page_can_call(router: Router, content_type: str) -> None:
    assert_refused(post(router, json.dumps(ASKED).encode(), ("content-type", content_type)), 415)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip"])
def test_a_compressed_body_is_415(router: Router, coding: str) -> None:
    assert_refused(post(router, json.dumps(ASKED).encode(), ("content-encoding", coding)), 415)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"])
def test_another_method_is_405_and_names_the_right_one(router: Router, method: str) -> None:
    answer = router.ask(method, CHAT, b"", BEARER)
    assert_refused(answer, 405)
    assert answer.headers["allow"] == "POST"
    assert answer.error["param"] is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_model_list_is_only_read(router: Router, method: str) -> None:
    answer = router.ask(method, "/v1/models", b"", BEARER)
    assert_refused(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"


def test_texts_at_their_longest_in_four_byte_characters_do_not_cost_a_call_its_record(router: Router) -> None:
    name = "🙂" * 256
    headers = (("x-session-id", "\xff" * 300), ("user-agent", "\xfe" * 300))
    body = json.dumps({**ASKED, "user": name}, ensure_ascii=False).encode()
    answer = post(router, body, *headers)
    assert answer.status == 200
    (record,) = router.journal().of(name)
    assert (record["outcome"], record["session_id"]) == ("success", "\xff" * 256)


# --- anything at all -----------------------------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ("model", "messages", "stream", "stream_options", "max_tokens", "n", "user", "tools", "usage", "temperature", "x")
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(FIELDS, ANYTHING, max_size=4))
def test_a_call_with_any_fields_is_served_or_refused_and_never_our_failure(
    router: Router, changes: dict[str, object]
) -> None:
    body = json.dumps({**ASKED, **changes}).encode()
    answer = post(router, body)
    assert answer.status in (200, 400, 404)
    if answer.status != 200:
        assert_refused(answer, answer.status)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_body_damaged_anywhere_is_served_or_refused_and_never_our_failure(
    router: Router, data: st.DataObject
) -> None:
    body = bytearray(chat_body("damaged", n=1, max_tokens=10))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    answer = post(router, bytes(body))
    assert answer.status in (200, 400, 404)
    if answer.status != 200:
        assert_refused(answer, answer.status)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(min_size=1, max_size=400))
def test_noise_on_the_port_is_answered_once_or_closed(router: Router, noise: bytes) -> None:
    got = raw(router, noise + b"\r\n\r\n")
    assert got.count(b"HTTP/1.1 ") <= 1 or b"HTTP/1.1 " in noise
    assert not got.startswith(b"HTTP/1.1 5") or got.startswith((b"HTTP/1.1 505", b"HTTP/1.1 501"))


# --- the wire ------------------------------------------------------------------------------------------------------

LINE = f"POST {CHAT} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {USER_KEY}\r\n".encode()
LINE += b"content-type: application/json\r\n"
BODY = json.dumps(ASKED).encode()
CHUNKED = LINE + b"transfer-encoding: chunked\r\n"
SIZED = LINE + b"content-length: %d\r\n" % len(BODY)
HIDDEN = b"POST /hidden HTTP/1.1\r\nhost: localhost\r\n\r\n"
FRAMING: dict[str, tuple[bytes, int]] = {
    "a header of 70 kB": (SIZED + b"x: " + b"a" * 70_000 + b"\r\n\r\n" + BODY, 431),
    "2000 headers": (SIZED + b"".join(b"x%d: y\r\n" % number for number in range(2000)) + b"\r\n" + BODY, 431),
    "a folded header": (SIZED + b"x: a\r\n b\r\n\r\n" + BODY, 400),
    "two hosts": (SIZED + b"host: other\r\n\r\n" + BODY, 400),
    "no host": (SIZED.replace(b"host: localhost\r\n", b"") + b"\r\n" + BODY, 400),
    "a length and chunks": (SIZED + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "chunks and a length": (CHUNKED + b"content-length: 5\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "two lengths": (SIZED + b"content-length: 5\r\n\r\n" + BODY, 400),
    "a length twice": (LINE + b"content-length: 5, 5\r\n\r\nabcde", 400),
    "a signed length": (LINE + b"content-length: +5\r\n\r\nabcde", 400),
    "a negative length": (LINE + b"content-length: -5\r\n\r\n", 400),
    "a length of 30 digits": (LINE + b"content-length: " + b"9" * 30 + b"\r\n\r\n", 400),
    "a space before the colon": (LINE + b"transfer-encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "an unknown coding": (LINE + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "chunked is not the last": (LINE + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN, 400),
    "bare line feeds": (SIZED.replace(b"\r\n", b"\n") + b"\n" + BODY, 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\nhost: localhost\r\n\r\n", 400),
    "a negative chunk": (CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk beyond 64 bits": (CHUNKED + b"\r\nfffffffffffffffff\r\n", 400),
    "a chunk that is no number": (CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n", 400),
    "a chunk without its end": (CHUNKED + b"\r\n3\r\nhello\r\n0\r\n\r\n", 400),
    "TLS on the plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a NUL in a header": (SIZED + b"x: a\x00b\r\n\r\n" + BODY, 400),
    "a method of its own": (b"HELLO / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
    "CONNECT": (b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n", 501),
    "an upgrade": (b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", 501),
}


@pytest.mark.parametrize("case", FRAMING)
def test_broken_framing_gets_one_answer_and_nothing_behind_it_is_read(
    router: Router, upstream: UpstreamServer, case: str
) -> None:
    data, status = FRAMING[case]
    served = upstream.served.total
    got = raw(router, data)
    assert got.startswith(b"HTTP/1.1 %d " % status), got[:200]
    assert got.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in got
    assert set(json.loads(got.partition(b"\r\n\r\n")[2])["error"]) == ENVELOPE
    assert upstream.served.total == served


def test_odd_but_valid_framing_is_served(router: Router) -> None:
    chunks = b"5;name=value;more\r\n%b\r\n%x\r\n%b\r\n0\r\nx-trailer: late\r\n\r\n"
    body = chunks % (BODY[:5], len(BODY) - 5, BODY[5:])
    for data in (
        CHUNKED + b"connection: close\r\n\r\n" + body,
        b"\r\n\r\n" + SIZED + b"connection: close\r\n\r\n" + BODY,
        SIZED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n" + BODY,
    ):
        assert raw(router, data).startswith(b"HTTP/1.1 200 "), data[:60]


def test_an_absolute_target_and_a_strange_path_do_not_leave_the_router(router: Router) -> None:
    for target in (
        "http://example.com/v1/chat/completions",
        "//example.com/",
        "/v1/../v1/stats/summary",
        "/%2e%2e/x",
        "*",
    ):
        answer = router.ask("GET", target, b"", BEARER)
        assert answer.status in (400, 401, 404), (target, answer)


# --- slow and half-open --------------------------------------------------------------------------------------------


def closed_after(router: Router, data: bytes) -> tuple[float, bytes]:
    began = time.monotonic()
    got = raw(router, data)
    return time.monotonic() - began, got


@pytest.mark.parametrize(
    ("data", "limit_s"),
    [
        (b"POST /v1/chat/com", HEAD_S),
        (SIZED + b"x: unfin", HEAD_S),
        (SIZED + b"\r\n" + BODY[:-1], BODY_S),
        (CHUNKED + b"\r\n5;ext=", BODY_S),
        (b"", HEAD_S),
    ],
    ids=["request line", "header", "body", "chunk extension", "nothing"],
)
def test_what_never_ends_is_closed_in_time(router: Router, data: bytes, limit_s: float) -> None:
    seconds, got = closed_after(router, data)
    assert seconds < limit_s + 1.5
    assert got.startswith(b"HTTP/1.1 408 ") or (not data and not got)


def test_two_hundred_half_open_connections_do_not_disturb_a_call(router: Router) -> None:
    async def scenario() -> None:
        held = [await asyncio.open_connection("127.0.0.1", router.port) for _ in range(200)]
        for number, (_, writer) in enumerate(held):
            writer.write(
                (b"POST /v1/chat/com", SIZED + b"x: y", SIZED + b"\r\n" + BODY[:9], CHUNKED + b"\r\n5")[number % 4]
            )
        began = time.monotonic()
        for number in range(20):
            assert (await chat(router.port, f"beside-{number}")).status == 200
        assert time.monotonic() - began < 2.0
        closed = await asyncio.gather(
            *(asyncio.wait_for(reader.read(), 8) for reader, _ in held), return_exceptions=True
        )
        assert all(isinstance(each, bytes | ConnectionResetError) for each in closed)
        for _, writer in held:
            writer.transport.abort()

    asyncio.run(scenario())


def test_pipelined_calls_are_answered_in_order_with_a_bill_each(router: Router) -> None:
    names = [f"pipelined-{number}" for number in range(3)]
    data = b"".join(request("POST", CHAT, chat_body(name), JSON_TYPE, BEARER) for name in names)

    async def scenario() -> list[Answer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
        writer.write(data)
        answers = [await read_answer(reader) for _ in names]
        writer.transport.abort()
        return answers

    answers = asyncio.run(scenario())
    assert [answer.status for answer in answers] == [200, 200, 200]
    records = [router.journal().of(name) for name in names]
    assert [record["request_id"] for (record,) in records] == [answer.headers["x-request-id"] for answer in answers]
    assert all(record["total_cost"] == record["user_charge"] != 0 for (record,) in records)


def test_the_answer_to_a_refused_request_never_repeats_what_it_held(router: Router) -> None:
    for body in (
        b'{"model": "m1", "secret-canary": NaN}',
        b'["secret-canary"',
        b'{"secret-canary": 1, "secret-canary": 2}',
    ):
        assert b"secret-canary" not in post(router, body).body


def test_one_slow_byte_at_a_time_is_not_served_for_ever(router: Router) -> None:
    async def scenario() -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
        began = time.monotonic()
        writer.write(SIZED + b"x-slow: ")
        while not reader.at_eof() and time.monotonic() - began < 8:
            writer.write(b"a")
            try:
                await asyncio.wait_for(reader.read(4096), 0.2)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        writer.transport.abort()
        return time.monotonic() - began

    assert asyncio.run(scenario()) < HEAD_S + 2.0
    assert asyncio.run(ask(router.port, "GET", "/health")).status == 200
