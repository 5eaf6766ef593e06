"""Logging in without HTTP: what is looked at, what is noted, what is kept. Over HTTP: `tests/api/test_logins.py`."""

import logging
from secrets import token_bytes
from threading import Event, Thread

import pytest

from smart_ai_router.adapters.memory_administration import MemoryActionLog
from smart_ai_router.adapters.memory_sessions import MemorySessions
from smart_ai_router.core.access_messages import AdministratorEdit, Login, NewAdministrator, PasswordChange
from smart_ai_router.core.administration import ActionsUnwritable, ChangeUnavailable
from smart_ai_router.core.logins import (
    NOTED_AT_ONCE_MAX,
    NOTED_EVERY_S,
    WAITING_MAX,
    LoginBusy,
    LoginRefused,
    Logins,
    LoginThrottled,
)
from smart_ai_router.core.sessions import IDLE_MS, SEEN_EVERY_MS, TOKEN_PREFIX, SessionRow
from smart_ai_router.core.snapshot import KeyGrant
from smart_ai_router.core.store import StoreUnavailable
from smart_ai_router.domain.roles import Identity, Role
from tests.core.administration_samples import NOW_MS, Office, QuickHasher, by

PASSWORD = "correct horse battery"
CAROL = Login("carol", PASSWORD)
HERE = "192.0.2.7"


class Door:
    """Logins over an office with the administrator carol."""

    def __init__(self, office: Office | None = None, sessions: MemorySessions | None = None) -> None:
        self.office = office or Office()
        self.sessions = sessions or MemorySessions()
        self.hasher = QuickHasher()
        self.monotonic = 0.0
        self.keys: dict[str, KeyGrant] = {}
        self.logins = self.logins_again()
        self.office.verbs.create_administrator(NewAdministrator("carol", PASSWORD), by())

    def logins_again(self, admin_token: str | None = None) -> Logins:
        """As after a restart."""
        return Logins(
            self.office.desk,
            self.office.store,
            self.sessions,
            hasher=self.hasher,
            usable_key=self.keys.get,
            random_bytes=token_bytes,
            monotonic=lambda: self.monotonic,
            admin_token=admin_token,
        )

    def fails(self, asked: Login, address: str = HERE) -> None:
        with pytest.raises(LoginRefused):
            self.logins.log_in(asked, address)

    def notes(self) -> list[tuple[str, object]]:
        """Refused logins in the audit record, oldest first."""
        entries = self.office.verbs.audit(limit=1000).entries
        return [(each.subject, each.after["times"]) for each in reversed(entries) if each.action == "logins_failed"]


def test_a_token_is_32_random_bytes_and_kept_as_a_hash() -> None:
    door = Door()
    first, second = (door.logins.log_in(CAROL, HERE).token for _ in range(2))

    assert first != second
    assert first.startswith(TOKEN_PREFIX)
    assert len(first) == len(TOKEN_PREFIX) + 43
    assert all(first not in repr(row) for row in door.sessions.rows.values())


def test_sessions_survive_a_restart() -> None:
    door = Door()
    token = door.logins.log_in(CAROL, HERE).token

    found = door.logins_again().session_of(token)

    assert found is not None
    assert (found.identity.role, found.identity.actor) == (Role.ADMIN, "administrator:carol")


@pytest.mark.parametrize("token", ["", "x", TOKEN_PREFIX, TOKEN_PREFIX + "A" * 43, TOKEN_PREFIX + "\udcff"])
def test_any_other_token_is_nobodys(token: str) -> None:
    assert Door().logins.session_of(token) is None


def test_an_unknown_name_costs_the_same_look_as_a_wrong_password() -> None:
    door = Door()
    for asked in (Login("carol", "wrong"), Login("nobody", PASSWORD), Login("", "")):
        before = door.hasher.looked_at
        door.fails(asked)
        assert door.hasher.looked_at == before + 1


def test_a_throttled_attempt_costs_nothing() -> None:
    door = Door()
    for _ in range(10):
        door.fails(Login("carol", "wrong"))
    before = door.hasher.looked_at

    with pytest.raises(LoginThrottled) as refused:
        door.logins.log_in(CAROL, HERE)

    assert refused.value.retry_after_s == 90
    assert door.hasher.looked_at == before


def test_a_session_by_key_ends_with_the_secret_that_opened_it() -> None:
    door = Door()
    hashed = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"  # of "key"
    door.keys[hashed] = KeyGrant("key_1", hashed, "alice", "laptop")
    token = door.logins.log_in(Login(api_key="key"), HERE).token
    found = door.logins.session_of(token)
    assert found is not None
    assert (found.identity.role, found.identity.actor, found.identity.user_id) == (Role.USER, "user:alice", "alice")

    del door.keys[hashed]

    assert door.logins.session_of(token) is None
    door.fails(Login(api_key="key"))
    assert [(each.action, each.subject) for each in door.office.verbs.audit(limit=2).entries] == [
        ("logins_failed", "unknown"),
        ("logged_in", "key:key_1"),
    ]


def test_a_session_by_the_admin_token_ends_with_that_token() -> None:
    door = Door()
    opened = door.logins_again("first token").log_in(Login(token="first token"), HERE)
    (row,) = door.sessions.rows.values()
    assert (opened.session.identity, row.account) == (Identity(Role.ADMIN, "admin", "admin"), "admin")

    assert door.logins_again(" first token\n").session_of(opened.token) is not None
    assert door.logins_again("other token").session_of(opened.token) is None
    assert door.logins_again().session_of(opened.token) is None


def test_no_two_sessions_by_one_admin_token_have_the_same_seal() -> None:
    door = Door()
    for _ in range(3):
        door.logins_again("a token").log_in(Login(token="a token"), HERE)

    assert len({row.epoch for row in door.sessions.rows.values()}) == 3
    assert all(0 <= row.epoch < 2**63 for row in door.sessions.rows.values())


@pytest.mark.parametrize("known", [None, "", " "])
def test_without_an_admin_token_nobody_logs_in_by_one(known: str | None) -> None:
    door = Door()
    for given in ("", " ", "anything"):
        with pytest.raises(LoginRefused):
            door.logins_again(known).log_in(Login(token=given), HERE)


def test_an_administrator_who_is_called_admin_is_somebody_else_than_the_holder_of_the_token() -> None:
    door = Door()
    door.office.verbs.create_administrator(NewAdministrator("admin", PASSWORD, "billing_viewer"), by())
    logins = door.logins_again("a token")

    opened = [logins.log_in(asked, HERE) for asked in (Login("admin", PASSWORD), Login(token="a token"))]

    assert [each.session.identity.role for each in opened] == [Role.BILLING_VIEWER, Role.ADMIN]
    found = [logins.session_of(each.token) for each in opened]
    assert found == [each.session for each in opened]


def test_a_session_in_use_is_written_once_a_minute() -> None:
    door = Door()
    token = door.logins.log_in(CAROL, HERE).token
    (row,) = door.sessions.rows.values()

    door.office.clock.now = (NOW_MS + SEEN_EVERY_MS - 1) / 1000
    door.logins.session_of(token)
    assert door.sessions.rows[row.token_sha256].seen_ms == NOW_MS

    door.office.clock.now = (NOW_MS + SEEN_EVERY_MS) / 1000
    door.logins.session_of(token)
    assert door.sessions.rows[row.token_sha256].seen_ms == NOW_MS + SEEN_EVERY_MS


class FullDisk(MemorySessions):
    """Takes nothing."""

    def open(self, row: SessionRow) -> None:
        raise StoreUnavailable("disk full")

    def touch(self, token_sha256: bytes, seen_ms: int) -> None:
        raise StoreUnavailable("disk full")

    def close(self, token_sha256: bytes) -> None:
        raise StoreUnavailable("disk full")


def test_without_a_store_nobody_logs_in_or_out_and_who_is_in_stays_in(caplog: pytest.LogCaptureFixture) -> None:
    door = Door()
    token = door.logins.log_in(CAROL, HERE).token
    full = FullDisk()
    full.rows = door.sessions.rows
    door.sessions = full
    door.logins = door.logins_again()
    door.office.clock.now = (NOW_MS + SEEN_EVERY_MS) / 1000

    with pytest.raises(ChangeUnavailable):
        door.logins.log_in(CAROL, HERE)
    with pytest.raises(ChangeUnavailable, match="still open"):
        door.logins.log_out(token, HERE)
    with caplog.at_level(logging.WARNING):
        assert door.logins.session_of(token) is not None
    assert "could not be kept alive" in caplog.text


class Unwritable(MemoryActionLog):
    """An actions file that can be shut."""

    is_shut = False

    def append(self, lines: object) -> None:
        if self.is_shut:
            raise ActionsUnwritable("disk full")
        super().append(lines)  # type: ignore[arg-type]


def test_a_login_that_cannot_be_recorded_does_not_happen_and_a_refusal_stays_one() -> None:
    log = Unwritable()
    door = Door(Office(log=log))
    log.is_shut = True

    with pytest.raises(ChangeUnavailable):
        door.logins.log_in(CAROL, HERE)
    assert not door.sessions.rows
    door.fails(Login("carol", "wrong"))


def test_a_logout_is_noted_once_and_again_it_is_nothing() -> None:
    door = Door()
    token = door.logins.log_in(CAROL, HERE).token
    door.logins.log_out(token, HERE)
    door.logins.log_out(token, HERE)
    door.logins.log_out("nonsense", HERE)

    actions = [entry.action for entry in door.office.verbs.audit().entries]
    assert actions == ["logged_out", "logged_in", "administrator_created"]
    assert not door.sessions.rows


def test_tidying_forgets_sessions_that_have_ended() -> None:
    door = Door()
    door.logins.log_in(CAROL, HERE)
    door.office.clock.now = (NOW_MS + IDLE_MS) / 1000

    door.logins.tidy()

    assert not door.sessions.rows


def test_one_s_own_password_takes_the_one_before() -> None:
    door = Door()
    opened = door.logins.log_in(CAROL, HERE)
    identity = opened.session.identity

    with pytest.raises(LoginRefused):
        door.logins.change_own_password(identity, PasswordChange("wrong", "another long password"), HERE)
    door.logins.change_own_password(identity, PasswordChange(PASSWORD, "another long password"), HERE)

    assert door.logins.session_of(opened.token) is None
    assert door.office.verbs.audit(limit=1).entries[0].actor == "administrator:carol"


# --- how much of an attack is noted ---


def test_an_attack_fills_no_disk_and_every_attempt_is_counted() -> None:
    door = Door()
    for number in range(500):
        door.fails(Login("nobody", "x") if number % 2 else Login(f"name{number}", "x"), f"198.51.{number}.1")
        if number % 2:
            door.monotonic += 10

    noted = door.notes()
    assert len(noted) <= NOTED_AT_ONCE_MAX + door.monotonic / NOTED_EVERY_S + 1
    assert noted[0] == ("unknown", 1)
    door.monotonic += NOTED_EVERY_S
    door.logins.tidy()
    assert sum(int(str(times)) for _, times in door.notes()) == 500
    door.logins.tidy()
    assert sum(int(str(times)) for _, times in door.notes()) == 500


def test_a_name_that_nobody_has_is_not_noted_since_it_may_be_a_password() -> None:
    door = Door()
    door.fails(Login(PASSWORD, "carol"))
    door.fails(Login("carol", "wrong"))

    assert door.notes() == [("unknown", 1), ("administrator:carol", 1)]
    assert PASSWORD not in b"\n".join(door.office.log.read().lines).decode()


# --- at one time ---


class SlowHasher(QuickHasher):
    """Waits until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = Event()
        self.arrived = [Event() for _ in range(WAITING_MAX)]

    def fits(self, password: str, password_hash: str | None) -> bool:
        number = self.looked_at
        fits = super().fits(password, password_hash)
        self.arrived[number].set()
        assert self.go_on.wait(10)
        return fits


def test_so_many_log_in_at_a_time_and_no_more() -> None:
    door = Door()
    slow = SlowHasher()
    door.hasher = slow
    door.logins = door.logins_again()
    opened: list[str] = []
    threads = []
    for number in range(WAITING_MAX):
        asked = (CAROL, f"198.51.100.{number}")
        threads.append(Thread(target=lambda asked=asked: opened.append(door.logins.log_in(*asked).token)))
        threads[-1].start()
        assert slow.arrived[number].wait(10)

    with pytest.raises(LoginBusy):
        door.logins.log_in(CAROL, HERE)
    slow.go_on.set()
    for thread in threads:
        thread.join(10)

    assert len(opened) == WAITING_MAX
    assert all(door.logins.session_of(token) for token in opened)


class LockingHasher(QuickHasher):
    """Somebody changes carol just after her password was found right."""

    def __init__(self, office: Office, edit: AdministratorEdit) -> None:
        super().__init__()
        self._office = office
        self._edit = edit

    def fits(self, password: str, password_hash: str | None) -> bool:
        fits = super().fits(password, password_hash)
        self._office.verbs.change_administrator("carol", self._edit, by())
        return fits


@pytest.mark.parametrize(
    "edit", [AdministratorEdit(enabled=False), AdministratorEdit(password="another long password")]
)
def test_who_is_locked_out_while_logging_in_is_not_in(edit: AdministratorEdit) -> None:
    door = Door()
    door.hasher = LockingHasher(door.office, edit)
    door.logins = door.logins_again()

    door.fails(CAROL)
    assert not door.sessions.rows
