"""What a proof of the books came to."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from smart_ai_router.core.store import RecordSums

DIFFERENCES_LISTED_MAX: Final = 20

AccountName: TypeAlias = tuple[str, str, str, str]  # kind, owner, unit, part


class Difference(NamedTuple):
    """One place where the books and the journal disagree."""

    what: str  # record | line | rollup | sum | channel_name; entry | transfer | balance | unit | leased; user | key ...
    where: str
    journal: str  # what the journal, or the actions file, says
    books: str  # what the books say


@dataclass(slots=True)
class VerificationReport:
    """What a proof came to."""

    files: int = 0
    records: int = 0
    problem_lines: int = 0
    actions: int = 0  # administrative changes that were proven
    pending_actions: int = 0  # those that stand in the actions file and are not applied yet
    missing_files: list[str] = field(default_factory=list)  # content that was booked and stands nowhere any more
    sums: dict[str, RecordSums] = field(default_factory=dict)  # currency to the sums, by the journal
    taken: dict[AccountName, int] = field(default_factory=dict)  # what lines took of each account, by the journal
    entries: int = 0  # of calls, that were proven
    transfers: int = 0  # of actions, that were proven
    accounts: int = 0
    difference_count: int = 0
    differences: list[Difference] = field(default_factory=list)  # the first ones

    @property
    def is_equal(self) -> bool:
        return not self.difference_count

    @property
    def exit_status(self) -> int:
        """0 when the books are right, 1 when they are not."""
        return 0 if self.is_equal else 1

    def count_taken(self, account: AccountName, amount: int) -> None:
        """A line took something of an account."""
        if amount:
            self.taken[account] = self.taken.get(account, 0) + amount

    def note(self, what: str, where: str, journal: object, books: object) -> None:
        """Count a difference; the first ones are kept."""
        self.difference_count += 1
        if len(self.differences) < DIFFERENCES_LISTED_MAX:
            self.differences.append(Difference(what, where, str(journal), str(books)))
