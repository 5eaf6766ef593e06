"""Where calls can go: the file's channels, the environment's keys, local servers, and the demo."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from smart_ai_router.config.addresses import base_address
from smart_ai_router.config.catalogue import KNOWN_PROVIDERS
from smart_ai_router.config.channels import BuiltChannels, build_channels, is_placeholder
from smart_ai_router.config.defaults import default_settings
from smart_ai_router.config.model_kinds import kind_by_name
from smart_ai_router.config.price_book import read_price_book
from smart_ai_router.config.snapshot import build_snapshot
from smart_ai_router.core.snapshot import StoreState
from smart_ai_router.domain.channel import Channel
from smart_ai_router.domain.meters import Meter
from smart_ai_router.domain.pricing import PriceCatalog
from tests.config.reading import KEY, load

NOW = 1_795_392_000.0  # 2026-11-23


def build(text: str) -> BuiltChannels:
    return build_channels(load(text).settings, {}, None)


def only(text: str) -> Channel:
    return build(text).channels[0]


def told(built: BuiltChannels) -> str:
    return "\n".join(str(notice) for notice in built.notices)


def test_with_nothing_at_all_the_offline_demo_answers():
    built = build_channels(default_settings(), {}, None)

    assert [channel.id for channel in built.channels] == ["ch_demo"]
    demo = built.channels[0]
    assert (demo.name, demo.provider_id, demo.is_demo, demo.enabled) == ("Demo (offline)", "demo", True, True)
    assert demo.models[0].name == "demo-chat"
    assert "free" in demo.models[0].tags
    assert [(row.channel_id, row.meter, row.price) for row in built.prices] == [
        ("ch_demo", Meter.INPUT, 0),
        ("ch_demo", Meter.OUTPUT, 0),
    ]
    assert [provider.id for provider in built.providers] == ["demo"]


@pytest.mark.parametrize(
    ("variable", "channel_id"),
    [(variable, f"ch_{known.id}_001") for known in KNOWN_PROVIDERS.values() for variable in known.variables],
)
def test_a_well_known_key_makes_a_channel(variable: str, channel_id: str):
    built = build_channels(default_settings(), {variable: f" {KEY}\n"}, None)

    channel = built.channels[0]
    assert (channel.id, channel.api_key, channel.enabled) == (channel_id, KEY, True)
    assert channel.base_url.startswith("https://")
    assert channel.models
    assert built.channels[-1].id == "ch_demo"
    assert told(built) == ""


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI",
        "DEEPSEEK",
        "DASHSCOPE",
        "ZHIPUAI",
        "MOONSHOT",
        "ARK",
        "VOLCENGINE",
        "SILICONFLOW",
        "OPENROUTER",
        "GROQ",
        "ANTHROPIC",
        "GEMINI",
        "MISTRAL",
        "XAI",
    ],
)
def test_the_well_known_names(name: str):
    assert len(build_channels(default_settings(), {f"{name}_API_KEY": KEY}, None).channels) == 2


def test_the_guides_channel_comes_from_openais_key():
    channel = build_channels(default_settings(), {"OPENAI_API_KEY": KEY}, None).channels[0]

    assert (channel.id, channel.name, channel.provider_id) == ("ch_openai_001", "OpenAI Official", "openai")


def test_every_model_of_the_catalogue_has_a_price_today():
    environ = {known.variables[0]: KEY for known in KNOWN_PROVIDERS.values() if known.variables}
    settings = default_settings()
    built = build_channels(settings, environ, None)

    snapshot = build_snapshot(settings, built, read_price_book(), StoreState(), version=1, now=NOW)

    catalog = PriceCatalog(snapshot.prices)
    unpriced = [
        (channel.id, model.name)
        for channel in snapshot.channels
        for model in channel.models
        if catalog.sheet(channel.id, channel.provider_id, channel.region, model.upstream_name, model.name, NOW) is None
    ]
    assert unpriced == []


def test_a_key_that_is_no_key_makes_no_channel_and_says_so_without_showing_it():
    built = build_channels(default_settings(), {"OPENAI_API_KEY": "my secret key"}, None)

    assert [channel.id for channel in built.channels] == ["ch_demo"]
    assert "OPENAI_API_KEY: makes no channel" in told(built)
    assert "my secret" not in told(built)


def test_local_servers_that_answer_make_channels():
    asked: list[str] = []

    def probe(base_url: str) -> Iterable[str] | None:
        asked.append(base_url)
        return ["qwen3:8b", "bge-m3-embed"] if ":11434" in base_url else [] if ":1234" in base_url else None

    built = build_channels(default_settings(), {}, probe)

    assert asked == ["http://127.0.0.1:11434/v1", "http://127.0.0.1:1234/v1", "http://127.0.0.1:8000/v1"]
    assert [channel.id for channel in built.channels] == ["ch_ollama_001", "ch_demo"]
    ollama = built.channels[0]
    assert [(model.name, model.kind, model.parameter_count) for model in ollama.models] == [
        ("qwen3:8b", "chat", 8_000_000_000),
        ("bge-m3-embed", "embedding", None),
    ]
    assert (ollama.is_local, ollama.auth_type, ollama.enabled) == (True, "none", True)
    assert "local" in ollama.tags


def test_no_server_is_looked_for_when_the_file_says_so_or_names_channels():
    def probe(base_url: str) -> Iterable[str] | None:
        raise AssertionError(base_url)

    off = replace(default_settings().system, probe_local_servers=False)
    build_channels(replace(default_settings(), system=off), {}, probe)
    build_channels(load(f"channels: [{{provider: openai, api_key: {KEY}}}]").settings, {"GROQ_API_KEY": KEY}, probe)


def test_a_file_with_channels_says_all_there_is():
    settings = load(f"channels: [{{provider: openai, api_key: {KEY}}}]").settings

    built = build_channels(settings, {"GROQ_API_KEY": KEY}, None)

    assert [channel.id for channel in built.channels] == ["ch_openai_001"]


@pytest.mark.parametrize(
    ("demo", "channels", "ids"),
    [
        ("auto", "[]", ["ch_demo"]),
        ("never", "[]", []),
        ("auto", "[{provider: openai}]", ["ch_openai_001", "ch_demo"]),
        ("never", "[{provider: openai}]", ["ch_openai_001"]),
        ("auto", f"[{{provider: openai, api_key: {KEY}}}]", ["ch_openai_001"]),
        ("always", f"[{{provider: openai, api_key: {KEY}}}]", ["ch_openai_001", "ch_demo"]),
    ],
)
def test_when_the_demo_is_there(demo: str, channels: str, ids: list[str]):
    built = build(f"system: {{demo_channel: {demo}}}\nchannels: {channels}")

    assert [channel.id for channel in built.channels] == ids


def test_a_provider_of_the_catalogue_needs_only_a_key():
    channel = only(f"channels:\n  - provider: deepseek\n    api_key: {KEY}\n")

    assert (channel.id, channel.name, channel.base_url) == (
        "ch_deepseek_001",
        "DeepSeek",
        "https://api.deepseek.com/v1",
    )
    assert [model.name for model in channel.models] == list(KNOWN_PROVIDERS["deepseek"].models)


def test_channels_without_an_id_are_numbered_by_provider():
    key = f"api_key: {KEY}"
    built = build(f"channels: [{{provider: openai, {key}}}, {{provider: groq, {key}}}, {{provider: openai, {key}}}]")

    assert [(channel.id, channel.name) for channel in built.channels] == [
        ("ch_openai_001", "OpenAI Official"),
        ("ch_groq_001", "Groq"),
        ("ch_openai_002", "OpenAI 2"),
    ]


@pytest.mark.parametrize("synonym", ["zhipuai", "bigmodel", "ZhipuAI"])
def test_a_provider_goes_by_its_other_names_too(synonym: str):
    assert only(f"channels: [{{provider: {synonym}, api_key: {KEY}}}]").provider_id == "zhipu"


def test_what_the_file_says_of_a_known_provider_goes_before_the_catalogue():
    text = f"""
    providers:
      openai: {{base_url: https://relay.example/openai/v1, region: eu, auth_type: x-api-key, headers: {{X-Team: a}}}}
    channels:
      - {{provider: openai, api_key: {KEY}, headers: {{X-Title: b}}, timeouts: {{connect: 3}}, models: [m]}}
    """
    channel = only(text)

    assert (channel.base_url, channel.region, channel.auth_type) == (
        "https://relay.example/openai/v1",
        "eu",
        "x-api-key",
    )
    assert channel.extra_headers == (("x-team", "a"), ("x-title", "b"))
    assert (channel.timeouts.connect_s, channel.timeouts.first_byte_s, channel.timeouts.idle_s) == (3.0, 300.0, 120.0)
    assert [model.name for model in channel.models] == ["m"]


def test_models_may_be_names_or_descriptions_and_aliases_are_second_names():
    text = f"""
    channels:
      - provider: openai
        api_key: {KEY}
        models:
          - gpt-4o-mini
          - {{name: smart, upstream_name: gpt-4o, tags: [Vision], quality: 0.9,
             context_length: 128000, max_output: 16384}}
          - {{name: embed, upstream_name: text-embedding-3-small}}
        model_aliases: {{mini: gpt-4o-mini, smart: gpt-4o-2024-08-06}}
        tags: [team]
    """
    models = {model.name: model for model in only(text).models}

    assert list(models) == ["gpt-4o-mini", "smart", "embed", "mini"]
    assert models["gpt-4o-mini"].tags == ("gpt", "4o", "mini", "gpt-4o-mini")
    assert models["smart"].upstream_name == "gpt-4o-2024-08-06"
    assert models["smart"].tags[-1] == "vision"
    assert (models["smart"].context_tokens, models["smart"].output_tokens_max, models["smart"].quality) == (
        128000,
        16384,
        0.9,
    )
    assert models["embed"].kind == "embedding"
    assert models["mini"].upstream_name == "gpt-4o-mini"
    assert "mini" in models["mini"].tags


@pytest.mark.parametrize(
    ("channel", "why"),
    [
        ("provider: openai", "it has no api_key"),
        ("provider: openai, api_key: YOUR_OPENAI_API_KEY_HERE", "its api_key is a placeholder"),
        (f"provider: together, api_key: {KEY}", "it names no model"),
        (f"provider: native, api_key: {KEY}, models: [m]", "its provider speaks gemini"),
    ],
)
def test_what_cannot_be_used_is_off_and_says_why(channel: str, why: str):
    providers = "providers: {native: {base_url: https://g.example/v1, dialect: gemini}}"
    built = build(f"{providers}\nchannels: [{{{channel}}}]")

    assert built.channels[0].enabled is False
    assert why in told(built)


def test_a_channel_that_is_off_anyway_says_nothing():
    assert told(build("channels: [{provider: openai, enabled: false}]")) == ""


def test_a_key_that_would_cross_a_network_in_the_clear_is_told():
    text = f"providers: {{p: {{base_url: '%s'}}}}\nchannels: [{{provider: p, api_key: {KEY}, models: [m]}}]"

    assert "unencrypted" in told(build(text % "http://10.0.0.5/v1"))
    assert "unencrypted" not in told(build(text % "http://127.0.0.1:9/v1"))
    assert "unencrypted" not in told(build(text % "https://10.0.0.5/v1"))


def test_a_local_address_needs_no_key_and_is_local():
    channel = only("providers: {p: {base_url: 'http://192.168.1.9:8000'}}\nchannels: [{provider: p, models: [m]}]")

    assert (channel.is_local, channel.auth_type, channel.enabled) == (True, "none", True)
    assert channel.tags == ("local",)
    assert channel.base_url == "http://192.168.1.9:8000/v1"


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://api.openai.com/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.groq.com/openai", "https://api.groq.com/openai/v1"),
        ("https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4"),
        ("https://ark.cn-beijing.volces.com/api/v3", "https://ark.cn-beijing.volces.com/api/v3"),
        ("https://g.example/v1beta/openai", "https://g.example/v1beta/openai"),
        ("https://v1.example.com", "https://v1.example.com/v1"),
    ],
)
def test_addresses_end_where_endpoint_paths_begin(written: str, used: str):
    address = base_address(written)

    assert address.base_url == used
    assert bool(address.change) == (used != written.rstrip("/"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gpt-4o-mini", "chat"),
        ("text-embedding-3-small", "embedding"),
        ("BAAI/bge-m3-large", "embedding"),
        ("qwen3-rerank", "rerank"),
        ("dall-e-3", "image"),
        ("gpt-image-1", "image"),
        ("gemini-2.5-flash-image", "image"),
        ("whisper-1", "audio"),
        ("gpt-4o-mini-tts", "audio"),
        ("omni-moderation-latest", "moderation"),
        ("sora-2", "video"),
        ("qwen-vl-max", "chat"),
        ("claude-sonnet-4-5", "chat"),
    ],
)
def test_what_a_model_is_for_is_seen_from_its_name(name: str, kind: str):
    assert kind_by_name(name) == kind


@pytest.mark.parametrize(
    "key", ["YOUR_OPENAI_API_KEY_HERE", "your-secret-token-here", "<key>", "sk-xxxx", "changeme", "xxxxxxxxxxxx"]
)
def test_placeholders_are_no_keys(key: str):
    assert is_placeholder(key)


@pytest.mark.parametrize("key", [KEY, "sk-proj-abcdef0123456789", "gsk_hereafter", "AIzaSyHere0123"])
def test_keys_are_no_placeholders(key: str):
    assert not is_placeholder(key)


def test_a_channels_key_is_never_printed():
    settings = load(f"channels: [{{provider: openai, api_key: {KEY}, headers: {{x-k: {KEY}}}}}]").settings
    built = build_channels(settings, {}, None)

    assert KEY not in repr(settings)
    assert KEY not in repr(built.channels[0].models)
    assert KEY not in told(built)
