"""From what was held to what a line says: the postings of a call, and those of one that nobody can finish any more."""

from collections.abc import Iterable

from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.charges import Charge
from smart_ai_router.domain.ledger import Posting


def add_posting(postings: dict[AccountKey, Posting], account: AccountKey, amount: int, leased: int) -> None:
    """Take so much of an account, beside what was taken of it before."""
    known = postings.get(account)
    if known is not None:
        amount, leased = amount + known.amount, leased + known.leased
    postings[account] = Posting(account, amount, leased)


def orphan_postings(held: Iterable[tuple[AccountKey, int]], charges: Iterable[Charge]) -> tuple[Posting, ...]:
    """What a call takes that nobody can finish any more: `held` is from its intent, `charges` from the decision table.

    This is what its line says, under the holder that died.
    """
    left = dict(held)
    postings: dict[AccountKey, Posting] = {}
    for wallet, amount in charges:
        missing = amount
        for account in wallet:
            take = min(missing, left.get(account, 0))
            if take:
                left[account] -= take
                add_posting(postings, account, take, take)
                missing -= take
        if missing:
            add_posting(postings, wallet[-1], missing, 0)
    return tuple(postings.values())
