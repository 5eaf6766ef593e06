"""Entries: what a model of a channel can be found by, and why it may be off."""

import pytest

from smart_ai_router.core.routing_entries import Entry, compile_entries, index_entries, mismatch
from smart_ai_router.core.snapshot import ModelDisabled, Snapshot
from smart_ai_router.domain.channel import Channel, ChannelModel, Provider
from smart_ai_router.domain.routing_scores import choose_strategy
from smart_ai_router.domain.tag_queries import parse_tag_query

STRATEGY = choose_strategy("cost_first")
NO_MONEY = "资费不足，暂不可用"


def channel(name: str, *models: ChannelModel, provider: str = "openai", enabled: bool = True) -> Channel:
    return Channel(
        id=f"id-{name}",
        name=name,
        provider_id=provider,
        dialect="openai",
        base_url="https://x.example",
        api_key="k",
        models=models,
        tags=("Free", " Fast "),
        enabled=enabled,
    )


def entries(snapshot: Snapshot) -> tuple[Entry, ...]:
    return compile_entries(snapshot, lambda _channel, _model: (0, 0), STRATEGY)


def test_tags_come_from_the_channel_the_file_and_the_name() -> None:
    model = ChannelModel("Qwen/Qwen3-8B:free", "qwen3-8b", tags=("Chinese",))

    (entry,) = entries(Snapshot(1, 0.0, channels=(channel("a", model),)))

    assert entry.tags == {"free", "fast", "chinese", "qwen", "qwen3", "8b", "qwen3-8b"}
    assert entry.segments == ("qwen/qwen3-8b:free", "qwen3-8b")
    assert entry.candidate.is_free
    assert entry.off is None


def test_entries_stand_by_channel_name_then_model() -> None:
    one, two = ChannelModel("one", "one"), ChannelModel("two", "two")

    found = entries(Snapshot(1, 0.0, channels=(channel("b", two, one), channel("a", one))))

    assert [(each.candidate.channel.name, each.candidate.model.name) for each in found] == [
        ("a", "one"),
        ("b", "one"),
        ("b", "two"),
    ]


@pytest.mark.parametrize("name", ["gpt-4o", "upstream-4o", "*"])
def test_a_disabled_model_keeps_its_reason(name: str) -> None:
    model = ChannelModel("gpt-4o", "upstream-4o")
    snapshot = Snapshot(1, 0.0, channels=(channel("a", model),), disabled=(ModelDisabled("openai", name, NO_MONEY),))

    (entry,) = entries(snapshot)

    assert entry.off == NO_MONEY


def test_a_model_disabled_at_another_provider_stays_on() -> None:
    snapshot = Snapshot(
        1,
        0.0,
        channels=(channel("a", ChannelModel("gpt-4o", "gpt-4o")),),
        disabled=(ModelDisabled("azure", "*", NO_MONEY), ModelDisabled("openai", "gpt-4", NO_MONEY)),
    )

    assert entries(snapshot)[0].off is None


def test_a_disabled_channel_or_provider_is_off() -> None:
    model = ChannelModel("gpt-4o", "gpt-4o")
    provider = Provider("azure", "Azure", "openai", "https://x.example", enabled=False)
    snapshot = Snapshot(
        1, 0.0, (provider,), (channel("a", model, enabled=False), channel("b", model, provider="azure"))
    )

    assert [each.off for each in entries(snapshot)] == ["the channel is disabled", "the provider azure is disabled"]


def test_an_index_holds_every_position_of_a_key() -> None:
    model = ChannelModel("gpt-4o", "gpt-4o")
    found = entries(Snapshot(1, 0.0, channels=(channel("a", model), channel("b", model))))

    assert index_entries(found, lambda entry: entry.tags)["free"] == (0, 1)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("tag:free,qwen3", None),
        ("tag:qwen3,local", "does not carry the tag local"),
        ("tag:qwen3,!free", "carries the tag free, which is excluded"),
        ("qwen3->5b", None),
        ("qwen/qwen3-<9b", None),
        ("gpt->5b", "its name does not begin with gpt"),
        ("tag:>20b", "size filter >20b: parameters 8000000000"),
        ("tag:>1ki", "size filter >1ki: input context tokens unknown"),
    ],
)
def test_a_mismatch_is_told_in_words(query: str, reason: str | None) -> None:
    model = ChannelModel("qwen/qwen3-8b", "x", parameter_count=8_000_000_000)
    (entry,) = entries(Snapshot(1, 0.0, channels=(channel("a", model),)))
    parsed = parse_tag_query(query)
    assert parsed is not None

    assert mismatch(entry, parsed) == reason
