"""Price versions: the names of rows."""

from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import price_id, with_derived_id
from tests.domain.pricing_samples import row, utc


def test_a_rows_name_says_what_it_prices_and_since_when() -> None:
    named = row(Meter.INPUT, "0.15", provider="openai", model="gpt-4o-mini", effective_from=utc("2024-07-18T00:00:00"))
    assert named.id == "openai/gpt-4o-mini/input_token@2024-07-18"
    assert row(Meter.OUTPUT, "1").id == "p/m/output_token"


def test_a_rows_name_carries_region_conditions_and_the_hour_it_begins() -> None:
    full = row(
        Meter.OUTPUT,
        "1",
        region="cn",
        service_tier="flex",
        variant="hd",
        context_over=32_000,
        output_over=200,
        with_reasoning=True,
        window_utc=(60, 240),
        weekdays_utc=(0, 4),
        effective_from=utc("2026-08-16T16:00:00"),
    )
    assert full.id == (
        "p:cn/m/output_token+flex+hd+over32000+output_over200+reasoning+01:00-04:00+mon.fri@2026-08-16T16:00:00Z"
    )


def test_owners_never_share_a_name() -> None:
    book = row(Meter.INPUT, "1")
    own = row(Meter.INPUT, "1", is_book=False)
    channel = row(Meter.INPUT, "1", is_book=False, provider="", channel_id="ch_openai_001")
    assert [book.id, own.id, channel.id] == [
        "p/m/input_token",
        "own:p/m/input_token",
        "channel:ch_openai_001/m/input_token",
    ]


def test_a_name_does_not_depend_on_the_figure() -> None:
    assert row(Meter.INPUT, "1").id == row(Meter.INPUT, "2").id
    assert with_derived_id(row(Meter.INPUT, "1")) == row(Meter.INPUT, "1")
    assert price_id(row(Meter.INPUT, "1")) == row(Meter.INPUT, "1").id
