"""People of every role before one control plane, for tests."""

from collections.abc import Mapping
from hashlib import sha256
from secrets import token_bytes
from typing import Final

from starlette.testclient import TestClient

from smart_ai_router.adapters.memory_sessions import MemorySessions
from smart_ai_router.api.admin_access import COOKIE, admin_access
from smart_ai_router.api.control import create_control_app
from smart_ai_router.core.access_messages import AdministratorEdit, Login, NewAdministrator
from smart_ai_router.core.administration_messages import KeyFacts, NewKey, NewUser
from smart_ai_router.core.admission import Keyring
from smart_ai_router.core.logins import Logins
from smart_ai_router.core.snapshot import KeyGrant, Snapshot
from tests.api.control_fixtures import services_over
from tests.core.administration_samples import Office, QuickHasher, by

ROOT_TOKEN: Final = "right-admin-token"
PASSWORD: Final = "correct horse battery"
ZONE: Final = "Asia/Shanghai"
HERE: Final = {"x-router-client-ip": "192.0.2.7"}


class World:
    """Administrators carol (admin), vera (viewer) and dan (disabled); users alice and bob with a key each."""

    def __init__(self, office: Office | None = None, trusted_proxies: tuple[str, ...] = ()) -> None:
        self.office = office or Office()
        self.sessions = MemorySessions()
        self.hasher = QuickHasher()
        self.monotonic = 1000.0
        self.logins = Logins(
            self.office.desk,
            self.office.store,
            self.sessions,
            hasher=self.hasher,
            usable_key=self.usable_key,
            random_bytes=token_bytes,
            monotonic=lambda: self.monotonic,
            admin_token=ROOT_TOKEN,
        )
        verbs = self.office.verbs
        for username, role in (("carol", "admin"), ("vera", "billing_viewer"), ("dan", "admin")):
            verbs.create_administrator(NewAdministrator(username, PASSWORD, role), by())
        for user_id in ("alice", "bob"):
            verbs.create_user(NewUser(user_id, user_id), by())
        self.key, self.bobs_key, self.revoked_key = self.new_key("alice"), self.new_key("bob"), self.new_key("alice")
        self.dans_session = self.session("dan")
        verbs.change_administrator("dan", AdministratorEdit(enabled=False), by())
        verbs.revoke_key(self.revoked_key.id, by())
        access = admin_access(ROOT_TOKEN, self.user_of_key, self.logins.session_of, trusted_proxies)
        services = services_over(access=access, administration=verbs, logins=self.logins, time_zone=ZONE)
        self.app = create_control_app(services)

    def new_key(self, user_id: str) -> KeyFacts:
        return self.office.verbs.create_key(user_id, NewKey("laptop"), by())

    def usable_key(self, key_sha256_hex: str) -> KeyGrant | None:
        state = self.office.store.state()
        snapshot = Snapshot(1, 0.0, users=state.users, keys=state.keys, access=Snapshot(1, 0.0).access)
        return Keyring(snapshot).usable(key_sha256_hex, self.office.clock.now)

    def user_of_key(self, token: str) -> str | None:
        grant = self.usable_key(sha256(token.encode()).hexdigest())
        return None if grant is None else grant.user_id

    def session(self, username: str, password: str = PASSWORD) -> str:
        return self.logins.log_in(Login(username, password), "192.0.2.7").token

    def client(self, headers: Mapping[str, str] = HERE) -> TestClient:
        """A client that keeps no cookies of its own accord; one who is nobody, unless headers say more."""
        return TestClient(self.app, headers={**HERE, **headers}, base_url="http://router.example")


def bearer(token: object) -> dict[str, str]:
    assert isinstance(token, str)
    return {"authorization": f"Bearer {token}"}


def cookie(token: str) -> dict[str, str]:
    """What a browser sends along with a request of our own page."""
    return {"cookie": f"{COOKIE}={token}", "sec-fetch-site": "same-origin"}
