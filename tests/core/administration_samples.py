"""An administration in memory, and actions, for tests."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from secrets import token_bytes
from typing import Final

from smart_ai_router.adapters.memory_administration import MemoryActionLog, MemoryAdministration
from smart_ai_router.config.price_book import parse_price_list
from smart_ai_router.core.actions import Action, Change, KeyCreated, PricesAdded, make_action, price_row
from smart_ai_router.core.administration import ActionDesk, ActionLog, AdministrationStore, Origin
from smart_ai_router.core.administration_verbs import Administration
from smart_ai_router.domain.pricing import PriceVersion, with_derived_id

NOW_MS: Final = 1_795_348_800_000  # 2026-11-22 12:00:00 UTC
NOW: Final = NOW_MS / 1000


class SettableClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class QuickHasher:
    """Implements `PasswordHasher` in no time, and counts."""

    def __init__(self) -> None:
        self.looked_at = 0

    def hash(self, password: str) -> str:
        return f"quick:{sha256(password.encode()).hexdigest()}"

    def fits(self, password: str, password_hash: str | None) -> bool:
        self.looked_at += 1
        return self.hash(password) == password_hash


class Office:
    """A desk and its verbs over a store and a log; memory ones unless others are given."""

    def __init__(
        self,
        store: AdministrationStore | None = None,
        log: ActionLog | None = None,
        prices: Sequence[PriceVersion] = (),
        tell_gateways: Callable[[], bool] = lambda: True,
    ) -> None:
        self.store = store or MemoryAdministration()
        self.log = log or MemoryActionLog()
        self.clock = SettableClock()
        self.prices = prices
        self.desk = ActionDesk(
            self.store, self.log, clock=self.clock, random_bytes=token_bytes, tell_gateways=tell_gateways
        )
        self.verbs = Administration(
            self.desk,
            self.store,
            random_bytes=token_bytes,
            given_prices=lambda: self.prices,
            read_list=parse_price_list,
            hasher=QuickHasher(),
        )


def by(key: str | None = None) -> Origin:
    """The administrator, from one address."""
    return Origin("admin", "192.0.2.7", key)


def action(number: int, change: Change, *, at_ms: int = NOW_MS, action_id: str | None = None) -> Action:
    """An action of the administrator."""
    return make_action(
        number, action_id or f"id-{number}", at_ms, change, actor="admin", client="192.0.2.7", request="00"
    )


def key_created(key_id: str = "key_1", user_id: str = "alice", **given: object) -> KeyCreated:
    """A key whose SHA-256 is that of its id."""
    sha256_hex = sha256(key_id.encode()).hexdigest()
    return KeyCreated(key_id, user_id, "laptop", sha256_hex, "abcd", **given)  # type: ignore[arg-type]


def prices_added(*versions: PriceVersion) -> PricesAdded:
    """Price versions under the ids that follow from them."""
    return PricesAdded(tuple(price_row(with_derived_id(version)) for version in versions))


def names(store: AdministrationStore) -> list[str]:
    return [user.id for user in store.users("", 100)]
