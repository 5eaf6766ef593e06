"""The entries of a routing table: each model of each channel, with all that a model field can ask of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from smart_ai_router.core.snapshot import ModelDisabled, Snapshot
from smart_ai_router.domain.channel import Channel, ChannelModel
from smart_ai_router.domain.money import Pico
from smart_ai_router.domain.routing import Candidate, make_candidate
from smart_ai_router.domain.routing_scores import Strategy
from smart_ai_router.domain.tag_queries import TagQuery
from smart_ai_router.domain.tags import complete_segments, routing_tags

PriceLookup: TypeAlias = Callable[[Channel, ChannelModel], tuple[Pico | None, Pico | None]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of one channel."""

    candidate: Candidate
    tags: frozenset[str]
    segments: tuple[str, ...]  # the whole name first
    off: str | None  # why it takes no calls


def compile_entries(snapshot: Snapshot, prices: PriceLookup, strategy: Strategy) -> tuple[Entry, ...]:
    """Every model of every channel, sorted by channel name."""
    providers_off = {provider.id for provider in snapshot.providers if not provider.enabled}
    disabled: dict[tuple[str, str], ModelDisabled] = {
        (each.provider_id, each.model): each for each in snapshot.disabled
    }
    entries = []
    for channel in sorted(snapshot.channels, key=lambda each: (each.name, each.id)):
        for model in sorted(channel.models, key=lambda each: each.name):
            name = model.name.lower()
            entries.append(
                Entry(
                    candidate=make_candidate(channel, model, prices(channel, model), strategy),
                    tags=frozenset(tag.strip().lower() for tag in (*channel.tags, *model.tags, *routing_tags(name))),
                    segments=tuple(dict.fromkeys((name, *complete_segments(name)))),
                    off=_off_reason(channel, model, providers_off, disabled),
                )
            )
    return tuple(entries)


def _off_reason(
    channel: Channel, model: ChannelModel, providers_off: set[str], disabled: dict[tuple[str, str], ModelDisabled]
) -> str | None:
    if not channel.enabled:
        return "the channel is disabled"
    if channel.provider_id in providers_off:
        return f"the provider {channel.provider_id} is disabled"
    for name in (model.name, model.upstream_name, "*"):
        found = disabled.get((channel.provider_id, name))
        if found is not None:
            return found.reason
    return None


def index_entries(entries: tuple[Entry, ...], keys: Callable[[Entry], Iterable[str]]) -> dict[str, tuple[int, ...]]:
    """The positions of the entries that have each key."""
    found: dict[str, list[int]] = {}
    for position, entry in enumerate(entries):
        for key in keys(entry):
            found.setdefault(key, []).append(position)
    return {key: tuple(positions) for key, positions in found.items()}


def mismatch(entry: Entry, query: TagQuery) -> str | None:
    """Why an entry does not meet a query; None when it does."""
    for tag in query.positives:
        if tag not in entry.tags:
            return f"does not carry the tag {tag}"
    for tag in query.negatives:
        if tag in entry.tags:
            return f"carries the tag {tag}, which is excluded"
    for prefix in query.name_prefixes:
        if not any(segment.startswith(prefix) for segment in entry.segments):
            return f"its name does not begin with {prefix}"
    for size in query.sizes:
        if not size.admits(entry.candidate.model):
            return size.refusal(entry.candidate.model)
    return None
