"""Which proxy stands between us and an upstream, by the environment's rules."""

import pytest

from smart_ai_router.adapters.upstream_proxies import ProxySettings, parse_proxy

PROXY = "http://proxy.example:3128"


def test_each_scheme_has_its_own_proxy() -> None:
    settings = ProxySettings.from_environment({"HTTP_PROXY": "http://one:1", "HTTPS_PROXY": "http://two:2"})
    assert settings.proxy_for("http", "api.example", 80) == "http://one:1"
    assert settings.proxy_for("https", "api.example", 443) == "http://two:2"
    assert settings.proxy_for("http+unix", "/run/a.sock", 0) is None


def test_without_variables_there_is_no_proxy() -> None:
    assert ProxySettings.from_environment({}).proxy_for("https", "api.example", 443) is None
    assert ProxySettings.from_environment({"HTTPS_PROXY": ""}).proxy_for("https", "api.example", 443) is None


def test_lower_case_goes_before_upper_case() -> None:
    settings = ProxySettings.from_environment({"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"})
    assert settings.proxy_for("https", "api.example", 443) == "http://lower:1"


def test_a_callers_proxy_header_in_a_cgi_environment_sets_nothing() -> None:
    settings = ProxySettings.from_environment({"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"})
    assert settings.proxy_for("http", "api.example", 80) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "bypassed"),
    [
        ("*", "api.example", 443, True),
        ("api.example", "api.example", 443, True),
        ("API.Example", "api.example", 443, True),
        ("api.example", "API.EXAMPLE", 443, True),
        ("example", "api.example", 443, True),
        (".example", "api.example", 443, True),
        ("*.example", "api.example", 443, True),
        (".example", "example", 443, True),
        ("ample", "api.example", 443, False),
        ("other, api.example ,third", "api.example", 443, True),
        ("api.example:443", "api.example", 443, True),
        ("api.example:8443", "api.example", 443, False),
        ("10.0.0.1", "10.0.0.1", 80, True),
        ("10.0.0.1", "110.0.0.1", 80, False),
        ("[fd00::1]", "fd00::1", 80, True),
        ("", "localhost", 80, True),
        ("", "a.localhost", 80, True),
        ("", "127.0.0.1", 80, True),
        ("", "127.8.9.10", 80, True),
        ("", "::1", 80, True),
        ("", "localhost.example", 80, False),
        (",,", "api.example", 443, False),
    ],
)
def test_no_proxy_names_whom_to_reach_straight(no_proxy: str, host: str, port: int, bypassed: bool) -> None:
    settings = ProxySettings.from_environment({"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})
    assert settings.proxy_for("https", host, port) == (None if bypassed else PROXY)


def test_a_proxy_url_is_taken_apart_and_shows_no_password() -> None:
    proxy = parse_proxy("http://user:p%40ss@proxy.example:3128/")
    assert (proxy.host, proxy.port, proxy.authorization) == ("proxy.example", 3128, "Basic dXNlcjpwQHNz")
    assert "dXNlcj" not in repr(proxy)


def test_a_proxy_may_be_named_without_a_scheme_or_a_port() -> None:
    proxy = parse_proxy("proxy.example")
    assert (proxy.host, proxy.port, proxy.authorization) == ("proxy.example", 80, None)


@pytest.mark.parametrize("url", ["socks5://a:1", "https://a:1", "http://", "http://a:99999"])
def test_another_kind_of_proxy_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"proxy|[Pp]ort"):
        parse_proxy(url)
