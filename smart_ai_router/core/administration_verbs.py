"""Everything an administrator can ask for, in one place: the API and the command line call these verbs.

A command line that finds a router at work calls the same verbs over its private socket.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from smart_ai_router.core.access_messages import (
    AdministratorEdit,
    AdministratorFacts,
    AdministratorList,
    KeyEdit,
    KeyRotation,
    NewAdministrator,
)
from smart_ai_router.core.administration import ActionDesk, AdministrationStore, Origin
from smart_ai_router.core.administration_messages import (
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
from smart_ai_router.core.administrators import Administrators, PasswordHasher
from smart_ai_router.core.audit_record import AuditQuestion, AuditRecord
from smart_ai_router.core.key_changes import KeyChanges
from smart_ai_router.core.price_admin import ReadPriceList
from smart_ai_router.core.price_changes import PriceChanges
from smart_ai_router.core.users_and_keys import UsersAndKeys
from smart_ai_router.domain.pricing import PriceVersion


class AdministrationVerbs(Protocol):
    """What can be asked. Each raises a `Refusal`, by name, when it is not done."""

    def create_user(self, asked: NewUser, origin: Origin) -> UserFacts: ...

    def change_user(self, user_id: str, asked: UserEdit, origin: Origin) -> UserFacts: ...

    def user(self, user_id: str) -> UserFacts: ...

    def users(self, cursor: str = "", limit: int = 100) -> UserPage: ...

    def create_key(self, user_id: str, asked: NewKey, origin: Origin) -> KeyFacts:
        """The answer holds the key itself, this once."""

    def change_key(self, key_id: str, asked: KeyEdit, origin: Origin) -> KeyFacts: ...

    def rotate_key(self, key_id: str, asked: KeyRotation, origin: Origin) -> KeyFacts:
        """The answer holds the new key, this once."""

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

    def create_administrator(self, asked: NewAdministrator, origin: Origin) -> AdministratorFacts: ...

    def change_administrator(self, username: str, asked: AdministratorEdit, origin: Origin) -> AdministratorFacts: ...

    def administrators(self) -> AdministratorList: ...

    def audit(
        self,
        cursor: str | None = None,
        limit: int = 100,
        subject: str | None = None,
        asked: AuditQuestion = AuditQuestion(),  # noqa: B008 - immutable
    ) -> AuditPage: ...


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
        hasher: PasswordHasher,
    ) -> None:
        """See `UsersAndKeys`, `PriceChanges` and `Administrators`."""
        people = UsersAndKeys(desk, store, random_bytes)
        self.create_user = people.create_user
        self.change_user = people.change_user
        self.user = people.user
        self.users = people.users
        self.create_key = people.create_key
        self.revoke_key = people.revoke_key
        self.keys = people.keys
        changes = KeyChanges(desk, store, people, random_bytes)
        self.change_key = changes.change_key
        self.rotate_key = changes.rotate_key
        staff = Administrators(desk, store, hasher)
        self.create_administrator = staff.create_administrator
        self.change_administrator = staff.change_administrator
        self.administrators = staff.administrators
        prices = PriceChanges(desk, store, given_prices=given_prices, read_list=read_list)
        self.set_prices = prices.set_prices
        self.import_prices = prices.import_prices
        self.prices = prices.prices
        self.audit = AuditRecord(store).audit
