"""The runner of all checks: what it counts, and that it cannot be green by accident."""

from pathlib import Path

import pytest

from bootstrap.checks import Checks, Counts, main, read_report

UNNEEDED_PLUGINS = ("cacheprovider", "langsmith_plugin", "schemathesis", "hypothesispytest", "pytest_cov")
PLAIN = [word for name in UNNEEDED_PLUGINS for word in ("-p", f"no:{name}")]


def test_a_step_whose_tool_is_missing_fails(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    checks = Checks(tmp_path)

    checks.tool("spelling", "no-such-tool")

    assert checks.total == Counts(failed=1)
    assert checks.failed_steps == ["spelling"]
    assert "no-such-tool is not installed" in capfd.readouterr().out


def test_a_step_passes_by_its_exit_code(tmp_path: Path) -> None:
    checks = Checks(tmp_path)

    checks.tool("good", "python", "-c", "")
    checks.tool("bad", "python", "-c", "raise SystemExit(3)")

    assert checks.total == Counts(passed=1, failed=1)
    assert checks.failed_steps == ["bad"]


def test_each_test_counts(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert False\n"
        "@pytest.mark.skip(reason='no')\ndef test_c(): pass\n"
        "@pytest.fixture\ndef broken(): raise OSError\ndef test_d(broken): pass\n"
    )
    checks = Checks(tmp_path)

    checks.tests("tests", PLAIN)

    assert checks.total == Counts(passed=1, failed=2, skipped=1)


@pytest.mark.parametrize("text", ["import nothing_of_that_name\n", ""])
def test_a_run_that_breaks_off_or_finds_nothing_fails(tmp_path: Path, text: str) -> None:
    (tmp_path / "test_some.py").write_text(text)
    checks = Checks(tmp_path)

    checks.tests("tests", PLAIN)

    assert checks.total.failed >= 1
    assert checks.total.passed == 0


def test_a_report_that_was_never_written_counts_nothing(tmp_path: Path) -> None:
    assert read_report(tmp_path / "report.xml") == Counts()


def test_the_summary_is_one_line() -> None:
    assert Counts(812, 1, 3).line() == "812 passed, 1 failed, 3 skipped"


def test_an_unknown_option_is_wrong_usage() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--fast"])
