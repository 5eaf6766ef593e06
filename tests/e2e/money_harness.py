"""The billing back office over HTTP, for tests of the real router."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.e2e.fault_calls import JSON_TYPE, Answer, ask
from tests.e2e.fault_harness import ADMIN, Router

REQUEST_PRICE = Decimal("0.01")


def money_configuration(base_url: str, more: str = "") -> str:
    """One provider `up` whose model m1 costs 0.01 CNY a call, whatever it says, and m2 costs by token."""
    return (
        "system: {demo_channel: never, probe_local_servers: false, currency: CNY, billing_currency: CNY}\n"
        f"providers:\n  up: {{display_name: Up, base_url: '{base_url}'}}\n"
        "channels:\n  - id: ch_1\n    name: Channel 1\n    provider: up\n    api_key: ${UPSTREAM_KEY_1}\n"
        "    models: [m1, m2]\n    timeouts: {connect: 2, first_byte: 5, idle: 5, total: 20}\n"
        "    prices:\n      m1: {currency: CNY, request: 0.01}\n      m2: {currency: CNY, input: 1, output: 2}\n"
        f"{more}"
    )


@dataclass
class Office:
    """The administrator of one router."""

    router: Router

    def get(self, path: str) -> "Told":
        return self._ask("GET", path)

    def post(self, path: str, *headers: tuple[str, str], **fields: object) -> "Told":
        return self._ask("POST", path, fields, *headers)

    def put(self, path: str, **fields: object) -> "Told":
        return self._ask("PUT", path, fields)

    def pool(self, provider_id: str = "up") -> Mapping[str, Decimal]:
        """A pool's figures."""
        told = self.get(f"/api/admin/billing/resource-pool/providers/{provider_id}").body
        assert isinstance(told, dict)
        return told

    def quota(self, user_id: str) -> Mapping[str, Decimal]:
        """A user's quota."""
        told = self.get(f"/api/admin/billing/quota/users/{user_id}").body
        assert isinstance(told, dict)
        return told

    def recharge(self, amount: str, provider_id: str = "up", key: str | None = None) -> "Told":
        headers = () if key is None else (("idempotency-key", key),)
        path = f"/api/admin/billing/resource-pool/providers/{provider_id}/recharge"
        return self._ask("POST", path, {"amount": json_number(amount), "remark": "test"}, *headers)

    def grant(self, user_id: str, quota_type: str, amount: str) -> "Told":
        path = f"/api/admin/billing/quota/users/{user_id}/grant"
        return self._ask("POST", path, {"quotaType": quota_type, "amount": json_number(amount)})

    def new_key(self, user_id: str) -> str:
        """A user, if there is none yet, and a key of theirs."""
        self.post("/api/admin/users", id=user_id, name=user_id)
        made = self.post(f"/api/admin/users/{user_id}/keys", name="test").body
        assert isinstance(made, dict)
        return str(made["key"])

    def _ask(
        self, method: str, path: str, fields: Mapping[str, object] | None = None, *headers: tuple[str, str]
    ) -> "Told":
        body = b"" if fields is None else _encode(fields)
        answer = asyncio.run(ask(self.router.port, method, path, body, JSON_TYPE, ADMIN, *headers))
        return Told(answer)


class Number(str):
    """Digits that go into JSON as they are."""

    __slots__ = ()


def json_number(digits: str) -> Number:
    return Number(digits)


def _encode(fields: Mapping[str, object]) -> bytes:
    parts = [
        f"{json.dumps(name)}:{value if isinstance(value, Number) else json.dumps(value)}"
        for name, value in fields.items()
    ]
    return ("{" + ",".join(parts) + "}").encode()


@dataclass
class Told:
    """An answer with its decimals exact."""

    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def body(self) -> object:
        return json.loads(self.answer.body, parse_float=Decimal) if self.answer.body else None


async def call(port: int, key: str, name: str, **fields: object) -> Answer:
    """One chat call with a key."""
    body = {"model": "m1", "messages": [{"role": "user", "content": name}], "user": name, "max_tokens": 8, **fields}
    bearer = ("authorization", f"Bearer {key}")
    return await ask(port, "POST", "/v1/chat/completions", json.dumps(body).encode(), JSON_TYPE, bearer)


async def calls_at_once(port: int, key: str, count: int, **fields: object) -> list[Answer]:
    """So many callers at the same moment."""
    return await asyncio.gather(*(call(port, key, f"caller-{number}", **fields) for number in range(count)))
