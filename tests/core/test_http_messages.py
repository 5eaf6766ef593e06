"""A request as the rooms above the sockets see it."""

from smart_ai_router.core.http_messages import HttpRequest


def test_the_target_is_split_once_at_the_first_question_mark() -> None:
    request = HttpRequest("GET", b"/v1/stats/daily?target_date=2025-08-24&x=?", {}, "127.0.0.1", 1.0)
    assert (request.path, request.query) == ("/v1/stats/daily", "target_date=2025-08-24&x=?")


def test_a_target_of_any_bytes_is_a_path() -> None:
    assert HttpRequest("GET", b"/\xff", {}, "", 0.0).path == "/\xff"
