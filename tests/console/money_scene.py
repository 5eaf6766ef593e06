"""A router with pools and quotas, for the console's pages of money: every pool has its own provider and its own test.

The pools stand where real calls through the gateway have brought them; one provider has none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from smart_ai_router.testing.upstream import UpstreamServer
from tests.console.browsing import ConsolePage
from tests.console.scene import ADMINISTRATOR, VIEWER, ZONE
from tests.e2e.router_harness import Answer, Router, channel, running

POOL = "/api/admin/billing/resource-pool/providers"
QUOTA = "/api/admin/billing/quota/users"
TOKENS_A_CALL = 450  # 150 in, 300 out: what the upstream says of every call
USERS = {"alice": "Alice", "bob": "Bob", "dora": "Dora", "erin": "Erin", "finn": "Finn", "alina": "Alina Li"}


class Prepared(NamedTuple):
    """A provider, what was paid in there, and what its calls cost; None: it has no pool."""

    provider: str
    name: str
    paid: str | None
    price: str
    calls: int = 0


PREPARED = (
    Prepared("plenty", "充裕云", "100", "10", 1),  # 90 %
    Prepared("scarce", "将尽云", "100", "95.25", 1),  # 4.75 %
    Prepared("spent", "用尽云", "10", "10", 1),  # 0 %
    Prepared("seen", "已阅云", "100", "92", 1),  # 8 %: a test resolves its alert
    Prepared("till", "充值云", "100", "0.01"),
    Prepared("books", "对账云", "50", "0.01"),
    Prepared("level", "阈值云", "100", "0.01"),
    Prepared("unset", "无池云", None, "0.01"),
    Prepared("dear", "预览云", "1000", "0.5"),
)
AMOUNTS = {each.provider: Decimal(each.paid or 0) for each in PREPARED}


def settings(upstream: UpstreamServer) -> dict[str, object]:
    """A provider and a channel for each of them; a model is named after its provider."""
    url = upstream.base_url
    return {
        "system": {"demo_channel": "never", "probe_local_servers": False, "time_zone": ZONE, "billing_currency": "CNY"},
        "providers": {each.provider: {"display_name": each.name, "base_url": url} for each in PREPARED},
        "channels": [_channel(each, url) for each in PREPARED],
    }


def _channel(each: Prepared, url: str) -> dict[str, object]:
    prices = {each.provider: {"currency": "CNY", "request": float(each.price)}}
    return channel(f"ch_{each.provider}", url, each.provider, provider=each.provider, prices=prices)


def administer(router: Router, method: str, path: str, body: object = None) -> Answer:
    """Something the administrator does, which must be done."""
    answer = router.ask(method, path, body, authorization=f"Bearer {router.token}")
    assert answer.status < 300, answer
    return answer


def pool(router: Router, provider: str) -> dict[str, Any]:
    """A pool's figures, exact."""
    found: dict[str, Any] = router.admin("GET", f"{POOL}/{provider}").json
    return found


def quota(router: Router, user: str) -> dict[str, Any]:
    """A user's quota, exact."""
    found: dict[str, Any] = router.admin("GET", f"{QUOTA}/{user}").json
    return found


def call(router: Router, user: str, model: str) -> Answer:
    """A user's call with a key made for it."""
    made = administer(router, "POST", f"/api/admin/users/{user}/keys", {"name": "test"}).json
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 300}
    return router.call(body, authorization=f"Bearer {made['key']}")


@contextmanager
def money_shop(upstream: UpstreamServer, folder: Path) -> Iterator[Router]:
    """The router with all of that on its books."""
    with running(folder, settings(upstream)) as router:
        for username, password, role in ((*ADMINISTRATOR, "admin"), (*VIEWER, "billing_viewer")):
            made = {"username": username, "password": password, "role": role}
            administer(router, "POST", "/api/admin/administrators", made)
        for user_id, name in USERS.items():
            administer(router, "POST", "/api/admin/users", {"id": user_id, "name": name})
        for each in PREPARED:
            if each.paid is not None:
                recharge = f'{{"amount": {each.paid}, "remark": "opening"}}'.encode()
                administer(router, "POST", f"{POOL}/{each.provider}/recharge", recharge)
            for _ in range(each.calls):
                assert router.chat(each.provider, max_tokens=300).status == 200
        yield router


class Deed:
    """What an administrator does in a dialog of the console, step by step."""

    def __init__(self, console: ConsolePage, title: str) -> None:
        self.console = console
        self.page = console.page
        self.dialog = console.page.get_by_role("dialog", name=title)

    def fill(self, **fields: str) -> "Deed":
        for name, text in fields.items():
            self.dialog.locator(f"input[name={name}]").fill(text)
        return self

    def choose(self, field: str, option: str) -> "Deed":
        """One of a list."""
        self.dialog.get_by_role("combobox", name=field).click(force=True)  # its text lies above it
        self.page.get_by_role("option", name=option, exact=True).click()
        return self

    def submit(self) -> None:
        self.dialog.locator("button[type=submit]").click()

    def confirm(self, clicks: int = 1) -> None:
        """Say yes when asked back."""
        box = self.page.locator(".el-message-box")
        box.locator(".el-button--primary").click(click_count=clicks)
        box.wait_for(state="hidden")
