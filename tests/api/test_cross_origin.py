"""Browsers are let in by name only."""

from smart_ai_router.api.cross_origin import cross_origin_headers


def test_no_origin_is_let_in_unless_it_is_named() -> None:
    assert cross_origin_headers("https://app.example.com", ()) == ()
    assert cross_origin_headers("https://evil.example.com", ("https://app.example.com",)) == ()
    assert cross_origin_headers("https://app.example.com.evil.com", ("https://app.example.com",)) == ()


def test_a_named_origin_is_told_so_and_caches_keep_origins_apart() -> None:
    headers = dict(cross_origin_headers("https://app.example.com", ("https://app.example.com",)))
    assert headers["access-control-allow-origin"] == "https://app.example.com"
    assert headers["vary"] == "origin"


def test_a_star_lets_every_page_in_without_credentials() -> None:
    headers = dict(cross_origin_headers("https://any.example.com", ("*",)))
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers
