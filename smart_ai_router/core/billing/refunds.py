"""退款: what the refund of a call gave back, and to whom."""

from smart_ai_router.core.billing.quota_messages import RefundedPart, RefundOutcome
from smart_ai_router.core.ledger_verbs import Booked
from smart_ai_router.domain.accounts import LIMITED_KINDS, is_money, quota_type_of, shown_amount


def refund_facts(booked: Booked, request_id: str, side: str) -> RefundOutcome:
    """A refund, account by account; the counter-accounts' entries follow from these and are left out."""
    entries = [entry for transfer in booked.transfers for entry in transfer.entries]
    parts = [
        RefundedPart(
            account_kind=account.kind.value,
            owner=account.owner,
            quota_type=quota_type_of(account.unit),
            part=account.part,
            amount=shown_amount(account.unit, amount),
            currency=account.unit if is_money(account.unit) else None,
        )
        for account, amount in entries
        if account.kind in LIMITED_KINDS
    ]
    return RefundOutcome(request_id, side, tuple(parts), booked.is_repeated)
