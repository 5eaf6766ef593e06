"""The ledger: transfers, whose entries sum to zero in each unit, are appended and never changed.

Every transfer has an idempotency key. One that comes again under its key changes nothing; another one under the same
key is a conflict, and the first one stands. Nothing sets a balance: it is the sum of an account's entries. What was
wrong is put right by a further transfer.

The keys of what follows from the books themselves are made here: `usage:REQUEST_ID`, `recurring:...`, `expire:...`,
`reprice:REQUEST_ID:PRICES`. A person's transfer carries the person's key, which must not look like one of these: under
`usage:...` it would keep a call from being charged.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple

from smart_ai_router.domain.accounts import (
    LIMITED_KINDS,
    AccountKey,
    AccountKind,
    account_text,
    credit_counter,
    is_over,
    usage_counter,
)
from smart_ai_router.domain.money import CELL_MAX, AmountInvalid, AmountTooLarge

KEY_LENGTH_MAX: Final = 255  # what payment services allow
_USAGE: Final = "usage:"
_RECURRING: Final = "recurring:"
_EXPIRE: Final = "expire:"
_REPRICE: Final = "reprice:"
_OWN_KEYS: Final = (_USAGE, _RECURRING, _EXPIRE, _REPRICE)


class TransferKind(StrEnum):
    """Why a transfer was made."""

    USAGE = "usage"  # a call, from its journal line
    RECHARGE = "recharge"  # money paid in at a provider
    GRANT = "grant"  # quota or budget given
    ADJUST = "adjust"  # a correction, up or down
    REFUND = "refund"  # a charge given back
    EXPIRE = "expire"  # what was left of a part that is over
    REPRICE = "reprice"  # a call whose price became known, or was wrong


class Entry(NamedTuple):
    """One side of a transfer. A tuple and not a dataclass: several are made for every call."""

    account: AccountKey
    amount: int


class Transfer(NamedTuple):
    """One movement. A tuple and not a dataclass: one is made for every call."""

    kind: TransferKind
    key: str  # idempotency key
    at_ms: int  # since 1970 UTC
    entries: tuple[Entry, ...]
    request_id: str | None = None  # the call it is about
    actor: str = ""
    source: str = ""  # of a grant: admin_grant, membership, purchase ...
    remark: str = ""


class Order(NamedTuple):
    """Who wants a transfer, when, and under which idempotency key (see `require_key`)."""

    key: str
    at_ms: int
    actor: str = ""
    source: str = ""
    remark: str = ""


class Posting(NamedTuple):
    """What one call takes of one account; this is what its journal line says."""

    account: AccountKey
    amount: int
    leased: int  # how much of it the worker's lease on the account covered


class UsageFacts(NamedTuple):
    """What the ledger takes from a journal line, and all it needs."""

    request_id: str
    at_ms: int
    holder: str  # the worker whose leases were used
    postings: tuple[Posting, ...]


class TransferInvalid(ValueError):
    """A transfer that cannot be made."""


class KeyConflict(ValueError):
    """Another transfer was made under this idempotency key."""


class Repetition(StrEnum):
    """What a transfer is to the one that stands under its key."""

    NEW = "new"
    REPEATED = "repeated"  # the same: the first answer is given again
    CONFLICT = "conflict"  # another: refused


def usage_transfer(facts: UsageFacts) -> Transfer | None:
    """The transfer of a call, from its line alone; None when it took nothing. Raises TransferInvalid."""
    taken: dict[AccountKey, int] = {}
    for account, amount, leased in facts.postings:
        if account.kind not in LIMITED_KINDS:
            raise TransferInvalid(f"{account_text(account)} is a counter-account: no call takes of it")
        if not 0 <= leased <= amount:
            raise TransferInvalid(f"{account_text(account)}: {leased} of {amount} cannot be under a lease")
        if amount:
            counter = usage_counter(account)
            taken[account] = taken.get(account, 0) - amount
            taken[counter] = taken.get(counter, 0) + amount
    if not taken:
        return None
    entries = tuple([Entry(account, amount) for account, amount in taken.items()])
    return Transfer(TransferKind.USAGE, _USAGE + facts.request_id, facts.at_ms, entries, facts.request_id)


def recharge(pool: AccountKey, amount: int, order: Order) -> Transfer:
    """Money paid in at a provider. Raises AmountInvalid, AmountTooLarge, TransferInvalid, as all of these do."""
    _require_kind(pool, AccountKind.POOL)
    return _ordered(TransferKind.RECHARGE, order, _crediting(pool, _positive(amount)))


def grant(account: AccountKey, amount: int, order: Order) -> Transfer:
    """Quota for a user, or budget for a key."""
    _require_kind(account, AccountKind.USER, AccountKind.KEY)
    return _ordered(TransferKind.GRANT, order, _crediting(account, _positive(amount)))


def recurring_grant(account: AccountKey, amount: int, at_ms: int) -> Transfer:
    """What a part that begins is credited with by its rule (`quotas.due_amount`), once.

    When the rule has changed since the part began, the key stands for the old amount: a conflict, and the first stays.
    """
    _require_kind(account, AccountKind.USER, AccountKind.KEY)
    order = Order(_part_key(_RECURRING, account), at_ms, source="recurring")
    return _made(TransferKind.GRANT, order, _crediting(account, _positive(amount)))


def adjust(account: AccountKey, amount: int, order: Order) -> Transfer:
    """A correction of what an account was credited with; a negative amount takes credit away."""
    _require_kind(account, *LIMITED_KINDS)
    if not amount:
        raise AmountInvalid("a correction by 0 corrects nothing")
    _positive(abs(amount))
    return _ordered(TransferKind.ADJUST, order, _crediting(account, amount))


def refund(request_id: str, charges: Iterable[Transfer], amounts: Mapping[AccountKey, int], order: Order) -> Transfer:
    """Give back some of what a call was charged, at most what is left of it.

    `charges` are all transfers of the call so far (usage, repricings, refunds).
    """
    taken = taken_of(charges)
    entries: list[Entry] = []
    for account, amount in amounts.items():
        left = taken.get(account, 0)
        if _positive(amount) > left:
            raise TransferInvalid(f"{account_text(account)}: {amount} cannot be given back, {left} was charged")
        entries += [Entry(account, amount), Entry(usage_counter(account), -amount)]
    if not entries:
        raise AmountInvalid("a refund of nothing")
    return _ordered(TransferKind.REFUND, order, entries, request_id)


def expiry(account: AccountKey, balance: int, leased: int, today: date, at_ms: int) -> Transfer | None:
    """Take back what is left of a part that is over; None while there is nothing to take, or it is still lent.

    Once for each part: what is refunded to it later stays there, where no call can use it.
    """
    if leased or balance <= 0 or not is_over(account.part, today):
        return None
    return _made(TransferKind.EXPIRE, Order(_part_key(_EXPIRE, account), at_ms), _crediting(account, -balance))


def repricing(
    request_id: str, charges: Iterable[Transfer], right: Mapping[AccountKey, int], prices: str, order: Order
) -> Transfer | None:
    """Carry a call over from what it was charged to what is right; None when it was right.

    `charges` are all transfers of the call so far; `prices` names the price sheet that is right. The key of `order` is
    replaced: a call is carried over to the same prices once.
    """
    taken = taken_of(charges)
    entries: list[Entry] = []
    for account in sorted(taken.keys() | right.keys()):
        more = right.get(account, 0) - taken.get(account, 0)
        if more:
            entries += [Entry(account, -more), Entry(usage_counter(account), more)]
    if not entries:
        return None
    key = f"{_REPRICE}{request_id}:{_digest(prices)}"
    return _made(TransferKind.REPRICE, order._replace(key=key), entries, request_id)


def taken_of(charges: Iterable[Transfer]) -> dict[AccountKey, int]:
    """What a call has taken of each account, by all its transfers."""
    taken: dict[AccountKey, int] = {}
    for transfer in charges:
        for account, amount in transfer.entries:
            if account.kind in LIMITED_KINDS:
                taken[account] = taken.get(account, 0) - amount
    return taken


def compared(booked: Transfer | None, transfer: Transfer) -> Repetition:
    """What a transfer is to the one booked under its key: moments, actors and words may differ, money may not."""
    if booked is None:
        return Repetition.NEW
    is_same = (booked.kind, booked.request_id) == (transfer.kind, transfer.request_id)
    if is_same and sorted(booked.entries) == sorted(transfer.entries):
        return Repetition.REPEATED
    return Repetition.CONFLICT


def require_key(key: str) -> str:
    """A person's idempotency key: 1 to 255 printable ASCII characters, not like one of ours; raises TransferInvalid."""
    if not 0 < len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise TransferInvalid(f"an idempotency key has 1 to {KEY_LENGTH_MAX} printable ASCII characters")
    if key.startswith(_OWN_KEYS):
        raise TransferInvalid(f"an idempotency key must not begin with {key.partition(':')[0]}:")
    return key


def _part_key(prefix: str, account: AccountKey) -> str:
    """The key of what happens to a part once."""
    return f"{prefix}{account.kind}:{account.unit}:{account.part}:{_digest(account.owner)}"


def _digest(name: str) -> str:
    """What stands for a name in a key: names may be long."""
    return sha256(name.encode()).hexdigest()[:32]


def _crediting(account: AccountKey, amount: int) -> list[Entry]:
    return [Entry(account, amount), Entry(credit_counter(account), -amount)]


def _ordered(kind: TransferKind, order: Order, entries: Iterable[Entry], request_id: str | None = None) -> Transfer:
    """A transfer under a person's key."""
    require_key(order.key)
    return _made(kind, order, entries, request_id)


def _made(kind: TransferKind, order: Order, entries: Iterable[Entry], request_id: str | None = None) -> Transfer:
    sums: dict[AccountKey, int] = {}
    for account, amount in entries:
        sums[account] = sums.get(account, 0) + amount
    merged = tuple([Entry(account, amount) for account, amount in sums.items() if amount])
    return Transfer(kind, order.key, order.at_ms, merged, request_id, order.actor, order.source, order.remark)


def _positive(amount: int) -> int:
    if amount <= 0:
        raise AmountInvalid(f"an amount of {amount} is not above zero")
    if amount > CELL_MAX:
        raise AmountTooLarge(f"an amount of {amount} does not fit one entry (limit {CELL_MAX})")
    return amount


def _require_kind(account: AccountKey, *kinds: AccountKind) -> None:
    if account.kind not in kinds:
        raise TransferInvalid(f"{account_text(account)} cannot be credited like this")
