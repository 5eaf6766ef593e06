"""Price lists of others, turned into documents of our own form and read by the same strict reader.

Three public lists are understood: genai-prices (`data.json`), LiteLLM (`model_prices_and_context_window.json`) and
models.dev (`api.json`). All three are in USD. Figures are taken from their text. What has no exact counterpart here is
never guessed at: it is left out and named in `skipped`.

Lists that quote a mainland Chinese vendor in USD have converted it from CNY at a rate of their own; those are skipped,
because the vendor bills CNY.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NoReturn

from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.pricing_document import DocumentError, read_price_list

Block = dict[str, object]

CURRENCY: Final = "USD"
PER_MILLION: Final = 6  # decimal places between a price per token and one per million

# Ids of the lists -> ours. A region where the vendor has another price list at home.
PROVIDERS: Final = {
    "x-ai": ("xai", None),
    "gemini": ("google", None),
    "moonshotai": ("moonshot", "intl"),
    "moonshot": ("moonshot", "intl"),
    "dashscope": ("dashscope", "intl"),
    "alibaba": ("dashscope", "intl"),
}
CONVERTED_FROM_CNY: Final = frozenset(
    ("zhipuai", "bigmodel", "volcengine", "alibaba-cn", "siliconflow-cn", "moonshotai-cn", "minimax-cn", "tencent")
)

_GENAI_WORDS: Final = {
    "input_mtok": "input",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "input_image_mtok": "image_input",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "output_audio_mtok": "audio_output",
    "output_image_mtok": "image_output",
}
_GENAI_COUNTS: Final = {  # word and per how many
    "input_mchars": ("character", 1_000_000),
    "audio_hours": ("second", 3_600),
    "requests_kcount": ("request", 1_000),
    "web_searches_kcount": ("search_call", 1_000),
}
_GENAI_TIERS: Final = {"flex": "flex", "priority": "priority", "batch": "batch"}

_LITELLM_TOKENS: Final = {
    "input_cost_per_token": "input",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "input_cost_per_audio_token": "audio_input",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "output_cost_per_audio_token": "audio_output",
    "output_cost_per_image_token": "image_output",
}
_LITELLM_COUNTS: Final = {
    "output_cost_per_image": "image",
    "input_cost_per_character": "character",
    "input_cost_per_second": "second",
    "output_cost_per_second": "second",
    "input_cost_per_request": "request",
}
_LITELLM_KEY = re.compile(r"(.+?)(_above_(\d+)k_tokens)?(_(flex|priority|batches))?")

_MODELS_DEV_WORDS: Final = {
    "input": "input",
    "cache_read": "cached_input",
    "cache_write": "cache_write_5m",
    "input_audio": "audio_input",
    "output": "output",
    "reasoning": "reasoning",
    "output_audio": "audio_output",
}


class PriceListInvalid(Refusal):
    """A text that is not the list it is said to be."""

    code = "price_list_invalid"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A model, or a part of its price, that was not taken."""

    provider: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a list gave, and what it did not."""

    versions: tuple[PriceVersion, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """One model of a foreign list in our own form, before it is read."""

    provider: str
    model: str
    block: Block
    notes: tuple[str, ...] = ()


def import_foreign(text: str, list_format: str, checked: str, providers: Collection[str] | None = None) -> Imported:
    """Read a foreign list; `providers` (ids of that list) limits it. Raises PriceListInvalid.

    The rows are an operator's own provider prices, not the shipped book's. `checked` is the day of the list.
    """
    entries_of = _FORMATS.get(list_format)
    if entries_of is None:
        raise PriceListInvalid(f"{list_format!r} is no known list; use one of {', '.join(FOREIGN_FORMATS)}")
    versions: list[PriceVersion] = []
    skipped: list[Skipped] = []
    for entry in entries_of(_json(text)):
        if providers is not None and entry.provider not in providers:
            continue
        skipped += [Skipped(entry.provider, entry.model, note) for note in entry.notes]
        if entry.provider in CONVERTED_FROM_CNY:
            skipped.append(Skipped(entry.provider, entry.model, "quoted in USD, but the vendor bills CNY"))
            continue
        if not entry.block:
            continue
        provider, region = PROVIDERS.get(entry.provider, (entry.provider, None))
        document: Block = {"provider": provider, "currency": CURRENCY, "source": list_format, "checked": checked}
        if region is not None:
            document["region"] = region
        document["models"] = {entry.model: entry.block}
        try:
            versions += read_price_list(document, is_book=False).versions
        except DocumentError as error:
            place = " > ".join(str(part) for part in error.path[2:])
            skipped.append(
                Skipped(entry.provider, entry.model, f"{place}: {error.message}" if place else error.message)
            )
    return Imported(tuple(versions), tuple(skipped))


def _json(text: str) -> object:
    try:
        parsed: object = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise PriceListInvalid(f"this is not JSON: {error}") from error
    return parsed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


# --- genai-prices ---


def _genai_entries(root: object) -> Iterator[_Entry]:
    for provider in _objects(root.get("providers") if isinstance(root, dict) else root, "the list of providers"):
        provider_id = str(provider.get("id"))
        for model in _objects(provider.get("models"), "the models of a provider"):
            model_id = str(model.get("id"))
            names, unmatched = _genai_names(_object(model.get("match"), "a match"))
            notes = [f"names matched by {rule} are left out" for rule in unmatched]
            if not names:
                yield _Entry(provider_id, model_id, {}, (*notes, "no name could be taken"))
                continue
            periods = _genai_periods(model, notes)
            if not periods:
                yield _Entry(provider_id, model_id, {}, (*notes, "the list has no price for it"))
                continue
            block: Block = {"also": names[1:], "periods": periods}
            yield _Entry(provider_id, names[0], block, tuple(dict.fromkeys(notes)))


def _genai_names(match: Block) -> tuple[list[str], list[str]]:
    names: list[str] = []
    unmatched: list[str] = []
    for rule, value in match.items():
        if rule == "or":
            for clause in _objects(value, "the clauses of a match"):
                inner, left = _genai_names(clause)
                names += inner
                unmatched += left
        elif rule == "equals":
            names.append(str(value))
        elif rule == "starts_with":
            names.append(f"{value}*")
        elif rule == "ends_with":
            names.append(f"*{value}")
        else:
            unmatched.append(f"{rule} {value}")
    return list(dict.fromkeys(names)), unmatched


def _genai_periods(model: Block, notes: list[str]) -> list[Block]:
    prices = model.get("prices")
    periods: list[Block] = []
    windows: Block = {}
    for each in _objects(prices, "prices") if isinstance(prices, list) else [{"prices": prices}]:
        constraint = _object(each.get("constraint") or {}, "a constraint")
        block = _genai_block(_object(each.get("prices"), "prices"), notes)
        if "start_time" in constraint:
            # Such rows carry no date of their own; they belong to the price list that is in force last.
            windows[f"utc {_clock(constraint['start_time'])}-{_clock(constraint.get('end_time'))}"] = block
        elif block:
            periods.append({"from": constraint["start_date"], **block} if "start_date" in constraint else block)
    if periods:
        periods[-1].update(windows)
        periods[-1].update(_genai_tiers(model, notes))
    return periods


def _genai_tiers(model: Block, notes: list[str]) -> Block:
    tiers: Block = {}
    for variant in _objects(model.get("price_variants") or [], "price variants"):
        words = {_GENAI_TIERS.get(str(value)) for value in _object(variant.get("when"), "a condition").values()}
        block = _genai_block(_object(variant.get("prices"), "prices"), notes)
        if len(words) == 1 and (word := words.pop()) is not None and block:
            tiers[word] = block
    return tiers


def _genai_block(prices: Block, notes: list[str]) -> Block:
    block: Block = {}
    for key, value in prices.items():
        if key in _GENAI_COUNTS and not isinstance(value, dict):
            word, per = _GENAI_COUNTS[key]
            block[word] = {"price": value, "per": per}
        elif key in _GENAI_WORDS:
            word = _GENAI_WORDS[key]
            block[word] = value.get("base") if isinstance(value, dict) else value
            for tier in _objects(value.get("tiers"), "tiers") if isinstance(value, dict) else ():
                _inner(block, f"over {tier.get('start')}")[word] = tier.get("price")
        else:
            notes.append(f"{key} has no counterpart here")
    return block


def _clock(text: object) -> str:
    found = re.fullmatch(r"(\d\d:\d\d)(:00)?(Z|\+00:00)", str(text))
    if found is None:
        raise PriceListInvalid(f"{text!r} is not a time of day in UTC")
    return found[1]


# --- LiteLLM ---


def _litellm_entries(root: object) -> Iterator[_Entry]:
    for key, value in _object(root, "the list of models").items():
        facts = _object(value, key)
        if key == "sample_spec":
            continue
        provider = str(facts.get("litellm_provider", ""))
        notes: list[str] = []
        block = _litellm_block(facts, notes)
        for tier in _objects(facts.get("tiered_pricing") or [], "tiers"):
            bounds = tier.get("range")
            start = bounds[0] if isinstance(bounds, list) and bounds else 0
            target = _inner(block, f"over {int(start)}") if start else block
            target.update(_litellm_block(tier, notes))
        yield _Entry(provider, key.removeprefix(f"{provider}/"), block, tuple(dict.fromkeys(notes)))


def _litellm_block(facts: Block, notes: list[str]) -> Block:
    block: Block = {}
    for key, value in facts.items():
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            continue
        found = _LITELLM_KEY.fullmatch(key)
        base, over, tier = (found[1], found[3], found[5]) if found else (key, None, None)
        if base not in _LITELLM_TOKENS and base not in _LITELLM_COUNTS:
            if "cost" in key:
                notes.append(f"{key} has no counterpart here")
            continue
        if not value:
            notes.append(f"{key} is 0, which this list also writes for unknown")
            continue
        target = block
        if tier is not None:
            target = _inner(target, "batch" if tier == "batches" else tier)
        if over is not None:
            target = _inner(target, f"over {int(over) * 1000}")
        if base in _LITELLM_TOKENS:
            target[_LITELLM_TOKENS[base]] = Decimal(value).scaleb(PER_MILLION)
        else:
            target[_LITELLM_COUNTS[base]] = Decimal(value)
    return block


# --- models.dev ---


def _models_dev_entries(root: object) -> Iterator[_Entry]:
    for provider, provider_facts in _object(root, "the list of providers").items():
        models = _object(provider_facts, provider).get("models") or {}
        for model, facts in _object(models, f"the models of {provider}").items():
            notes: list[str] = []
            cost = _object(facts, model).get("cost")
            block = _models_dev_block(cost, notes) if isinstance(cost, dict) else {}
            if not block:
                notes.append("the list has no price for it, or 0, which it also writes for plans")
            yield _Entry(provider, model, block, tuple(notes))


def _models_dev_block(cost: Block, notes: list[str]) -> Block:
    block: Block = {}
    for key, value in cost.items():
        if key == "context_over_200k" and isinstance(value, dict):
            inner = _models_dev_block(value, notes)
            if inner:
                block["over 200000"] = inner
        elif key not in _MODELS_DEV_WORDS or isinstance(value, bool) or not isinstance(value, int | Decimal):
            notes.append(f"{key} has no counterpart here")
        elif value:
            block[_MODELS_DEV_WORDS[key]] = value
    return block


# --- what all three need ---


def _inner(block: Block, key: str) -> Block:
    return _object(block.setdefault(key, {}), key)


def _object(value: object, what: str) -> Block:
    if not isinstance(value, dict):
        raise PriceListInvalid(f"{what} must be an object, as that list has it; this may be another list")
    return value


def _objects(value: object, what: str) -> list[Block]:
    if not isinstance(value, list):
        raise PriceListInvalid(f"{what} must be an array, as that list has it; this may be another list")
    return [_object(each, what) for each in value]


_FORMATS: Final[Mapping[str, Callable[[object], Iterator[_Entry]]]] = {
    "genai-prices": _genai_entries,
    "litellm": _litellm_entries,
    "models.dev": _models_dev_entries,
}
FOREIGN_FORMATS: Final = tuple(_FORMATS)
