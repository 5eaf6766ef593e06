"""Price lists in our own form: read exactly, or refused with the place."""

from decimal import Decimal

import pytest

from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.pricing_document import DocumentError, Path, read_price_list
from tests.domain.pricing_samples import utc

HEADER = {"provider": "p", "currency": "USD", "source": "page", "checked": "2026-11-22"}


def rows_of(models: object, **header: object) -> tuple[PriceVersion, ...]:
    return read_price_list({**HEADER, **header, "models": models}, is_book=True).versions


def refusal(models: object, **header: object) -> tuple[Path, str]:
    with pytest.raises(DocumentError) as refused:
        rows_of(models, **header)
    return refused.value.path, refused.value.message


def test_tokens_are_priced_per_million_and_all_else_per_one() -> None:
    rows = rows_of({"m": {"input": "0.075", "image": "0.04", "search_call": "10 / 1000"}})
    assert [(row.meter, row.price, row.per) for row in rows] == [
        (Meter.INPUT, Decimal("0.075"), 1_000_000),
        (Meter.IMAGE, Decimal("0.04"), 1),
        (Meter.SEARCH_CALL, Decimal(10), 1000),
    ]
    assert {(row.provider, row.currency, row.source, row.checked, row.is_book) for row in rows} == {
        ("p", "USD", "page", "2026-11-22", True)
    }


def test_every_name_of_a_model_gets_its_rows() -> None:
    rows = rows_of({"m": {"also": ["m-2026", "m-latest"], "input": "1"}})
    assert [row.id for row in rows] == ["p/m/input_token", "p/m-2026/input_token", "p/m-latest/input_token"]


def test_conditions_nest() -> None:
    rows = rows_of(
        {"m": {"over 128000": {"with reasoning": {"batch": {"output": "24"}}}, "output over 200": {"output": "8"}}}
    )
    deep, long_answer = rows
    assert (deep.context_over, deep.with_reasoning, deep.service_tier) == (128_000, True, "batch")
    assert (long_answer.output_over, long_answer.context_over) == (200, 0)


def test_hours_and_weekdays_are_read() -> None:
    (row,) = rows_of({"m": {"utc 16:30-00:30 mon-wed,sat": {"input": "1"}}})
    assert (row.window_utc, row.weekdays_utc) == ((990, 30), (0, 1, 2, 5))
    (daily,) = rows_of({"m": {"utc 00:00-24:00": {"input": "1"}}})
    assert (daily.window_utc, daily.weekdays_utc) == ((0, 1440), None)


def test_steps_minimums_and_variants_are_read() -> None:
    (row,) = rows_of(
        {"m": {"variant 720p": {"minute": {"price": "0.1", "per": "2", "round_up_to": "1", "minimum": "0.05"}}}}
    )
    assert (row.variant, row.per, row.round_up_to, row.minimum_charge) == ("720p", 2, Decimal(1), Decimal("0.05"))


def test_each_period_closes_the_one_before_it() -> None:
    rows = rows_of(
        {
            "m": {
                "periods": [
                    {"input": "10"},
                    {"from": "2025-06-10", "input": "2"},
                    {"from": "2026-08-16T16:00:00Z", "until": "2027-01-01", "input": "3", "checked": "2026-09-01"},
                ]
            }
        }
    )
    assert [(row.effective_from, row.effective_to) for row in rows] == [
        (0.0, utc("2025-06-10T00:00:00")),
        (utc("2025-06-10T00:00:00"), utc("2026-08-16T16:00:00")),
        (utc("2026-08-16T16:00:00"), utc("2027-01-01T00:00:00")),
    ]
    assert [row.checked for row in rows] == ["2026-11-22", "2026-11-22", "2026-09-01"]


def test_free_means_an_explicit_zero_for_all_that_the_model_does() -> None:
    rows = rows_of({"*:free": {"free": "true"}})
    assert {row.price for row in rows} == {Decimal(0)}
    assert {row.meter for row in rows} == set(Meter) - {Meter.SEARCH_CALL}


def test_numbers_of_json_are_taken_exactly() -> None:
    rows = rows_of({"m": {"input": Decimal("7.5E-8"), "output": 3}})
    assert [row.price for row in rows] == [Decimal("0.000000075"), Decimal(3)]


@pytest.mark.parametrize(
    ("models", "path", "message"),
    [
        ({"m": {"inputs": "1"}}, ("models", "m", "inputs"), "neither a unit of price nor a condition"),
        ({"m": {"input": "-1"}}, ("models", "m", "input"), "is negative"),
        ({"m": {"input": Decimal(-1)}}, ("models", "m", "input"), "not a number of 0 or more"),
        ({"m": {"input": 0.1}}, ("models", "m", "input"), "may have lost digits"),
        ({"m": {"input": "1e-6"}}, ("models", "m", "input"), "plain digits"),
        ({"m": {"input": "free"}}, ("models", "m", "input"), "plain digits"),
        ({"m": {"input": True}}, ("models", "m", "input"), "not a number"),
        ({"m": {"input": Decimal("NaN")}}, ("models", "m", "input"), "not a number of 0 or more"),
        ({"m": {"input": "1 / 0"}}, ("models", "m", "input"), "whole number of units"),
        ({"m": {"input": {"price": "1", "pro": "2"}}}, ("models", "m", "input", "pro"), "not known here"),
        ({"m": {"input": {"per": "2"}}}, ("models", "m", "input"), "no price here"),
        ({"m": {"minute": {"price": "1", "round_up_to": "0"}}}, ("models", "m", "minute", "round_up_to"), "step of 0"),
        ({"m": {}}, ("models", "m"), "no price here"),
        ({"m": {"batch": {}}}, ("models", "m", "batch"), "no price here"),
        ({"m": {"batch": {"flex": {"input": "1"}}}}, ("models", "m", "batch", "flex"), "inside another condition"),
        ({"m": {"over 1": {"over 2": {"input": "1"}}}}, ("models", "m", "over 1", "over 2"), "inside another"),
        ({"m": {"over 0": {"input": "1"}}}, ("models", "m", "over 0"), "neither a unit"),
        ({"m": {"utc 25:00-26:00": {"input": "1"}}}, ("models", "m", "utc 25:00-26:00"), "part of a day"),
        ({"m": {"utc 01:00-01:00": {"input": "1"}}}, ("models", "m", "utc 01:00-01:00"), "part of a day"),
        ({"m": {"utc 01:00-02:00 fri-mon": {"input": "1"}}}, ("models", "m", "utc 01:00-02:00 fri-mon"), "weekdays"),
        ({"m": {"from": "2026-02-30", "input": "1"}}, ("models", "m", "from"), "no date"),
        ({"m": {"from": "soon", "input": "1"}}, ("models", "m", "from"), "no date"),
        ({"m": {"from": "2026-01-02", "until": "2026-01-01", "input": "1"}}, ("models", "m", "until"), "overlap"),
        ({"m": {"free": "yes"}}, ("models", "m", "free"), "free: true"),
        ({"m": {"free": "true", "input": "1"}}, ("models", "m", "free"), "no other price"),
        ({"a*b*c": {"input": "1"}}, ("models", "a*b*c"), "pattern with one"),
        ({"m": {"also": ["M"], "input": "1"}}, ("models", "m"), "priced twice"),
        ({"m": {"input": "1"}, "n": {"also": ["m"], "input": "2"}}, ("models", "n"), "m is priced twice"),
        ({"m": {"also": "n", "input": "1"}}, ("models", "m", "also"), "list of names"),
        ({"m": "1"}, ("models", "m"), "mapping of words"),
        ({"m": {"periods": []}}, ("models", "m", "periods"), "list of periods"),
        ({"m": {"periods": [{"input": "1"}], "input": "1"}}, ("models", "m", "input"), "not known here"),
        (
            {"m": {"periods": [{"from": "2026-01-02", "input": "1"}, {"from": "2026-01-02", "input": "2"}]}},
            ("models", "m", "periods", 1),
            "periods overlap",
        ),
        (
            {"m": {"periods": [{"until": "2026-02-01", "input": "1"}, {"from": "2026-01-01", "input": "2"}]}},
            ("models", "m", "periods", 0, "until"),
            "periods overlap",
        ),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(models: object, path: Path, message: str) -> None:
    where, why = refusal(models)
    assert where == path
    assert message in why


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ({"currency": "dollars"}, ("currency",)),
        ({"checked": "yesterday"}, ("checked",)),
        ({"provider": ""}, ("provider",)),
        ({"vendor": "p"}, ("vendor",)),
        ({"hosts": "api"}, ("hosts",)),
    ],
)
def test_a_header_is_as_strict(header: dict[str, object], path: Path) -> None:
    assert refusal({"m": {"input": "1"}}, **header)[0] == path


def test_a_list_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(DocumentError, match="mapping of words"):
        read_price_list(["provider"], is_book=True)
