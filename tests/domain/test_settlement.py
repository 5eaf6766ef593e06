"""Who pays what: the table of `domain/settlement.py`, row for row."""

import pytest

from smart_ai_router.domain.money import parse_pico
from smart_ai_router.domain.settlement import Basis, Outcome, charge, decide_billing

REPORTED, ESTIMATED, NOTHING = Basis.REPORTED, Basis.ESTIMATED, Basis.NOTHING

ROWS = [
    (Outcome.SUCCESS, True, REPORTED, REPORTED),
    (Outcome.SUCCESS, False, ESTIMATED, ESTIMATED),
    (Outcome.PARTIAL, True, REPORTED, REPORTED),
    (Outcome.PARTIAL, False, ESTIMATED, ESTIMATED),
    (Outcome.CANCELLED, True, REPORTED, REPORTED),
    (Outcome.CANCELLED, False, ESTIMATED, ESTIMATED),
    (Outcome.FAILED, True, REPORTED, NOTHING),
    (Outcome.FAILED, False, NOTHING, NOTHING),
    (Outcome.INTERRUPTED, False, ESTIMATED, NOTHING),
    (Outcome.REFUSED, False, NOTHING, NOTHING),
]


@pytest.mark.parametrize(("outcome", "reported", "provider", "user"), ROWS)
def test_each_row_of_the_table_is_decided_as_it_says(
    outcome: Outcome, reported: bool, provider: Basis, user: Basis
) -> None:
    billing = decide_billing(outcome, reported)
    assert (billing.provider, billing.user) == (provider, user)


def test_every_outcome_has_a_row() -> None:
    assert {row[0] for row in ROWS} == set(Outcome)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("reported", [True, False])
def test_a_user_never_pays_by_more_than_the_provider_bills_by(outcome: Outcome, reported: bool) -> None:
    billing = decide_billing(outcome, reported)
    assert billing.user in (billing.provider, NOTHING)


@pytest.mark.parametrize(
    ("cost", "ratio", "paid"),
    [("1", "1", "1"), ("0.000000000001", "0.5", "0"), ("0.000000000003", "0.5", "0.000000000002"), ("2", "0", "0")],
)
def test_a_charge_is_rounded_once_half_to_even(cost: str, ratio: str, paid: str) -> None:
    assert charge(parse_pico(cost), ratio) == parse_pico(paid)
