"""The comparison of samples finds what it should, and nothing else."""

from decimal import Decimal

from tests.docs.samples import differences

ANSWER = {"date": "2026-11-22", "cost": Decimal("0.1"), "models": {"a": {"n": 1}, "b": {"n": 2}}, "rows": [1, 2]}


def test_a_shorter_list_a_shorter_map_of_names_and_another_day_are_no_difference() -> None:
    sample = {"date": "2025-08-20", "cost": Decimal("0.1"), "models": {"b": {"n": 2}}, "rows": [1]}

    assert not list(differences(sample, ANSWER))


def test_a_wrong_value_is_found_at_its_place() -> None:
    sample = {**ANSWER, "models": {"b": {"n": 3}}}

    assert list(differences(sample, ANSWER)) == [".models.b.n: the sample says 3, the router answers 2"]


def test_a_key_that_is_left_out_is_found_unless_the_sample_says_that_there_is_more() -> None:
    sample = {"date": "2026-11-22", "cost": Decimal("0.1")}

    assert list(differences(sample, ANSWER)) == [": the sample leaves out models, rows"]
    assert not list(differences({**sample, "…": "and so on"}, ANSWER))


def test_a_key_that_does_not_exist_and_another_kind_of_value_are_found() -> None:
    assert list(differences({**ANSWER, "total": 1}, ANSWER)) == [": the router answers no total"]
    assert list(differences({**ANSWER, "cost": "0.1"}, ANSWER)) == [
        ".cost: the sample has '0.1', the router answers Decimal('0.1')"
    ]


def test_a_longer_list_and_another_order_of_keys_are_found() -> None:
    assert list(differences({**ANSWER, "rows": [1, 2, 3]}, ANSWER)) == [
        ".rows: the sample has 3 entries, the router answers 2"
    ]
    assert list(differences({"b": 1, "a": 1}, {"a": 1, "b": 1})) == [": the router answers in the order a, b"]
