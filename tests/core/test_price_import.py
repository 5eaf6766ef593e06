"""Price lists of others: exact figures, named gaps, nothing guessed."""

from decimal import Decimal

import pytest

from smart_ai_router.core.price_import import Imported, PriceListInvalid, import_foreign
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceVersion
from tests.domain.pricing_samples import utc

DAY = "2026-11-10"


def by_id(imported: Imported) -> dict[str, PriceVersion]:
    return {each.id: each for each in imported.versions}


def reasons(imported: Imported, model: str) -> list[str]:
    return [each.reason for each in imported.skipped if each.model == model]


# --- genai-prices ---

GENAI = """[{"id": "anthropic", "models": [
  {"id": "claude-opus-4-6", "match": {"or": [{"starts_with": "claude-opus-4-6"}, {"equals": "opus"}]},
   "prices": [
     {"prices": {"input_mtok": {"base": 5, "tiers": [{"start": 200000, "price": 10}]}, "output_mtok": 25}},
     {"constraint": {"start_date": "2026-03-13"},
      "prices": {"input_mtok": 5, "cache_write_mtok": 6.25, "cache_read_mtok": 0.5, "cache_write_1h_mtok": 10,
                 "output_mtok": 25, "web_searches_kcount": 10}}]},
  {"id": "claude-2", "match": {"or": [{"equals": "claude-2"}, {"contains": "claude-v2"}]},
   "prices": {"input_mtok": 0.0375, "output_mtok": 24, "storage_searches_kcount": 2.5}},
  {"id": "nameless", "match": {"regex": "^x$"}, "prices": {"input_mtok": 1}},
  {"id": "priceless", "match": {"equals": "priceless"}, "prices": {}}]},
 {"id": "deepseek", "models": [
  {"id": "deepseek-v4-pro", "match": {"equals": "deepseek-v4-pro"}, "prices": [
     {"prices": {"input_mtok": 0.435, "output_mtok": 0.87}},
     {"constraint": {"start_date": "2026-08-17"}, "prices": {"input_mtok": 0.66, "output_mtok": 1.98}},
     {"constraint": {"start_time": "01:00:00Z", "end_time": "04:00:00Z"},
      "prices": {"input_mtok": 1.32, "output_mtok": 3.96}}]}]},
 {"id": "x-ai", "models": [{"id": "grok", "match": {"equals": "grok"}, "prices": {"input_mtok": 3},
   "price_variants": [{"when": {"service_tier": "flex"}, "prices": {"input_mtok": 1.5}},
                      {"when": {"speed": "fast"}, "prices": {"input_mtok": 6}}]}]},
 {"id": "zhipuai", "models": [{"id": "glm", "match": {"equals": "glm"}, "prices": {"input_mtok": 0.069}}]},
 {"id": "openai", "models": [{"id": "tts-1", "match": {"equals": "tts-1"}, "prices": {"input_mchars": 15}},
                             {"id": "whisper-1", "match": {"equals": "whisper-1"}, "prices": {"audio_hours": 0.36}}]}
]"""


def test_genai_prices_give_dates_tiers_and_names() -> None:
    rows = by_id(import_foreign(GENAI, "genai-prices", DAY))
    assert rows["own:anthropic/claude-opus-4-6*/input_token+over200000"].price == Decimal(10)
    assert rows["own:anthropic/opus/input_token"].effective_to == utc("2026-03-13T00:00:00")
    new = rows["own:anthropic/opus/cache_write_1h_token@2026-03-13"]
    assert (new.price, new.checked, new.currency, new.is_book) == (Decimal(10), DAY, "USD", False)
    search = rows["own:anthropic/opus/search_call@2026-03-13"]
    assert (search.price, search.per) == (Decimal(10), 1000)
    assert rows["own:anthropic/claude-2/input_token"].price == Decimal("0.0375")


def test_what_genai_prices_cannot_say_exactly_is_named() -> None:
    imported = import_foreign(GENAI, "genai-prices", DAY)
    assert reasons(imported, "claude-2") == [
        "names matched by contains claude-v2 are left out",
        "storage_searches_kcount has no counterpart here",
    ]
    assert reasons(imported, "nameless") == ["names matched by regex ^x$ are left out", "no name could be taken"]
    assert reasons(imported, "priceless") == ["the list has no price for it"]


def test_hours_of_the_day_belong_to_the_list_in_force_last() -> None:
    rows = by_id(import_foreign(GENAI, "genai-prices", DAY))
    peaks = [each for each in rows.values() if each.window_utc is not None]
    assert {each.effective_from for each in peaks} == {utc("2026-08-17T00:00:00")}
    assert {each.window_utc for each in peaks} == {(60, 240)}


def test_a_list_converted_from_cny_is_not_taken() -> None:
    imported = import_foreign(GENAI, "genai-prices", DAY)
    assert not any(each.provider == "zhipuai" for each in imported.versions)
    assert reasons(imported, "glm") == ["quoted in USD, but the vendor bills CNY"]


def test_providers_get_our_ids_and_tiers_their_names() -> None:
    rows = by_id(import_foreign(GENAI, "genai-prices", DAY))
    assert rows["own:xai/grok/input_token+flex"].price == Decimal("1.5")
    assert "own:xai/grok/input_token+priority" not in rows


def test_counts_keep_their_measure() -> None:
    rows = by_id(import_foreign(GENAI, "genai-prices", DAY, providers=["openai"]))
    assert [(each.meter, each.price, each.per) for each in rows.values()] == [
        (Meter.CHARACTER, Decimal(15), 1_000_000),
        (Meter.SECOND, Decimal("0.36"), 3600),
    ]


def test_the_newer_form_of_genai_prices_is_read_too() -> None:
    assert len(import_foreign(f'{{"units": {{}}, "providers": {GENAI}}}', "genai-prices", DAY).versions) > 10


# --- LiteLLM ---

LITELLM = """{
 "sample_spec": {"input_cost_per_token": 0.0},
 "gpt-5.4": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
   "input_cost_per_token_above_272k_tokens": 5e-06, "input_cost_per_token_flex": 1.25e-06,
   "input_cost_per_token_above_272k_tokens_priority": 1e-05, "output_cost_per_token_batches": 7.5e-06,
   "cache_read_input_token_cost": 2.5e-07, "output_cost_per_token": 1.5e-05, "max_tokens": 128000,
   "search_context_cost_per_query": {"search_context_size_low": 0.01}, "output_cost_per_video_per_second": 0.1},
 "gemini/gemini-2.5-pro": {"litellm_provider": "gemini", "input_cost_per_token": 1.1428571428571428e-06,
   "output_cost_per_token": 0.0},
 "dashscope/qwen3-max": {"litellm_provider": "dashscope", "tiered_pricing": [
   {"range": [0, 32000.0], "input_cost_per_token": 1.2e-06, "output_cost_per_token": 6e-06},
   {"range": [32000.0, 128000.0], "input_cost_per_token": 2.4e-06, "output_cost_per_token": 1.2e-05}]},
 "whisper-1": {"litellm_provider": "openai", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001},
 "volcengine/doubao": {"litellm_provider": "volcengine", "input_cost_per_token": 1e-07}
}"""


def test_litellm_prices_are_per_token_and_exact() -> None:
    rows = by_id(import_foreign(LITELLM, "litellm", DAY))
    plain = rows["own:openai/gpt-5.4/input_token"]
    assert (plain.price, plain.per) == (Decimal("2.5"), 1_000_000)
    assert rows["own:google/gemini-2.5-pro/input_token"].price == Decimal("1.1428571428571428")
    assert rows["own:openai/gpt-5.4/input_token+over272000"].price == Decimal(5)
    assert rows["own:openai/gpt-5.4/input_token+flex"].price == Decimal("1.25")
    assert rows["own:openai/gpt-5.4/input_token+priority+over272000"].price == Decimal(10)
    assert rows["own:openai/gpt-5.4/output_token+batch"].price == Decimal("7.5")
    assert rows["own:openai/whisper-1/second"].price == Decimal("0.0001")


def test_litellms_tiers_become_bands() -> None:
    rows = by_id(import_foreign(LITELLM, "litellm", DAY, providers=["dashscope"]))
    assert {each.region for each in rows.values()} == {"intl"}
    assert rows["own:dashscope:intl/qwen3-max/output_token"].price == Decimal(6)
    assert rows["own:dashscope:intl/qwen3-max/output_token+over32000"].price == Decimal(12)


def test_a_zero_of_litellm_is_not_taken_for_free() -> None:
    imported = import_foreign(LITELLM, "litellm", DAY)
    assert "own:google/gemini-2.5-pro/output_token" not in by_id(imported)
    assert reasons(imported, "gemini-2.5-pro") == [
        "output_cost_per_token is 0, which this list also writes for unknown"
    ]
    assert reasons(imported, "gpt-5.4") == ["output_cost_per_video_per_second has no counterpart here"]
    assert reasons(imported, "doubao") == ["quoted in USD, but the vendor bills CNY"]


# --- models.dev ---

MODELS_DEV = """{
 "openai": {"id": "openai", "models": {
   "gpt-5.4": {"cost": {"input": 2.5, "output": 15, "cache_read": 0.25,
                        "context_over_200k": {"input": 5, "output": 22.5}, "tiers": []}},
   "unpriced": {"limit": {}}, "plan": {"cost": {"input": 0, "output": 0}}}},
 "alibaba-cn": {"models": {"qwen-max": {"cost": {"input": 0.345, "output": 1.377}}}}
}"""


def test_models_dev_is_read() -> None:
    imported = import_foreign(MODELS_DEV, "models.dev", DAY)
    rows = by_id(imported)
    assert rows["own:openai/gpt-5.4/cached_input_token"].price == Decimal("0.25")
    assert rows["own:openai/gpt-5.4/output_token+over200000"].price == Decimal("22.5")
    assert len(rows) == 5
    assert reasons(imported, "gpt-5.4") == ["tiers has no counterpart here"]
    assert reasons(imported, "plan") == ["the list has no price for it, or 0, which it also writes for plans"]
    assert reasons(imported, "qwen-max") == ["quoted in USD, but the vendor bills CNY"]


# --- bad lists ---


@pytest.mark.parametrize("list_format", ["genai-prices", "litellm", "models.dev"])
@pytest.mark.parametrize("text", ["", "nonsense", "[1]", '{"a": 1}', "NaN", "[" * 100_000, '"text"', "null"])
def test_a_text_that_is_not_the_list_is_refused(list_format: str, text: str) -> None:
    with pytest.raises(PriceListInvalid):
        import_foreign(text, list_format, DAY)


def test_one_bad_price_costs_its_model_and_not_the_list() -> None:
    text = MODELS_DEV.replace('"input": 2.5', '"input": -2.5').replace('"limit": {}', '"cost": {"input": 1}')
    imported = import_foreign(text, "models.dev", DAY)
    assert [each.id for each in imported.versions] == ["own:openai/unpriced/input_token"]
    assert reasons(imported, "gpt-5.4")[-1] == "input: -2.5 is not a number of 0 or more"
