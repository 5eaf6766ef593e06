"""Every row of the two guides that is not about the console alone has a test that runs it."""

import pytest

from tests.e2e.mission_rows import ABOUT_THE_CODE, CONSOLE_ROWS, ROWS, rows_in, who_runs


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_m1_24_m1_28_to_m1_31_words", ["M1.24", "M1.28", "M1.29", "M1.30", "M1.31"]),
        ("test_m1_43_n_13_every_route", ["M1.43", "N.13"]),
        ("test_m2_24_to_m2_26_n_01_m1_02_rows", ["M2.24", "M2.25", "M2.26", "N.01", "M1.02"]),
        ("test_python_3_11_is_enough", []),
        ("test_latin_15_and_m1_125", []),
    ],
)
def test_a_name_says_which_rows_it_runs(name: str, rows: list[str]) -> None:
    assert rows_in(name) == rows


def test_every_row_has_a_test_and_those_about_the_running_system_an_end_to_end_one() -> None:
    tests = who_runs()

    assert len(ROWS) == 79 + 71 + 15
    assert [row for row in ROWS if not tests[row]] == []
    end_to_end = {row for row, names in tests.items() if any(name.startswith("tests/e2e/") for name in names)}
    assert sorted(set(ROWS) - ABOUT_THE_CODE - end_to_end) == []
    assert set(tests) <= {*ROWS, *CONSOLE_ROWS}
