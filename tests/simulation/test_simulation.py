"""A thousand seeds of the simulated ledger; docs/simulation.md says what is simulated and what must hold."""

import os
import re
import subprocess
import sys

import pytest

from tests.simulation.__main__ import main, parser
from tests.simulation.plans import CRASH_POINTS, plan_of
from tests.simulation.variants import BROKEN
from tests.simulation.world import SimulationFault, simulate
from tests.tidy.python_source import ROOT

SEEDS = 1_000
BLOCK = 50  # one test: small enough to share the work between processes
COVERING_SEEDS = 200  # among so many, everything below happens at least once

# Every seed that ever failed on the ledger, by what it found. A seed replays its run only while plans and market draw
# the same numbers: whoever changes those turns what was found into a variant first.
KEPT_SEEDS = {
    3: "accounts were compared by identity: a pool's refusal was never certain (variant knows_accounts_by_identity)",
}

FAULTS = {
    "alert resolved by hand",
    "attempt failed",
    "book opened anew",
    "call above its hold",
    "clock stepped",
    "control plane killed",
    "disk full",
    "enforcement switched",
    "lease of the dead ended",
    "lease of the silent ended",
    "line after the end of its lease",
    "line torn",
    "line waits for room",
    "line written twice",
    "message lost",
    "message repeated",
    "orphan",
    "pool exhausted",
    "pool low",
    "pool sufficient",
    "prices and rate changed",
    "process silent",
    "process stopped",
    "recall",
    "refused by a pool",
    "refused for lack of quota",
    "refused for the empty pool",
    "refused for the full disk",
    "refused surely",
    "report repeated or overtaken",
    "store away",
    "worker killed",
    *(f"killed at {point}" for point in CRASH_POINTS),
}


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_the_books_hold_in_every_seed(first: int) -> None:
    faults = []

    for seed in range(first, first + BLOCK):
        try:
            simulate(seed)
        except SimulationFault as fault:
            faults.append(str(fault))

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("seed", KEPT_SEEDS)
def test_a_seed_that_failed_once_holds(seed: int) -> None:
    simulate(seed)


def test_every_kind_of_fault_happens() -> None:
    missing = set(FAULTS)

    for seed in range(COVERING_SEEDS):
        missing -= simulate(seed).events.keys()
        if not missing:
            break

    assert not missing


def test_a_run_has_two_hosts_three_workers_and_a_month_that_ends() -> None:
    plans = [plan_of(seed) for seed in range(COVERING_SEEDS)]

    assert {plan.hosts for plan in plans} == {1, 2}
    assert {plan.workers_per_host for plan in plans} == {1, 2, 3}
    assert len({plan.begins_at for plan in plans}) == 2
    assert {plan.is_calm for plan in plans} == {False, True}
    assert {plan.is_exact for plan in plans} == {False, True}


def test_the_same_seed_gives_the_same_run_in_every_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", "0"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.partition("simulated seconds")[0]
        for hash_seed in ("1", "2")
    }

    assert len(outputs) == 1
    assert f"fingerprint {simulate(0).fingerprint()}" in outputs.pop()


def test_two_seeds_give_two_runs() -> None:
    assert simulate(0).fingerprint() != simulate(1).fingerprint()


def test_the_command_says_that_all_seeds_held(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--first", "3", "--seeds", "2"])

    assert code == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 failed"


def test_the_command_names_the_seeds_that_failed(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seeds", "2", "--variant", "refuses_at_once"])

    assert code == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 0 at ")
    assert lines[-1] == "2 failed: 0, 1"


def test_the_command_shows_one_seed_with_its_plan(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seed", "5"])

    assert code == 0
    assert "Plan(seed=5, " in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--seeds", "0"], ["--seeds", "x"], ["--variant", "none"], ["--sead", "1"]])
def test_the_command_refuses_what_it_does_not_know(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)

    assert ended.value.code == 2
    assert "usage: python -m tests.simulation" in capsys.readouterr().err


def test_the_help_names_every_variant(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in BROKEN)


def test_the_page_shows_commands_that_are_understood_and_every_point_of_a_crash() -> None:
    page = (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8")
    words = " ".join(page.split())

    commands = re.findall(r"^python -m tests\.simulation([^#\n]*)", page, re.MULTILINE)

    assert len(commands) == 4
    for command in commands:
        parser().parse_args(command.split())
    assert [point for point in CRASH_POINTS if point.replace("_", " ") not in words] == []
