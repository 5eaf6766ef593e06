"""The watch over the pools: after every batch of the books, after every recharge, every few minutes, and by hand.

What is decided stands in `domain/pools.py`. Here a look is one transaction: the pool's state, its alert, and what is
off follow from each other or not at all. Looking again changes nothing, so a look that a crash prevented is made up
for by the next one.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Final, NamedTuple

from smart_ai_router.core.ledger_store import LedgerStore, PoolAlertRow, PoolBooks, PoolStanding
from smart_ai_router.core.posting import Posting
from smart_ai_router.domain.accounts import AccountKind
from smart_ai_router.domain.money import pico_to_decimal
from smart_ai_router.domain.pools import (
    ALERT_LEVELS,
    PoolAction,
    PoolActionKind,
    PoolAlertKind,
    PoolState,
    after_check,
    after_recharge,
    after_resolving_by_hand,
    alert_message,
    percentage,
)

RESOLVED_BY_ITSELF: Final = "system"

_SWITCHES: Final = frozenset((PoolActionKind.SWITCH_OFF, PoolActionKind.SWITCH_ON))
_TOLD: Final = frozenset((PoolActionKind.OPEN_ALERT, PoolActionKind.RAISE_ALERT))


class PoolNotice(NamedTuple):
    """An alert that people are to be told of."""

    provider_id: str
    kind: PoolAlertKind
    level: str  # warning | critical
    message: str
    percentage: str
    available: int
    currency: str


class PoolsSeen(NamedTuple):
    """What a look came to."""

    pools: int
    notices: tuple[PoolNotice, ...]
    has_switched: bool  # models went off or came back: the gateways must be told


def _same_name(provider_id: str) -> str:
    return provider_id


class PoolWatch:
    """Looks at the pools. Safe to use from any thread."""

    def __init__(
        self,
        store: LedgerStore,
        *,
        now_ms: Callable[[], int],
        tell: Callable[[PoolNotice], None],
        tell_gateways: Callable[[], object],
        name_of: Callable[[str], str] = _same_name,
    ) -> None:
        """`tell` tells people, `tell_gateways` publishes what is off; both are called after the commit."""
        self._store = store
        self._now_ms = now_ms
        self._tell = tell
        self._tell_gateways = tell_gateways
        self._name_of = name_of
        self._lock = Lock()

    def observe(self, fresh: Sequence[Posting]) -> None:
        """An observer of the bookkeeper: looks when a batch has taken something of a pool."""
        pool = AccountKind.POOL.value
        if any(each.kind == pool for posting in fresh for each in posting.record.postings):
            self.look()

    def check(self) -> PoolsSeen:
        """Look at every pool and note when."""
        return self._seen(notes_time=True)

    def look(self) -> PoolsSeen:
        """Look at every pool; nothing is written where nothing has changed."""
        return self._seen(notes_time=False)

    def _seen(self, *, notes_time: bool) -> PoolsSeen:
        now_ms = self._now_ms()
        with self._lock:
            if not notes_time:
                with self._store.ledger() as ledger:
                    standing = ledger.pools()
                if not any(_is_changed(pool, now_ms) for pool in standing):
                    return PoolsSeen(len(standing), (), False)
            with self._store.pool_books() as books:
                standing = books.pools()
                looks = [(pool, *self._look_at(books, pool, now_ms)) for pool in standing]
        notices = tuple(notice for look in looks for notice in self._notices(*look))
        has_switched = any(each.action in _SWITCHES for _, _, actions in looks for each in actions)
        if has_switched:
            self._tell_gateways()
        for notice in notices:
            self._tell(notice)
        return PoolsSeen(len(standing), notices, has_switched)

    def _look_at(self, books: PoolBooks, pool: PoolStanding, now_ms: int) -> tuple[PoolState, tuple[PoolAction, ...]]:
        state, actions = _decided(pool, now_ms)
        for each in actions:
            if each.kind is not None:
                alert = books.open_alert(pool.row.provider_id)
                if each.action is not PoolActionKind.RESOLVE_ALERT:
                    books.put_alert(self._alert(alert, self._notice(pool, state, each.kind), now_ms))
                elif alert is not None:
                    books.put_alert(alert._replace(resolved_ms=now_ms, resolved_by=RESOLVED_BY_ITSELF))
        books.put_pool(state, len(pool.unseen))
        return state, actions

    @staticmethod
    def _alert(alert: PoolAlertRow | None, notice: PoolNotice, now_ms: int) -> PoolAlertRow:
        """The open alert as it is from now on, or a new one."""
        return PoolAlertRow(
            0 if alert is None else alert.id,
            notice.provider_id,
            notice.kind.value,
            notice.level,
            notice.percentage,
            notice.available,
            notice.currency,
            notice.message,
            now_ms if alert is None else alert.opened_ms,
            now_ms,
        )

    def _notices(self, pool: PoolStanding, state: PoolState, actions: Sequence[PoolAction]) -> list[PoolNotice]:
        return [
            self._notice(pool, state, each.kind) for each in actions if each.action in _TOLD and each.kind is not None
        ]

    def _notice(self, pool: PoolStanding, state: PoolState, kind: PoolAlertKind) -> PoolNotice:
        provider_id, currency, balance = pool.row.provider_id, pool.row.currency, pool.account.balance
        percent = percentage(balance, state.filling)
        message = alert_message(self._name_of(provider_id), kind, percent, pico_to_decimal(balance), currency)
        return PoolNotice(provider_id, kind, ALERT_LEVELS[kind], message, str(percent), balance, currency)


def _decided(pool: PoolStanding, now_ms: int) -> tuple[PoolState, tuple[PoolAction, ...]]:
    """The state of a pool after all that happened since it was last looked at."""
    state, rule = pool.state, pool.row.rule
    actions: list[PoolAction] = []
    if pool.is_resolved_by_hand:  # the alert itself says so already
        state, _ = after_resolving_by_hand(state)
    for recharge in pool.unseen:
        state, done = after_recharge(state, recharge.balance_after, recharge.at_ms, rule)
        actions += done
    state, done = after_check(state, pool.account.balance, now_ms, rule)
    return state, _lasting([*actions, *done])


def _lasting(actions: Sequence[PoolAction]) -> tuple[PoolAction, ...]:
    """Without what was taken back again within the same look: models that go on and off stay off."""
    lasting: list[PoolAction] = []
    for action in actions:
        undone = next((each for each in lasting if {each.action, action.action} == _SWITCHES), None)
        if undone is not None:
            lasting.remove(undone)
        else:
            lasting.append(action)
    return tuple(lasting)


def _is_changed(pool: PoolStanding, now_ms: int) -> bool:
    if pool.unseen or pool.is_resolved_by_hand:
        return True
    state, actions = _decided(pool, now_ms)
    return bool(actions) or replace(state, checked_ms=pool.state.checked_ms) != pool.state
