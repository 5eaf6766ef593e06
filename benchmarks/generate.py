"""Usage journals for measurements: the same arguments always give the same bytes.

Shape: traffic grows over the days and follows weekdays and hours; 300 models and 5,000 users by Zipf's law, 40
channels at 12 providers, each model at one provider and on all of its channels; 3 % of the calls fail; tokens and
durations are log-normal; prices are exact to 10^-12. Every line carries all keys of the journal, with bill lines and
attempts. Each record stands in the file of its own UTC date.

    python -m benchmarks.generate --records 1000000 --days 400 --logs-dir /tmp/usage
"""

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Final

from smart_ai_router.domain.money import pico_to_text

MODELS: Final = 300
USERS: Final = 5_000
CHANNELS: Final = 40
PROVIDERS: Final = 12
FAILED_SHARE: Final = 0.03
RETRIED_SHARE: Final = 0.02
LAST_DAY: Final = date(2026, 11, 21)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_IDS_BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
_TYPES = ("text_generation", "text_generation", "text_generation", "embedding", "image_generation", "audio_stt")
_FAMILIES = ("gpt", "qwen3", "glm", "deepseek", "claude", "gemini", "llama", "mistral", "kimi", "doubao", "yi", "grok")
_SIZES = ("mini", "7b", "30b-a3b", "turbo", "max", "pro", "72b", "flash")
_FAULTS = (("rate_limit", 429), ("server_error", 500), ("timeout", 504), ("api_key_invalid", 401))
_WEEKDAY = (1.15, 1.2, 1.2, 1.15, 1.1, 0.65, 0.55)
_HOUR = tuple(0.25 + 0.75 * max(0.0, 1 - abs(hour - 14) / 9) for hour in range(24))


@dataclass(frozen=True, slots=True)
class _Model:
    name: str
    provider: str
    channels: tuple[int, ...]
    usage_type: str
    tags: str
    input_price: int  # pico a token
    output_price: int


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written."""

    records: int
    bytes: int
    files: int
    total_cost: int  # pico


def generate(logs_dir: Path, records: int, days: int, seed: int = 42, last_day: date = LAST_DAY) -> Generated:
    """Write `records` lines over `days` days that end with `last_day`; the directory must hold no journal yet."""
    logs_dir.mkdir(parents=True, exist_ok=True)
    if any(logs_dir.glob("usage_*.jsonl")):
        raise FileExistsError(f"{logs_dir} already holds journal files")
    models = _models(random.Random(seed))
    written_bytes = 0
    total_cost = 0
    files = 0
    for day, count in _day_counts(records, days, last_day):
        if not count:
            continue
        lines, cost = _day_lines(random.Random(f"{seed}:{day}"), models, day, count)
        content = "".join(lines).encode()
        (logs_dir / f"usage_{day:%Y%m%d}.jsonl").write_bytes(content)
        written_bytes += len(content)
        total_cost += cost
        files += 1
    return Generated(records, written_bytes, files, total_cost)


def _models(chance: random.Random) -> list[_Model]:
    models = []
    for index in range(MODELS):
        provider = chance.randrange(PROVIDERS)
        family = _FAMILIES[provider]
        size = _SIZES[index % len(_SIZES)]
        name = f"{family}-{index}-{size}"
        usage_type = _TYPES[0] if index < 10 else chance.choice(_TYPES)
        parts = [family, str(index), *size.split("-"), "chat" if usage_type == "text_generation" else usage_type]
        models.append(
            _Model(
                name=name,
                provider=f"provider_{family}",
                channels=tuple(range(provider, CHANNELS, PROVIDERS)),
                usage_type=usage_type,
                tags=",".join(f'"{part}"' for part in parts if len(part) > 1),
                input_price=chance.choice((75_000, 150_000, 187_500, 500_000, 2_500_000)),
                output_price=chance.choice((300_000, 600_000, 1_000_000, 2_187_500, 10_000_000)),
            )
        )
    return models


def _day_counts(records: int, days: int, last_day: date) -> Iterator[tuple[date, int]]:
    dates = [last_day - timedelta(days=days - 1 - index) for index in range(days)]
    weights = [(0.4 + index / days) * _WEEKDAY[day.weekday()] for index, day in enumerate(dates)]
    sums = list(accumulate(weights))
    before = 0
    for day, upto in zip(dates, sums, strict=True):
        after = round(records * upto / sums[-1])
        yield day, after - before
        before = after


def _zipf(count: int, exponent: float) -> list[float]:
    return list(accumulate(1 / rank**exponent for rank in range(1, count + 1)))


_MODEL_WEIGHTS = _zipf(MODELS, 1.05)
_USER_WEIGHTS = _zipf(USERS, 1.1)
_HOUR_WEIGHTS = list(accumulate(_HOUR))


def _day_lines(chance: random.Random, models: list[_Model], day: date, count: int) -> tuple[list[str], int]:
    midnight_ms = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    hours = chance.choices(range(24), cum_weights=_HOUR_WEIGHTS, k=count)
    ends_ms = sorted(midnight_ms + hour * 3_600_000 + int(chance.random() * 3_600_000) for hour in hours)
    picked = chance.choices(models, cum_weights=_MODEL_WEIGHTS, k=count)
    users = chance.choices(range(USERS), cum_weights=_USER_WEIGHTS, k=count)
    lines = []
    total = 0
    for index, (end_ms, model, user) in enumerate(zip(ends_ms, picked, users, strict=True)):
        line, cost = _line(chance, index, end_ms, model, user)
        lines.append(line)
        total += cost
    return lines, total


def _line(chance: random.Random, index: int, end_ms: int, model: _Model, user: int) -> tuple[str, int]:
    duration_ms = int(chance.lognormvariate(7.2, 0.8)) + 1
    failed = chance.random() < FAILED_SHARE
    input_tokens = int(chance.lognormvariate(6.2, 1.1)) + 1
    output_tokens = 0 if failed else int(chance.lognormvariate(5.3, 1.0)) + 1
    cached_tokens = input_tokens // 3 if not failed and chance.random() < 0.25 else 0
    if failed:
        input_tokens = 0
    fresh_cost = (input_tokens - cached_tokens) * model.input_price
    cached_cost = cached_tokens * model.input_price // 2
    output_cost = output_tokens * model.output_price
    total = fresh_cost + cached_cost + output_cost
    channel = model.channels[int(chance.random() * len(model.channels))]
    fault, status = _FAULTS[index % len(_FAULTS)] if failed else ("", 200)
    message = f"upstream said {status}" if failed else ""
    total_text = pico_to_text(total)
    tokens = f'"input_tokens":{input_tokens},"output_tokens":{output_tokens}'
    attempts = _attempt(channel, model, fault, f'{tokens},"cost":{total_text},"duration_ms":{duration_ms}')
    if chance.random() < RETRIED_SHARE:
        first = model.channels[(channel + 1) % len(model.channels)]
        nothing = f'"input_tokens":0,"output_tokens":0,"cost":0,"duration_ms":{duration_ms // 4}'
        attempts = f"{_attempt(first, model, 'rate_limit', nothing)},{attempts}"
    fresh_tokens = input_tokens - cached_tokens
    bill = (
        _bill_line(model, "input_token", fresh_tokens, fresh_cost),
        _bill_line(model, "cached_input_token", cached_tokens, cached_cost),
        _bill_line(model, "output_token", output_tokens, output_cost),
    )
    stamp = datetime.fromtimestamp(end_ms / 1000, UTC)
    return (
        f'{{"timestamp":"{stamp:%Y-%m-%dT%H:%M:%S}.{end_ms % 1000:03d}000Z",'
        f'"request_id":"{_request_id(chance, end_ms - duration_ms, index)}","session_id":null,'
        f'"model":"{model.name}","channel_id":"ch_{channel:03d}","channel_name":"Channel {channel}",'
        f'"provider":"{model.provider}",{tokens},"total_tokens":{input_tokens + output_tokens},'
        f'"input_cost":{pico_to_text(fresh_cost + cached_cost)},"output_cost":{pico_to_text(output_cost)},'
        f'"total_cost":{total_text},"cost_currency":"USD","request_type":"chat",'
        f'"status":"{"error" if failed else "success"}","error_message":{_text(message)},'
        f'"response_time_ms":{duration_ms},"user_agent":"openai-python/1.99","client_ip":"10.1.2.3",'
        f'"tags":[{model.tags}],"usage_type":"{model.usage_type}","outcome":"{"failed" if failed else "success"}",'
        f'"user_id":"user_{user:05d}","api_key_id":"key_{user:05d}","end_user":null,"requested_model":"{model.name}",'
        f'"upstream_model":"{model.name}","stream":{"true" if user % 2 else "false"},"status_code":{status},'
        f'"error_kind":{_text(fault)},"cached_tokens":{cached_tokens},"cache_write_tokens":0,'
        f'"reasoning_tokens":{output_tokens // 4},"time_to_first_token_ms":{"null" if failed else duration_ms // 5},'
        f'"usage_source":"{"none" if failed else "provider"}","cost_basis":"{"none" if failed else "book"}",'
        f'"price_version":{_text("" if failed else f"{model.name}@1")},"service_tier":null,'
        f'"lines":[{",".join(filter(None, bill))}],"user_charge":{total_text},"attempts":[{attempts}],"flags":[],'
        f'"region":null}}\n'
    ), total


def _text(text: str) -> str:
    return f'"{text}"' if text else "null"


def _attempt(channel: int, model: _Model, fault: str, figures: str) -> str:
    status = dict(_FAULTS).get(fault, 200)
    message = f"upstream said {status}" if fault else ""
    return (
        f'{{"channel_id":"ch_{channel:03d}","channel_name":"Channel {channel}","provider":"{model.provider}",'
        f'"model":"{model.name}","status_code":{status},"error_kind":{_text(fault)},"error_message":{_text(message)},'
        f"{figures}}}"
    )


def _bill_line(model: _Model, meter: str, quantity: int, cost: int) -> str:
    if not quantity:
        return ""
    return f'{{"meter":"{meter}","quantity":{quantity},"price_version":"{model.name}@1","amount":{pico_to_text(cost)}}}'


def _request_id(chance: random.Random, started_ms: int, index: int) -> str:
    sid = (started_ms - int(_IDS_BEGIN.timestamp() * 1000)) << 22 | 1 << 12 | index & 0xFFF
    digits = [_ALPHABET[sid >> shift & 31] for shift in range(60, -1, -5)]
    check = chance.getrandbits(25)
    digits += [_ALPHABET[check >> shift & 31] for shift in range(20, -1, -5)]
    return "req_" + "".join(digits)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--logs-dir", type=Path, required=True)
    arguments = parser.parse_args()
    made = generate(arguments.logs_dir, arguments.records, arguments.days, arguments.seed)
    print(f"{made.records} records, {made.bytes} bytes, {made.files} files, total cost {pico_to_text(made.total_cost)}")


if __name__ == "__main__":
    main()
