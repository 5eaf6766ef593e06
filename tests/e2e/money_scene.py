"""One router with a provider for each test about money, so that none sees another's pool.

`pools-<provider>` is the model of a provider, 0.01 CNY a call whatever it says. `shared` is served by `first` and,
behind it, by `second`; `up` also has `tokens`, priced by the token; `calc` has the second guide's golden prices.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from smart_ai_router.testing.upstream import UpstreamServer
from tests.e2e.fault_calls import Answer
from tests.e2e.fault_harness import Router
from tests.e2e.money_harness import Office, Told, call, json_number

POOL = "/api/admin/billing/resource-pool"
QUOTA = "/api/admin/billing/quota"
PROVIDERS = (
    "idle", "figures", "edge", "three", "rising", "dry", "hand", "first", "second", "seen", "checked", "paid", "pages",
    "live", "race", "up", "calc", "daily",
)  # fmt: skip
CALL_COST = Decimal("0.01")
TOKENS_COST = Decimal("0.00075")  # 150 input and 300 output tokens at 1 and 2 CNY a million
NO_MONEY = "资费不足，暂不可用"
_GOLDEN = {
    "calc-chat": "{currency: CNY, per: 1000, input: 0.002, output: 0.008}",
    "dall-e-3": "{currency: CNY, image: 0.5}",
}


@contextmanager
def money_office(upstream: UpstreamServer, folder: Path) -> Iterator[Office]:
    """The administrator of the router; when it is over, the books are proven."""
    router = Router(folder, _configuration(upstream.base_url))
    try:
        router.start().wait_ready()
        yield Office(router)
        assert router.stop() == 0
        router.verify()
    finally:
        router.close()


def told(answer: Told, status: int = 200) -> Any:
    """The body of an answer with this status."""
    assert answer.status == status, answer
    return answer.body


def adjust(office: Office, provider: str, amount: str) -> Any:
    """Correct a pool."""
    return told(office.post(f"{POOL}/providers/{provider}/adjust", amount=json_number(amount), remark="test"))


def fill_to(office: Office, provider: str, balance: str) -> None:
    """Carry a pool that was filled with 100 down to a balance."""
    told(office.recharge("100", provider))
    adjust(office, provider, f"-{100 - Decimal(balance)}")


def alerts(office: Office, provider: str, is_resolved: str | None = "false") -> list[Any]:
    """A provider's alerts: those that are open, unless another answer is asked for."""
    asked = "" if is_resolved is None else f"&isResolved={is_resolved}"
    found: list[Any] = told(office.get(f"{POOL}/alerts?providerId={provider}{asked}"))
    return found


def one_call(office: Office, key: str, model: str, **fields: object) -> Answer:
    """One chat call."""
    return asyncio.run(call(office.router.port, key, "somebody", **{"model": model, **fields}))


def model(office: Office, name: str) -> Any:
    """A model as the page of models shows it."""
    return told(office.get(f"/api/admin/billing/models/{name}"))


def _configuration(base_url: str) -> str:
    providers = "".join(f"  {name}: {{display_name: {name.title()}, base_url: '{base_url}'}}\n" for name in PROVIDERS)
    channels = "".join(_channel(name) for name in PROVIDERS)
    return (
        "system: {demo_channel: never, probe_local_servers: false, currency: CNY, billing_currency: CNY}\n"
        f"providers:\n{providers}channels:\n{channels}"
    )


def _channel(provider: str) -> str:
    models = _GOLDEN if provider == "calc" else {f"pools-{provider}": "{currency: CNY, request: 0.01}"}
    if provider in {"first", "second"}:
        models["shared"] = "{currency: CNY, request: 0.01}"
    if provider == "up":
        models["tokens"] = "{currency: CNY, input: 1, output: 2}"
    prices = "".join(f"      {name}: {price}\n" for name, price in models.items())
    return (
        f"  - id: ch_{provider}\n    name: Channel {provider}\n    provider: {provider}\n"
        f"    api_key: ${{UPSTREAM_KEY_1}}\n    models: [{', '.join(models)}]\n"
        f"    priority: {PROVIDERS.index(provider)}\n"
        "    timeouts: {connect: 2, first_byte: 10, idle: 10, total: 30}\n"
        f"    prices:\n{prices}"
    )
