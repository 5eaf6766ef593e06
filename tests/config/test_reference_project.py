"""A file of the reference project loads; each of its keys has an effect or is named with the reason why not."""

from decimal import Decimal
from pathlib import Path

import pytest

from smart_ai_router.config.channels import build_channels
from smart_ai_router.config.defaults import default_settings
from smart_ai_router.config.explain import changes, explain
from smart_ai_router.config.loading import load_document, load_settings
from smart_ai_router.config.policies import routing_policy
from smart_ai_router.config.table import SETTINGS
from smart_ai_router.domain.meters import Meter
from tests.config.reading import load, problems

FILE = Path(__file__).parent / "reference_project.yaml"


@pytest.fixture(scope="module")
def loaded():
    return load_settings(FILE, {})


def test_every_key_of_the_file_is_read_and_has_an_effect_or_a_named_reason(loaded):
    """W19, W24: no key is dropped in silence."""
    lines = FILE.read_text().splitlines()
    explained = {line.name: line for line in explain(loaded)}
    told = " ".join(str(notice) for notice in loaded.notices)

    assert len(explained) > 100
    for path, setting in loaded.rows.items():
        assert path in explained
        if setting.idle is not None:
            assert setting.only or path in told
            assert explained[path].note.startswith("has no effect here, because ")
    places = {origin.line for origin in loaded.origins.values()}
    values = {number for number, line in enumerate(lines, 1) if ": " in line and not line.lstrip().startswith("#")}
    assert values <= places


def test_what_has_no_effect_is_decided_key_by_key():
    assert sorted(setting.name for setting in SETTINGS if setting.idle and not setting.name.startswith("tasks.")) == [
        "auth.admin.enabled",
        "caching.cache_ttl",
        "caching.enable_response_cache",
        "caching.max_cache_size",
        "channels[].performance.avg_latency_ms",
        "channels[].performance.reliability_score",
        "channels[].performance.speed_score",
        "monitoring.enable_health_checks",
        "monitoring.performance_tracking",
        "monitoring.request_logging",
        "routing.error_handling.cooldown_periods.insufficient_credits",
        "routing.error_handling.cooldown_periods.invalid_api_key",
        "routing.error_handling.cooldown_periods.quota_exceeded",
        "routing.error_handling.cooldown_periods.rate_limit_exceeded",
        "routing.error_handling.cooldown_periods.timeout",
        "routing.error_handling.permanent_errors",
        "routing.error_handling.temporary_errors",
        "routing.health_check_interval",
        "system.description",
        "system.storage_mode",
        "system.version",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("auth: {admin: {enabled: false}}", "always need the admin token"),
        ("caching: {enable_response_cache: true}", "there is no response cache"),
    ],
)
def test_a_key_without_effect_is_refused_where_that_would_do_harm(text: str, words: str):
    told = problems(text)

    assert len(told) == 1
    assert words in told[0]
    assert "set it to" in told[0]


def test_the_harmless_value_of_such_a_key_is_taken_without_a_word():
    assert load("auth: {admin: {enabled: true}}\ncaching: {enable_response_cache: false}").notices == ()


def test_the_routing_section_reaches_the_router(loaded):
    """W24: sorting strategies, model filters and error handling are no longer dropped."""
    policy = routing_policy(loaded.settings)

    assert policy.strategy == "cost_first"
    assert policy.sorting_strategies == (("cost_first", (("cost_score", 0.8, "desc"), ("speed_score", 0.2, "desc"))),)
    assert policy.attempts_max == 2
    assert policy.fallback is True
    assert policy.cooldown_s == 120
    assert policy.context_tokens_min == 8192
    assert policy.parameter_count_min == 7_000_000_000
    assert policy.exclude_embedding_models is False


def test_a_switched_off_task_stays_off_and_says_so(loaded):
    """W19: in the reference project a task ran with `enabled: false`."""
    notice = next(notice for notice in loaded.notices if "tasks.api_key_validation.enabled" in notice.key)

    assert "no probe is made behind your back" in notice.message


def test_the_budget_is_exact(loaded):
    assert loaded.settings.cost_control.global_daily_budget == Decimal("100.0")
    assert loaded.settings.cost_control.alert_threshold == Decimal("0.8")
    assert isinstance(loaded.settings.cost_control.global_daily_budget, Decimal)


def test_the_channels_come_out_as_the_file_means_them(loaded):
    built = build_channels(loaded.settings, {}, None)
    channels = {channel.id: channel for channel in built.channels}

    assert list(channels) == ["groq_8b", "claude_1", "relay_1", "relay_1.2", "template"]
    groq = channels["groq_8b"]
    assert groq.base_url == "https://api.groq.com/openai/v1"
    assert groq.dialect == "openai"
    assert groq.tags == ("free", "fast", "vision", "text", "function_calling")
    assert (groq.priority, groq.weight, groq.daily_limit) == (1, 120.0, 2000)
    assert groq.requests_per_minute_max == 30
    assert groq.min_request_interval_s == 2.0
    assert groq.timeouts.first_byte_s == 120
    assert [(model.name, model.upstream_name) for model in groq.models] == [
        ("llama-3.1-8b-instant", "llama-3.1-8b-instant"),
        ("llama-3.3-70b-versatile", "llama-3.3-70b-versatile"),
        ("llama-3.1-8b", "llama-3.1-8b-instant"),
    ]
    assert {model.quality for model in groq.models} == {0.7}
    assert groq.models[0].parameter_count == 8_000_000_000


def test_a_provider_of_another_dialect_is_reached_through_its_openai_interface(loaded):
    built = build_channels(loaded.settings, {}, None)
    claude = next(channel for channel in built.channels if channel.id == "claude_1")

    assert (claude.dialect, claude.base_url, claude.enabled) == ("openai", "https://api.anthropic.com/v1", True)
    assert any("OpenAI-compatible interface" in notice.message for notice in built.notices)


def test_a_list_of_addresses_is_a_list_of_fallback_channels(loaded):
    """W24: the reference project refused a list."""
    built = build_channels(loaded.settings, {}, None)
    first, second = (channel for channel in built.channels if channel.id.startswith("relay_1"))

    assert (first.base_url, second.base_url) == ("https://a.relay.example/v1", "https://b.relay.example/v1")
    assert second.name == "Relay (2)"
    assert second.priority == first.priority + 1
    assert any("limits count for each" in notice.message for notice in built.notices)


def test_a_template_key_switches_its_channel_off_and_says_so(loaded):
    built = build_channels(loaded.settings, {}, None)
    template = next(channel for channel in built.channels if channel.id == "template")

    assert template.enabled is False
    assert template.api_key == ""
    assert any("Template is switched off: its api_key is a placeholder" in notice.message for notice in built.notices)


def test_the_prices_are_channel_prices_as_given(loaded):
    rows = {(row.channel_id, row.meter): row for row in build_channels(loaded.settings, {}, None).prices}

    groq = rows["groq_8b", Meter.INPUT]
    assert (groq.price, groq.per, groq.currency, groq.model) == (Decimal("0.0000001"), 1, "USD", "llama-3.1-8b-instant")
    assert rows["groq_8b", Meter.OUTPUT].price == Decimal("0.0000001")
    relay = rows["relay_1", Meter.OUTPUT]
    assert (relay.price, relay.per, relay.currency) == (Decimal("0.00042"), 1000, "CNY")
    assert "充值0.7人民币获得1美元" in relay.source
    assert rows["relay_1.2", Meter.INPUT].price == Decimal("0.000105")


def test_an_untouched_file_differs_from_the_defaults_only_where_it_says_so(loaded):
    names = {change.name for change in changes(default_settings(), loaded.settings)}

    assert "server.request_timeout" in names
    assert "server.port" not in names


def test_listening_everywhere_by_the_files_own_word_needs_its_key():
    data = FILE.read_bytes().replace(b'host: "127.0.0.1"', b'host: "0.0.0.0"')

    assert load_document(data, FILE, {}).settings.server.host == "0.0.0.0"
