"""A control plane in memory for tests of the worker's money: balances, leases, and answers when the test says so."""

from collections.abc import Mapping

from smart_ai_router.core.funds import Funds
from smart_ai_router.domain.accounts import AccountKey
from smart_ai_router.domain.leasing import AccountState, Answer, LeaseState, Report, Ruling, Standing, hear


class Lender:
    """One worker's lender. With `answers_at_once` every report is answered when it comes."""

    def __init__(self, funds: Funds, balances: Mapping[AccountKey, int], *, answers_at_once: bool = True) -> None:
        self.accounts = {account: AccountState(account, balance) for account, balance in balances.items()}
        self.leases: dict[AccountKey, LeaseState] = {}
        self.reports: list[Report] = []
        self.answers_at_once = answers_at_once
        self._funds = funds
        funds.begin("w1", self._take)

    def answer(self) -> None:
        """Answer every report that has come."""
        reports, self.reports = self.reports, []
        for report in reports:
            rulings = tuple([self._rule(report, index) for index in range(len(report.wishes))])
            self._funds.absorb(Answer(report.holder, report.sequence, rulings))

    def lent(self, account: AccountKey) -> int:
        """What is lent and not said to be back."""
        return self.accounts[account].leased

    def _take(self, report: Report) -> None:
        self.reports.append(report)
        if self.answers_at_once:
            self.answer()

    def _rule(self, report: Report, index: int) -> Ruling:
        wish = report.wishes[index]
        account = self.accounts.get(wish.account, AccountState(wish.account, 0))
        hearing = hear(Standing(account, self.leases.get(wish.account), (), 1), wish, report)
        self.accounts[wish.account] = hearing.account
        if hearing.lease is None:
            self.leases.pop(wish.account, None)
        else:
            self.leases[wish.account] = hearing.lease
        return hearing.ruling
