"""The rows of the ledger: sums that follow from each other."""

from smart_ai_router.core.ledger_store import GRANTING_KINDS, USE_KINDS, LedgerAccount, Recharge
from smart_ai_router.domain.leasing import AccountState
from smart_ai_router.domain.ledger import TransferKind
from tests.core.ledger_samples import ALICE


def test_a_balance_is_what_was_credited_less_what_was_used() -> None:
    account = LedgerAccount(ALICE, credited=100, used=130, leased=7, recall_round=2)

    assert account.balance == -30
    assert account.state == AccountState(ALICE, -30, 7, 2)


def test_the_balance_after_a_recharge_is_the_one_before_and_its_amount() -> None:
    assert Recharge(1, "openai", 50, -20, 0, "admin", "", "r-1").balance_after == 30


def test_every_kind_of_transfer_is_either_a_use_or_a_credit() -> None:
    assert USE_KINDS | GRANTING_KINDS | {TransferKind.EXPIRE} == set(TransferKind)
    assert not USE_KINDS & GRANTING_KINDS
