"""The invariants, looked at after every step, and the final account."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smart_ai_router.domain.accounts import LIMITED_KINDS, AccountKey, AccountKind, Wallet
from smart_ai_router.domain.charges import Needs
from smart_ai_router.domain.holds import Hold
from smart_ai_router.domain.ledger import TransferKind
from smart_ai_router.domain.ledger_proof import (
    balance_faults,
    balances_of,
    lending_faults,
    line_faults,
    transfer_faults,
    unit_faults,
)
from smart_ai_router.domain.pools import PoolLevel
from tests.simulation.scheduler import Actor

if TYPE_CHECKING:
    from tests.simulation.worker import Worker
    from tests.simulation.world import World


@dataclass(eq=False, slots=True)
class Watch:
    """A call that waits, and how little money lay idle for it, place by place, while it did."""

    wallet: Wallet
    amount: int
    idle: dict[tuple[str, AccountKey], int]


class Checks:
    """Holds one run against what must be true."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.watches: list[Watch] = []
        self._seen_changes = -1
        self.refused_certain = 0
        self.refused_for_lack_of_time = 0

    # --- every step ---

    def after_step(self, owner: Actor | None) -> None:
        store = self.world.store
        if store.changes != self._seen_changes:
            self._seen_changes = store.changes
            self._check_store()
        book = getattr(owner, "book", None)
        if book is not None and owner is not None and owner.is_up:
            self._check_book(owner)  # type: ignore[arg-type]
        if self.watches:
            idle = self._idle()
            for watch in self.watches:
                for place in watch.idle:
                    now = idle.get(place, 0)
                    if now < watch.idle[place]:
                        watch.idle[place] = now

    def _check_store(self) -> None:
        store, world = self.world.store, self.world
        for fault in unit_faults(store.balances):
            world.fault(str(fault))
        for fault in lending_faults(store.accounts.values(), store.all_leases(), world.allowances):
            world.fault(str(fault))

    def _check_book(self, worker: "Worker") -> None:
        world, store = self.world, self.world.store
        holder = worker.book.holder
        if store.holders.get(holder) is not None and store.holders[holder].is_over:
            return
        for account, granted, free, held, used, returned in [view[:6] for view in worker.book.slices()]:
            if min(free, held, used, returned) < 0 or granted != free + held + used + returned:
                world.fault(f"{holder} {account}: {granted} = {free} + {held} + {used} + {returned}?")
            lease = store.leases.get(account, {}).get(holder)
            if lease is None:
                if free or held:
                    world.fault(f"{holder} {account}: {free} free and {held} held without a lease")
            elif granted > lease.granted or returned < lease.returned or free > lease.outstanding:
                world.fault(f"{holder} {account}: the worker has {granted, returned, free, held}, the store {lease}")

    # --- refusals ---

    def _idle(self) -> dict[tuple[str, AccountKey], int]:
        """What lies idle and can be reached: left to lend, and free at workers that live and run."""
        world = self.world
        idle = {("store", key): max(each.available, 0) for key, each in world.store.accounts.items()}
        for worker in world.workers:
            if worker.is_up and worker.stopped_until <= world.now:
                for view in worker.book.slices():
                    idle[worker.book.holder, view.account] = view.free - min(view.kept, view.free)
        return idle

    def watch(self, worker: "Worker", hold: Hold | None, needs: Needs, account: AccountKey) -> Watch:
        """A call begins to wait."""
        need = next(each for each in needs.wanted if account in each.wallet)
        held = 0 if hold is None else sum(part[2] for part in hold.parts if part[0] == need.wallet)
        idle = {place: amount for place, amount in self._idle().items() if place[1] in need.wallet}
        watch = Watch(need.wallet, need.amount - held, idle)
        self.watches.append(watch)
        return watch

    def forget(self, watch: Watch | None) -> None:
        if watch is not None and watch in self.watches:
            self.watches.remove(watch)

    def refusal(self, watch: Watch | None, is_certain: bool, is_expired: bool) -> None:
        """A call is refused: money that lay idle all the time would have paid for it?"""
        world = self.world
        assert watch is not None
        idle = sum(watch.idle.values())
        if idle < watch.amount:
            self.refused_certain += 1
            return
        if is_certain or (world.plan.is_calm and not is_expired):
            word = "surely" if is_certain else "for lack of time"
            world.fault(f"refused {word} {watch.amount} of {watch.wallet} while {idle} lay idle: {watch.idle}")
        self.refused_for_lack_of_time += 1

    # --- the end ---

    def final(self) -> None:
        world, store = self.world, self.world.store
        lines = [line for journal in world.journals for line in journal.lines()]
        by_id = {line.request_id: line for line in lines}
        for request_id in world.served:
            if request_id not in by_id:
                world.fault(f"{request_id} reached an upstream and has no line")
        for request_id in world.acknowledged - by_id.keys():
            world.fault(f"{request_id} was answered and has no line")
        for line in lines:
            if line != by_id[line.request_id]:
                world.fault(f"{line.request_id} has two different lines")
            taken: dict[AccountKey, int] = {}
            for posting in line.postings:
                taken[posting.account] = taken.get(posting.account, 0) + posting.amount
            expected = world.expected[line.request_id]
            for wallet, amount in expected.items():
                if sum(taken.pop(account, 0) for account in wallet) != amount:
                    world.fault(f"{line.request_id}: {amount} of {wallet} was to be taken, not {line.postings}")
            if any(taken.values()):
                world.fault(f"{line.request_id} takes {taken} for nothing")
        faults = [
            *transfer_faults(store.transfers),
            *unit_faults(store.balances),
            *balance_faults(balances_of(store.transfers), store.balances),
            *lending_faults(store.accounts.values(), store.all_leases(), world.allowances),
            *line_faults([line.facts for line in by_id.values()], store.by_key),
        ]
        for fault in faults:
            world.fault(str(fault))
        self._final_leases()
        self._final_orders()
        self._final_pools()

    def _final_leases(self) -> None:
        world, store = self.world, self.world.store
        for worker in world.workers:
            if worker.book.open_holds or worker.table or worker.waiting:
                world.fault(f"{worker.name}: {worker.book.open_holds} holds, {len(worker.table)} intents are left")
            for view in worker.book.slices():
                if view.free or view.held:
                    world.fault(f"{worker.name} still has {view}")
        for account in store.accounts.values():
            if account.leased:
                world.fault(f"{account} is lent to {store.leases.get(account.key)}")
            if world.plan.is_exact and world.plan.is_enforced and account.key.kind in LIMITED_KINDS:
                if account.balance < 0:
                    world.fault(f"{account} is below zero although every estimate was exact")

    def _final_orders(self) -> None:
        world, store = self.world, self.world.store
        booked: dict[str, int] = {}
        for transfer in store.transfers:
            booked[transfer.key] = booked.get(transfer.key, 0) + 1
        for key, count in booked.items():
            if count != 1:
                world.fault(f"{key} was booked {count} times")
        for key in world.office.sent:
            if key not in booked:
                world.fault(f"{key} was answered and not booked")

    def _final_pools(self) -> None:
        world, store = self.world, self.world.store
        for provider, currency in world.pool_currency.items():
            balance = store.balances[AccountKey(AccountKind.POOL, provider, currency)]
            is_off = provider in world.disabled
            if is_off is not (balance <= 0):
                world.fault(f"{provider} is {'off' if is_off else 'on'} with {balance}")
            state = store.pools[provider]
            if (state.level is PoolLevel.SUFFICIENT) is not (state.alert is None):
                world.fault(f"{provider} is {state.level} with {state.alert}")
        recharged = sum(each.kind is TransferKind.RECHARGE for each in store.transfers)
        assert recharged >= len(world.pool_currency)
