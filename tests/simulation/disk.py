"""What survives a crash: the journal's bytes, the in-flight tables, and the store with its transactions."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from smart_ai_router.domain.accounts import LIMITED_KINDS, AccountKey, AccountKind, Wallet
from smart_ai_router.domain.leasing import AccountState, LeaseState
from smart_ai_router.domain.ledger import Posting, Repetition, Transfer, TransferKind, UsageFacts, compared
from smart_ai_router.domain.pools import ModelSwitch, PoolState


@dataclass(frozen=True, slots=True)
class Line:
    """One journal line, as far as money goes."""

    request_id: str
    at_ms: int
    holder: str
    outcome: str
    postings: tuple[Posting, ...]

    def encode(self) -> bytes:
        fields = [
            self.request_id,
            self.at_ms,
            self.holder,
            self.outcome,
            [[*each.account, each.amount, each.leased] for each in self.postings],
        ]
        return json.dumps(fields, separators=(",", ":")).encode()

    @property
    def facts(self) -> UsageFacts:
        return UsageFacts(self.request_id, self.at_ms, self.holder, self.postings)


def decode_line(raw: bytes) -> Line | None:
    """The line, or None for what is no line."""
    try:
        request_id, at_ms, holder, outcome, postings = json.loads(raw)
    except ValueError:
        return None
    return Line(
        request_id,
        at_ms,
        holder,
        outcome,
        tuple(
            Posting(AccountKey(AccountKind(kind), owner, unit, part), amount, leased)
            for kind, owner, unit, part, amount, leased in postings
        ),
    )


class Journal:
    """One file. An append first closes the line that a killed writer left open."""

    def __init__(self) -> None:
        self.data = bytearray()

    def append(self, line: bytes) -> None:
        self.close_tail()
        self.data += line + b"\n"

    def append_torn(self, line: bytes, length: int) -> None:
        """A writer was killed after so many bytes."""
        self.close_tail()
        self.data += (line + b"\n")[:length]

    def close_tail(self) -> None:
        if self.data and self.data[-1] != 0x0A:
            self.data += b"\n"

    @property
    def complete(self) -> int:
        """Where the last complete line ends."""
        return self.data.rfind(b"\n") + 1

    def lines(self, first: int = 0) -> list[Line]:
        """All complete lines from an offset on that are lines."""
        raw = bytes(self.data[first : self.complete]).split(b"\n")[:-1]
        return [line for line in map(decode_line, raw) if line is not None]


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that may have reached an upstream."""

    request_id: str
    holder: str
    held: tuple[tuple[AccountKey, int], ...]
    wallets: tuple[Wallet, ...]


@dataclass(slots=True)
class HolderRow:
    """One life of a worker, as the store knows it."""

    host: int
    worker: int
    heard: int = 0  # the latest report that was heard
    is_over: bool = False


@dataclass(slots=True)
class Store:
    """The ledger's tables. A transaction is one event: it happens whole or not at all."""

    accounts: dict[AccountKey, AccountState] = field(default_factory=dict)
    balances: dict[AccountKey, int] = field(default_factory=dict)  # of counter-accounts too
    transfers: list[Transfer] = field(default_factory=list)
    by_key: dict[str, Transfer] = field(default_factory=dict)
    leases: dict[AccountKey, dict[str, LeaseState]] = field(default_factory=dict)
    holders: dict[str, HolderRow] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    pools: dict[str, PoolState] = field(default_factory=dict)
    switches: set[ModelSwitch] = field(default_factory=set)
    changes: int = 0

    def account(self, key: AccountKey) -> AccountState:
        return self.accounts.get(key) or AccountState(key, 0)

    def put_account(self, account: AccountState) -> None:
        self.accounts[account.key] = account
        self.balances[account.key] = account.balance
        self.changes += 1

    def put_lease(self, lease: LeaseState) -> None:
        self.leases.setdefault(lease.account, {})[lease.holder] = lease
        self.changes += 1

    def drop_lease(self, account: AccountKey, holder: str) -> None:
        self.leases.get(account, {}).pop(holder, None)
        self.changes += 1

    def all_leases(self) -> Iterable[LeaseState]:
        return [lease for leases in self.leases.values() for lease in leases.values()]

    def book(self, transfer: Transfer) -> Repetition:
        """Append a transfer unless it stands under its key already."""
        repetition = compared(self.by_key.get(transfer.key), transfer)
        if repetition is Repetition.NEW:
            self.append(transfer)
        return repetition

    def append(self, transfer: Transfer) -> None:
        """Append a transfer. What a call takes of limited accounts is left to `leasing.use`."""
        self.transfers.append(transfer)
        self.by_key[transfer.key] = transfer
        for account, amount in transfer.entries:
            if account.kind not in LIMITED_KINDS:
                self.balances[account] = self.balances.get(account, 0) + amount
            elif transfer.kind is not TransferKind.USAGE:
                state = self.account(account)
                self.put_account(replace(state, balance=state.balance + amount))
        self.changes += 1
