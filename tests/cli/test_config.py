"""`config explain` and `config check`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from smart_ai_router.cli import root
from smart_ai_router.config.problems import ConfigurationInvalid

runner = CliRunner()


def test_explain_says_where_each_value_was_written(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text("server:\n  workers: 2\n")
    options = ["--config", str(file), "--port", "0", "--json", "server"]

    result = runner.invoke(root, ["config", "explain", *options], env={"SMART_AI_ROUTER__SERVER__HOST": "::1"})

    assert result.exit_code == 0, result.output
    lines = {line["name"]: (line["value"], line["from"]) for line in json.loads(result.output)}
    assert lines["server.workers"][0] == "2"
    assert lines["server.workers"][1].startswith(f"{file}:2")
    assert lines["server.port"] == ("0", "command line --port")
    assert lines["server.host"] == ("::1", "environment SMART_AI_ROUTER__SERVER__HOST")
    assert lines["server.drain_timeout"] == ("30", "default")


def test_explain_shows_people_one_line_for_each_setting() -> None:
    result = runner.invoke(root, ["config", "explain", "server.port"])

    assert result.exit_code == 0
    assert [line.split() for line in result.output.splitlines()] == [
        ["Setting", "Value", "From"],
        ["server.port", "7601", "default"],
    ]


def test_explaining_a_setting_that_does_not_exist_is_wrong_usage() -> None:
    result = runner.invoke(root, ["config", "explain", "sever"])

    assert result.exit_code == 2
    assert "no setting begins with sever" in result.output


def test_check_without_a_file_counts_what_can_be_called() -> None:
    result = runner.invoke(root, ["config", "check", "--json"], env={"OPENAI_API_KEY": "sk-0123456789abcdef0123"})

    assert result.exit_code == 0
    assert "ch_openai_001" in json.loads(result.output)["channels"]


def test_check_refuses_a_file_that_is_not_there() -> None:
    result = runner.invoke(root, ["config", "check", "--config", "missing.yaml"])

    assert isinstance(result.exception, ConfigurationInvalid)
    assert "missing.yaml: cannot be read" in str(result.exception)


@pytest.mark.parametrize("secret", ["sk-0123456789abcdef0123"])
def test_secrets_are_masked(tmp_path: Path, secret: str) -> None:
    file = tmp_path / "router.yaml"
    file.write_text(f"auth:\n  api_token: {secret}\n")

    result = runner.invoke(root, ["config", "explain", "--config", str(file), "auth"])

    assert result.exit_code == 0
    assert "auth.api_token" in result.output
    assert secret not in result.output
