"""People: they recharge, grant, correct and refund, and send an order again until they have heard of it."""

from typing import TYPE_CHECKING, Final

from smart_ai_router.domain.accounts import LIMITED_KINDS, AccountKind, pool_account, user_account
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
from tests.simulation.market import PROVIDERS

if TYPE_CHECKING:
    from tests.simulation.world import World

AGAIN_S: Final = 0.2


class Office:
    """The administrators."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.sent: dict[str, Transfer] = {}
        self.heard: dict[str, Repetition] = {}
        self.conflicts: list[Transfer] = []

    def order(self) -> None:
        """Think of something and send it."""
        world, rng = self.world, self.world.rng
        order = Order(f"order {len(self.sent)}", world.scheduler.wall_ms(), "admin")
        kind = rng.choice(("recharge", "grant", "adjust", "refund", "reprice", "conflict"))
        transfer = self._transfer(kind, order)
        if transfer is not None:
            self.sent.setdefault(transfer.key, transfer)
            self._send(transfer)

    def _transfer(self, kind: str, order: Order) -> Transfer | None:
        world, rng = self.world, self.world.rng
        plan = world.plan
        provider = rng.choice(PROVIDERS)
        pool = pool_account(provider, world.pool_currency[provider])
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
        world.send(control, lambda: self._arrives(transfer))
        world.after(AGAIN_S, lambda: self._again(transfer))

    def _arrives(self, transfer: Transfer) -> None:
        world = self.world
        before = world.store.by_key.get(transfer.key)
        repetition = world.controls[0].carry_out(transfer)
        if transfer in self.conflicts and before is not None and repetition is not Repetition.CONFLICT:
            if sorted(before.entries) != sorted(transfer.entries):
                world.fault(f"{transfer.key} was taken for a repetition")
        if not (world.has_chaos and world.rng.random() < world.plan.loss):
            self.heard[transfer.key] = repetition

    def _again(self, transfer: Transfer) -> None:
        if transfer.key not in self.heard:
            self._send(transfer)

    def finish(self) -> None:
        """Nothing is lost any more: what was not answered is sent once more."""
        for transfer in self.sent.values():
            self._again(transfer)
