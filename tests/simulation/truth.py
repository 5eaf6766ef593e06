"""What really happened, kept apart from what any process knows: the invariants are held against it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from smart_ai_router.domain.accounts import AccountKey, Wallet
from smart_ai_router.domain.charges import Charge
from smart_ai_router.domain.ledger import Transfer

Amounts = dict[Wallet, int]


def sums_of(charges: Iterable[Charge]) -> Amounts:
    """What is taken from each wallet, without zeros."""
    sums: Amounts = {}
    for wallet, amount in charges:
        sums[wallet] = sums.get(wallet, 0) + amount
    return {wallet: amount for wallet, amount in sums.items() if amount}


@dataclass(slots=True)
class Truth:
    """One run's facts."""

    served: Counter[str] = field(default_factory=Counter)  # request id to how often an upstream was asked
    acknowledged: set[str] = field(default_factory=set)  # calls whose client has its answer
    charged: dict[str, Amounts] = field(default_factory=dict)  # request id to what its line should take
    held: dict[str, Amounts] = field(default_factory=dict)  # request id to what was held when it was settled
    reserved_at: dict[str, float] = field(default_factory=dict)  # request id to when it last got a hold
    heard_at: dict[str, float] = field(default_factory=dict)  # holder to when a control plane last heard it
    ended_at: dict[str, float] = field(default_factory=dict)  # silent holder to when its leases were ended
    beyond_leases: Counter[AccountKey] = field(default_factory=Counter)  # what lines took without a lease
    after_the_end: Counter[AccountKey] = field(default_factory=Counter)  # what lines took of ended leases
    corrections: Counter[AccountKey] = field(default_factory=Counter)  # what people took away

    def note_correction(self, transfer: Transfer) -> None:
        for account, amount in transfer.entries:
            if amount < 0:
                self.corrections[account] -= amount

    def allowance(self, account: AccountKey) -> int:
        """How far below zero what is available may lie."""
        return self.beyond_leases[account] + self.after_the_end[account] + self.corrections[account]

    def excess(self, account: AccountKey) -> int:
        """The published bound: what calls cost above their holds, of the wallets that this account ends."""
        total = 0
        for request_id, amounts in self.charged.items():
            held = self.held.get(request_id, {})
            total += sum(
                max(amount - held.get(wallet, 0), 0) for wallet, amount in amounts.items() if wallet[-1] == account
            )
        return total
