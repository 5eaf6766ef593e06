"""People: they recharge, grant, correct and refund, and send an order again until they have heard of it."""

from typing import TYPE_CHECKING, Final

from smart_ai_router.domain.accounts import LIMITED_KINDS, AccountKey, AccountKind, pool_account, user_account
from smart_ai_router.domain.ledger import (
    Order,
    Repetition,
    Transfer,
    TransferKind,
    adjust,
    grant,
    recharge,
    refund,
    repricing,
    taken_of,
)
from smart_ai_router.domain.pools import ModelSwitch, SwitchCause
from tests.simulation.market import PROVIDERS

if TYPE_CHECKING:
    from tests.simulation.world import World

AGAIN_S: Final = 0.2
OTHER_MODEL: Final = "m-old"  # what people switch off by hand; nobody calls it


class Office:
    """The administrators."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.sent: dict[str, Transfer] = {}
        self.heard: dict[str, Repetition] = {}
        self.conflicts: list[Transfer] = []
        self.off_by_hand: set[str] = set()  # providers whose other model is off by hand

    # --- money ---

    def order(self) -> None:
        """Think of something and send it."""
        world, rng = self.world, self.world.rng
        order = Order(f"order {len(self.sent)}", world.scheduler.wall_ms(), "admin")
        kind = rng.choice(("recharge", "grant", "adjust", "refund", "reprice", "conflict"))
        transfer = self._transfer(kind, order)
        if transfer is not None:
            self.sent.setdefault(transfer.key, transfer)
            self._send(transfer)

    def drain(self) -> None:
        """A pool is corrected down to nothing, or a little below; later somebody pays in again."""
        world, rng = self.world, self.world.rng
        pool = self._pool(rng.choice(PROVIDERS))
        balance = world.store.account(pool).balance
        if balance > 0:
            order = Order(f"drain {len(self.sent)}", world.scheduler.wall_ms(), "admin")
            transfer = adjust(pool, -balance - rng.choice((0, 0, 1, 1_000_000)), order)
            self.sent.setdefault(transfer.key, transfer)
            self._send(transfer)
        world.after(rng.uniform(0.1, 1.0), lambda: self._fill(pool))

    def _fill(self, pool: AccountKey) -> None:
        order = Order(f"fill {len(self.sent)}", self.world.scheduler.wall_ms(), "admin")
        transfer = recharge(pool, self.world.rng.randint(1, 40_000_000_000), order)
        self.sent.setdefault(transfer.key, transfer)
        self._send(transfer)

    def _pool(self, provider: str) -> AccountKey:
        return pool_account(provider, self.world.pool_currency[provider])

    def _transfer(self, kind: str, order: Order) -> Transfer | None:
        world, rng = self.world, self.world.rng
        plan = world.plan
        pool = self._pool(rng.choice(PROVIDERS))
        user = user_account(f"u{rng.randrange(plan.users)}", plan.currency)
        amount = rng.randint(1, 40_000_000_000)
        if kind == "recharge":
            return recharge(pool, amount, order)
        if kind == "grant":
            return grant(user, amount, order)
        if kind == "adjust":
            return None if plan.is_exact else adjust(rng.choice((pool, user)), -amount // 50, order)
        if kind == "conflict":
            earlier = [each for each in self.sent.values() if each.kind is TransferKind.RECHARGE]
            if not earlier:
                return None
            other = recharge(pool, amount, order._replace(key=earlier[0].key))
            self.conflicts.append(other)
            return other
        return self._about_a_call(kind, order)

    def _about_a_call(self, kind: str, order: Order) -> Transfer | None:
        world, rng = self.world, self.world.rng
        usages = [each for each in world.store.transfers if each.kind is TransferKind.USAGE]
        if not usages:
            return None
        usage = rng.choice(usages)
        assert usage.request_id is not None
        of_call = [each for each in world.store.transfers if each.request_id == usage.request_id]
        taken = {account: amount for account, amount in taken_of(of_call).items() if amount > 0}
        if kind == "refund":
            users = {account: amount for account, amount in taken.items() if account.kind is AccountKind.USER}
            return refund(usage.request_id, of_call, users, order) if users else None
        right = {account: amount * 9 // 10 for account, amount in taken.items() if account.kind in LIMITED_KINDS}
        return repricing(usage.request_id, of_call, right, "right prices", order)

    def _send(self, transfer: Transfer) -> None:
        """Over the network: the order or its answer may be lost, so it is sent again until it was answered."""
        world = self.world
        control = world.rng.choice(world.controls)
        world.send(control, lambda: control.order(transfer, lambda repetition: self._answered(transfer, repetition)))
        world.after(AGAIN_S, lambda: self._again(transfer))

    def _answered(self, transfer: Transfer, repetition: Repetition) -> None:
        world = self.world
        if world.has_chaos and world.rng.random() < world.plan.loss:
            return
        booked = world.store.by_key[transfer.key]
        is_other = booked.kind is not transfer.kind or dict(booked.entries) != dict(transfer.entries)
        if is_other is not (repetition is Repetition.CONFLICT):
            world.fault(f"{transfer.key} was taken for {repetition}; {booked.entries} stands there")
        self.heard[transfer.key] = repetition

    def _again(self, transfer: Transfer) -> None:
        if transfer.key not in self.heard:
            self._send(transfer)

    def finish(self) -> None:
        """Nothing is lost any more: what was not answered is sent once more."""
        for transfer in self.sent.values():
            self._again(transfer)

    # --- switches ---

    def switch_by_hand(self) -> None:
        """A model of a provider is switched off by hand, or on again."""
        world = self.world
        if world.store.is_away:
            return
        provider = world.rng.choice(PROVIDERS)
        switch = ModelSwitch(provider, OTHER_MODEL, SwitchCause.HAND, "old")
        if provider in self.off_by_hand:
            self.off_by_hand.remove(provider)
            del world.store.switches[switch]
        else:
            self.off_by_hand.add(provider)
            world.store.switches[switch] = None

    def resolve_by_hand(self) -> None:
        """Somebody has seen the alert of a pool."""
        world = self.world
        control = world.rng.choice(world.controls)
        if control.is_up and not world.store.is_away:
            control.books.resolve_by_hand(world.rng.choice(PROVIDERS))
