"""Finds the candidates of a call: who serves this model field, in which order, and why.

A table is compiled once per snapshot: every model of every channel becomes an entry with its tags, its static scores
and, if it is off, the reason. Names, tags and name segments are indexes of entries; what a model field selects is
computed once and kept.

What a model field means, the first that holds:
1. an alias stands for what it points to (a name or a tag query; aliases do not point to aliases);
2. the name of a model, without regard to case;
3. a tag query (see `domain/tag_queries.py`);
4. a complete segment of names: claude-3-haiku finds anthropic/claude-3-haiku-20240307:free.

The model filters of the configuration apply to tag queries only: who names a model gets it. Demo channels answer only
when nothing real is selected, so that a canned text never stands in for a model that is merely ill.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from smart_ai_router.core.routing_entries import Entry, PriceLookup, compile_entries, index_entries, mismatch
from smart_ai_router.core.snapshot import RoutingPolicy, Snapshot
from smart_ai_router.domain.channel import ChannelModel
from smart_ai_router.domain.errors import (
    ModelDisabledForNow,
    ModelNotAllowed,
    ModelUnknown,
    NoModelMatches,
    Refusal,
    TagUnknown,
)
from smart_ai_router.domain.live_stats import LiveStats
from smart_ai_router.domain.routing import (
    Candidate,
    Excluded,
    Explanation,
    Ranking,
    draw_order,
    exclude,
    rank,
    rank_candidates,
)
from smart_ai_router.domain.routing_scores import Strategy, choose_strategy
from smart_ai_router.domain.tag_queries import MODEL_FIELD_LENGTH_MAX, TagQuery, parse_tag_query

__all__ = ["Candidate", "Explanation", "ListedModel", "LiveStats", "PriceLookup", "RoutingTable", "Selection"]

SELECTIONS_KEPT_MAX: Final = 512  # real callers use a few dozen; one of 2,500 candidates takes 20 kB
EXCLUDED_LISTED_MAX: Final = 200  # more rows than a person reads
REASONS_TOLD_MAX: Final = 3
RANKING_KEPT_S: Final = 10.0  # live scores are forgotten with time; a ranking need not follow at once
_VISION_ONLY_KINDS: Final = frozenset(("image", "video"))


@dataclass(frozen=True, slots=True)
class Selection:
    """What a model field selects, before order, health and limits."""

    candidates: tuple[Candidate, ...]
    positive_tags: tuple[str, ...] = ()  # the tags that the query asked for; they are recorded
    off_message: str | None = None  # why no candidate is on


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One line of GET /v1/models."""

    id: str
    owned_by: str


@dataclass(frozen=True, slots=True)
class _KeptRanking:
    """An order of one tuple of candidates. It holds the tuple, so that nothing else can come to have its identity."""

    candidates: tuple[Candidate, ...]
    live: LiveStats
    version: int
    until: float
    ranking: Ranking


class RoutingTable:
    """Everything that a snapshot says about who serves what. Raises StrategyUnknown for a strategy it cannot follow."""

    def __init__(self, snapshot: Snapshot, prices: PriceLookup) -> None:
        self._policy: RoutingPolicy = snapshot.routing
        self._strategy: Strategy = choose_strategy(snapshot.routing.strategy, snapshot.routing.sorting_strategies)
        self._entries: tuple[Entry, ...] = compile_entries(snapshot, prices, self._strategy)
        self._aliases = {public.strip().lower(): (public, target) for public, target in snapshot.aliases}
        self._by_name = index_entries(self._entries, lambda entry: (entry.candidate.model.name.lower(),))
        self._by_tag = index_entries(self._entries, lambda entry: entry.tags)
        self._by_segment = index_entries(self._entries, lambda entry: entry.segments)
        self._selections: dict[tuple[str, str], Selection] = {}
        self._allowed: dict[tuple[str, ...], frozenset[Candidate]] = {}  # one for each list among the snapshot's keys
        self._permitted: dict[tuple[int, tuple[str, ...]], tuple[tuple[Candidate, ...], tuple[Candidate, ...]]] = {}
        self._rankings: dict[int, _KeptRanking] = {}  # by identity, see _KeptRanking
        self._listed = self._list()

    @property
    def strategy(self) -> Strategy:
        """The strategy by which candidates are ordered."""
        return self._strategy

    def match(self, model_field: str, kind: str = "chat") -> tuple[Candidate, ...]:
        """The candidates for a model field, in no order of merit; see `select` for the refusals."""
        return self.select(model_field, kind).candidates

    def select(self, model_field: str, kind: str = "chat") -> Selection:
        """What a model field selects for a kind of call; at least one candidate.

        Raises TagQueryInvalid and AutoQueryUnsupported (400), ModelUnknown, TagUnknown and NoModelMatches (404),
        ModelDisabledForNow (503).
        """
        key = (model_field, kind)
        selection = self._selections.get(key)
        if selection is None:
            selection, _ = self._select(model_field, kind)
            if len(self._selections) >= SELECTIONS_KEPT_MAX:
                del self._selections[next(iter(self._selections))]
            self._selections[key] = selection
        if selection.off_message is not None:
            raise ModelDisabledForNow(selection.off_message, param="model")
        return selection

    def order(
        self, candidates: tuple[Candidate, ...], live: LiveStats, chance: float, now: float
    ) -> tuple[Candidate, ...]:
        """The candidates, best first. `chance` is a random number in [0, 1), `now` monotonic seconds."""
        if len(candidates) == 1:
            return candidates
        kept = self._rankings.get(id(candidates))
        if kept is None or kept.live is not live or kept.version != live.version or now >= kept.until:
            kept = self._rank(candidates, live, now)
        return draw_order(kept.ranking, chance)

    def _rank(self, candidates: tuple[Candidate, ...], live: LiveStats, now: float) -> _KeptRanking:
        ranking = rank_candidates(candidates, self._strategy, live, now)
        kept = _KeptRanking(candidates, live, live.version, now + RANKING_KEPT_S, ranking)
        if len(self._rankings) >= SELECTIONS_KEPT_MAX:
            del self._rankings[next(iter(self._rankings))]
        self._rankings[id(candidates)] = kept
        return kept

    def explain(
        self,
        model_field: str,
        live: LiveStats,
        chance: float,
        now: float,
        *,
        kind: str = "chat",
        blocked: Callable[[Candidate], str | None] = lambda _: None,
    ) -> Explanation:
        """How a call to this model field would be routed now. `blocked` tells what health and limits keep out.

        Raises what `select` raises for fields that mean nothing; models that are all off are explained.
        """
        selection, excluded = self._select(model_field, kind)
        ranked = []
        for candidate in draw_order(rank_candidates(selection.candidates, self._strategy, live, now), chance):
            reason = blocked(candidate)
            if reason is None:
                ranked.append(rank(candidate, self._strategy, live, now))
            else:
                excluded.append(exclude(candidate, reason))
        return Explanation(
            asked=model_field,
            strategy=self._strategy.name,
            weights=self._strategy.weights,
            ranked=tuple(ranked),
            excluded=tuple(excluded[-EXCLUDED_LISTED_MAX:]),
            excluded_unlisted=max(len(excluded) - EXCLUDED_LISTED_MAX, 0),
        )

    def permitted(self, candidates: tuple[Candidate, ...], allowed: tuple[str, ...]) -> tuple[Candidate, ...]:
        """Those candidates that a key may use. `allowed` are model names or tag queries; none means all.

        Raises ModelNotAllowed (403) when none is left.
        """
        if not allowed:
            return candidates
        key = (id(candidates), allowed)
        kept = self._permitted.get(key)
        if kept is not None:
            return kept[1]
        mine = self._mine(allowed)
        left = tuple(candidate for candidate in candidates if candidate in mine)
        if left:
            if len(self._permitted) >= SELECTIONS_KEPT_MAX:
                del self._permitted[next(iter(self._permitted))]
            self._permitted[key] = (candidates, left)
            return left
        names = ", ".join(sorted({candidate.model.name for candidate in candidates})[:REASONS_TOLD_MAX])
        raise ModelNotAllowed(
            f"this API key may not use {names}; it may use {', '.join(allowed)}. "
            "Ask the operator to widen the key's models",
            param="model",
        )

    def models(self, allowed: tuple[str, ...] = ()) -> tuple[ListedModel, ...]:
        """The names that calls may use now: models that are on, and aliases of them; sorted, each once.

        `allowed` narrows them to what a key may use, as in `permitted`.
        """
        if not allowed:
            return tuple(model for model, _ in self._listed)
        mine = self._mine(allowed)
        return tuple(model for model, candidates in self._listed if not mine.isdisjoint(candidates))

    def _list(self) -> tuple[tuple[ListedModel, tuple[Candidate, ...]], ...]:
        listed: dict[str, tuple[Candidate, ...]] = {}
        for positions in self._by_name.values():
            on = self._on(positions)
            if on:
                listed[on[0].model.name] = on
        for public, target in self._aliases.values():
            try:
                positions, query = self._meaning(target)
            except Refusal:  # an alias to what nobody can ask for is refused when it is asked for
                continue
            on = self._on(each for each in positions if query is None or mismatch(self._entries[each], query) is None)
            if on:
                listed[public] = on
        return tuple((ListedModel(name, listed[name][0].channel.provider_id), listed[name]) for name in sorted(listed))

    def _on(self, positions: Iterable[int]) -> tuple[Candidate, ...]:
        """Those that take calls, smallest priority first."""
        on = [self._entries[each].candidate for each in positions if self._entries[each].off is None]
        return tuple(sorted(on, key=lambda each: each.channel.priority))

    def _mine(self, allowed: tuple[str, ...]) -> frozenset[Candidate]:
        mine = self._allowed.get(allowed)
        if mine is None:
            mine = self._allowed[allowed] = self._all_of(allowed)
        return mine

    def _all_of(self, allowed: Iterable[str]) -> frozenset[Candidate]:
        found = set()
        for pattern in allowed:
            _, target = self._aliases.get(pattern.strip().lower(), ("", pattern))
            try:
                positions, query = self._meaning(target)
            except Refusal:  # a pattern that cannot be read allows nothing
                continue
            for position in positions:
                if query is None or mismatch(self._entries[position], query) is None:
                    found.add(self._entries[position].candidate)
        return frozenset(found)

    def _select(self, model_field: str, kind: str) -> tuple[Selection, list[Excluded]]:
        """The selection, and what was left out: first by the query, last what is off."""
        field = model_field.strip() if len(model_field) <= MODEL_FIELD_LENGTH_MAX else model_field
        alias, target = self._aliases.get(field.lower(), ("", field))
        positions, query = self._meaning(target)
        if not positions:
            raise self._nothing(target, query, alias)
        chosen: list[Entry] = []
        excluded: list[Excluded] = []
        for position in positions:
            entry = self._entries[position]
            reason = None if query is None else mismatch(entry, query) or self._filtered(entry.candidate.model, kind)
            if reason is None:
                chosen.append(entry)
            else:
                excluded.append(exclude(entry.candidate, reason))
        if not chosen:
            raise self._nothing(target, query, alias, excluded)
        on, off = self._split(chosen)
        selection = Selection(
            candidates=tuple(on),
            positive_tags=() if query is None else query.positives,
            off_message=None if on else _off_message(field, off),
        )
        return selection, excluded + off

    def _meaning(self, field: str) -> tuple[tuple[int, ...], TagQuery | None]:
        """The entries that a field is about; for a query those of its rarest tag, yet to be compared."""
        name = field.strip().lower() if len(field) <= MODEL_FIELD_LENGTH_MAX else ""
        if name in self._by_name:
            return self._by_name[name], None
        query = parse_tag_query(field)
        if query is None:
            return self._by_segment.get(name, ()), None
        if not query.positives:
            return tuple(range(len(self._entries))), query
        return min((self._by_tag.get(tag, ()) for tag in query.positives), key=len), query

    def _filtered(self, model: ChannelModel, kind: str) -> str | None:
        """Why the model filters keep a model out of tag queries."""
        policy = self._policy
        if kind != "chat":
            return None if model.kind == kind else f"a model for {model.kind}, not for {kind}"
        if model.kind == "embedding":
            return "model filter: embedding models are excluded" if policy.exclude_embedding_models else None
        if model.kind in _VISION_ONLY_KINDS:
            return "model filter: vision-only models are excluded" if policy.exclude_vision_only_models else None
        if model.kind != "chat":
            return f"a model for {model.kind}, not for chat"
        context_min, parameters_min = policy.context_tokens_min, policy.parameter_count_min
        if context_min is not None and model.context_tokens is not None and model.context_tokens < context_min:
            return f"model filter: {model.context_tokens} context tokens, at least {context_min} are asked for"
        if parameters_min is not None and model.parameter_count is not None and model.parameter_count < parameters_min:
            return f"model filter: {model.parameter_count} parameters, at least {parameters_min} are asked for"
        return None

    def _split(self, chosen: list[Entry]) -> tuple[list[Candidate], list[Excluded]]:
        real = any(not entry.candidate.channel.is_demo for entry in chosen)
        on, off = [], []
        for entry in chosen:
            if entry.off is not None:
                off.append(exclude(entry.candidate, entry.off))
            elif real and entry.candidate.channel.is_demo:
                off.append(exclude(entry.candidate, "demo channel: answers only when no real channel is selected"))
            else:
                on.append(entry.candidate)
        return on, off

    def _nothing(self, field: str, query: TagQuery | None, alias: str, excluded: Iterable[Excluded] = ()) -> Refusal:
        through = f" (alias {alias!r})" if alias else ""
        if query is None:
            hint = f"; to ask by tag, write tag:{field}" if field.lower() in self._by_tag else ""
            return ModelUnknown(
                f"model {field!r}{through} is not served here; GET /v1/models lists what is{hint}", param="model"
            )
        for tag in query.positives:
            if tag not in self._by_tag:
                return TagUnknown(
                    f"no model carries the tag {tag!r}{through}; GET /v1/models lists what is served", param="model"
                )
        reasons = _told(each.reason for each in excluded)
        return NoModelMatches(
            f"no model meets all of {field!r}{through}{': ' + reasons if reasons else ''}; ask for less", param="model"
        )


def _off_message(field: str, off: list[Excluded]) -> str:
    reasons = _told(each.reason for each in off)
    return f"{field!r} cannot be used now: {reasons}; use another model, or ask the operator to put it right"


def _told(reasons: Iterable[str]) -> str:
    different = list(dict.fromkeys(reasons))
    told = "; ".join(different[:REASONS_TOLD_MAX])
    return f"{told}; and {len(different) - REASONS_TOLD_MAX} more" if len(different) > REASONS_TOLD_MAX else told
