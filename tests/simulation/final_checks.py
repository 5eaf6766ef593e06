"""The final account: everybody is quiet, nothing is under way, and the books are closed."""

from typing import TYPE_CHECKING

from smart_ai_router.domain.accounts import AccountKey, AccountKind, account_text
from smart_ai_router.domain.ledger_proof import (
    LedgerFault,
    balance_faults,
    balances_of,
    lending_faults,
    line_faults,
    transfer_faults,
    unit_faults,
)
from tests.simulation.disk import Line
from tests.simulation.store import rebuilt

if TYPE_CHECKING:
    from tests.simulation.world import World


def every_call_that_was_served_or_answered_has_one_line(world: "World") -> None:
    """A line may stand in the journal twice, byte for byte; never are there two different ones."""
    lines: dict[str, Line] = {}
    for journal in world.journals:
        for line in journal.lines():
            if lines.setdefault(line.request_id, line) != line:
                world.fault(f"{line.request_id} has two different lines")
    for request_id in world.truth.served.keys() - lines.keys():
        world.fault(f"{request_id} reached an upstream and has no line")
    for request_id in world.truth.acknowledged - lines.keys():
        world.fault(f"{request_id} was answered and has no line")


def every_line_takes_what_its_call_costs(world: "World") -> None:
    """What the line takes of each wallet is what the call was charged, and it takes nothing else."""
    for journal in world.journals:
        for line in journal.lines():
            taken: dict[AccountKey, int] = {}
            for posting in line.postings:
                taken[posting.account] = taken.get(posting.account, 0) + posting.amount
            for wallet, amount in world.truth.charged[line.request_id].items():
                if sum(taken.pop(account, 0) for account in wallet) != amount:
                    world.fault(f"{line.request_id}: {amount} of {wallet} was to be taken, not {line.postings}")
            if any(taken.values()):
                world.fault(f"{line.request_id} takes {taken} for nothing")


def every_line_has_one_transfer_and_every_transfer_its_line(world: "World") -> None:
    facts = {line.request_id: line.facts for journal in world.journals for line in journal.lines()}
    _none(world, line_faults(facts.values(), world.store.by_key))
    booked: dict[str, int] = {}
    for transfer in world.store.transfers:
        booked[transfer.key] = booked.get(transfer.key, 0) + 1
    for key, count in booked.items():
        if count != 1:
            world.fault(f"{key} was booked {count} times")


def every_balance_is_the_sum_of_its_entries(world: "World") -> None:
    store = world.store
    _none(world, transfer_faults(store.transfers))
    _none(world, unit_faults(store.balances))
    _none(world, balance_faults(balances_of(store.transfers), store.balances))
    states = {account.key: account.balance for account in store.accounts.values()}
    for key, balance in states.items():
        if store.balances.get(key, 0) != balance:
            world.fault(f"{account_text(key)} stands at {balance} for lending and at {store.balances.get(key)}")


def journal_and_actions_make_the_same_books_anew(world: "World") -> None:
    again = rebuilt(world.journals, world.actions)
    for key in world.store.by_key.keys() ^ again.keys():
        world.fault(f"{key} is in {'the store' if key in world.store.by_key else 'the files'} only")
    _none(world, balance_faults(balances_of(again.values()), world.store.balances))


def nothing_is_held_or_lent(world: "World") -> None:
    store = world.store
    for worker in world.workers:
        if worker.book.open_holds or worker.table or worker.waiting or worker.under_way:
            world.fault(f"{worker.name}: {worker.book.open_holds} holds, {len(worker.table)} intents are left")
        for slice_ in worker.book.slices():
            if slice_.free or slice_.held:
                world.fault(f"{worker.name} still has {slice_.free} free, {slice_.held} held of {slice_.account}")
    for account in store.accounts.values():
        if account.leased:
            world.fault(f"{account} is lent to {store.leases.get(account.key)}")
    allowances = {key: world.truth.allowance(key) for key in store.accounts}
    _none(world, lending_faults(store.accounts.values(), store.all_leases(), allowances))


def no_account_is_overspent_beyond_the_published_bound(world: "World") -> None:
    """Below zero by what calls cost above their holds, and by what people took away; never by concurrency."""
    truth = world.truth
    for key, account in world.store.accounts.items():
        bound = truth.excess(key) + truth.corrections[key] + truth.after_the_end[key]
        if account.balance < -bound:
            world.fault(f"{account_text(key)} is at {account.balance}, the bound is {-bound}")
        if truth.beyond_leases[key] > truth.excess(key):
            world.fault(f"{account_text(key)}: lines took {truth.beyond_leases[key]} beyond their leases")


def what_was_estimated_exactly_is_not_overspent_at_all(world: "World") -> None:
    """Where every call costs what was held for it, no account goes below zero, however many workers share it."""
    plan, truth = world.plan, world.truth
    is_always_enforced = plan.is_enforced and not plan.enforcement_switches
    for key, account in world.store.accounts.items():
        if plan.is_exact and (is_always_enforced or key.kind is AccountKind.POOL):
            bound = truth.corrections[key] + truth.after_the_end[key]
            if account.balance < -bound:
                world.fault(f"{account_text(key)} is at {account.balance} although every estimate was exact")


def every_order_that_was_answered_is_booked_once(world: "World") -> None:
    for key in world.office.heard:
        if key not in world.store.by_key:
            world.fault(f"{key} was answered and not booked")
    for key in world.office.sent:
        if key not in world.office.heard:
            world.fault(f"{key} was sent again and again and never answered")


def every_pool_stands_as_its_balance_says(world: "World") -> None:
    world.checks.pools.final()


FINAL_CHECKS = (
    every_call_that_was_served_or_answered_has_one_line,
    every_line_takes_what_its_call_costs,
    every_line_has_one_transfer_and_every_transfer_its_line,
    every_balance_is_the_sum_of_its_entries,
    journal_and_actions_make_the_same_books_anew,
    nothing_is_held_or_lent,
    no_account_is_overspent_beyond_the_published_bound,
    what_was_estimated_exactly_is_not_overspent_at_all,
    every_order_that_was_answered_is_booked_once,
    every_pool_stands_as_its_balance_says,
)


def _none(world: "World", faults: list[LedgerFault]) -> None:
    for fault in faults:
        world.fault(str(fault))
