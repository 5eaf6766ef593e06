"""The shipped price book: strict, quick, and right on the facts we can check."""

import time
from decimal import Decimal

import pytest

from smart_ai_router.config.price_book import PriceBookError, load_price_book, parse_price_list, read_price_book
from smart_ai_router.domain.meters import Meter, Quantity
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pricing import PriceCatalog, PriceVersion, price_usage
from tests.domain.pricing_samples import used, utc

NOW = utc("2026-11-22T12:00:00")  # a Sunday
LIST = """\
provider: p
currency: USD
source: page
checked: 2026-11-22
models:
  m:
    input: 1
"""


@pytest.fixture(scope="module")
def book() -> tuple[PriceVersion, ...]:
    return load_price_book()


@pytest.fixture(scope="module")
def catalog(book: tuple[PriceVersion, ...]) -> PriceCatalog:
    return PriceCatalog(book)


def cost(
    catalog: PriceCatalog,
    place: str,
    model: str,
    quantities: dict[Meter, Quantity],
    moment: str | None = None,
    **served: str,
) -> tuple[Decimal, str]:
    """Amount and currency of a call; `place` is a provider, or provider:region."""
    provider, _, region = place.partition(":")
    now = NOW if moment is None else utc(moment)
    sheet = catalog.sheet("ch", provider, region or None, model, model, now)
    assert sheet is not None, f"{place} has no price for {model}"
    bill = price_usage(sheet, used(quantities, **served))
    assert bill.basis == "book", bill.flags
    return pico_to_decimal(bill.total_cost), bill.currency


# --- facts ---


def test_the_guides_first_model_costs_what_openai_charges(catalog: PriceCatalog) -> None:
    tokens: dict[Meter, Quantity] = {Meter.INPUT: 150, Meter.OUTPUT: 300}
    assert cost(catalog, "openai", "gpt-4o-mini", tokens) == (Decimal("0.0002025"), "USD")


def test_cached_input_of_gpt_4o(catalog: PriceCatalog) -> None:
    cached: dict[Meter, Quantity] = {Meter.INPUT: 400, Meter.CACHED_INPUT: 600}
    assert cost(catalog, "openai", "gpt-4o", cached)[0] == Decimal("0.00175")


@pytest.mark.parametrize(("tokens", "expected"), [(200_000, "0.25"), (200_001, "0.5000025")])
def test_the_context_cliff_of_gemini_2_5_pro(catalog: PriceCatalog, tokens: int, expected: str) -> None:
    assert cost(catalog, "google", "gemini-2.5-pro", {Meter.INPUT: tokens})[0] == Decimal(expected)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2025-06-01T00:00:00", "50"), ("2025-06-09T23:59:59", "50"), ("2025-06-10T00:00:00", "10")],
)
def test_o3_before_and_after_its_cut(catalog: PriceCatalog, moment: str, expected: str) -> None:
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.OUTPUT: 10**6}
    assert cost(catalog, "openai", "o3", million, moment)[0] == Decimal(expected)


def test_audio_of_gpt_4o_is_not_billed_as_text(catalog: PriceCatalog) -> None:
    mixed: dict[Meter, Quantity] = {
        Meter.INPUT: 1000,
        Meter.AUDIO_INPUT: 1000,
        Meter.OUTPUT: 300,
        Meter.AUDIO_OUTPUT: 250,
    }
    assert cost(catalog, "openai", "gpt-4o-audio-preview", mixed)[0] == Decimal("0.0655")


def test_claudes_two_cache_writes_have_two_prices(catalog: PriceCatalog) -> None:
    model = "claude-sonnet-4-5-20250929"
    assert cost(catalog, "anthropic", model, {Meter.CACHE_WRITE_5M: 1000})[0] == Decimal("0.00375")
    assert cost(catalog, "anthropic", model, {Meter.CACHE_WRITE_1H: 1000})[0] == Decimal("0.006")
    assert cost(catalog, "anthropic", model, {Meter.CACHED_INPUT: 1000})[0] == Decimal("0.0003")


@pytest.mark.parametrize(
    ("place", "moment", "expected", "currency"),
    [
        ("deepseek", "2026-11-20T02:00:00", "1.5", "USD"),  # Friday, peak
        ("deepseek", "2026-11-20T12:00:00", "0.75", "USD"),
        ("deepseek", "2026-11-21T02:00:00", "0.75", "USD"),  # Saturday
        ("deepseek:cn", "2026-11-20T02:00:00", "10", "CNY"),
        ("deepseek:cn", "2026-11-20T12:00:00", "5", "CNY"),
    ],
)
def test_deepseeks_peak_hours_and_currencies(
    catalog: PriceCatalog, place: str, moment: str, expected: str, currency: str
) -> None:
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.OUTPUT: 10**6}
    assert cost(catalog, place, "deepseek-flash", million, moment) == (Decimal(expected), currency)


def test_a_flat_price_of_the_past_is_not_billed_at_todays_peak(catalog: PriceCatalog) -> None:
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.OUTPUT: 10**6}
    assert cost(catalog, "deepseek", "deepseek-v4-pro", million, "2026-05-01T02:00:00")[0] == Decimal("1.305")


@pytest.mark.parametrize(
    ("quantities", "expected"),
    [
        ({Meter.INPUT: 1000, Meter.OUTPUT: 1000}, "0.0028"),
        ({Meter.INPUT: 1000, Meter.OUTPUT: 400, Meter.REASONING: 600}, "0.0088"),
        ({Meter.INPUT: 128_001, Meter.OUTPUT: 1000}, "0.3272024"),
    ],
)
def test_qwen_plus_thinks_at_another_price_and_has_context_tiers(
    catalog: PriceCatalog, quantities: dict[Meter, Quantity], expected: str
) -> None:
    assert cost(catalog, "dashscope", "qwen-plus", quantities) == (Decimal(expected), "CNY")


def test_doubaos_short_answers_are_cheaper(catalog: PriceCatalog) -> None:
    model = "doubao-seed-1-6-251015"
    assert cost(catalog, "doubao", model, {Meter.OUTPUT: 200})[0] == Decimal("0.0004")
    assert cost(catalog, "doubao", model, {Meter.OUTPUT: 201})[0] == Decimal("0.001608")
    assert cost(catalog, "doubao", "doubao-seed-1-6-flash-250828", {Meter.OUTPUT: 201})[0] == Decimal("0.0003015")


def test_zhipus_tiers_begin_at_their_bounds(catalog: PriceCatalog) -> None:
    assert cost(catalog, "zhipu", "glm-4.6", {Meter.INPUT: 31_999, Meter.OUTPUT: 199})[0] == Decimal("0.06559")
    assert cost(catalog, "zhipu", "GLM-4.6", {Meter.INPUT: 32_000, Meter.OUTPUT: 199})[0] == Decimal("0.131184")


def test_kimi_is_billed_in_the_currency_of_its_endpoint(catalog: PriceCatalog) -> None:
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6}
    assert cost(catalog, "moonshot", "kimi-k2.6", million) == (Decimal("6.5"), "CNY")
    assert cost(catalog, "moonshot:intl", "kimi-k2.6", million) == (Decimal("0.95"), "USD")


def test_free_models_of_openrouter_are_free_and_others_are_not(catalog: PriceCatalog) -> None:
    tokens: dict[Meter, Quantity] = {Meter.INPUT: 10**6, Meter.OUTPUT: 10**6, Meter.REASONING: 5}
    assert cost(catalog, "openrouter", "qwen/qwen3-coder:free", tokens)[0] == 0
    assert cost(catalog, "openrouter", "qwen/qwen3-coder", tokens)[0] > 0
    assert catalog.sheet("ch", "openrouter", None, "some/unknown-model", "some/unknown-model", NOW) is None


@pytest.mark.parametrize("provider", ["demo", "ollama", "lmstudio", "vllm"])
def test_models_on_ones_own_machine_cost_an_explicit_nothing(catalog: PriceCatalog, provider: str) -> None:
    for model in ("qwen3:8b", "anything", "x:free"):
        assert cost(catalog, provider, model, {Meter.INPUT: 10**6, Meter.OUTPUT: 10**6})[0] == 0


def test_served_tiers_of_openai(catalog: PriceCatalog) -> None:
    million: dict[Meter, Quantity] = {Meter.INPUT: 10**6}
    assert cost(catalog, "openai", "gpt-5", million)[0] == Decimal("1.25")
    assert cost(catalog, "openai", "gpt-5", million, tier="flex")[0] == Decimal("0.625")
    assert cost(catalog, "openai", "gpt-5", million, tier="priority")[0] == Decimal("2.5")
    assert cost(catalog, "openai", "gpt-5", million, tier="default")[0] == Decimal("1.25")


def test_images_speech_and_transcription(catalog: PriceCatalog) -> None:
    assert cost(catalog, "openai", "dall-e-3", {Meter.IMAGE: 1})[0] == Decimal("0.04")
    assert cost(catalog, "openai", "dall-e-3", {Meter.IMAGE: 1}, variant="hd 1024x1792")[0] == Decimal("0.12")
    assert cost(catalog, "openai", "tts-1", {Meter.CHARACTER: 1000})[0] == Decimal("0.015")
    assert cost(catalog, "openai", "whisper-1", {Meter.SECOND: 90})[0] == Decimal("0.009")
    assert cost(catalog, "openai", "text-embedding-3-small", {Meter.INPUT: 7})[0] == Decimal("0.00000014")


# --- the book as a whole ---


def test_every_row_has_an_id_of_its_own_a_source_and_a_date(book: tuple[PriceVersion, ...]) -> None:
    assert len({row.id for row in book}) == len(book)
    assert {bool(row.source and row.checked and row.is_book) for row in book} == {True}
    assert {row.currency for row in book} == {"USD", "CNY"}
    assert "openai/gpt-4o-mini/input_token@2024-07-18" in {row.id for row in book}


def test_no_token_price_of_the_book_is_off_by_a_unit(book: tuple[PriceVersion, ...]) -> None:
    for row in book:
        if row.meter.value.endswith("_token"):
            assert row.per == 1_000_000, row.id
            assert row.price <= 600, row.id


def test_output_is_never_cheaper_than_cached_input(book: tuple[PriceVersion, ...]) -> None:
    def cells(meter: Meter) -> dict[str, PriceVersion]:
        return {row.id.replace(f"/{meter.value}", "/"): row for row in book if row.meter is meter}

    inputs, cached, outputs = cells(Meter.INPUT), cells(Meter.CACHED_INPUT), cells(Meter.OUTPUT)
    for key, row in cached.items():
        if key in inputs:
            assert row.price <= inputs[key].price, row.id
        if key in outputs:
            assert row.price <= outputs[key].price, row.id


def test_the_book_loads_quickly() -> None:
    load_price_book()  # the first reading warms the files
    took = []
    for _ in range(3):
        before = time.process_time()
        load_price_book()
        took.append(time.process_time() - before)
    assert min(took) < 0.3  # measured 0.12 s; twice that still means no harm


def test_one_provider_is_read_alone() -> None:
    rows = load_price_book(["deepseek"])
    assert {(row.provider, row.region) for row in rows} == {("deepseek", None), ("deepseek", "cn")}
    assert load_price_book([]) == ()


# --- which list a configured provider gets ---


def test_a_provider_gets_the_list_of_its_endpoint_under_its_own_id() -> None:
    book = read_price_book()
    for provider_id, base_url, region, currency, first in (
        ("my-openai", "https://api.openai.com/v1", None, "USD", "openai/"),
        ("openai", "http://127.0.0.1:8000/v1", None, "USD", "openai/"),  # by id, at an endpoint nobody knows
        ("gemini", "https://gateway.example/v1", None, "USD", "google/"),  # by alias
        ("anything", "https://API.DeepSeek.com", None, "USD", "deepseek/"),
        ("anything", "https://api.deepseek.com", "cn", "CNY", "deepseek:cn/"),
        ("anything", "https://api.deepseek.com", "mars", "USD", "deepseek/"),
        ("kimi", "https://api.moonshot.ai/v1", None, "USD", "moonshot:intl/"),
        ("kimi", "https://api.moonshot.cn/v1", None, "CNY", "moonshot/"),
        ("kimi", "", None, "CNY", "moonshot/"),
        ("openai", "https://dashscope.aliyuncs.com/compatible-mode/v1", None, "CNY", "dashscope/"),  # the host counts
    ):
        rows = book.for_provider(provider_id, base_url, region)
        assert rows, provider_id
        assert {(row.provider, row.region, row.currency) for row in rows} == {(provider_id, None, currency)}
        assert rows[0].id.startswith(first)
    assert book.for_provider("reseller", "https://reseller.example", None) == ()


# --- refusals with file and line ---


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (LIST.replace("input: 1", "inputs: 1"), 7, "neither a unit of price nor a condition"),
        (LIST.replace("input: 1", "input: -1"), 7, "negative"),
        (LIST.replace("input: 1", "input: 1.5e-7"), 7, "plain digits"),
        (LIST + "    input: 2\n", 8, "'input' is given twice"),
        (LIST + "  M:\n    input: 2\n", 8, "M is priced twice, here and under m"),
        (LIST.replace("currency: USD", "currency: usd"), 2, "not a currency code"),
        (LIST + "colour: red\n", 8, "'colour' is not known here"),
        (LIST.replace("checked: 2026-11-22", "checked: 2026-13-22"), 4, "no date"),
        (
            LIST.replace("    input: 1\n", "    periods:\n      - {from: 2026-02-01, input: 1}\n      - {input: 2}\n"),
            9,
            "periods overlap",
        ),
        (LIST.replace("models:", "models: ["), 8, ""),
        ("provider: [", 1, ""),
        ("- provider", 1, "mapping of words"),
    ],
)
def test_a_list_that_is_not_understood_is_refused_with_file_and_line(text: str, line: int, message: str) -> None:
    with pytest.raises(PriceBookError) as refused:
        parse_price_list(text, "p.yaml")
    assert message in str(refused.value)
    assert str(refused.value).startswith(f"p.yaml:{refused.value.line}: ")
    if message:
        assert refused.value.line == line


def test_figures_are_taken_from_their_text() -> None:
    (row,) = parse_price_list(LIST.replace("input: 1", "input: 1.1428571428571428"), "p.yaml").versions
    assert row.price == Decimal("1.1428571428571428")


def test_json_is_read_as_well() -> None:
    text = '{"provider": "p", "currency": "CNY", "source": "s", "checked": "2026-11-22", "models": {"m": {"input": 2}}}'
    (row,) = parse_price_list(text, "p.json").versions
    assert (row.price, row.currency) == (Decimal(2), "CNY")
