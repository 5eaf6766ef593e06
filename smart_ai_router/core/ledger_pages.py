"""Pages of an account's movements: calls and transfers in one order, newest first.

A call stands under the number of its record, which tells when it began; a transfer under the number that a call of its
moment would have. The cursor of a page is the place of its last row, so that pages neither repeat nor skip a row while
new ones arrive.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from smart_ai_router.core.ledger_store import AccountMovement, MovementPage
from smart_ai_router.core.record_keys import sid_at
from smart_ai_router.core.usage_pages import CursorInvalid

_CURSOR: Final = re.compile(r"(-?[0-9]{1,19})\.([0-9]{1,19})")


class Place(NamedTuple):
    """Where a movement stands."""

    number: int
    id: int  # of a transfer; 0: a call

    @classmethod
    def of_transfer(cls, at_ms: int, transfer_id: int) -> "Place":
        """Where a transfer stands."""
        return cls(sid_at(at_ms), transfer_id)

    @property
    def cursor(self) -> str:
        """As text, because the number passes 2^53."""
        return f"{self.number}.{self.id}"


START: Final = Place((1 << 63) - 1, 0)


def place_of_cursor(cursor: str | None) -> Place:
    """Where a page begins: below this place. Raises CursorInvalid."""
    if cursor is None:
        return START
    match = _CURSOR.fullmatch(cursor)
    if match is None or max(abs(int(match[1])), int(match[2])) >= 1 << 63:
        raise CursorInvalid(f"{cursor[:40]!r} is not a cursor of this list")
    return Place(int(match[1]), int(match[2]))


def end_of(placed: Sequence[tuple[Place, AccountMovement]], limit: int) -> MovementPage:
    """The page of these movements, of which there may be more than it shows."""
    newest_first = sorted(placed, key=lambda each: each[0], reverse=True)
    shown = newest_first[:limit]
    more = shown[-1][0].cursor if len(newest_first) > limit else None
    return MovementPage(tuple(movement for _, movement in shown), more)
