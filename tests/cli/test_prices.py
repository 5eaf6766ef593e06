"""`prices list`, `show` and `diff`."""

import json
from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner, Result

from smart_ai_router.cli import root


def prices(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["prices", *arguments])


def decoded(result: Result) -> object:
    return json.loads(result.output, parse_float=Decimal)


def test_the_list_narrows_to_a_provider_and_a_part_of_a_name() -> None:
    result = prices("list", "--provider", "openai", "--model", "gpt-4o-mini", "--json")

    rows = decoded(result)
    assert isinstance(rows, list)
    assert {row["provider"] for row in rows} == {"openai"}
    assert all("gpt-4o-mini" in row["model"] for row in rows)


def test_show_gives_the_price_as_exact_plain_digits() -> None:
    result = prices("show", "openai", "gpt-4o-mini", "--json")

    found = decoded(result)
    assert isinstance(found, dict)
    standard = {row["meter"]: row["price"] for row in found["current"] if not row["conditions"]}
    assert found["basis"] == "book"
    assert standard["input_token"] == Decimal("0.15")
    assert standard["output_token"] == Decimal("0.6")
    assert "e-" not in result.output.lower()


def test_a_price_of_the_file_goes_before_the_book(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text(
        "channels:\n  - id: ch_1\n    provider: openai\n    api_key: sk-0123456789abcdef\n"
        "    configured_models: [gpt-4o-mini]\n    currency: USD\n"
        "    cost_per_token: {input: 0.000002, output: 0.000003}\n"
    )

    result = prices("show", "openai", "gpt-4o-mini", "--channel", "ch_1", "--config", str(file), "--json")

    found = decoded(result)
    assert isinstance(found, dict), result.output
    assert found["basis"] == "channel"
    assert {row["channel_id"] for row in found["current"]} == {"ch_1"}


def test_a_model_without_a_price_is_told_and_ends_with_1() -> None:
    result = prices("show", "openai", "no-such-model")

    assert result.exit_code == 1
    assert "no-such-model of openai has no price" in result.output


def test_people_get_a_table() -> None:
    result = prices("list", "--provider", "openai", "--model", "gpt-4o-mini-tts")

    assert result.exit_code == 0
    assert result.output.splitlines()[0].split() == ["Owner", "Model", "Meter", "Price", "Per", "Since", "When"]


OPENAI_LIST = """\
{"openai": {"id": "openai", "name": "OpenAI", "models": {"gpt-4o-mini": {"cost": {"input": INPUT, "output": 0.6}}}}}
"""


def test_diff_ends_with_1_where_prices_differ_and_marks_a_mistaken_unit(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(OPENAI_LIST.replace("INPUT", "150"))

    result = prices("diff", "--format", "models.dev", "--provider", "openai", "--json", str(file))

    found = decoded(result)
    assert isinstance(found, dict), result.output
    assert result.exit_code == 1
    (changed,) = found["changed"]
    assert (changed["old"]["price"], changed["new"]["price"]) == (Decimal("0.15"), Decimal(150))
    assert changed["suspicious"] is True


def test_diff_of_something_that_is_no_price_list_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text("[1, 2")

    result = prices("diff", "--format", "litellm", str(file))

    assert result.exit_code == 2
    assert "prices.json" in result.output
