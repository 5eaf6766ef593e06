"""What is answered while the books cannot be asked."""

import logging

import pytest

from smart_ai_router.core.statistics_store import TotalsRow
from smart_ai_router.core.store import StoreUnavailable
from tests.api.control_fixtures import client_over


class NoBooks:
    """A database that is away."""

    def totals(self, *_: object, **__: object) -> list[TotalsRow]:
        raise StoreUnavailable("PostgreSQL at db.example.com, database router: connection refused")


@pytest.mark.parametrize("path", ["/v1/stats/daily", "/v1/stats/summary", "/v1/stats/query?group_by=model"])
def test_a_statistic_without_its_database_asks_to_come_again(path: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        answer = client_over(statistics=NoBooks()).get(path)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["code"] == "books_unavailable"
    assert "db.example.com" not in answer.text
    assert "db.example.com" in caplog.text
