"""The desk where everything that an administrator changes is done: once, in order, and never half.

Theory of operation. A request is checked against what stands, becomes one action, and the action is appended to the
actions file and made durable. Only then is it applied to the store, in one transaction with its audit entry and its
number, and at last every gateway worker is told. A crash between file and store is healed at the next start, or by
the next request: what stands in the file and not in the store is applied. The other way round, an action that the
store has and the file has lost is written into the file again. So each restores the other, and neither is ever ahead
for long.

Where several hosts share a store, the order is the other one: the store gives out the numbers, one after the other,
and whoever finds his taken decides anew. What others have done is written into the own file with the next change, or
when somebody asks for news.

A request with an idempotency key has its effect once. The same request again is given the first answer; another one
under the same key is refused. A request that is refused leaves nothing behind, so its key may be used again.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from typing import Final, NamedTuple, Protocol

import msgspec

from smart_ai_router.core.access_rows import AdministratorRow, KeyRow
from smart_ai_router.core.actions import Action, ActionDamaged, Change, decode_action, encode_action, make_action
from smart_ai_router.core.administrative_state import (
    AdministrativeState,
    AuditEntry,
    Rows,
    StoredPrice,
    UserRow,
)
from smart_ai_router.core.snapshot import StoreState
from smart_ai_router.core.store import StoreFailure, StoreUnavailable
from smart_ai_router.domain.errors import Refusal

ACTION_BYTES_MAX: Final = 32 * 1024 * 1024  # an import of all public price lists at once takes a fifth of it
IDEMPOTENCY_KEY_CHARACTERS_MAX: Final = 255  # what payment services allow
ID_BYTES: Final = 12
NUMBERS_TRIED_MAX: Final = 100  # each time another host was faster

_logger = logging.getLogger(__name__)


class IdempotencyKeyInvalid(Refusal):
    """The key is empty, too long, or holds something else than visible ASCII."""

    code = "idempotency_key_invalid"


class IdempotencyConflict(Refusal):
    """Another request was made under this idempotency key."""

    status = 409
    code = "idempotency_conflict"


class ChangeUnavailable(Refusal):
    """The change cannot be recorded now."""

    status = 503
    code = "administration_unavailable"
    type = "service_unavailable"
    should_retry = True


class ActionTooLarge(Refusal):
    """The change is larger than one action may be."""

    status = 413
    code = "change_too_large"


class ActionsDiverge(StoreFailure):
    """The actions file belongs to other books."""


class ActionsUnwritable(Exception):
    """The actions file cannot be written now. What was tried may or may not stand in it."""


class ActionsRead(NamedTuple):
    """The content of the actions file."""

    lines: Sequence[bytes]
    too_long: int = 0  # lines that are longer than any action, and were left out


class AuditFilter(NamedTuple):
    """Of the audit record, what is asked for; None is everything."""

    actor: str | None = None
    kind: str | None = None
    from_ms: int | None = None  # this moment included
    until_ms: int | None = None  # this one not


EVERYTHING: Final = AuditFilter()


class ActionLog(Protocol):
    """The actions file. One process writes it."""

    def append(self, lines: Sequence[bytes]) -> None:
        """Add whole lines (given without newlines), durable when this returns; raises ActionsUnwritable."""

    def read(self) -> ActionsRead:
        """All lines; empty when there is no file. A torn line is one of them. Raises ActionsUnwritable."""

    def is_current(self) -> bool:
        """False when the file was moved, removed or cut since it was last read or written."""


class AdministrationStore(Rows, Protocol):
    """The rows that the actions have come to. `apply` is called by one thread at a time, the rest by any."""

    def apply(self, actions: Sequence[Action]) -> None:
        """Apply actions in order, in one transaction; those whose number stands already change nothing.

        Raises ActionsDiverge when another action stands under a number, StoreUnavailable when nothing can be written.
        """

    @property
    def is_shared(self) -> bool:
        """Whether other hosts make changes as well; then the store gives out the numbers."""

    def numbers(self) -> Collection[int]:
        """The numbers of all actions that were applied."""

    def last_number(self) -> int:
        """The highest of them; 0 when there is none."""

    def action(self, number: int) -> Action | None: ...

    def action_of(self, action_id: str) -> Action | None:
        """The action that was made under an idempotency key."""

    def users(self, after: str, limit: int) -> Sequence[UserRow]:
        """Users by rising id, those after `after` ("" is before all)."""

    def keys(self, user_id: str | None, after: str, limit: int) -> Sequence[KeyRow]:
        """Keys by rising id, of one user or of all, those after `after`."""

    def usable_key_count(self, at_ms: int) -> int:
        """How many keys are accepted at a moment: not revoked, not expired, of a user who is enabled."""

    def prices(self) -> Sequence[StoredPrice]:
        """Every price version that was added, in the order of their ids."""

    def administrators(self) -> Sequence[AdministratorRow]:
        """Everybody who may log in or once might, by rising name."""

    def audit(
        self, before: int | None, limit: int, subject: str | None = None, asked: AuditFilter = EVERYTHING
    ) -> Sequence[AuditEntry]:
        """What was done, newest first; only numbers below `before`, only of one subject, only what is asked for."""

    def state(self) -> StoreState:
        """What the gateway decides by."""

    def everything(self) -> AdministrativeState:
        """All rows of one moment, for the proof."""


class Origin(NamedTuple):
    """Who asks for a change, from where, and under which idempotency key."""

    actor: str
    client: str
    idempotency_key: str | None = None


class Performed(NamedTuple):
    """What became of a request."""

    action: Action
    is_repeated: bool  # it was done before, under this idempotency key
    is_effective: bool  # every gateway worker decides by it


class CaughtUp(NamedTuple):
    """What bringing file and store together came to."""

    applied: int  # actions that the store had not
    restored: int  # actions that the file had not
    damaged: int  # lines of the file that are no actions
    missing: Sequence[int]  # numbers that neither has


class ActionDesk:
    """Makes changes durable, in order. Safe to use from any thread."""

    def __init__(
        self,
        store: AdministrationStore,
        log: ActionLog,
        *,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        tell_gateways: Callable[[], bool],
    ) -> None:
        """`tell_gateways` makes a change known to every worker and says whether all of them have taken it."""
        self._store = store
        self._log = log
        self._clock = clock
        self._random_bytes = random_bytes
        self._tell_gateways = tell_gateways
        self._lock = Lock()
        self._last_number = 0
        self._is_behind = True  # file and store may differ

    @property
    def is_behind(self) -> bool:
        """True while something may stand in the file and not in the store."""
        return self._is_behind

    def now_ms(self) -> int:
        """Milliseconds since 1970 UTC."""
        return int(self._clock() * 1000)

    def fresh_id(self, prefix: str) -> str:
        """An id that nobody can guess."""
        return f"{prefix}{self._random_bytes(ID_BYTES).hex()}"

    def catch_up(self) -> CaughtUp:
        """Bring file and store together. Raises StoreFailure, ActionsUnwritable."""
        with self._lock:
            return self._catch_up()

    def perform(
        self,
        verb: str,
        request: msgspec.Struct,
        origin: Origin,
        decide: Callable[[int], Change],
        *,
        tell_gateways: bool = True,
    ) -> Performed:
        """Carry a request out, once. Gateways that decide nothing by it need not be told.

        `verb` and `request` say what is asked, for the comparison under one idempotency key. `decide` gets the moment
        (milliseconds since 1970 UTC), checks the request against the store and makes the change, or raises a Refusal.
        """
        fingerprint = _fingerprint(verb, request)
        action_id = self.fresh_id("auto:") if origin.idempotency_key is None else _checked(origin.idempotency_key)
        with self._lock:
            try:
                for _ in range(NUMBERS_TRIED_MAX):
                    if self._is_behind or self.has_news() or not self._log.is_current():
                        self._catch_up()
                    earlier = self._store.action_of(action_id)
                    if earlier is not None:
                        return _repeated(earlier, fingerprint)
                    at_ms = self.now_ms()
                    action = make_action(
                        self._last_number + 1,
                        action_id,
                        at_ms,
                        decide(at_ms),
                        actor=origin.actor,
                        client=origin.client,
                        request=fingerprint,
                    )
                    if self._record(action):
                        break
                else:
                    raise StoreUnavailable("other hosts made changes all the time")
            except (StoreFailure, ActionsUnwritable) as failure:
                raise ChangeUnavailable(
                    f"{failure}; the change may take effect later: repeat it with the same Idempotency-Key",
                    retry_after_s=1.0,
                ) from failure
        return Performed(action, False, self._tell_gateways() if tell_gateways else True)

    def has_news(self) -> bool:
        """Whether another host has changed something that is not known here yet. Raises StoreFailure."""
        return self._store.is_shared and self._store.last_number() != self._last_number

    def _record(self, action: Action) -> bool:
        """False when another host has taken the number: then what was decided may not hold any more."""
        line = encode_action(action)
        if len(line) > ACTION_BYTES_MAX:
            raise ActionTooLarge(f"this change takes {len(line)} bytes, one may take {ACTION_BYTES_MAX}; split it")
        self._is_behind = True  # until it stands in both
        if self._store.is_shared:
            return self._record_shared(action, line)
        self._log.append([line])
        self._store.apply([action])
        self._last_number = action.number
        self._is_behind = False
        return True

    def _record_shared(self, action: Action, line: bytes) -> bool:
        """The store comes first: a line in our file alone would carry a number that others may take."""
        try:
            self._store.apply([action])
        except ActionsDiverge:
            return False
        self._last_number = action.number
        try:
            self._log.append([line])
            self._is_behind = False
        except ActionsUnwritable as failure:
            _logger.error("action %d stands in the books and not in the actions file yet: %s", action.number, failure)
        return True

    def _catch_up(self) -> CaughtUp:
        self._is_behind = True
        standing, damaged = read_actions(self._log)
        lost = restore_lost(self._store, self._log, standing)
        known = frozenset(self._store.numbers())
        pending = [action for number, action in standing.items() if number not in known]
        if pending:
            self._store.apply(pending)
            _logger.warning("%d actions that stood only in the actions file were applied", len(pending))
        numbers = known | standing.keys()
        self._last_number = max(numbers, default=0)
        missing = [number for number in range(1, self._last_number) if number not in numbers]
        self._is_behind = False
        return CaughtUp(len(pending), lost, damaged, missing)


def read_actions(log: ActionLog) -> tuple[dict[int, Action], int]:
    """The actions of a file by rising number, and how many of its lines are none. Raises ActionUnknown.

    Of two lines with one number the first counts: the second was never acknowledged, or somebody edited the file.
    """
    read = log.read()
    found: dict[int, Action] = {}
    damaged = read.too_long
    for line in read.lines:
        try:
            action = decode_action(line)
        except ActionDamaged as damage:
            damaged += 1
            _logger.warning("a line of the actions file is no action: %s", damage)
            continue
        if found.setdefault(action.number, action) != action:
            damaged += 1
            _logger.warning("action %d stands twice in the actions file; the first counts", action.number)
    return dict(sorted(found.items())), damaged


def restore_lost(store: AdministrationStore, log: ActionLog, standing: Mapping[int, Action]) -> int:
    """Write what the store has and the file has lost into the file again; how many actions that were.

    Raises ActionsDiverge when the two do not belong together.
    """
    known = frozenset(store.numbers())
    both = known & standing.keys()
    for number in (min(both, default=0), max(both, default=0)):
        _require_same(standing.get(number), store.action(number))
    lost = [action for number in sorted(known - standing.keys()) if (action := store.action(number)) is not None]
    if lost:
        if store.is_shared:
            _logger.info("%d changes of other hosts are written into the actions file", len(lost))
        else:
            _logger.error("%d actions were missing from the actions file; they are written again", len(lost))
        log.append([encode_action(action) for action in lost])
    return len(lost)


def require_idempotency_key(origin: Origin) -> None:
    """For changes that must not be made twice by a repeated request; raises IdempotencyKeyInvalid."""
    if origin.idempotency_key is None:
        raise IdempotencyKeyInvalid("this request moves money: send an Idempotency-Key header, so that it is done once")


def _checked(key: str) -> str:
    if not 0 < len(key) <= IDEMPOTENCY_KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
        raise IdempotencyKeyInvalid(
            f"an Idempotency-Key is 1 to {IDEMPOTENCY_KEY_CHARACTERS_MAX} visible ASCII characters"
        )
    return key


def _fingerprint(verb: str, request: msgspec.Struct) -> str:
    return sha256(verb.encode() + b"\n" + msgspec.json.encode(request, order="deterministic")).hexdigest()


def _repeated(earlier: Action, fingerprint: str) -> Performed:
    if earlier.request != fingerprint:
        raise IdempotencyConflict(
            f"another request was made under this Idempotency-Key ({earlier.kind} at {earlier.at}); use a new key"
        )
    return Performed(earlier, True, True)


def _require_same(standing: Action | None, applied: Action | None) -> None:
    if standing != applied:
        number = (standing or applied).number  # type: ignore[union-attr]  # both None are the same
        raise ActionsDiverge(
            f"action {number} in the actions file is not the one that was applied to the books: "
            "one of the two was restored from elsewhere; put both from the same backup"
        )
