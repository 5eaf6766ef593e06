"""What a pool's level, alert and switches must be, told in another way than `domain/pools` decides it."""

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from smart_ai_router.domain.pools import PoolAlertKind, PoolLevel, SwitchCause
from tests.simulation.books import are_models_off_for_money

if TYPE_CHECKING:
    from tests.simulation.world import World

LOW_BELOW: Final = Fraction(10, 100)
SUFFICIENT_AGAIN_AT: Final = Fraction(12, 100)
DEPTH: Final = {PoolLevel.SUFFICIENT: 0, PoolLevel.LOW: 1, PoolLevel.EXHAUSTED: 2}
ALERT: Final = {PoolLevel.LOW: PoolAlertKind.LOW_BALANCE, PoolLevel.EXHAUSTED: PoolAlertKind.INSUFFICIENT_BALANCE}


class PoolChecks:
    """Follows every pool from its first recharge on."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.filling: dict[str, int] = {}
        self.level: dict[str, PoolLevel] = {}
        self.silenced_at: dict[str, PoolLevel] = {}  # the level whose alert somebody has resolved

    def changed(self, provider: str, balance: int, is_recharge: bool) -> None:
        """A transaction has touched a pool and looked at it."""
        before = self.level.get(provider, PoolLevel.SUFFICIENT)
        after = self._level(provider, before, balance, is_recharge)
        self.level[provider] = after
        silenced = self.silenced_at.get(provider)
        if silenced is not None and DEPTH[after] < DEPTH[silenced]:
            self.silenced_at[provider] = after
        if after is not before:
            self.world.happened(f"pool {after.value}")
        self.models_are_off_exactly_while_nothing_is_left(provider, balance)
        self.the_alert_is_that_of_the_level(provider)
        self.what_hands_switched_off_stays_off(provider)

    def resolved_by_hand(self, provider: str) -> None:
        level = self.level.get(provider, PoolLevel.SUFFICIENT)
        if level is not PoolLevel.SUFFICIENT and self.silenced_at.get(provider) is not level:
            self.silenced_at[provider] = level
            self.world.happened("alert resolved by hand")
        self.the_alert_is_that_of_the_level(provider)

    def _level(self, provider: str, before: PoolLevel, balance: int, is_recharge: bool) -> PoolLevel:
        filling = self.filling.get(provider, 0)
        share = Fraction(balance, filling) if filling else Fraction(int(balance > 0))
        if is_recharge and balance > 0 and share >= LOW_BELOW:
            self.filling[provider] = balance
            return PoolLevel.SUFFICIENT
        self.filling[provider] = max(filling, balance)  # no pool is fuller than full
        if balance <= 0:
            return PoolLevel.EXHAUSTED
        enough = LOW_BELOW if before is PoolLevel.SUFFICIENT else SUFFICIENT_AGAIN_AT
        return PoolLevel.SUFFICIENT if share >= enough else PoolLevel.LOW

    def models_are_off_exactly_while_nothing_is_left(self, provider: str, balance: int) -> None:
        is_off = are_models_off_for_money(self.world, provider)
        if is_off is not (balance <= 0):
            self.world.fault(f"models of {provider} are {'off' if is_off else 'on'} with {balance} in its pool")

    def the_alert_is_that_of_the_level(self, provider: str) -> None:
        level = self.level.get(provider, PoolLevel.SUFFICIENT)
        wanted = None if self.silenced_at.get(provider) is level else ALERT.get(level)
        state = self.world.store.pools[provider]
        found = None if state.alert is None else state.alert.kind
        if state.level is not level or found is not wanted:
            self.world.fault(f"{provider} is {state.level} with the alert {found}, not {level} with {wanted}")

    def what_hands_switched_off_stays_off(self, provider: str) -> None:
        switches = self.world.store.switches
        is_off = any(each.provider_id == provider and each.cause is SwitchCause.HAND for each in switches)
        if is_off is not (provider in self.world.office.off_by_hand):
            self.world.fault(f"what was switched by hand at {provider} was switched again")

    def final(self) -> None:
        for provider, currency in self.world.pool_currency.items():
            for account, balance in self.world.store.balances.items():
                if account[:3] == ("pool", provider, currency):
                    self.models_are_off_exactly_while_nothing_is_left(provider, balance)
            self.the_alert_is_that_of_the_level(provider)
            self.what_hands_switched_off_stays_off(provider)
