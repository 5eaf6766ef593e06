"""What administrators do to money, as lines of the actions file."""

from decimal import Decimal
from typing import get_args

import pytest

from smart_ai_router.core.actions import ActionUnknown, Change, decode_action, encode_action
from smart_ai_router.core.ledger_actions import (
    ExchangeRateAdded,
    LedgerChange,
    LedgerChanges,
    PoolRecharged,
    QuotaGranted,
    transfer_of,
    transfer_row,
)
from smart_ai_router.domain.ledger import Order, grant, recharge
from tests.core.administration_samples import NOW_MS, action
from tests.core.ledger_samples import ALICE, POOL

GRANT = grant(ALICE, 5, Order("grant-1", NOW_MS, "admin", "membership", "六月"))


def test_a_transfer_is_read_as_it_was_written_with_the_moment_and_actor_of_its_action() -> None:
    made = action(3, QuotaGranted("alice", transfers=(transfer_row(GRANT),)))

    read = decode_action(encode_action(made))

    assert read == made
    assert isinstance(read.change, QuotaGranted)
    found = transfer_of(read.change.transfers[0], read.at_ms, read.actor)
    assert found == GRANT._replace(entries=tuple(sorted(GRANT.entries)))


def test_the_line_is_small_and_says_what_happened() -> None:
    row = transfer_row(recharge(POOL, 5, Order("r-1", NOW_MS)), balance_before=-7)

    line = encode_action(action(1, PoolRecharged("openai", "CNY", transfers=(row,)))).decode()

    assert '"kind":"pool_recharged"' in line
    assert '"entries":[["pool","openai","CNY","",5],["outside","","CNY","",-5]],"balance_before":-7' in line
    assert "request_id" not in line


def test_a_rate_keeps_its_digits() -> None:
    made = action(1, ExchangeRateAdded("USD", "CNY", Decimal("7.10"), 5, "bank"))

    assert decode_action(encode_action(made)).change == made.change
    assert b'"rate":"7.10"' in encode_action(made)


def test_every_kind_of_change_to_money_is_a_change_of_the_actions_file_under_a_word_of_its_own() -> None:
    kinds = get_args(LedgerChanges)

    assert set(kinds) <= set(get_args(Change))
    assert len({kind.__struct_config__.tag for kind in kinds}) == len(kinds) == len(LedgerChange.__subclasses__())


def test_a_field_that_is_not_known_is_not_read_over() -> None:
    line = encode_action(action(1, QuotaGranted("alice"))).replace(b'"user_id"', b'"amount":1,"user_id"')

    with pytest.raises(ActionUnknown, match="amount"):
        decode_action(line)
