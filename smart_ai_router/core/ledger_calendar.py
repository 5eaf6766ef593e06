"""What time does to quota: parts that begin are credited by their rules, what is left of parts that are over expires.

Both are actions like any other, done by the calendar: they stand in the actions file, and a rebuild comes to the same.
Each has a transfer of its own key for each part, so doing it twice changes nothing. Days are those of the configured
time zone. Parts begin a little before their time, for workers whose clocks are ahead.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Final, TypeAlias

import msgspec

from smart_ai_router.core.administration import ActionDesk, Origin
from smart_ai_router.core.ledger_actions import TRANSFERS_A_CHANGE, PartsBegun, PartsExpired, TransferRow, transfer_row
from smart_ai_router.core.ledger_rows import SEPARATOR, GrantRuleRow
from smart_ai_router.core.ledger_store import LedgerReader, LedgerStore
from smart_ai_router.core.local_days import LocalDays, date_of
from smart_ai_router.domain.accounts import AccountKey, is_over
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.ledger import Transfer, expiry, recurring_grant
from smart_ai_router.domain.quotas import RecurringGrant, due_amount, part_on

MakeChange: TypeAlias = Callable[[tuple[TransferRow, ...]], PartsBegun | PartsExpired]

AHEAD_MS: Final = 600_000  # no clock of a worker is further ahead than this
CALENDAR: Final = Origin("calendar", "control plane")


class NothingDue(Refusal):
    """Somebody else was faster: there is nothing to do any more."""

    code = "nothing_due"


class _Turn(msgspec.Struct, frozen=True):
    """What the calendar asks for."""

    keys: tuple[str, ...]


class Calendar:
    """Turns the pages. Safe to use from any thread."""

    def __init__(self, desk: ActionDesk, store: LedgerStore, time_zone: str) -> None:
        self._desk = desk
        self._store = store
        self._days = LocalDays(time_zone)
        self._begun_for: tuple[tuple[date, ...], int] | None = None  # days and rules that were looked at

    def turn(self) -> int:
        """Do what is due; returns how many transfers were made. Raises ChangeUnavailable."""
        now_ms = self._desk.now_ms()
        begun = self._begin(now_ms)
        with self._store.ledger() as ledger:
            expired = self._expired(ledger, now_ms)
        return begun + self._carry_out(expired, lambda rows: PartsExpired(transfers=rows), "expire parts")

    def begin_part(self, account: AccountKey) -> None:
        """Credit the part of an account that begins, if a rule says so and it was not done yet."""
        name = SEPARATOR.join((account.kind.value, account.owner, account.unit, ""))
        now_ms = self._desk.now_ms()
        with self._store.ledger() as ledger:
            rules = [row.rule for row in ledger.settings("grant_rule", name) if isinstance(row, GrantRuleRow)]
            due = self._due(ledger, rules, [account], now_ms)
        self._carry_out(due, lambda rows: PartsBegun(transfers=rows), "begin parts")

    def _begin(self, now_ms: int) -> int:
        days = self._around(now_ms)
        due: list[Transfer] = []
        with self._store.ledger() as ledger:
            rows = [row for row in ledger.settings("grant_rule") if isinstance(row, GrantRuleRow)]
            looked_at = (days, max((row.number for row in rows), default=0))
            if looked_at == self._begun_for:
                return 0
            by_account: dict[tuple[str, str, str], list[RecurringGrant]] = {}
            for row in rows:
                by_account.setdefault((row.account_kind, row.owner, row.unit), []).append(row.rule)
            for rules in by_account.values():
                due += self._due(ledger, rules, _parts_of(rules, days), now_ms)
        made = self._carry_out(due, lambda rows: PartsBegun(transfers=rows), "begin parts")
        self._begun_for = looked_at
        return made

    def _around(self, now_ms: int) -> tuple[date, ...]:
        """Today, and tomorrow once it is about to begin."""
        return tuple(sorted({date_of(self._days.day_of(at_ms)) for at_ms in (now_ms, now_ms + AHEAD_MS)}))

    def _due(
        self, ledger: LedgerReader, rules: Sequence[RecurringGrant], accounts: Iterable[AccountKey], now_ms: int
    ) -> list[Transfer]:
        latest = self._around(now_ms)[-1]
        due: list[Transfer] = []
        for account in accounts:
            amount = due_amount(rules, account, latest)
            if amount:
                transfer = recurring_grant(account, amount, now_ms)
                if ledger.transfer(transfer.key) is None:
                    due.append(transfer)
        return due

    def _expired(self, ledger: LedgerReader, now_ms: int) -> list[Transfer]:
        today = date_of(self._days.day_of(now_ms))
        found = []
        for account in ledger.dated_accounts():
            if is_over(account.key.part, today):
                gone = expiry(account.key, account.balance, account.leased, today, now_ms)
                if gone is not None and ledger.transfer(gone.key) is None:
                    found.append(gone)
        return found

    def _carry_out(self, transfers: Sequence[Transfer], change_of: MakeChange, verb: str) -> int:
        made = 0
        for start in range(0, len(transfers), TRANSFERS_A_CHANGE):
            some = transfers[start : start + TRANSFERS_A_CHANGE]
            try:
                made += self._perform(some, change_of, verb)
            except NothingDue:
                continue
        return made

    def _perform(self, transfers: Sequence[Transfer], change_of: MakeChange, verb: str) -> int:
        def decide(_at_ms: int) -> PartsBegun | PartsExpired:
            with self._store.ledger() as ledger:
                left = [each for each in transfers if ledger.transfer(each.key) is None]
            if not left:
                raise NothingDue("every part was begun, or had expired, before")
            return change_of(tuple(transfer_row(each) for each in left))

        done = self._desk.perform(verb, _Turn(tuple(each.key for each in transfers)), CALENDAR, decide)
        change = done.action.change
        assert isinstance(change, PartsBegun | PartsExpired)
        return len(change.transfers)


def _parts_of(rules: Sequence[RecurringGrant], days: Sequence[date]) -> list[AccountKey]:
    """The parts that these days belong to, of the one account that the rules are about."""
    name = (rules[0].kind, rules[0].owner, rules[0].unit)
    return sorted({AccountKey(*name, part_on(rule.period, day)) for rule in rules for day in days})
