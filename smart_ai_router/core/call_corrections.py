"""Corrections of single calls: what they were charged is given back, or carried over to the prices that are right."""

from collections.abc import Mapping
from typing import Final

import msgspec

from smart_ai_router.core.administration import ActionDesk, Origin
from smart_ai_router.core.ledger_actions import CallRefunded, CallRepriced, transfer_row
from smart_ai_router.core.ledger_requests import CallRefund
from smart_ai_router.core.ledger_store import LedgerStore
from smart_ai_router.core.ledger_verbs import Booked, booked, made, money_origin, order_of
from smart_ai_router.core.users_and_keys import FieldInvalid
from smart_ai_router.domain.accounts import AccountKey, AccountKind
from smart_ai_router.domain.errors import Refusal
from smart_ai_router.domain.ledger import Transfer, refund, repricing, taken_of

_SIDES: Final = {
    "user": frozenset((AccountKind.USER, AccountKind.KEY)),
    "pool": frozenset((AccountKind.POOL,)),
    "all": frozenset((AccountKind.USER, AccountKind.KEY, AccountKind.POOL)),
}


class CallUnknown(Refusal):
    """No call of this id was charged anything."""

    status = 404
    code = "call_not_found"


class NothingToCorrect(Refusal):
    """The call is charged what is right."""

    status = 409
    code = "nothing_to_correct"


class _Repricing(msgspec.Struct, frozen=True):
    """For the comparison under one idempotency key."""

    prices: str
    right: tuple[tuple[str, str, str, str, int], ...]


class CallCorrections:
    """The verbs."""

    def __init__(self, desk: ActionDesk, ledger: LedgerStore) -> None:
        self._desk = desk
        self._ledger = ledger

    def refund(self, request_id: str, asked: CallRefund, origin: Origin) -> Booked:
        """Give back all that is left of what one side was charged; raises CallUnknown, NothingToCorrect."""
        origin = money_origin(self._desk, origin)
        kinds = _SIDES.get(asked.side)
        if kinds is None:
            raise FieldInvalid(f"{asked.side[:40]!r} is none of {', '.join(_SIDES)}", param="side")

        def decide(at_ms: int) -> CallRefunded:
            charges = self._charges(request_id)
            left = {account: amount for account, amount in taken_of(charges).items() if account.kind in kinds}
            amounts = {account: amount for account, amount in left.items() if amount > 0}
            if not amounts:
                raise NothingToCorrect(f"nothing is left of {request_id} to give back")
            order = order_of(origin, at_ms, remark=asked.remark)
            transfer = made(lambda: refund(request_id, charges, amounts, order))
            return CallRefunded(request_id, transfers=(transfer_row(transfer),))

        return booked(self._desk.perform(f"refund {request_id}", asked, origin, decide))

    def reprice(self, request_id: str, right: Mapping[AccountKey, int], prices: str, origin: Origin) -> Booked:
        """Carry a call over to what it should have been charged, by the price sheet of this name.

        Done once for each call and sheet. Raises CallUnknown, NothingToCorrect.
        """
        origin = money_origin(self._desk, origin)
        cells = tuple((*account, amount) for account, amount in sorted(right.items()))

        def decide(at_ms: int) -> CallRepriced:
            charges = self._charges(request_id)
            order = order_of(origin, at_ms)
            transfer = made(lambda: repricing(request_id, charges, right, prices, order))
            if transfer is None or self._stands(transfer.key):
                raise NothingToCorrect(f"{request_id} is charged by {prices} already")
            return CallRepriced(request_id, prices, transfers=(transfer_row(transfer),))

        return booked(self._desk.perform(f"reprice {request_id}", _Repricing(prices, cells), origin, decide))

    def _charges(self, request_id: str) -> tuple[Transfer, ...]:
        with self._ledger.ledger() as ledger:
            charges = ledger.call_transfers(request_id)
        if not charges:
            raise CallUnknown(f"no call {request_id[:80]!r} was charged anything")
        return charges

    def _stands(self, key: str) -> bool:
        with self._ledger.ledger() as ledger:
            return ledger.transfer(key) is not None
