"""A control plane's transactions: lines are posted, orders are carried out, pools are looked at."""

from typing import TYPE_CHECKING, Final

from smart_ai_router.domain.accounts import AccountKey, AccountKind, is_over
from smart_ai_router.domain.leasing import use
from smart_ai_router.domain.ledger import (
    Repetition,
    Transfer,
    TransferKind,
    compared,
    expiry,
    recurring_grant,
    usage_transfer,
)
from smart_ai_router.domain.pools import (
    PoolDecision,
    PoolState,
    SwitchCause,
    after_check,
    after_recharge,
    after_resolving_by_hand,
    switches_after,
)
from smart_ai_router.domain.quotas import due_amount
from tests.simulation.disk import Line, encode_action
from tests.simulation.market import day_of

if TYPE_CHECKING:
    from tests.simulation.control import ControlPlane
    from tests.simulation.world import World

LINES_AT_ONCE: Final = 8
CLOCK_TOLERANCE_MS: Final = 600_000  # a worker's clock may be so far ahead


class Books:
    """Everything here happens within one step, as a transaction does."""

    def __init__(self, world: "World", control: "ControlPlane") -> None:
        self.world = world
        self.control = control

    # --- orders ---

    def order(self, transfer: Transfer) -> Repetition | None:
        """Write an order into the action log; it takes effect when `catch_up` is next called. None: no room for it."""
        world = self.world
        self.catch_up()
        known = None if world.variant.ignores_keys else world.store.by_key.get(transfer.key)
        repetition = compared(known, transfer)
        if repetition is Repetition.NEW:
            if world.at_point("action_torn", self.control):
                raw = encode_action(transfer)
                world.actions.append_torn(raw, world.rng.randint(0, len(raw)))
                return None
            if not world.actions.add(transfer):
                return None
            world.at_point("action_written", self.control)
        return repetition

    def catch_up(self) -> None:
        """Carry out what stands in the action log and not in the store."""
        world, store = self.world, self.world.store
        if world.actions.complete > store.actions_offset:
            actions, store.actions_offset = world.actions.read(store.actions_offset)
            for transfer in actions:
                self._carry_out(transfer)

    def _carry_out(self, transfer: Transfer) -> None:
        store = self.world.store
        if self.world.variant.ignores_keys:
            store.append(transfer)
        elif store.book(transfer) is not Repetition.NEW:
            return
        if transfer.kind in (TransferKind.ADJUST, TransferKind.REPRICE):
            self.world.truth.note_correction(transfer)
        for account, _ in transfer.entries:
            if account.kind is AccountKind.POOL:
                self._look_at_pool(account, is_recharge=transfer.kind is TransferKind.RECHARGE)

    def _follow(self, transfer: Transfer) -> None:
        """A transfer that follows from the calendar: an action like those of people."""
        if self.world.variant.forgets_actions:
            self.world.store.book(transfer)
        elif transfer.key not in self.world.store.by_key and self.order(transfer) is Repetition.NEW:
            self.catch_up()

    def begin_part(self, account: AccountKey) -> None:
        """Credit a part that begins, once."""
        wall_ms = self.world.scheduler.wall_ms()
        amount = due_amount(self.world.rules, account, day_of(wall_ms + CLOCK_TOLERANCE_MS))
        if amount:
            self._follow(recurring_grant(account, amount, wall_ms))

    def end_parts(self) -> None:
        """Take back what is left of parts that are over."""
        store, wall_ms = self.world.store, self.world.scheduler.wall_ms()
        today = day_of(wall_ms)
        for account in list(store.accounts.values()):
            if is_over(account.key.part, today):
                leased = 0 if self.world.variant.expires_what_is_lent else account.leased
                gone = expiry(account.key, account.balance, leased, today, wall_ms)
                if gone is not None:
                    self._follow(gone)

    # --- lines ---

    def post(self, host: int) -> bool:
        """Post the next lines and how far the journal was read, in one transaction; False when it failed."""
        world, store = self.world, self.world.store
        journal = world.journals[host]
        first = store.offsets.get(host, 0)
        if journal.complete <= first:
            return True
        lines, end = journal.read(first, LINES_AT_ONCE)
        pools: dict[AccountKey, None] = {}
        for line in lines:
            self._post_line(line, pools)
        for account in pools:
            self._look_at_pool(account, is_recharge=False)
        if world.variant.posts_twice and world.rng.random() < 0.1:
            return False  # the offset is written in another transaction, which was lost
        store.offsets[host] = end
        world.at_point("lines_posted", self.control)
        return True

    def _post_line(self, line: Line, pools: dict[AccountKey, None]) -> None:
        world, store = self.world, self.world.store
        transfer = usage_transfer(line.facts)
        if transfer is None:
            return
        if world.variant.posts_twice:
            store.append(transfer)
        elif store.book(transfer) is not Repetition.NEW:
            return
        for posting in line.postings:
            lease = store.leases.get(posting.account, {}).get(line.holder)
            world.checks.each_line_is_covered_by_its_lease(line, posting, lease)
            account, lease = use(store.account(posting.account), lease, posting.amount, posting.leased)
            store.put_account(account)
            if lease is not None:
                store.put_lease(lease)
            if posting.account.kind is AccountKind.POOL:
                pools[posting.account] = None

    # --- pools ---

    def resolve_by_hand(self, provider: str) -> None:
        """Somebody has seen the alert of a pool."""
        state = self.world.store.pools.get(provider)
        if state is not None:
            self._decided(provider, after_resolving_by_hand(state))
            self.world.checks.pools.resolved_by_hand(provider)

    def _look_at_pool(self, account: AccountKey, *, is_recharge: bool) -> None:
        world, store = self.world, self.world.store
        decide = after_recharge if is_recharge else after_check
        state = store.pools.get(account.owner, PoolState(account.owner))
        balance = store.account(account).balance
        self._decided(account.owner, decide(state, balance, world.scheduler.wall_ms()))
        world.checks.pools.changed(account.owner, balance, is_recharge)

    def _decided(self, provider: str, decision: PoolDecision) -> None:
        store, variant = self.world.store, self.world.variant
        state, actions = decision
        store.pools[provider] = state
        added, removed = switches_after(provider, actions, tuple(store.switches))
        if variant.keeps_models_off:
            removed = ()
        if removed and variant.frees_what_hands_switched_off:
            removed = tuple(each for each in store.switches if each.provider_id == provider)
        for switch in removed:
            del store.switches[switch]
        for switch in added:
            store.switches[switch] = None


def are_models_off_for_money(world: "World", provider: str) -> bool:
    """Whether lack of money has switched a provider off."""
    return any(each.provider_id == provider and each.cause is SwitchCause.MONEY for each in world.store.switches)
