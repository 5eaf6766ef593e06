"""URLs and request heads: what is sent is ours to decide, and nothing can be smuggled into it."""

import pytest

from smart_ai_router.adapters.upstream_targets import (
    BEGINNINGS_MAX,
    TARGETS_MAX,
    Endpoint,
    Targets,
    parse_target,
    request_head,
)


@pytest.mark.parametrize(
    ("url", "endpoint", "host", "path"),
    [
        ("https://api.openai.com/v1/x", Endpoint("https", "api.openai.com", 443), "api.openai.com", "/v1/x"),
        ("https://api.openai.com:443/", Endpoint("https", "api.openai.com", 443), "api.openai.com", "/"),
        ("https://API.Example:8443/a?b=c", Endpoint("https", "api.example", 8443), "api.example:8443", "/a?b=c"),
        ("http://localhost:11434/v1", Endpoint("http", "localhost", 11434), "localhost:11434", "/v1"),
        ("http://10.0.0.1", Endpoint("http", "10.0.0.1", 80), "10.0.0.1", "/"),
        ("http://[::1]:8000/x", Endpoint("http", "::1", 8000), "[::1]:8000", "/x"),
        ("http://[::1]/x", Endpoint("http", "::1", 80), "[::1]", "/x"),
        ("http+unix://%2Frun%2Fa.sock/v1/stats?x=1", Endpoint("http+unix", "/run/a.sock", 0), None, "/v1/stats?x=1"),
        ("http+unix://%2Frun%2FUpper.sock", Endpoint("http+unix", "/run/Upper.sock", 0), None, "/"),
        ("http+unix://%2Fa.sock/%E4%B8%80?q=a%20b", Endpoint("http+unix", "/a.sock", 0), None, "/%E4%B8%80?q=a%20b"),
        (
            "http+unix://%2Fa.sock/a b\r\nx: é#f",
            Endpoint("http+unix", "/a.sock", 0),
            None,
            "/a%20b%0D%0Ax:%20%C3%A9%23f",
        ),
    ],
)
def test_a_url_is_taken_apart(url: str, endpoint: Endpoint, host: str | None, path: str) -> None:
    target = parse_target(url)
    assert (target.endpoint, target.host_header, target.path) == (endpoint, host, path)


@pytest.mark.parametrize(
    "url",
    [
        *("", "api.openai.com/v1", "/v1/x", "ftp://a/", "file:///etc/passwd", "gopher://a/", "unix:/run/a.sock:/x"),
        *("http://", "http:///path", "http://a b/", "http://a/b c", "http://a/\r\nx: y", "http://a/\x00", "http://a/é"),
        *("http://user:pass@a/", "http://user@a/", "http://a/#f", "http://a:99999/", "http://a:x/"),
        *("http+unix://run%2Fa.sock/x", "http+unix:///x", "http+unix://%2Frun%00/x", "http+unix://?x"),
    ],
)
def test_a_url_that_cannot_be_called_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|names no host|credentials|fragment|[Pp]ort"):
        parse_target(url)


def test_a_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(ValueError, match="credentials") as refused:
        parse_target("https://user:hunter2@a/")
    assert "hunter2" not in str(refused.value)


def test_the_head_is_ours_and_the_callers_headers_follow() -> None:
    target = parse_target("https://api.example/v1/chat/completions")
    head = request_head(target, "POST", (("authorization", "Bearer k"), ("x-a", "b")), 17)
    assert head == (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: api.example\r\naccept-encoding: identity\r\n"
        b"authorization: Bearer k\r\nx-a: b\r\ncontent-length: 17\r\n\r\n"
    )


@pytest.mark.parametrize(
    "name",
    [
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"),
        *("expect", "accept-encoding", "proxy-authorization", "proxy-connection"),
    ],
)
def test_a_caller_cannot_frame_a_request_or_name_another_host(name: str) -> None:
    target = parse_target("http://api.example/")
    assert request_head(target, "POST", ((name, "evil"),), 2) == request_head(target, "POST", (), 2)


def test_over_a_unix_socket_the_callers_host_is_passed_on() -> None:
    target = parse_target("http+unix://%2Fa.sock/x")
    assert b"\r\nhost: router.example:7601\r\n" in request_head(target, "GET", (("host", "router.example:7601"),), 0)
    assert b"\r\nhost: localhost\r\n" in request_head(target, "GET", (), 0)


@pytest.mark.parametrize(
    ("method", "length", "expected"),
    [("GET", 0, False), ("GET", 2, True), ("POST", 0, True), ("DELETE", 0, False), ("PUT", 0, True)],
)
def test_a_length_is_said_where_a_body_could_be(method: str, length: int, expected: bool) -> None:
    head = request_head(parse_target("http://a/"), method, (), length)
    assert (b"content-length: %d\r\n" % length in head) is expected


@pytest.mark.parametrize("url", ["http://a/", "http+unix://%2Fa.sock/"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("x", "a\r\nevil: 1"), ("x", "a\nevil: 1"), ("x", "a\rb"), ("x", "a\x00b"), ("x\r\nevil", "1"), ("x", "\r\n\r\n")],
)
def test_a_line_break_in_a_header_is_refused_and_the_header_named(url: str, name: str, value: str) -> None:
    with pytest.raises(ValueError, match="line break or a NUL") as refused:
        request_head(parse_target(url), "POST", (("fine", "1"), (name, value)), 0)
    assert repr(name) in str(refused.value)


def test_a_header_beyond_latin_1_is_refused() -> None:
    with pytest.raises(ValueError, match="latin-1"):
        request_head(parse_target("http://a/"), "POST", (("x", "漢"),), 0)


@pytest.mark.parametrize("method", ["", "get", "GET /evil HTTP/1.1\r\n", "GE T", "É"])
def test_a_word_that_is_no_method_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="not an HTTP method"):
        request_head(parse_target("http://a/"), method, (), 0)


def test_targets_are_remembered_within_a_bound() -> None:
    targets = Targets()
    first = targets.get("http://a/0")
    assert targets.get("http://a/0") is first
    for number in range(1, TARGETS_MAX + 1):
        targets.get(f"http://a/{number}")
    assert targets.get("http://a/0") is not first


def test_a_channels_head_is_built_once_and_never_taken_for_anothers() -> None:
    target = parse_target("http://a/")
    first, second = (("authorization", "Bearer one"),), (("authorization", "Bearer two"),)
    heads = [request_head(target, method, headers, 0) for method in ("POST", "PUT") for headers in (first, second)]
    again = [request_head(target, method, headers, 0) for method in ("POST", "PUT") for headers in (first, second)]
    assert heads == again
    assert [head.split(b" ")[0] for head in heads] == [b"POST", b"POST", b"PUT", b"PUT"]
    assert [b"Bearer one" in head for head in heads] == [True, False, True, False]


def test_headers_that_can_change_are_read_anew_each_time() -> None:
    target = parse_target("http://a/")
    headers = [("x", "1")]
    assert b"x: 1" in request_head(target, "POST", headers, 0)
    headers[0] = ("x", "2")
    assert b"x: 2" in request_head(target, "POST", headers, 0)


def test_beginnings_are_remembered_within_a_bound() -> None:
    target = parse_target("http://a/")
    many = [(("x", str(number)),) for number in range(BEGINNINGS_MAX + 10)]
    for headers in many:
        assert b"x: " + headers[0][1].encode() in request_head(target, "POST", headers, 0)
    assert len(target.beginnings) <= BEGINNINGS_MAX


def test_targets_behind_a_unix_socket_are_not_kept_since_clients_name_them() -> None:
    targets = Targets()
    assert targets.get("http+unix://%2Fa.sock/x") is not targets.get("http+unix://%2Fa.sock/x")
