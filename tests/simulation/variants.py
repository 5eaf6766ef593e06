"""Routers that are broken on purpose, one mistake each. The simulator must catch every one of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from smart_ai_router.domain.charges import Charge
from smart_ai_router.domain.holds import Hold, LeaseBook, Settled


@dataclass(frozen=True, slots=True)
class Variant:
    """What is done wrong; nothing, as it comes."""

    refunds_before_the_line: bool = False
    recalls_nobody: bool = False
    posts_twice: bool = False
    ignores_keys: bool = False
    grants_again: bool = False  # a repeated wish is granted once more
    hears_old_reports: bool = False
    lends_what_is_not_there: bool = False
    reconciles_before_reading: bool = False
    trusts_torn_lines: bool = False
    forgets_orphans: bool = False
    refuses_at_once: bool = False
    keeps_models_off: bool = False


CORRECT: Final = Variant()
BROKEN: Final = {name: Variant(**{name: True}) for name in Variant.__slots__}  # type: ignore[arg-type]


class EagerBook(LeaseBook):
    """Frees what a call did not use before its line is in the journal."""

    def settle(self, hold: Hold, charges: Iterable[Charge]) -> Settled:
        settled = super().settle(hold, charges)
        assert hold.settled is not None
        for place, (slice_, held, used) in enumerate(hold.settled):
            slice_.held -= held - used
            slice_.free += held - used
            hold.settled[place] = (slice_, used, used)
        return settled


def book_of(variant: Variant, holder: str, now: float) -> LeaseBook:
    """The lease book of a worker."""
    return (EagerBook if variant.refunds_before_the_line else LeaseBook)(holder, now)
