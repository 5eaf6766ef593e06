"""Prices as dated data, and the arithmetic of a bill.

Theory of operation, in the order a call meets it:

1. `PriceVersion` is one row: one meter of one model at one provider, for a time. Rows are appended, never edited.
2. `PriceCatalog.sheet(...)` chooses at admission whose rows apply and compiles them into a `PriceSheet`: integers,
   every service tier and context band included. No sheet means that the model is unpriced, which is a state.
3. `upper_estimate(sheet, ...)` bounds the cost of the call that is about to be made, for its hold.
4. `price_usage(sheet, usage)` makes the `Bill` at settlement, whatever the price list has become meanwhile.
5. `amount_of(version, meter, quantity)` computes a stored bill line again, years later.

The parts live in the `pricing_*` modules beside this one; this module is their front door.
"""

from smart_ai_router.domain.pricing_bills import (
    UNPRICED,
    Bill,
    Line,
    amount_of,
    price_usage,
    unpriced_bill,
    upper_estimate,
)
from smart_ai_router.domain.pricing_catalog import PriceCatalog
from smart_ai_router.domain.pricing_sheets import PriceSheet
from smart_ai_router.domain.pricing_versions import (
    STANDARD_TIER,
    PriceConflict,
    PriceVersion,
    model_scope,
    price_id,
    with_derived_id,
)

__all__ = [
    "STANDARD_TIER",
    "UNPRICED",
    "Bill",
    "Line",
    "PriceCatalog",
    "PriceConflict",
    "PriceSheet",
    "PriceVersion",
    "amount_of",
    "model_scope",
    "price_id",
    "price_usage",
    "unpriced_bill",
    "upper_estimate",
    "with_derived_id",
]
