"""Logging in, being known by one's session, logging out.

Theory of operation. An administrator logs in by name and password, whoever has the admin token by that, a user of the
gateway by one of his API keys. All get a session: a token of 32 random bytes, of which the store keeps the SHA-256 and
the account it belongs to. Who the account is, and what it may do, is looked up anew at each request, so a lock, a new
password, another role and a revoked key count at once: an administrator's session is bound to the epoch of its row, a
user's to the very secret by which it was opened. A session by the admin token is bound to that token by a seal in the
place of the epoch. The seal is made with the session's own token, which nobody keeps: who reads the store can try out
neither.

Nobody can tell from the answer, nor from the time it takes, whether a name exists, whether it is disabled, or whether
the password was wrong. Attempts are throttled before anything is computed.

Logins are actions and stand in the audit record; sessions are not, and are gone with the store. Refused attempts are
noted too, but only some of them one by one: a burst, then one every few minutes with how many there were, so that an
attack fills no disk. A name that nobody has is never noted, since it may well be a password in the wrong field.
"""

import base64
import hmac
import logging
from collections.abc import Callable
from hashlib import sha256
from threading import BoundedSemaphore, Lock
from typing import Final, NamedTuple

from smart_ai_router.core.access_messages import AdministratorEdit, Login, PasswordChange
from smart_ai_router.core.access_rows import ADMINISTRATOR, KEY, AdministratorRow
from smart_ai_router.core.actions import AccessChange, LoggedIn, LoggedOut, LoginsFailed
from smart_ai_router.core.administration import ActionDesk, AdministrationStore, ChangeUnavailable, Origin
from smart_ai_router.core.administrators import (
    PASSWORD_CHARACTERS_MAX,
    Administrators,
    PasswordHasher,
    normal_password,
    role_of,
)
from smart_ai_router.core.sessions import (
    LIFE_MS,
    SEEN_EVERY_MS,
    TOKEN_BYTES,
    TOKEN_PREFIX,
    SessionRow,
    SessionStore,
)
from smart_ai_router.core.snapshot import KeyGrant
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.login_throttle import LoginThrottle
from smart_ai_router.domain.roles import Identity, Role

SECRET: Final = "sha256:"  # noqa: S105 - before the hash of an API key: the account of a session that a key opened
ROOT: Final = "admin"  # the account of whoever has the admin token
SEAL_BYTES: Final = 7  # as many as a cell of 64 bits takes without a sign
UNKNOWN: Final = "unknown"  # the account of refused attempts that belong to nobody
WAITING_MAX: Final = 8  # logins at one time; each waits some 40 ms for the one before
NOTED_AT_ONCE_MAX: Final = 20  # refused attempts that are noted one by one
NOTED_EVERY_S: Final = 300.0  # afterwards, one note for all: 288 a day at most

_logger = logging.getLogger(__name__)


class LoginRefused(Refusal):
    """The name, the password or the key is not right."""

    status = 401
    code = "login_refused"


class LoginThrottled(Refusal):
    """There were too many attempts."""

    status = 429
    code = "login_throttled"


class LoginBusy(Refusal):
    """As many people log in at this moment as can be served."""

    status = 503
    code = "login_busy"
    should_retry = True


class Session(NamedTuple):
    """Whose session it is, and when it ends at the latest."""

    identity: Identity
    expires_ms: int


class Opened(NamedTuple):
    """A session that was just opened; its token is held nowhere else."""

    token: str
    session: Session


class Logins:
    """The verbs. Safe to use from any thread."""

    def __init__(
        self,
        desk: ActionDesk,
        store: AdministrationStore,
        sessions: SessionStore,
        *,
        hasher: PasswordHasher,
        usable_key: Callable[[str], KeyGrant | None],
        random_bytes: Callable[[int], bytes],
        monotonic: Callable[[], float],
        admin_token: str | None = None,
    ) -> None:
        """`usable_key` gives the API key of a SHA-256 in hex, if it is accepted now.

        Of `admin_token` only the hash is kept; without one nobody logs in by it.
        """
        self._desk = desk
        self._store = store
        self._sessions = sessions
        self._hasher = hasher
        self._usable_key = usable_key
        self._random_bytes = random_bytes
        self._monotonic = monotonic
        known = (admin_token or "").strip()
        self._admin_token_sha256 = _hash(known) if known else None
        self._waiting = BoundedSemaphore(WAITING_MAX)
        self._throttle = LoginThrottle()
        self._throttling = Lock()
        self._notes = _FailureNotes(monotonic())

    # --- in and out ---

    def log_in(self, asked: Login, client: str, former: str | None = None) -> Opened:
        """Open a session, and close the one that the same browser had.

        Raises LoginRefused, LoginThrottled, LoginBusy, FieldInvalid, ChangeUnavailable.
        """
        match asked:
            case Login(None, None, str() as key, None):
                opened = self._log_in_by_key(key, client)
            case Login(None, None, None, str() as token):
                opened = self._log_in_by_token(token, client)
            case Login(str() as username, str() as password, None, None):
                opened = self._log_in_by_password(username, password, client)
            case _:
                raise FieldInvalid("log in by username and password, by apiKey alone, or by token alone")
        return self._instead_of(former, opened)

    def log_out(self, token: str, client: str) -> None:
        """End a session; nothing when it has ended already."""
        row = self._sessions.find(_hash(token))
        session = self.session_of(token)
        if row is None or session is None:
            return
        self._close(token)
        self._journal(LoggedOut(self._audited(row.account)), session.identity.actor, client)

    def change_own_password(self, identity: Identity, asked: PasswordChange, client: str) -> None:
        """Give oneself a new password, by the one before; all sessions end. Raises as `log_in` does."""
        if self._store.administrator(identity.name) is None or not identity.actor.startswith(ADMINISTRATOR):
            raise FieldInvalid("only an administrator who logs in by name has a password")
        self._require_password(identity.name, asked.current_password, client)
        Administrators(self._desk, self._store, self._hasher).change_administrator(
            identity.name, AdministratorEdit(password=asked.new_password), Origin(identity.actor, client)
        )

    def session_of(self, token: str) -> Session | None:
        """Whose session this token is; None when it is nobody's, or not any more."""
        if not token.startswith(TOKEN_PREFIX):
            return None
        hashed, now_ms = _hash(token), self._desk.now_ms()
        row = self._sessions.find(hashed)
        identity = None if row is None or not row.is_open(now_ms) else self._identity(row, token)
        if row is None or identity is None:
            return None
        if now_ms - row.seen_ms >= SEEN_EVERY_MS:
            try:
                self._sessions.touch(hashed, now_ms)
            except StoreFailure as failure:
                _logger.warning("a session could not be kept alive: %s", failure)
        return Session(identity, row.expires_ms)

    def tidy(self) -> None:
        """Forget sessions that have ended, and note refused attempts that were only counted."""
        self._sessions.purge(self._desk.now_ms())
        with self._throttling:
            due = self._notes.overdue(self._monotonic())
        if due is not None:
            self._note(due, UNKNOWN, "")

    # --- parts ---

    def _instead_of(self, former: str | None, opened: Opened) -> Opened:
        if former is not None:
            self._close(former)
        return opened

    def _close(self, token: str) -> None:
        try:
            self._sessions.close(_hash(token))
        except StoreFailure as failure:
            raise ChangeUnavailable(f"{failure}; the session is still open", retry_after_s=1.0) from failure

    def _log_in_by_password(self, username: str, password: str, client: str) -> Opened:
        row = self._require_password(username, password, client)
        now = self._store.administrator(username)
        if now is None or now.epoch != row.epoch:  # disabled, or another password, a moment ago
            raise LoginRefused("the name or the password is not right")
        account = f"{ADMINISTRATOR}{username}"
        return self._open(Identity(role_of(row), account, username), account, account, row.epoch, client)

    def _log_in_by_key(self, key: str, client: str) -> Opened:
        self._attempt(None, client)
        hashed = sha256(key.encode("utf-8", "replace")).hexdigest()
        grant = self._usable_key(hashed)
        if grant is None:
            self._refused(UNKNOWN, client)
            raise LoginRefused("the API key is not valid")
        self._succeeded(None, client)
        return self._open(_user(grant), f"{SECRET}{hashed}", f"{KEY}{grant.id}", 0, client)

    def _log_in_by_token(self, token: str, client: str) -> Opened:
        self._attempt(None, client)
        known = self._admin_token_sha256
        if known is None or not hmac.compare_digest(_hash(token.strip()), known):
            self._refused(UNKNOWN, client)
            raise LoginRefused("the admin token is not right")
        self._succeeded(None, client)
        return self._open(_root(), ROOT, ROOT, None, client)

    def _require_password(self, username: str, password: str, client: str) -> AdministratorRow:
        """The administrator, as he was when his password was found right; raises LoginRefused for anybody else."""
        self._attempt(username, client)
        if not self._waiting.acquire(blocking=False):
            raise LoginBusy("too many people log in at this moment; try again", retry_after_s=1.0)
        try:
            row = self._store.administrator(username)
            said = normal_password(password[: PASSWORD_CHARACTERS_MAX + 1])  # no password is longer
            fits = self._hasher.fits(said, None if row is None else row.password_hash)
        finally:
            self._waiting.release()
        if row is None or not fits or not row.enabled:
            self._refused(UNKNOWN if row is None else f"{ADMINISTRATOR}{row.username}", client)
            raise LoginRefused("the name or the password is not right")
        self._succeeded(username, client)
        return row

    def _open(self, identity: Identity, account: str, audited: str, epoch: int | None, client: str) -> Opened:
        """An epoch of None is the admin token's seal."""
        self._journal(LoggedIn(audited), identity.actor, client)
        token = TOKEN_PREFIX + base64.urlsafe_b64encode(self._random_bytes(TOKEN_BYTES)).rstrip(b"=").decode()
        now_ms, epoch = self._desk.now_ms(), self._seal(token) if epoch is None else epoch
        row = SessionRow(_hash(token), account, epoch, now_ms, now_ms, now_ms + LIFE_MS)
        try:
            self._sessions.open(row)
        except StoreFailure as failure:
            raise ChangeUnavailable(f"{failure}; no session can be opened now", retry_after_s=1.0) from failure
        return Opened(token, Session(identity, row.expires_ms))

    def _seal(self, token: str) -> int:
        """What binds a session to the admin token of now; -1, which no session has, without one."""
        if self._admin_token_sha256 is None:
            return -1
        return int.from_bytes(hmac.digest(token.encode(), self._admin_token_sha256, "sha256")[:SEAL_BYTES])

    def _identity(self, row: SessionRow, token: str) -> Identity | None:
        if row.account == ROOT:
            return _root() if row.epoch == self._seal(token) else None
        if row.account.startswith(SECRET):
            grant = self._usable_key(row.account.removeprefix(SECRET))
            return None if grant is None else _user(grant)
        found = self._store.administrator(row.account.removeprefix(ADMINISTRATOR))
        if found is None or not found.enabled or found.epoch != row.epoch:
            return None
        return Identity(role_of(found), row.account, found.username)

    def _audited(self, account: str) -> str:
        """The account as the audit record has it: a key by its id."""
        if not account.startswith(SECRET):
            return account
        grant = self._usable_key(account.removeprefix(SECRET))
        return UNKNOWN if grant is None else f"{KEY}{grant.id}"

    # --- throttling and notes ---

    def _attempt(self, name: str | None, client: str) -> None:
        with self._throttling:
            wait_s = self._throttle.attempt(name, client, self._monotonic())
        if wait_s is not None:
            raise LoginThrottled(f"too many attempts; try again in {int(wait_s) + 1} s", retry_after_s=wait_s)

    def _succeeded(self, name: str | None, client: str) -> None:
        with self._throttling:
            self._throttle.succeeded(name, client, self._monotonic())

    def _refused(self, account: str, client: str) -> None:
        _logger.warning("a login of %s from %s was refused", account, client)
        with self._throttling:
            times = self._notes.times(self._monotonic())
        if times is not None:
            self._note(times, account, client)

    def _note(self, times: int, account: str, client: str) -> None:
        try:
            self._journal(LoginsFailed(account, times), "anonymous", client)
        except ChangeUnavailable as failure:
            _logger.warning("a refused login could not be noted: %s", failure.message)

    def _journal(self, change: AccessChange, actor: str, client: str) -> None:
        self._desk.perform(
            f"log {change.__struct_config__.tag}", change, Origin(actor, client), lambda _: change, tell_gateways=False
        )


class _FailureNotes:
    """How many refused attempts the next note stands for: a bucket of notes that fills slowly. Not safe for threads."""

    def __init__(self, now: float) -> None:
        self._left = float(NOTED_AT_ONCE_MAX)
        self._at = now
        self._counted = 0  # since the last note

    def times(self, now: float) -> int | None:
        """One more; what to note now, or None when it is only counted."""
        self._counted += 1
        return self._take(now)

    def overdue(self, now: float) -> int | None:
        """What to note of those that were only counted, when the time has come."""
        return self._take(now) if self._counted else None

    def _take(self, now: float) -> int | None:
        self._left = min(self._left + (now - self._at) / NOTED_EVERY_S, float(NOTED_AT_ONCE_MAX))
        self._at = now
        if self._left < 1:
            return None
        self._left -= 1
        counted, self._counted = self._counted, 0
        return counted


def _root() -> Identity:
    return Identity(Role.ADMIN, ROOT, ROOT)


def _user(grant: KeyGrant) -> Identity:
    return Identity(Role.USER, f"user:{grant.user_id}", grant.user_id, grant.user_id)


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()
