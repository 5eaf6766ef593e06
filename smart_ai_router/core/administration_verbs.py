"""Everything an administrator can ask for, in one place: the API and the command line call these verbs.

A command line that finds a router at work calls the same verbs over its private socket.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from smart_ai_router.core.administration import ActionDesk, AdministrationStore, Origin
from smart_ai_router.core.administration_messages import (
    AuditFacts,
    AuditPage,
    KeyFacts,
    KeyPage,
    NewKey,
    NewPrices,
    NewUser,
    PriceImport,
    PricePage,
    PricesOutcome,
    UserEdit,
    UserFacts,
    UserPage,
)
from smart_ai_router.core.administrative_state import AuditEntry
from smart_ai_router.core.price_admin import ReadPriceList
from smart_ai_router.core.price_changes import PriceChanges
from smart_ai_router.core.timestamps import iso_utc_ms
from smart_ai_router.core.users_and_keys import FieldInvalid, UsersAndKeys, checked_limit
from smart_ai_router.domain.pricing import PriceVersion

_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_FACTS: Final = msgspec.json.Decoder(dict[str, object])


class AdministrationVerbs(Protocol):
    """What can be asked. Each raises a `Refusal`, by name, when it is not done."""

    def create_user(self, asked: NewUser, origin: Origin) -> UserFacts: ...

    def change_user(self, user_id: str, asked: UserEdit, origin: Origin) -> UserFacts: ...

    def user(self, user_id: str) -> UserFacts: ...

    def users(self, cursor: str = "", limit: int = 100) -> UserPage: ...

    def create_key(self, user_id: str, asked: NewKey, origin: Origin) -> KeyFacts:
        """The answer holds the key itself, this once."""

    def revoke_key(self, key_id: str, origin: Origin) -> KeyFacts: ...

    def keys(self, user_id: str | None = None, cursor: str = "", limit: int = 100) -> KeyPage: ...

    def set_prices(self, asked: NewPrices, origin: Origin) -> PricesOutcome: ...

    def import_prices(self, asked: PriceImport, origin: Origin) -> PricesOutcome: ...

    def prices(
        self,
        *,
        provider: str | None = None,
        model: str | None = None,
        channel: str | None = None,
        in_force: bool = True,
        cursor: str = "",
        limit: int = 100,
    ) -> PricePage: ...

    def audit(self, cursor: str | None = None, limit: int = 100, subject: str | None = None) -> AuditPage: ...


class Administration:
    """Implements `AdministrationVerbs` over a store and its desk."""

    def __init__(
        self,
        desk: ActionDesk,
        store: AdministrationStore,
        *,
        random_bytes: Callable[[int], bytes],
        given_prices: Callable[[], Sequence[PriceVersion]],
        read_list: ReadPriceList,
    ) -> None:
        """See `UsersAndKeys` and `PriceChanges`."""
        self._store = store
        people = UsersAndKeys(desk, store, random_bytes)
        self.create_user = people.create_user
        self.change_user = people.change_user
        self.user = people.user
        self.users = people.users
        self.create_key = people.create_key
        self.revoke_key = people.revoke_key
        self.keys = people.keys
        prices = PriceChanges(desk, store, given_prices=given_prices, read_list=read_list)
        self.set_prices = prices.set_prices
        self.import_prices = prices.import_prices
        self.prices = prices.prices

    def audit(self, cursor: str | None = None, limit: int = 100, subject: str | None = None) -> AuditPage:
        """What was done, newest first; the cursor is the number of the last entry that was read."""
        if cursor is not None and not _NUMBER.fullmatch(cursor):
            raise FieldInvalid(f"{cursor[:40]!r} is no cursor of this list", param="cursor")
        before = None if cursor is None else int(cursor)
        entries = self._store.audit(before, checked_limit(limit) + 1, subject)
        more = str(entries[limit - 1].number) if len(entries) > limit else None
        return AuditPage(tuple(_audit_facts(entry) for entry in entries[:limit]), more)


def _audit_facts(entry: AuditEntry) -> AuditFacts:
    return AuditFacts(
        number=entry.number,
        at=iso_utc_ms(entry.at_ms),
        actor=entry.actor,
        action=entry.kind,
        subject=entry.subject,
        before=_FACTS.decode(entry.before),
        after=_FACTS.decode(entry.after),
        client=entry.client,
    )
