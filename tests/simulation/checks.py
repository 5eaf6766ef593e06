"""The invariants that are looked at after every step. Those of the end stand in `final_checks`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from smart_ai_router.domain.accounts import AccountKey, Wallet, account_text
from smart_ai_router.domain.charges import Charge, Charged, Needs
from smart_ai_router.domain.holds import Hold, LeaseBook
from smart_ai_router.domain.leasing import CALL_S_MAX, LEASE_S, LeaseState
from smart_ai_router.domain.ledger import Posting
from smart_ai_router.domain.ledger_proof import lending_faults, transfer_faults, unit_faults
from tests.simulation.disk import Line
from tests.simulation.market import cost_of, right_amount
from tests.simulation.pool_checks import PoolChecks
from tests.simulation.scheduler import Actor
from tests.simulation.store import HolderRow
from tests.simulation.truth import sums_of
from tests.simulation.worker import PATIENCE_S, Admission, Attempts, Worker

if TYPE_CHECKING:
    from tests.simulation.world import World

STORE: Final = "store"
Place: TypeAlias = tuple[str, AccountKey]  # a worker's slice, or what the store has left to lend
ROUND_S: Final = 0.15  # a recall and its answers take less, when nothing is lost
INSTANT_S: Final = 1e-9


@dataclass(eq=False, slots=True)
class Watch:
    """A call that waits, and how little money lay idle for it, place by place, while it did."""

    wallet: Wallet
    amount: int
    idle: dict[Place, int]
    began: float  # when the call came to ask
    since: float  # when it came to be short of this wallet


class Checks:
    """Holds one run against what must be true."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.pools = PoolChecks(world)
        self.watches: list[Watch] = []
        self._idle_now: dict[Place, int] = {}
        self._transfers_seen = 0

    # --- every step ---

    def after_step(self, owner: Actor | None) -> None:
        store = self.world.store
        if store.touched:
            if len(store.transfers) != self._transfers_seen:
                self.entries_sum_to_zero_in_each_unit()
            self.nothing_is_lent_twice_and_nothing_overspent_beyond_the_bound()
            store.touched.clear()
        if isinstance(owner, Worker) and owner.is_touched and owner.is_up:
            self.a_worker_has_nothing_that_it_was_not_lent(owner.book)
            owner.is_touched = False

    def lost(self, holder: str) -> None:
        """A process died or stands still: what it has is not within reach."""
        for place in [each for each in self._idle_now if each[0] == holder]:
            self._note_idle(place, 0)

    def entries_sum_to_zero_in_each_unit(self) -> None:
        """Every transfer balances, and so do all balances together."""
        store = self.world.store
        faults = transfer_faults(store.transfers[self._transfers_seen :]) + unit_faults(store.balances)
        self._transfers_seen = len(store.transfers)
        for fault in faults:
            self.world.fault(str(fault))

    def nothing_is_lent_twice_and_nothing_overspent_beyond_the_bound(self) -> None:
        """`leased` is what the leases have outstanding; what is available is never below what calls cost extra."""
        store, truth = self.world.store, self.world.truth
        for key in store.touched:
            account = store.account(key)
            leases = store.leases.get(key, {}).values()
            for fault in lending_faults((account,), leases, {key: truth.allowance(key)}):
                self.world.fault(str(fault))
            self._note_idle((STORE, key), max(account.available, 0))

    def a_worker_has_nothing_that_it_was_not_lent(self, book: LeaseBook) -> None:
        """A worker's slices add up, and the store knows of all that is in them."""
        world, store = self.world, self.world.store
        holder = book.holder
        row = store.holders.get(holder)
        if row is not None and row.is_over:
            return
        for slice_ in book.slices():
            account, free, held, returned = slice_.account, slice_.free, slice_.held, slice_.returned
            if free < 0 or held < 0 or slice_.used < 0 or slice_.granted != free + held + slice_.used + returned:
                world.fault(f"{holder}: {slice_.granted} = {free} + {held} + {slice_.used} + {returned} of {account}?")
            lease = store.leases.get(account, {}).get(holder)
            if lease is None:
                if free or held:
                    world.fault(f"{holder} {account}: {free} free and {held} held without a lease")
            elif slice_.granted > lease.granted or returned < lease.returned or free > lease.outstanding:
                world.fault(f"{holder}: {slice_.granted} granted, {free} free, {returned} returned; the store: {lease}")
            idle = free - slice_.kept if free > slice_.kept else 0
            if self._idle_now.get((holder, account), 0) != idle:
                self._note_idle((holder, account), idle)

    def _note_idle(self, place: Place, amount: int) -> None:
        self._idle_now[place] = amount
        for watch in self.watches:
            if watch.idle.get(place, 0) > amount:
                watch.idle[place] = amount

    # --- refusals ---

    def watch(self, hold: Hold | None, needs: Needs, account: AccountKey, began: float) -> Watch:
        """A call begins to wait."""
        need = next(each for each in needs.wanted if account in each.wallet)
        held = 0 if hold is None else sum(part[2] for part in hold.parts if part[0] == need.wallet)
        idle = {place: amount for place, amount in self._idle_now.items() if amount and place[1] in need.wallet}
        watch = Watch(need.wallet, need.amount - held, idle, began, self.world.now)
        self.watches.append(watch)
        return watch

    def forget(self, watch: Watch | None) -> None:
        if watch is not None and watch in self.watches:
            self.watches.remove(watch)

    def nobody_is_refused_while_money_lies_idle(self, watch: Watch | None, is_certain: bool, is_expired: bool) -> None:
        """A call is refused: money that lay idle all the time would have paid for it?

        Never when the refusal is certain. Otherwise the call has waited for as long as it may; and when no message is
        lost and nobody dies, that is enough for a recall, and for a wallet of one account to make it certain, unless
        the call was short of something else before.
        """
        world = self.world
        assert watch is not None
        idle = sum(watch.idle.values())
        had_time = world.plan.is_calm and not is_expired and world.now - watch.since > ROUND_S
        if idle < watch.amount:
            if had_time and not is_certain and len(watch.wallet) == 1:
                world.fault(f"refused {watch.amount} of {account_text(watch.wallet[0])}, and nobody is sure of it")
            world.happened("refused surely" if is_certain else "refused out of patience")
            return
        is_hasty = world.now - watch.began < PATIENCE_S - INSTANT_S
        if is_certain or is_hasty or had_time:
            word = "surely" if is_certain else "in haste" if is_hasty else "after a round"
            places = {place[0]: amount for place, amount in watch.idle.items() if amount}
            world.fault(f"refused {word} {watch.amount} of {account_text(watch.wallet[-1])}, idle lay {places}")
        world.happened("refused for lack of time")

    # --- lines and leases ---

    def a_call_is_charged_by_what_held_at_its_admission(self, attempts: Attempts, result: Charged) -> None:
        """The charges again, by fractions, from the prices and rates of the moment in which it was admitted."""
        world, call, needs = self.world, attempts.call, attempts.needs
        assert needs is not None
        plan, pool, sheet = needs.tariff.plan, needs.tariff.pool, needs.tariff.sheet
        assert plan is not None
        assert pool is not None
        assert sheet is not None
        expected: list[Charge] = []
        for tariff, spent, admission in attempts.costs:
            assert tariff.pool is not None
            expected.append(self._right_charge(tariff.pool.wallet, spent, "1", admission))
        cost = cost_of(sheet, call.usage)
        expected.append(self._right_charge(pool.wallet, cost, "1", attempts.admission))
        ratio = world.market.quotas[call.user].group_ratio
        for wallet in (plan.money, plan.budget):
            if wallet is not None:
                expected.append(self._right_charge(wallet, cost, ratio, attempts.admission))
        for wallet in plan.units.values():
            expected.append(Charge(wallet, call.usage.input_tokens + call.usage.output_tokens))
        if sums_of(expected) != sums_of(result.charges):
            world.fault(f"{call.request_id} is charged {result.charges}, right is {expected}")

    def _right_charge(self, wallet: Wallet, cost: int, ratio: str, admission: Admission) -> Charge:
        rows = self.world.market.rate_rows[: admission.rates_known]
        return Charge(wallet, right_amount(rows, cost, ratio, wallet[0].unit, admission.at_ms))

    def each_line_is_covered_by_its_lease(self, line: Line, posting: Posting, lease: LeaseState | None) -> None:
        """A line uses what its holder was lent; of a holder that was given up, only calls from before that do not."""
        world, truth = self.world, self.world.truth
        truth.beyond_leases[posting.account] += posting.amount - posting.leased
        if posting.leased <= (0 if lease is None else lease.outstanding):
            return
        ended_at = truth.ended_at.get(line.holder)
        if ended_at is None or truth.reserved_at[line.request_id] >= ended_at:
            world.fault(f"{line.request_id} used {posting.leased} of a lease that does not hold it: {lease}")
        truth.after_the_end[posting.account] += posting.leased
        world.happened("line after the end of its lease")

    def a_lease_ends_only_when_all_that_was_spent_is_booked(self, holder: str, row: HolderRow) -> None:
        """A dead holder has no open intent and no unread line; a silent one has been so for longer than calls last."""
        world = self.world
        worker = world.lives[holder]
        is_read = world.store.offsets.get(row.host, 0) >= world.journals[row.host].complete
        if not worker.is_up or worker.book.holder != holder:
            if any(intent.holder == holder for intent in worker.table.values()) or not is_read:
                world.fault(f"{holder} is dead and its leases end before its calls are booked")
            return
        silent_s = world.now - world.truth.heard_at.get(holder, 0.0)
        if silent_s <= LEASE_S + CALL_S_MAX or not is_read:
            world.fault(f"{holder} lives and its leases end after {silent_s} s")
        world.truth.ended_at[holder] = world.now
