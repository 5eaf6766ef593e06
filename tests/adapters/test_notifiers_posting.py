"""One POST: where it goes, what it will not do, and its caps."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smart_ai_router.adapters.notifiers.addresses import AddressRefused
from smart_ai_router.adapters.notifiers.posting import DeliveryFailed, HttpPoster, checked_url
from tests.adapters.alert_receivers import HttpSink, http_sink, tls_pair, to_loopback


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with http_sink() as sink:
        yield sink


def post(url: str, **settings: object) -> object:
    return HttpPoster(allow_private=True, **settings).post(url, b'{"a":1}', {"x-extra": "1"})  # type: ignore[arg-type]


def test_the_body_and_headers_arrive_as_they_are(sink: HttpSink) -> None:
    post(sink.url("/hook?a=b%2Fc"))
    posted = sink.take()
    assert (posted.method, posted.path, posted.body) == ("POST", "/hook?a=b%2Fc", b'{"a":1}')
    assert posted.headers["x-extra"] == "1"
    assert posted.headers["host"] == f"127.0.0.1:{sink.port}"
    assert posted.headers["content-type"] == "application/json; charset=utf-8"
    assert posted.headers["user-agent"] == "smart-ai-router"


def test_the_host_header_keeps_the_name_although_the_address_is_dialled(sink: HttpSink) -> None:
    post(sink.url(host="hooks.test"), lookup=to_loopback)
    assert sink.take().headers["host"] == f"hooks.test:{sink.port}"


def test_the_certificate_must_be_for_the_name(tmp_path: Path) -> None:
    server, client = tls_pair(tmp_path, "sink.test")
    with http_sink(server) as sink:
        post(sink.url(host="sink.test", scheme="https"), lookup=to_loopback, tls=client)
        assert sink.take().headers["host"] == f"sink.test:{sink.port}"
        with pytest.raises(DeliveryFailed, match="certificate"):
            post(sink.url(host="other.test", scheme="https"), lookup=to_loopback, tls=client)
        with pytest.raises(DeliveryFailed, match="certificate"):
            post(sink.url(host="sink.test", scheme="https"), lookup=to_loopback)
        assert sink.posted.empty()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_s10_redirects_are_not_followed(sink: HttpSink, status: int) -> None:
    sink.status, sink.reply_headers = status, {"location": sink.url("/elsewhere")}
    answer = HttpPoster(allow_private=True).post(sink.url(), b"{}", {})
    with pytest.raises(DeliveryFailed, match=f"{status}; redirects are not followed"):
        answer.require_success()
    sink.take()
    assert sink.posted.empty()


@pytest.mark.parametrize(("status", "taken"), [(200, True), (204, True), (299, True), (400, False), (500, False)])
def test_only_2xx_means_taken(sink: HttpSink, status: int, taken: bool) -> None:
    sink.status, sink.reply = status, b"" if status == 204 else b"because"
    answer = HttpPoster(allow_private=True).post(sink.url(), b"{}", {})
    if taken:
        answer.require_success()
    else:
        with pytest.raises(DeliveryFailed, match=f"the receiver answered {status}: because"):
            answer.require_success()


def test_s10_a_huge_answer_is_not_read(sink: HttpSink) -> None:
    sink.reply = b"x" * 50_000_000
    assert len(HttpPoster(allow_private=True).post(sink.url(), b"{}", {}).body) == 65_536


@contextmanager
def dripping(greeting: bytes) -> Iterator[int]:
    """A receiver that says something and then one byte every 50 ms, for ever."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(greeting)
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    stop.set()
    thread.join(10)
    listener.close()


@pytest.mark.parametrize(
    "greeting", [b"", b"HTTP/1.1 200 OK\r\nx-", b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"]
)
def test_s10_a_dripping_receiver_is_left_after_the_time_cap(greeting: bytes) -> None:
    with dripping(greeting) as port:
        started = time.monotonic()
        with pytest.raises(DeliveryFailed, match=r"did not answer within 0\.4 s"):
            post(f"http://127.0.0.1:{port}/", timeout_s=0.4)
        assert time.monotonic() - started < 5


def test_a_closed_port_is_a_failed_delivery() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DeliveryFailed, match="ConnectError"):
        post(f"http://127.0.0.1:{port}/")


def test_the_next_address_of_a_name_is_tried(sink: HttpSink) -> None:
    post(sink.url(host="two.test"), lookup=lambda host, port: ["127.0.0.7", "127.0.0.1"])
    assert sink.take().body == b'{"a":1}'


def test_it_works_from_a_thread_that_runs_an_event_loop(sink: HttpSink) -> None:
    async def inside() -> None:
        post(sink.url())

    asyncio.run(inside())
    assert sink.take().body == b'{"a":1}'


def test_a_proxy_in_the_environment_is_not_used(sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_sink() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        monkeypatch.setenv("ALL_PROXY", proxy.url(""))
        post(sink.url())
        sink.take()
        assert proxy.connections == 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://a.test/", "begins with http:// or https://"),
        ("file:///etc/passwd", "begins with http:// or https://"),
        ("//a.test/", "begins with http:// or https://"),
        ("http://", "begins with http:// or https://"),
        ("http://user:pass@a.test/", "must not hold a user name or password"),
        ("http://a.test:65536/", "a port between 1 and 65535, not 65536"),
        ("http://a\x00b/", "is not a URL"),
    ],
)
def test_an_address_that_is_no_plain_web_address_is_refused(url: str, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason):
        checked_url(url)
