"""What a journal line says of the ledger: who was charged, from which accounts, under whose leases, by which rates."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple, cast

import msgspec

from smart_ai_router.core.funds import Settlement
from smart_ai_router.core.plain_json import plain_number
from smart_ai_router.core.usage_record import AccountPosting, RateUsed
from smart_ai_router.domain.exchange import Conversion
from smart_ai_router.domain.ledger import Posting
from smart_ai_router.domain.money import Pico, pico_to_text

AMOUNTS_CACHED_MAX: Final = 8192  # one call writes the same amount up to four times
RATES_CACHED_MAX: Final = 256


class LedgerKeys(NamedTuple):
    """The keys of a line that the ledger reads."""

    user_charge: Decimal | None
    charge_currency: str | None
    holder: str | None
    postings: tuple[AccountPosting, ...]
    rates: tuple[RateUsed, ...]
    flags: tuple[str, ...]


@lru_cache(maxsize=AMOUNTS_CACHED_MAX)
def written_amount(pico: Pico) -> Decimal:
    """An amount as the encoder shall write it: plain digits, ready made. It goes into records that are only written."""
    return cast(Decimal, msgspec.Raw(pico_to_text(pico).encode()))


NOBODY_CHARGED: Final = LedgerKeys(None, None, None, (), (), ())
CHARGED_NOTHING: Final = NOBODY_CHARGED._replace(user_charge=written_amount(0))


def ledger_keys(settlement: Settlement | None, user_id: str | None, currency: str) -> LedgerKeys:
    """The keys of one operation; `currency` is that of its cost."""
    if settlement is None:
        return NOBODY_CHARGED if user_id is None else CHARGED_NOTHING
    charged = settlement.charged
    charge = charged.user_charge
    return LedgerKeys(
        None if charge is None else written_amount(charge),
        None if charge is None or charged.charge_currency == currency else charged.charge_currency,
        settlement.holder,
        written_postings(settlement.postings) if settlement.postings else (),
        tuple([_written_rate(each) for each in settlement.tariff.conversions]) if settlement.tariff.conversions else (),
        settlement.flags,
    )


def written_postings(postings: Iterable[Posting]) -> tuple[AccountPosting, ...]:
    """The postings as a line carries them."""
    return tuple([AccountPosting(*account, amount, leased) for account, amount, leased in postings])


@lru_cache(maxsize=RATES_CACHED_MAX)
def _written_rate(conversion: Conversion) -> RateUsed:
    moment = datetime.fromtimestamp(conversion.effective_from_ms // 1000, UTC).isoformat()
    rate = cast(Decimal, plain_number(conversion.rate))
    return RateUsed(conversion.base, conversion.quote, rate, moment, conversion.is_inverse)
