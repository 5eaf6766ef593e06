"""What the tests of real client libraries share: one router, its keys, and a channel for each habit of an upstream."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.router_harness import GUIDE_PRICES, Record, Router, channel, running

KEY = "sk-of-an-application-0123456789"
HASTY_KEY = "sk-of-a-hasty-one-0123456789"
TEXT = "Every call is on the books, 每一笔都有账可查。"
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
HABITS = {
    "tooled": "tool-call",
    "picky": "status-400",
    "limited": "status-429,retry_after=1",
    "penniless": "status-402-deepseek",
    "stumbling": "status-500,times=1",
    "slow": "latency,ms=1000",
    "long": "normal,pieces=100,chunk_ms=20",
    "breaking": "error-mid-stream",
}


@contextmanager
def sdk_router(upstream: UpstreamServer, folder: Path) -> Iterator[Router]:
    """A router that serves `gpt-4o-mini`, `text-embedding-3-small` and one model for each habit."""
    good = channel("ch_good", upstream.base_url, "gpt-4o-mini", prices=GUIDE_PRICES)
    good["models"] = ["gpt-4o-mini", "text-embedding-3-small"]
    others = [channel(f"ch_{model}", upstream.base_url, model, habit) for model, habit in HABITS.items()]
    keys = [{"name": "app", "key": KEY}, {"name": "hasty", "key": HASTY_KEY, "requests_per_minute": 1}]
    with running(folder, {"channels": [good, *others], "auth": {"keys": keys}}) as router:
        yield router


def records_of_model(router: Router, model: str) -> list[Record]:
    """The records of the calls that asked for a model."""
    return [record for record in router.records() if record["requested_model"] == model]
