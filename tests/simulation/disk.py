"""What survives a crash: the journal's bytes, the action log, and the in-flight tables."""

import json
from dataclasses import dataclass
from typing import Final

from smart_ai_router.domain.accounts import AccountKey, AccountKind, Wallet
from smart_ai_router.domain.ledger import Entry, Posting, Transfer, TransferKind, UsageFacts

NEWLINE: Final = 0x0A
RESERVE_LINES: Final = 3  # so many lines of calls that were admitted still fit on a full disk


@dataclass(slots=True)
class Disk:
    """The disk of a host, which may be full for a while."""

    is_full: bool = False
    reserve: int = RESERVE_LINES

    def has_room(self) -> bool:
        """Room for one more line; on a full disk it is taken from the reserve."""
        if not self.is_full:
            self.reserve = RESERVE_LINES
            return True
        self.reserve -= 1
        return self.reserve >= 0


class Log:
    """One file of lines. An append first closes the line that a killed writer left open."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.data = bytearray()

    def append(self, line: bytes) -> bool:
        """False when the disk is full: only a piece of the line is there then."""
        if not self.disk.has_room():
            self.append_torn(line, len(line) // 2)
            return False
        self.close_tail()
        self.data += line + b"\n"
        return True

    def append_torn(self, line: bytes, length: int) -> None:
        """A writer was killed after so many bytes."""
        self.close_tail()
        self.data += (line + b"\n")[:length]

    def close_tail(self) -> None:
        if self.data and self.data[-1] != NEWLINE:
            self.data += b"\n"

    @property
    def complete(self) -> int:
        """Where the last complete line ends."""
        return self.data.rfind(b"\n") + 1

    def raw_lines(self, first: int = 0, lines_max: int | None = None) -> tuple[list[bytes], int]:
        """Complete lines from an offset on, and the offset behind them."""
        raw = bytes(self.data[first : self.complete]).split(b"\n")[:-1][:lines_max]
        return raw, first + sum(len(each) + 1 for each in raw)


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


class Journal(Log):
    """The usage journal of a host."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(disk)
        self._lines: list[Line] = []
        self._lines_end = 0

    def read(self, first: int = 0, lines_max: int | None = None) -> tuple[list[Line], int]:
        """The lines from an offset on, without what is no line, and the offset behind them."""
        raw, end = self.raw_lines(first, lines_max)
        return [line for line in map(decode_line, raw) if line is not None], end

    def lines(self) -> list[Line]:
        """All lines; what was complete once never changes."""
        more, self._lines_end = self.read(self._lines_end)
        self._lines += more
        return self._lines


class ActionLog(Log):
    """What was ordered: every transfer that follows from no call, written before it has any effect."""

    def add(self, transfer: Transfer) -> bool:
        return self.append(encode_action(transfer))

    def read(self, first: int = 0) -> tuple[list[Transfer], int]:
        """The actions from an offset on, without what is none, and the offset behind them."""
        raw, end = self.raw_lines(first)
        return [action for action in map(decode_action, raw) if action is not None], end


def encode_action(transfer: Transfer) -> bytes:
    fields = [
        transfer.kind,
        transfer.key,
        transfer.at_ms,
        [[*account, amount] for account, amount in transfer.entries],
        transfer.request_id,
        transfer.actor,
        transfer.source,
        transfer.remark,
    ]
    return json.dumps(fields, separators=(",", ":")).encode()


def decode_action(raw: bytes) -> Transfer | None:
    """The action, or None for what is none."""
    try:
        kind, key, at_ms, entries, *words = json.loads(raw)
    except ValueError:
        return None
    read = tuple(
        Entry(AccountKey(AccountKind(account_kind), owner, unit, part), amount)
        for account_kind, owner, unit, part, amount in entries
    )
    return Transfer(TransferKind(kind), key, at_ms, read, *words)


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that may have reached an upstream."""

    request_id: str
    holder: str
    held: tuple[tuple[AccountKey, int], ...]
    wallets: tuple[Wallet, ...]
