"""Pools: what is left at a provider, when that is worth a warning, and when its models are off.

The percentage is what is left of the last *filling*: the balance right after the last recharge. Measured against all
recharges ever, as is often done, the warning comes ever earlier: after ten recharges of 100 a pool that holds a full
100 would stand at 10 %. A recharge that leaves the pool below the threshold of its last filling is not a filling, so a
small one does not silence the warning by making itself the measure. What a correction brings above the filling is a
filling too: no pool is fuller than full.

    sufficient --- below the threshold ---> low --- at or below 0 ---> exhausted
        ^                                    |                             |
        +--- recharge to the threshold, or   +<--- above 0 again ----------+
             2 points above it otherwise

- low: an alert low_balance, warning. exhausted: the same alert rises to insufficient_balance, critical, and is told
  again; the provider's models are off. Above 0 again it falls back, and exactly what money had switched off is on.
- sufficient resolves the alert. One that was resolved by hand stays resolved until the pool is sufficient or sinks to
  the next level.
- A provider that was never recharged has no pool: nothing is limited and nobody is warned.

Moments are milliseconds since 1970 UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

REASON_NO_MONEY: Final = "资费不足，暂不可用"
BASIS_POINTS: Final = 10_000
ALL_MODELS: Final = "*"


class PoolLevel(StrEnum):
    """How a pool stands."""

    SUFFICIENT = "sufficient"  # 充足
    LOW = "low"  # 不足
    EXHAUSTED = "exhausted"  # 耗尽


class PoolAlertKind(StrEnum):
    """The guide's alert types."""

    LOW_BALANCE = "low_balance"
    INSUFFICIENT_BALANCE = "insufficient_balance"


_ALERT_OF_LEVEL: Final = {
    PoolLevel.LOW: PoolAlertKind.LOW_BALANCE,
    PoolLevel.EXHAUSTED: PoolAlertKind.INSUFFICIENT_BALANCE,
}
_SEVERITY: Final = (PoolLevel.SUFFICIENT, PoolLevel.LOW, PoolLevel.EXHAUSTED)
ALERT_LEVELS: Final = {PoolAlertKind.LOW_BALANCE: "warning", PoolAlertKind.INSUFFICIENT_BALANCE: "critical"}


@dataclass(frozen=True, slots=True)
class PoolRule:
    """When a pool is low."""

    threshold_basis_points: int = 1_000  # 10 %: below it the pool is low
    recovery_basis_points: int = 200  # so far above the threshold it is sufficient again without a recharge


DEFAULT_RULE: Final = PoolRule()


@dataclass(frozen=True, slots=True)
class PoolAlert:
    """The one open alert of a pool."""

    kind: PoolAlertKind
    opened_ms: int
    raised_ms: int  # when it last changed its kind


@dataclass(frozen=True, slots=True)
class PoolState:
    """All that is known of a pool beside its account."""

    provider_id: str
    filling: int = 0  # the balance after the last recharge that counts; never below the balance
    level: PoolLevel = PoolLevel.SUFFICIENT
    alert: PoolAlert | None = None
    muted: PoolLevel = PoolLevel.SUFFICIENT  # the level whose alert was resolved by hand
    are_models_off: bool = False
    recharged_ms: int | None = None
    checked_ms: int | None = None


class PoolFigures(NamedTuple):
    """A pool in the guide's figures, in smallest parts: total = used + available, always."""

    total: int  # the filling
    used: int  # since the filling
    available: int  # below zero when calls cost more than there was
    percentage: Decimal  # available / total, rounded down to two decimals
    is_low: bool


class PoolActionKind(StrEnum):
    """What is to be done after a look at a pool."""

    OPEN_ALERT = "open_alert"
    RAISE_ALERT = "raise_alert"  # low_balance has become insufficient_balance: tell people
    LOWER_ALERT = "lower_alert"  # there is something again: change the alert, tell nobody
    RESOLVE_ALERT = "resolve_alert"
    SWITCH_OFF = "switch_off"  # the provider's models, for lack of money
    SWITCH_ON = "switch_on"  # what was off for lack of money


class PoolAction(NamedTuple):
    """One thing to do; `kind` names the alert's type where one is concerned."""

    action: PoolActionKind
    kind: PoolAlertKind | None = None


PoolDecision: TypeAlias = tuple[PoolState, tuple[PoolAction, ...]]


class SwitchCause(StrEnum):
    """Why a model is off."""

    MONEY = "money"
    HAND = "hand"


class ModelSwitch(NamedTuple):
    """A provider's model that is off."""

    provider_id: str
    model: str  # "*": all of the provider
    cause: SwitchCause
    reason: str


def after_recharge(state: PoolState, balance: int, now_ms: int, rule: PoolRule = DEFAULT_RULE) -> PoolDecision:
    """Money came in; `balance` includes it."""
    state = replace(state, recharged_ms=now_ms)
    if balance > 0 and not _is_below(balance, state.filling, rule.threshold_basis_points):
        state = replace(state, filling=balance)
        return _at_level(state, PoolLevel.SUFFICIENT, now_ms)
    return after_check(state, balance, now_ms, rule)


def after_check(state: PoolState, balance: int, now_ms: int, rule: PoolRule = DEFAULT_RULE) -> PoolDecision:
    """Look at a pool: after every batch of the books, every five minutes, and by hand."""
    if state.recharged_ms is None and not state.filling and balance <= 0:
        return replace(state, checked_ms=now_ms), ()
    state = replace(state, filling=max(state.filling, balance))
    recovery = 0 if state.level is PoolLevel.SUFFICIENT else rule.recovery_basis_points
    if balance <= 0:
        level = PoolLevel.EXHAUSTED
    elif _is_below(balance, state.filling, rule.threshold_basis_points + recovery):
        level = PoolLevel.LOW
    else:
        level = PoolLevel.SUFFICIENT
    return _at_level(state, level, now_ms)


def after_resolving_by_hand(state: PoolState) -> PoolDecision:
    """Somebody has seen the alert: it is closed, and does not come back until the pool sinks further or recovers."""
    if state.alert is None:
        return state, ()
    action = PoolAction(PoolActionKind.RESOLVE_ALERT, state.alert.kind)
    return replace(state, alert=None, muted=state.level), (action,)


def pool_figures(state: PoolState, balance: int) -> PoolFigures:
    """What a page shows of a pool that was just looked at."""
    total = max(state.filling, balance)
    is_low = state.level is not PoolLevel.SUFFICIENT
    return PoolFigures(total, total - balance, balance, percentage(balance, total), is_low)


def percentage(balance: int, filling: int) -> Decimal:
    """What is left of the filling in percent, rounded down to two decimals: 9.999 % is not shown as 10."""
    if filling <= 0:
        return Decimal(100 if balance > 0 else 0)
    return Decimal(balance * BASIS_POINTS // filling).scaleb(-2)


def runway_s(balance: int, spent: int, over_s: int) -> int | None:
    """How many whole seconds the balance lasts, spent as in the last `over_s`; None when nothing was spent."""
    if balance <= 0:
        return 0
    return None if spent <= 0 else balance * over_s // spent


def alert_message(provider_name: str, kind: PoolAlertKind, percent: Decimal, available: Decimal, currency: str) -> str:
    """The alert in one line."""
    sign = "¥" if currency == "CNY" else f"{currency} "
    if kind is PoolAlertKind.INSUFFICIENT_BALANCE:
        return f"供应商 {provider_name} 资源池已耗尽，可用余额 {sign}{available:.2f}，模型{REASON_NO_MONEY}"
    return f"供应商 {provider_name} 资源池余额不足，剩余 {percent}%，可用余额 {sign}{available:.2f}"


def switches_after(
    provider_id: str, actions: Sequence[PoolAction], present: Iterable[ModelSwitch]
) -> tuple[tuple[ModelSwitch, ...], tuple[ModelSwitch, ...]]:
    """Which switches are to be added and which removed. What a person switched off is left alone."""
    kinds = {each.action for each in actions}
    own = [each for each in present if each.provider_id == provider_id and each.cause is SwitchCause.MONEY]
    if PoolActionKind.SWITCH_OFF in kinds and not own:
        return (ModelSwitch(provider_id, ALL_MODELS, SwitchCause.MONEY, REASON_NO_MONEY),), ()
    if PoolActionKind.SWITCH_ON in kinds:
        return (), tuple(own)
    return (), ()


def _is_below(balance: int, filling: int, basis_points: int) -> bool:
    return balance * BASIS_POINTS < filling * basis_points


def _at_level(state: PoolState, level: PoolLevel, now_ms: int) -> PoolDecision:
    """Carry a pool over to a level: its alert first, then its models."""
    actions: list[PoolAction] = []
    muted = min(state.muted, level, key=_SEVERITY.index)
    wanted = None if level is muted else _ALERT_OF_LEVEL.get(level)
    alert = state.alert
    if alert is None and wanted is not None:
        alert = PoolAlert(wanted, now_ms, now_ms)
        actions.append(PoolAction(PoolActionKind.OPEN_ALERT, wanted))
    elif alert is not None and wanted is None:
        actions.append(PoolAction(PoolActionKind.RESOLVE_ALERT, alert.kind))
        alert = None
    elif alert is not None and wanted is not None and alert.kind is not wanted:
        rises = wanted is PoolAlertKind.INSUFFICIENT_BALANCE
        actions.append(PoolAction(PoolActionKind.RAISE_ALERT if rises else PoolActionKind.LOWER_ALERT, wanted))
        alert = replace(alert, kind=wanted, raised_ms=now_ms)
    are_off = level is PoolLevel.EXHAUSTED
    if are_off is not state.are_models_off:
        actions.append(PoolAction(PoolActionKind.SWITCH_OFF if are_off else PoolActionKind.SWITCH_ON))
    after = replace(state, level=level, alert=alert, muted=muted, are_models_off=are_off, checked_ms=now_ms)
    return after, tuple(actions)
