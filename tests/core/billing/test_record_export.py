"""Usage records as a file."""

import csv
import io

import pytest

from smart_ai_router.core.billing import record_export
from smart_ai_router.core.billing.record_export import COLUMNS, EXPORT_MAX, export_records
from smart_ai_router.core.billing.view import BillingView
from smart_ai_router.core.usage_pages import UsageFilter
from smart_ai_router.core.users_and_keys import FieldInvalid
from tests.core.billing.billing_samples import USD_RATE, record, view_over


def rows_of(view: BillingView, asked: UsageFilter) -> list[dict[str, str]]:
    text = "".join(export_records(view, asked))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_every_record_of_a_filter_is_a_line_whatever_the_number_of_pages() -> None:
    records = [record(f"2026-01-31 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}", n) for n in range(1201)]

    rows = rows_of(view_over(records, USD_RATE), UsageFilter())

    assert [row["id"] for row in rows] == [each.request_id for each in reversed(records)]
    assert list(rows[0]) == list(COLUMNS)
    assert (rows[0]["costAmount"], rows[0]["currency"], rows[0]["originalCost"]) == ("0.00213702", "CNY", "0.0003")


def test_only_what_was_asked_for_is_in_the_file() -> None:
    records = [record("2026-01-31 10:00:00"), record("2026-01-31 11:00:00", 1, user_id="bob")]

    assert [row["userId"] for row in rows_of(view_over(records), UsageFilter(user_id="bob"))] == ["bob"]
    assert rows_of(view_over(records), UsageFilter(user_id="carol")) == []


def test_what_a_caller_wrote_is_no_formula_in_the_file() -> None:
    evil = record(
        "2026-01-31 10:00:00",
        model='=HYPERLINK("https://example.com")',
        user_id="@alice",
        status="error",
        outcome="failed",
        error_message="+1;=cmd|' /C calc'!A0",
        tags=("-tag", "x"),
    )

    (row,) = rows_of(view_over([evil]), UsageFilter())

    assert row["modelId"] == '\'=HYPERLINK("https://example.com")'
    assert (row["userId"], row["errorMessage"], row["tags"]) == (
        "'@alice",
        "'+1;'=cmd|' /C calc'!A0",
        "'-tag x",
    )


def test_more_records_than_a_file_takes_are_refused_before_the_first_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_export, "EXPORT_MAX", 1)
    records = [record("2026-01-31 10:00:00"), record("2026-01-31 11:00:00", 1, user_id="bob")]

    with pytest.raises(FieldInvalid, match="2 records match, one file takes 1"):
        export_records(view_over(records), UsageFilter())
    assert len(rows_of(view_over(records), UsageFilter(user_id="bob"))) == 1
    assert EXPORT_MAX == 50_000


def test_a_key_is_asked_for_with_its_user() -> None:
    with pytest.raises(FieldInvalid):
        export_records(view_over([]), UsageFilter(api_key_id="key_a"))
