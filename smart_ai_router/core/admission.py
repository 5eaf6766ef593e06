"""Who may call: API keys by their hash, and the anonymous caller on the router's own machine.

The anonymous caller exists so that a fresh start answers the guide's first curl. It must come over loopback, without
a proxy in front, and address the router by a loopback name, so that neither a reverse proxy nor a web page in the
operator's browser (DNS rebinding) can borrow it.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from smart_ai_router.core.calls import Caller
from smart_ai_router.core.snapshot import AccessPolicy, KeyGrant, Snapshot, User
from smart_ai_router.domain.errors import KeyInvalid

PROXY_HEADERS: Final = (
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "via",
    "x-forwarded-host",
    "x-forwarded-proto",
    "cf-connecting-ip",
)
LOOPBACK_NAME: Final = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?")
LOOPBACK_HOSTS: Final = frozenset(("localhost", "127.0.0.1", "::1"))
USER_AGENT_CHARACTERS_MAX: Final = 200


class Keyring:
    """The keys and users of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._grants: dict[str, KeyGrant] = {grant.sha256_hex: grant for grant in snapshot.keys}
        self._users: dict[str, User] = {user.id: user for user in snapshot.users}
        self._access: AccessPolicy = snapshot.access
        self._presented: dict[str, KeyGrant] = {}  # keys seen since this snapshot came, to hash each once

    def grant(self, key_sha256_hex: str) -> KeyGrant | None:
        return self._grants.get(key_sha256_hex)

    def user(self, user_id: str) -> User | None:
        return self._users.get(user_id)

    def is_usable(self, presented: str, now: float) -> bool:
        """Whether this is a key that may call now."""
        return self.usable(sha256(presented.encode("utf-8", "replace")).hexdigest(), now) is not None

    def usable(self, key_sha256_hex: str, now: float) -> KeyGrant | None:
        """The key of this hash, if it may call now."""
        grant = self._grants.get(key_sha256_hex)
        return grant if grant is not None and self._is_good(grant, now) else None

    def identify(self, headers: Mapping[str, str], client_ip: str, now: float) -> tuple[Caller, KeyGrant | None]:
        """The caller of a request; raises KeyInvalid. Which keys exist cannot be told from the answer."""
        user_agent = headers.get("user-agent", "")[:USER_AGENT_CHARACTERS_MAX] or None
        presented = _presented_key(headers)
        if presented is not None:
            grant = self._presented.get(presented) or self._look_up(presented)
            if grant is not None and self._is_good(grant, now):
                return Caller(client_ip, user_agent, grant.user_id, grant.id), grant
            if self._grants or self._access.keys_known or self._access.keys_required:
                raise KeyInvalid("the API key is not valid; ask your administrator for one")
        if self._access.keys_required or not self._access.anonymous_loopback:
            raise KeyInvalid("an API key is required: send it as 'Authorization: Bearer KEY'")
        if not is_local_caller(headers, client_ip):
            raise KeyInvalid("calls without an API key are only served on the router's own machine")
        return Caller(client_ip, user_agent), None

    def _look_up(self, presented: str) -> KeyGrant | None:
        grant = self._grants.get(sha256(presented.encode("utf-8", "replace")).hexdigest())
        if grant is not None:
            self._presented[presented] = grant  # bounded by the number of keys that exist
        return grant

    def _is_good(self, grant: KeyGrant, now: float) -> bool:
        user = self._users.get(grant.user_id)
        return grant.enabled and (grant.expires_at is None or now < grant.expires_at) and (user is None or user.enabled)


def is_local_caller(headers: Mapping[str, str], client_ip: str) -> bool:
    """True for a program on this machine that talks to the router directly, by a loopback name."""
    try:
        loopback = ip_address(client_ip).is_loopback
    except ValueError:
        return False
    is_named_so = LOOPBACK_NAME.fullmatch(headers.get("host", "").lower()) is not None
    is_direct = not any(each in headers for each in PROXY_HEADERS)
    return loopback and is_named_so and is_direct and _is_local_origin(headers.get("origin"))


def _is_local_origin(origin: str | None) -> bool:
    """True for programs, which send no origin, and for pages that this machine serves."""
    try:
        return origin is None or urlsplit(origin).hostname in LOOPBACK_HOSTS
    except ValueError:  # it is no address at all
        return False


def _presented_key(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization", "")
    if authorization[:7].lower() == "bearer ":
        return authorization[7:].strip() or None
    return headers.get("x-api-key") or None
