"""A router with calls on its books, for the console's tests: forty days of prepared calls, and some made just now."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from smart_ai_router.core.usage_record import encode_usage_record
from smart_ai_router.testing.upstream import UpstreamServer
from tests.core.usage_samples import call, failed
from tests.e2e.router_harness import GUIDE_PRICES, Router, channel, running

ZONE = "Asia/Shanghai"
RATE = "7.1"
ADMINISTRATOR = ("carol", "correct horse battery staple")
VIEWER = ("vera", "another long pass phrase")
HOSTILE = "<img src=x onerror=document.title='owned'>"  # as somebody may write a model's name
DAYS_PREPARED = 40
SOURCES = (
    ("openai", "ch_openai_001", "OpenAI Official", "gpt-4o-mini", "1.25"),
    ("anthropic", "ch_claude_001", "Claude", "claude-3-haiku", "0.5"),
    ("deepseek", "ch_deepseek_001", "DeepSeek", "deepseek-chat", "0.000375"),
)


def server_today() -> date:
    """Today, as the router counts days."""
    return datetime.now(ZoneInfo(ZONE)).date()


def write_journal(logs: Path) -> None:
    """Two calls of each source on each of the days before today, and one failed one."""
    logs.mkdir(parents=True)
    number = 0
    for age in range(1, DAYS_PREPARED + 1):
        day = (server_today() - timedelta(days=age)).isoformat()
        records = []
        for provider, channel_id, name, model, cost in SOURCES:
            names = {"provider": provider, "channel_id": channel_id, "channel_name": name, "model": model}
            number += 3
            records.append(call(number, day, cost, user_id="alice", **names))
            records.append(call(number + 1, day, cost, user_id="bob", **names))
        records.append(failed(number + 2, day, user_id="bob", **names))
        lines = b"".join(encode_usage_record(record) + b"\n" for record in records)
        (logs / f"usage_{day.replace('-', '')}.jsonl").write_bytes(lines)


def settings(upstream: UpstreamServer) -> dict[str, object]:
    """Channels that answer, one that fails, the demo, and a rate for the billing currency."""
    url = upstream.base_url
    official = channel("ch_openai_001", url, "gpt-4o-mini", name="OpenAI Official", prices=GUIDE_PRICES)
    rate = {"from": "USD", "to": "CNY", "rate": RATE, "date": "2025-01-01"}
    return {
        "system": {"demo_channel": "always", "probe_local_servers": False, "time_zone": ZONE},
        "channels": [official, channel("ch_500", url, "broken", "status-500")],
        "prices": {"exchange_rates": [rate]},
    }


def make_calls(router: Router) -> None:
    """Calls of a user, of nobody, of the demo, failed ones, and one with a name that wants to be markup."""
    for username, password, role in ((*ADMINISTRATOR, "admin"), (*VIEWER, "billing_viewer")):
        made = {"username": username, "password": password, "role": role}
        assert _administer(router, "/api/admin/administrators", made) == 201
    assert _administer(router, "/api/admin/users", {"id": "alice", "name": "Alice"}) == 201
    made_key = router.ask(
        "POST", "/api/admin/users/alice/keys", {"name": "laptop"}, authorization=f"Bearer {router.token}"
    )
    key = made_key.json["key"]
    for _ in range(3):
        assert router.call({**_hello("gpt-4o-mini")}, authorization=f"Bearer {key}").status == 200
    assert router.chat("tag:free").status == 200
    assert router.chat("broken").status >= 500
    assert router.chat(HOSTILE).status == 404


def _hello(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}]}


def _administer(router: Router, path: str, body: dict[str, str]) -> int:
    return router.ask("POST", path, body, authorization=f"Bearer {router.token}").status


@contextmanager
def shop(upstream: UpstreamServer, folder: Path) -> Iterator[Router]:
    """The router with all of that on its books."""
    write_journal(folder / "logs")
    with running(folder, settings(upstream)) as router:
        make_calls(router)
        yield router


def log_in(router: Router) -> str:
    """The cookie of an administrator's session."""
    username, password = ADMINISTRATOR
    answer = router.ask("POST", "/api/admin/login", {"username": username, "password": password})
    return answer.headers["set-cookie"].partition(";")[0]
