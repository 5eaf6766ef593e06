"""Our own form of a price list: a document of nested mappings, as YAML or JSON give it, read strictly into rows.

    provider: openai
    currency: USD
    source: https://platform.openai.com/docs/pricing     # where the figures come from
    checked: 2026-11-10                                   # the day they were compared with it
    region: intl                                          # optional
    hosts: [api.openai.com]                               # optional: endpoints that charge these prices
    aliases: [chatgpt]                                    # optional: other ids of the provider
    models:
      gpt-4o:
        also: [gpt-4o-2024-08-06]                         # other names of the same model
        from: 2024-10-02                                  # 00:00 UTC, or 2026-08-16T16:00:00Z; optional
        input: 2.50                                       # tokens: per million; the words are in `pricing_units`
        output: 10
        search_call: 10 / 1000                            # everything else: per one, or per what stands after "/"
        minute: {price: 0.1, round_up_to: 1, minimum: 0.05}
        batch: {input: 1.25, output: 5}                   # or flex, priority
        over 200000: {input: 5}                           # all input tokens together exceed this
        output over 200: {output: 20}
        with reasoning: {output: 20}
        variant 720p: {second: 0.2}
        utc 01:00-04:00 mon-fri: {input: 5}
      o3:
        also: [o3-2025-04-16]
        periods:                                          # in order of time, each closing the one before it
          - {input: 10, output: 40}
          - {from: 2025-06-10, input: 2, output: 8}
      "*:free": {free: true}                              # an explicit 0 for all that the model itself does

Conditions nest. A figure is taken from its text: a float is refused, because it has lost digits already.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeGuard

from smart_ai_router.domain.pricing_units import FREE_WORDS, UNIT_WORDS, Unit, UnitMismatch, plain_price
from smart_ai_router.domain.pricing_versions import MINUTES_PER_DAY, PriceVersion, for_model

Path = tuple[str | int, ...]

_HEADER_KEYS: Final = frozenset(("provider", "aliases", "region", "currency", "source", "checked", "hosts", "models"))
_MODEL_KEYS: Final = frozenset(("also", "periods"))
_PERIOD_KEYS: Final = frozenset(("from", "until", "source", "checked", "free"))
_PRICE_KEYS: Final = frozenset(("price", "per", "minimum", "round_up_to"))
_TIERS: Final = frozenset(("batch", "flex", "priority"))
_DAYS: Final = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}

_PRICE_PER = re.compile(r"([0-9.]+) */ *([0-9]{1,15})")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z")
_OVER = re.compile(r"(output )?over ([1-9][0-9]{0,11})")
_WINDOW = re.compile(r"utc ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})( [a-z,-]+)?")


class DocumentError(ValueError):
    """A price list that cannot be taken as it stands; `path` leads to the place."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


@dataclass(frozen=True, slots=True)
class PriceList:
    """One document, read."""

    provider: str
    aliases: tuple[str, ...]
    region: str | None
    hosts: tuple[str, ...]
    versions: tuple[PriceVersion, ...] = field(repr=False)


def read_price_list(document: object, *, is_book: bool) -> PriceList:
    """Read one document. Raises DocumentError for anything that is not understood completely."""
    header = _mapping(document, ())
    _refuse_unknown(header, _HEADER_KEYS, ())
    provider = _text(header, "provider", ())
    currency = _text(header, "currency", ())
    if not _CURRENCY.fullmatch(currency):
        raise DocumentError(("currency",), f"{currency!r} is not a currency code such as USD")
    row = PriceVersion(
        id="",
        provider=provider,
        model="",
        meter=UNIT_WORDS["input"].meter,
        price=Decimal(0),
        currency=currency,
        per=1,
        region=_text(header, "region", ()) if "region" in header else None,
        source=_text(header, "source", ()),
        checked=_date(_text(header, "checked", ()), ("checked",)),
        is_book=is_book,
    )
    versions: list[PriceVersion] = []
    seen: dict[str, str] = {}
    for model, value in _mapping(header.get("models"), ("models",)).items():
        path = ("models", model)
        entry = _mapping(value, path)
        names = _model_names(model, entry, path)
        for name in names:
            if name.lower() in seen:
                raise DocumentError(path, f"{name} is priced twice, here and under {seen[name.lower()]}")
            seen[name.lower()] = model
        for version in _model_rows(row, entry, path):
            versions += [for_model(version, name) for name in names]
    hosts = _names(header.get("hosts", ()), ("hosts",))
    aliases = _names(header.get("aliases", ()), ("aliases",))
    return PriceList(provider, aliases, row.region, hosts, tuple(versions))


def _model_names(model: str, entry: Mapping[str, object], path: Path) -> tuple[str, ...]:
    names = (model, *_names(entry.get("also", ()), (*path, "also")))
    for name in names:
        if name != name.strip() or not name or name.count("*") > 1:
            raise DocumentError(path, f"{name!r} is no model name, nor a pattern with one *")
    return names


def _model_rows(row: PriceVersion, entry: Mapping[str, object], path: Path) -> Iterator[PriceVersion]:
    periods: list[tuple[Path, Mapping[str, object]]] = []
    if "periods" in entry:
        _refuse_unknown(entry, _MODEL_KEYS, path)
        listed = entry["periods"]
        if not _is_list(listed) or not listed:
            raise DocumentError((*path, "periods"), "this must be a list of periods")
        for index, period in enumerate(listed):
            place = (*path, "periods", index)
            periods.append((place, _mapping(period, place)))
    else:
        periods.append((path, {key: value for key, value in entry.items() if key != "also"}))
    starts = [_instant(period, "from", place) or 0.0 for place, period in periods]
    for index, (place, period) in enumerate(periods):
        if index and starts[index] <= starts[index - 1]:
            raise DocumentError(place, "periods overlap: each must begin after the one before it")
        end = _instant(period, "until", place)
        following = starts[index + 1] if index + 1 < len(starts) else None
        if end is not None and (end <= starts[index] or (following is not None and end > following)):
            raise DocumentError((*place, "until"), "periods overlap, or this one ends before it begins")
        dated = replace(row, effective_from=starts[index], effective_to=following if end is None else end)
        yield from _period_rows(dated, period, place)


def _period_rows(row: PriceVersion, period: Mapping[str, object], path: Path) -> Iterator[PriceVersion]:
    if "source" in period:
        row = replace(row, source=_text(period, "source", path))
    if "checked" in period:
        row = replace(row, checked=_date(_text(period, "checked", path), (*path, "checked")))
    prices = {key: value for key, value in period.items() if key not in _PERIOD_KEYS}
    if "free" in period:
        if period["free"] not in (True, "true") or prices:
            raise DocumentError((*path, "free"), "write `free: true` and no other price, or leave it out")
        prices = dict.fromkeys(FREE_WORDS, "0")
    if not prices:
        raise DocumentError(path, "there is no price here")
    yield from _block_rows(row, prices, path)


def _block_rows(
    row: PriceVersion, block: Mapping[str, object], path: Path, conditions: frozenset[str] = frozenset()
) -> Iterator[PriceVersion]:
    for key, value in block.items():
        place = (*path, key)
        unit = UNIT_WORDS.get(key)
        if unit is not None:
            yield _priced(row, unit, value, place)
            continue
        kind, conditioned = _with_condition(row, key, place)
        if kind in conditions:
            raise DocumentError(place, f"{key!r} stands inside another condition on the {kind}")
        inner = _mapping(value, place)
        if not inner:
            raise DocumentError(place, "there is no price here")
        yield from _block_rows(conditioned, inner, place, conditions | {kind})


def _with_condition(row: PriceVersion, key: str, path: Path) -> tuple[str, PriceVersion]:
    if key in _TIERS:
        return "service tier", replace(row, service_tier=key)
    if key == "with reasoning":
        return "reasoning", replace(row, with_reasoning=True)
    if key.startswith("variant ") and key[8:].strip():
        return "variant", replace(row, variant=key[8:].strip())
    if found := _OVER.fullmatch(key):
        limit = int(found[2])
        return ("output", replace(row, output_over=limit)) if found[1] else ("input", replace(row, context_over=limit))
    if found := _WINDOW.fullmatch(key):
        window = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4]))
        if window[0] >= MINUTES_PER_DAY or window[1] > MINUTES_PER_DAY or window[0] == window[1]:
            raise DocumentError(path, f"{key!r} is not a part of a day such as utc 01:00-04:00")
        return "time", replace(row, window_utc=window, weekdays_utc=_weekdays((found[5] or "").strip(), path))
    raise DocumentError(path, f"{key!r} is neither a unit of price nor a condition")


def _priced(row: PriceVersion, unit: Unit, value: object, path: Path) -> PriceVersion:
    per = unit.per
    minimum = round_up_to = None
    if isinstance(value, Mapping):
        _refuse_unknown(value, _PRICE_KEYS, path)
        if "price" not in value:
            raise DocumentError(path, "there is no price here")
        price = _number(value["price"], (*path, "price"))
        if "per" in value:
            per = _count(value["per"], (*path, "per"))
        minimum = _number(value["minimum"], (*path, "minimum")) if "minimum" in value else None
        round_up_to = _number(value["round_up_to"], (*path, "round_up_to")) if "round_up_to" in value else None
        if round_up_to is not None and not round_up_to:
            raise DocumentError((*path, "round_up_to"), "a step of 0 rounds to nothing; leave it out")
    elif isinstance(value, str) and (found := _PRICE_PER.fullmatch(value.strip())):
        price, per = _number(found[1], path), _count(found[2], path)
    else:
        price = _number(value, path)
    return replace(row, meter=unit.meter, price=price, per=per, minimum_charge=minimum, round_up_to=round_up_to)


def _number(value: object, path: Path) -> Decimal:
    if isinstance(value, float):
        raise DocumentError(path, f"{value} was read as a float and may have lost digits; give it as text")
    if isinstance(value, str) and value.strip().startswith("-"):
        raise DocumentError(path, f"{value} is negative; a price is 0 or more")
    if isinstance(value, str):
        try:
            return plain_price(value)
        except UnitMismatch as error:
            raise DocumentError(path, str(error)) from error
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise DocumentError(path, f"{value!r} is not a number in plain digits such as 0.075")
    number = Decimal(value)
    if not number.is_finite() or number < 0:
        raise DocumentError(path, f"{value} is not a number of 0 or more")
    return number


def _count(value: object, path: Path) -> int:
    number = _number(value, path)
    if number < 1 or number != number.to_integral_value():
        raise DocumentError(path, f"{value} is not a whole number of units")
    return int(number)


def _instant(period: Mapping[str, object], key: str, path: Path) -> float | None:
    if key not in period:
        return None
    text = _text(period, key, path)
    try:
        if _DATE.fullmatch(text) or _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise DocumentError((*path, key), f"{text!r} is no date: {error}") from error
    raise DocumentError((*path, key), f"{text!r} is no date such as 2024-07-18 or 2026-08-16T16:00:00Z")


def _date(text: str, path: Path) -> str:
    try:
        if _DATE.fullmatch(text):
            datetime.fromisoformat(text)
            return text
    except ValueError as error:
        raise DocumentError(path, f"{text!r} is no date: {error}") from error
    raise DocumentError(path, f"{text!r} is no date such as 2026-11-22")


def _weekdays(words: str, path: Path) -> tuple[int, ...] | None:
    if not words:
        return None
    days: set[int] = set()
    for part in words.split(","):
        first, dash, last = part.partition("-")
        if first not in _DAYS or (dash and last not in _DAYS) or (dash and _DAYS[last] < _DAYS[first]):
            raise DocumentError(path, f"{words!r} are no weekdays such as mon-fri or sat,sun")
        days.update(range(_DAYS[first], _DAYS[last if dash else first] + 1))
    return tuple(sorted(days))


def _names(value: object, path: Path) -> tuple[str, ...]:
    if not _is_list(value):
        raise DocumentError(path, "this must be a list of names")
    names = []
    for name in value:
        if not isinstance(name, str) or not name:
            raise DocumentError(path, f"{name!r} is not a name")
        names.append(name)
    return tuple(names)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _mapping(value: object, path: Path) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise DocumentError(path, "this must be a mapping of words to values")
    return value


def _text(block: Mapping[str, object], key: str, path: Path) -> str:
    value = block.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DocumentError((*path, key) if key in block else path, f"{key} must be given, as text")
    return value.strip()


def _refuse_unknown(block: Mapping[str, object], known: frozenset[str], path: Path) -> None:
    for key in block:
        if key not in known:
            raise DocumentError((*path, key), f"{key!r} is not known here; known are {', '.join(sorted(known))}")
