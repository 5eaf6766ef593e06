"""The page of usage records."""

from dataclasses import replace as altered
from datetime import date
from decimal import Decimal

import pytest

from smart_ai_router.core.billing.record_lines import FoundLine, LineState
from smart_ai_router.core.billing.records import (
    SIZE_MAX,
    PageWanted,
    RecordUnknown,
    record_details,
    record_page,
)
from smart_ai_router.core.usage_pages import CursorInvalid, UsageFilter
from smart_ai_router.core.usage_record import AccountPosting, BillLine, RateUsed, UsageRecord
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.exchange import ExchangeRate
from tests.contract.lines import attempt
from tests.core.billing.billing_samples import USD_RATE, books_of, record, view_over

FULL = record(
    "2026-01-31 10:00:00.250",
    input_cost="0.000075",
    output_cost="0.0003",
    input_tokens=150,
    output_tokens=300,
    user_charge="0.00075",
    charge_currency="CNY",
    lines=(BillLine("input_token", Decimal(150), "openai/gpt-4o-mini/input_token", Decimal("0.000075")),),
    attempts=(attempt("ch_0", "server_error"), attempt("ch_1", cost="0.000375")),
    rates=(RateUsed("USD", "CNY", Decimal(2), "2026-01-01T00:00:00.000Z"),),
    postings=(AccountPosting("user", "alice", "CNY", "permanent", 750_000_000, 0),),
    region="CN",
    requested_model="tag:gpt",
    upstream_model="gpt-4o-mini-2024-07-18",
    time_to_first_token_ms=120,
)


def failed(at: str, number: int = 0, **given: object) -> UsageRecord:
    told = {"status": "error", "outcome": "failed", "error_message": "upstream said no", "error_kind": "server_error"}
    return record(at, number, **{**told, "status_code": 502, **given})


def test_m2_05_m2_39_to_m2_46_a_call_is_told_with_every_field_of_the_guide() -> None:
    page = record_page(view_over([FULL], USD_RATE), UsageFilter(), PageWanted())

    (told,) = page.records
    assert (told.user_id, told.provider_id, told.model_id, told.usage_type) == (
        "alice",
        "openai",
        "gpt-4o-mini",
        "text_generation",
    )
    assert (told.input_tokens, told.output_tokens, told.total_tokens, told.token_consumed) == (150, 300, 450, 450)
    assert (told.cost_amount, told.currency) == (Decimal("0.002671275"), "CNY")
    assert (told.original_cost, told.original_currency) == (Decimal("0.000375"), "USD")
    assert told.exchange is not None
    assert (told.exchange.base, told.exchange.quote, told.exchange.rate) == ("USD", "CNY", Decimal("7.1234"))
    assert (told.status, told.outcome, told.error_message) == ("success", "success", None)
    assert told.created_at == "2026-01-31T10:00:00.250Z"
    assert (told.provider_name, told.model_name, told.channel_name) == ("Name of openai", "gpt-4o-mini", "Channel One")


def test_m2_14_a_row_leads_to_its_journal_line() -> None:
    (told,) = record_page(view_over([FULL]), UsageFilter(), PageWanted()).records

    assert told.id == told.request_id == FULL.request_id
    assert told.tags == ("gpt", "chat")
    assert [(each.meter, each.quantity, each.amount) for each in told.lines] == [
        ("input_token", Decimal(150), Decimal("0.000075"))
    ]
    assert [(each.channel_id, each.error_kind) for each in told.attempts] == [("ch_0", "server_error"), ("ch_1", None)]
    assert (told.user_charge, told.charge_currency) == (Decimal("0.00075"), "CNY")


def test_m2_13_m2_45_a_failed_call_says_why() -> None:
    records = [failed("2026-01-31 10:00:00"), record("2026-01-31 11:00:00", 1)]

    page = record_page(view_over(records), UsageFilter(is_success=False), PageWanted())

    (told,) = page.records
    assert (told.status, told.outcome, told.error_kind, told.status_code) == ("failed", "failed", "server_error", 502)
    assert told.error_message == "upstream said no"
    assert (page.total_elements, page.totals.failed_count, page.totals.success_count) == (1, 1, 0)
    assert (page.totals.total_cost, page.totals.total_tokens, page.totals.other_costs) == (None, None, {})


@pytest.mark.parametrize(
    ("usage_type", "meter", "quantity", "wanted"),
    [
        ("image_generation", "image", "3", (3, 0, 0)),
        ("audio_stt", "minute", "1.5", (0, 90, 0)),
        ("audio_tts", "second", "2.25", (0, Decimal("2.25"), 0)),
        ("video_generation", "second", "30", (0, 0, 30)),
        ("text_generation", "output_token", "5", (0, 0, 0)),
    ],
)
def test_m2_42_every_kind_of_use_is_counted_in_its_own_unit(
    usage_type: str, meter: str, quantity: str, wanted: tuple[object, ...]
) -> None:
    line = BillLine(meter, Decimal(quantity), "v", Decimal(0))
    made = record("2026-01-31 10:00:00", usage_type=usage_type, lines=(line,))

    (told,) = record_page(view_over([made]), UsageFilter(), PageWanted()).records

    assert told.usage_type == usage_type
    assert (told.image_count, told.audio_duration, told.video_duration) == wanted


def test_m2_44_without_a_rate_a_cost_is_shown_as_it_is_and_never_added_to_another_currency() -> None:
    records = [FULL, record("2026-01-31 11:00:00", 1, cost_currency="CNY", input_cost="1", output_cost="0")]

    page = record_page(view_over(records), UsageFilter(), PageWanted())

    assert [(each.cost_amount, each.currency, each.exchange) for each in page.records] == [
        (Decimal(1), "CNY", None),
        (Decimal("0.000375"), "USD", None),
    ]
    assert (page.totals.total_cost, page.totals.other_costs) == (Decimal(1), {"USD": Decimal("0.000375")})
    assert (page.currency, page.unconverted) == ("CNY", ("USD",))


def test_m2_12_totals_are_those_of_the_filter_and_not_of_the_page() -> None:
    records = [
        record(f"2026-01-31 10:00:{second:02}", second, model="gpt" if second % 2 else "qwen") for second in range(20)
    ]

    page = record_page(view_over(records, USD_RATE), UsageFilter(model="gpt"), PageWanted(size=3))

    assert (len(page.records), page.total_elements, page.total_pages) == (3, 10, 4)
    assert page.totals.call_count == page.totals.success_count == 10
    assert page.totals.total_tokens == 1500
    assert page.totals.total_cost == 10 * Decimal("0.0003") * Decimal("7.1234")


def test_m2_49_totals_are_the_sum_of_the_records_over_changes_of_the_rate() -> None:
    rates = [
        ExchangeRate("USD", "CNY", Decimal(f"7.{day}"), 1_767_225_600_000 + day * 86_400_000) for day in range(11, 30)
    ]
    records = [record(f"2026-01-{day} 10:00:00", day, input_cost=f"0.{day}") for day in range(10, 31)]
    view = view_over(records, *rates)

    page = record_page(view, UsageFilter(), PageWanted(size=SIZE_MAX))

    shown = [each.cost_amount for each in page.records if each.currency == "CNY"]
    left = [each.cost_amount for each in page.records if each.currency == "USD"]
    assert page.totals.total_cost == sum(shown)
    assert page.totals.other_costs == {"USD": sum(left)}
    assert len(left) == 2


def test_a14_a_cursor_neither_repeats_nor_skips_while_calls_arrive_and_a_number_says_where_it_is() -> None:
    records = [record(f"2026-01-31 10:00:{second:02}", second) for second in range(10)]
    first = record_page(view_over(records[:8]), UsageFilter(), PageWanted(size=4))
    second = record_page(view_over(records), UsageFilter(), PageWanted(size=4, cursor=first.next_cursor))

    assert [each.id for each in (*first.records, *second.records)] == [each.request_id for each in records[7::-1]]
    assert (first.current_page, second.current_page, second.next_cursor) == (0, None, None)
    numbered = record_page(view_over(records), UsageFilter(), PageWanted(2, 4))
    assert [each.id for each in numbered.records] == [each.request_id for each in records[1::-1]]
    assert (numbered.current_page, numbered.total_pages, numbered.page_size) == (2, 3, 4)


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        (PageWanted(size=0), "size"),
        (PageWanted(size=SIZE_MAX + 1), "size"),
        (PageWanted(-1), "page"),
        (PageWanted(501, 20), "page"),
        (PageWanted(10**30, 20), "page"),
    ],
)
def test_a_page_has_bounds(wanted: PageWanted, param: str) -> None:
    with pytest.raises(FieldInvalid) as refusal:
        record_page(view_over([FULL]), UsageFilter(), wanted)
    assert refusal.value.param == param
    assert record_page(view_over([FULL]), UsageFilter(), PageWanted(500, 20)).records == ()


def test_a_key_is_asked_for_with_its_user_and_a_cursor_must_be_one() -> None:
    with pytest.raises(FieldInvalid, match="userId"):
        record_page(view_over([FULL]), UsageFilter(api_key_id="key_a"), PageWanted())
    with pytest.raises(CursorInvalid):
        record_page(view_over([FULL]), UsageFilter(), PageWanted(cursor="x"))
    assert record_page(view_over([FULL]), UsageFilter("alice", "key_a"), PageWanted()).total_elements == 1
    assert record_page(view_over([FULL]), UsageFilter("alice", "key_b"), PageWanted()).total_elements == 0


def test_a_call_without_user_or_provider_has_none_and_one_of_a_wrong_clock_is_counted() -> None:
    nobody = record("2031-01-01 10:00:00", user_id=None, provider="", channel_id="", channel_name="", api_key_id=None)

    page = record_page(view_over([nobody]), UsageFilter(), PageWanted())

    (told,) = page.records
    assert (told.user_id, told.provider_id, told.provider_name, told.channel_id) == (None, None, None, None)
    assert page.total_elements == 1


def test_days_are_those_of_the_time_zone() -> None:
    late = record("2026-01-30 16:30:00")  # the 31st in Shanghai
    view = view_over([late], time_zone="Asia/Shanghai")

    assert record_page(view, UsageFilter(first=date(2026, 1, 31)), PageWanted()).total_elements == 1
    assert record_page(view, UsageFilter(last=date(2026, 1, 30)), PageWanted()).total_elements == 0


def test_one_record_is_told_in_full() -> None:
    told = record_details(view_over([FULL]), FULL.request_id)

    assert (told.requested_model, told.upstream_model, told.request_type) == (
        "tag:gpt",
        "gpt-4o-mini-2024-07-18",
        "chat",
    )
    assert [(each.base, each.rate, each.effective_from) for each in told.rates] == [
        ("USD", Decimal(2), "2026-01-01T00:00:00.000Z")
    ]
    assert [(each.kind, each.owner, each.unit, each.amount) for each in told.postings] == [
        ("user", "alice", "CNY", 750_000_000)
    ]


def test_a_record_without_its_line_is_told_as_the_books_have_it() -> None:
    view = view_over([FULL])
    archived = view_over([], books=books_of([FULL]))
    lost = altered(archived, read_lines=lambda ids, _: {each: FoundLine(None, LineState.ARCHIVED) for each in ids})

    told = record_details(lost, FULL.request_id)

    assert (told.line_state, told.lines, told.channel_name, told.rates) == ("archived", (), None, ())
    assert told.cost_amount == record_details(view, FULL.request_id).cost_amount
    assert (told.user_charge, told.charge_currency) == (Decimal("0.00075"), None)
    assert record_page(archived, UsageFilter(), PageWanted()).records[0].line_state == "missing"


def test_a_record_that_is_not_there_is_not_found() -> None:
    with pytest.raises(RecordUnknown) as refusal:
        record_details(view_over([FULL]), "req_nothing")
    assert refusal.value.status == 404


def test_whether_the_books_were_complete_is_said() -> None:
    assert record_page(view_over([], complete=False), UsageFilter(), PageWanted()).complete is False
    assert record_page(view_over([]), UsageFilter(), PageWanted()).complete is True
