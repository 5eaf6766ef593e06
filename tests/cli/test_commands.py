"""The command line as a whole: what it lists, what it loads, how it refuses."""

import subprocess
import sys
from pathlib import Path

import click
from click.testing import CliRunner

from smart_ai_router.cli import COMMANDS, root

ROOT = Path(__file__).resolve().parents[2]
HEAVY_MODULES = ("fastapi", "starlette", "uvicorn", "rich", "apsw", "cryptography", "httpx2", "msgspec")


def commands() -> list[tuple[str, click.Command]]:
    """Every command that people call, with its whole name."""
    found: list[tuple[str, click.Command]] = []
    context = click.Context(root)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {each}", inner) for each, inner in command.commands.items()]
    return found


def router(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "smart_ai_router", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})


def test_help_loads_no_command() -> None:
    program = (
        "import sys\nfrom smart_ai_router.cli import root\n"
        "root.main(['--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY_MODULES!r} if name in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_list_says_of_each_command_what_the_command_says_of_itself() -> None:
    for entry in COMMANDS:
        command = root.get_command(click.Context(root), entry.name)

        assert command is not None
        assert (command.hidden, command.get_short_help_str(200)) == (entry.hidden, entry.help)


def test_the_help_of_every_command_teaches_with_an_example() -> None:
    missing = [
        name
        for name, command in commands()
        if not isinstance(command, click.Group) and f"smart-ai-router {name}" not in (command.help or "")
    ]

    assert not missing


def test_every_option_says_what_it_is_for() -> None:
    silent = [
        f"{name} {option.name}"
        for name, command in commands()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]

    assert not silent


def test_no_command_and_options_alone_mean_serve() -> None:
    result = CliRunner().invoke(root, ["--port", "70000"])

    assert result.exit_code == 2
    assert "root serve" in result.output  # the usage line is that of serve
    assert "70000 is not in the range" in result.output


def test_an_unknown_command_is_refused_with_the_nearest_one() -> None:
    result = CliRunner().invoke(root, ["confg"])

    assert result.exit_code == 2
    assert "No such command 'confg'; did you mean config?" in result.output


def test_a_command_like_no_other_is_refused_with_the_list() -> None:
    result = CliRunner().invoke(root, ["zzz"])

    assert result.exit_code == 2
    assert "there are: serve, " in result.output


def test_the_version_is_shown() -> None:
    assert router("--version").stdout == "smart-ai-router, version 0.1.0\n"


def test_a_configuration_that_cannot_be_used_ends_with_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text("server:\n  prot: 7601\n")

    done = router("serve", "--config", str(file))

    assert done.returncode == 2
    assert f"{file}:2" in done.stderr
    assert "port" in done.stderr
    assert "Traceback" not in done.stderr
