"""A router with models in every state and prices of every kind, for the tests of 模型管理 and 资费配置.

OpenAI is billed by the book; `studio` sells pictures, speech, transcripts and film; `dry` has an empty pool; `closed`
is off in the configuration.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smart_ai_router.testing.upstream import UpstreamServer
from tests.console.scene import ADMINISTRATOR, HOSTILE, RATE, VIEWER, ZONE
from tests.e2e.router_harness import Answer, Router, channel, running

UPSTREAM_KEY = "sk-upstream-0123456789"
STUDIO_PRICES = {
    "pictures": {"currency": "CNY", "image": 0.2},
    "posters": {"currency": "CNY", "image": 0.3},
    "speech": {"currency": "CNY", "character": 0.00002},
    "transcripts": {"currency": "CNY", "minute": 0.04},
    "film": {"currency": "CNY", "second": 0.5},
    HOSTILE: {"currency": "CNY", "input": 1, "output": 2},
}
OPENAI_MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano")
CALLS = 3  # of gpt-4o-mini, made just now: 150 and 300 tokens each


def settings(upstream: UpstreamServer) -> dict[str, object]:
    """Four providers; a rate for the billing currency."""
    url = upstream.base_url
    openai, studio = ([{"name": name} for name in names] for names in (OPENAI_MODELS, (*STUDIO_PRICES, "bare")))
    about: dict[str, Any] = {"name": "OpenAI Official", "tags": ["office"], "api_key": UPSTREAM_KEY}
    return {
        "system": {"demo_channel": "never", "probe_local_servers": False, "time_zone": ZONE},
        "providers": {
            name: {"display_name": name.title(), "base_url": url, "dialect": "openai"}
            for name in ("studio", "dry", "closed")
        },
        "channels": [
            channel("ch_openai", url, "", models=openai, **about),
            channel("ch_studio", url, "", provider="studio", models=studio, prices=STUDIO_PRICES),
            channel("ch_dry", url, "parched", provider="dry", prices={"parched": {"currency": "CNY", "request": 0.01}}),
            channel("ch_closed", url, "shut", provider="closed", enabled=False),
            channel("ch_gemini", url, "gemini-2.5-pro", provider="google"),
        ],
        "prices": {"exchange_rates": [{"from": "USD", "to": "CNY", "rate": RATE, "date": "2025-01-01"}]},
    }


def administer(router: Router, method: str, path: str, body: object = None) -> Answer:
    """A request of the administrator that must be granted."""
    answer = router.ask(method, f"/api/admin{path}", body, authorization=f"Bearer {router.token}")
    assert answer.status in (200, 201), answer
    return answer


def model_facts(router: Router, model_id: str) -> Any:
    return administer(router, "GET", f"/billing/models/{model_id}").json


@contextmanager
def market(upstream: UpstreamServer, folder: Path) -> Iterator[Router]:
    """The router with people, calls, and a pool that was emptied."""
    with running(folder, settings(upstream)) as router:
        for username, password, role in ((*ADMINISTRATOR, "admin"), (*VIEWER, "billing_viewer")):
            administer(router, "POST", "/administrators", {"username": username, "password": password, "role": role})
        for _ in range(CALLS):
            assert router.chat("gpt-4o-mini").status == 200
        pool = "/billing/resource-pool/providers/dry"
        administer(router, "POST", f"{pool}/recharge", {"amount": 10})
        administer(router, "POST", f"{pool}/adjust", {"amount": -10, "remark": "test"})
        yield router
