"""`users`, `keys` and `prices set|import` over the files of a router that does not run."""

import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smart_ai_router.adapters.launch import DataDirectoryLock, StartRefused
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.cli import root
from tests.cli.test_report import GUIDE_RECORD

PRICE_LIST = """\
provider: openai
currency: USD
source: https://p.example/prices
checked: 2026-11-20
models:
  gpt-4o-mini: {input: INPUT, output: 0.50}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


def run(folder: Path, *words: str) -> Result:
    """A command with the folder's places after its own words."""
    return CliRunner().invoke(root, [*words, "--data-dir", str(folder / "data"), "--logs-dir", str(folder / "logs")])


def told(result: Result) -> object:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_float=Decimal)


def made_key(folder: Path, *more: str) -> str:
    result = run(folder, "keys", "create", "--user", "alice", "--create-user", "--name", "laptop", *more)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


# --- users ---


def test_users_are_created_listed_shown_and_changed(folder: Path) -> None:
    created = run(folder, "users", "create", "alice", "--name", "Alice B", "--group-ratio", "0.8", "--json")
    changed = run(folder, "users", "change", "alice", "--disable", "--json")
    shown = run(folder, "users", "show", "alice")
    listed = run(folder, "users", "list", "--json")

    user = told(created)
    assert isinstance(user, dict)
    assert (user["id"], user["name"], user["groupRatio"]) == ("alice", "Alice B", Decimal("0.8"))
    assert isinstance(changed_user := told(changed), dict)
    assert changed_user["enabled"] is False
    assert "Alice B" in shown.output
    assert isinstance(users := told(listed), list)
    assert [each["id"] for each in users] == ["alice"]


def test_there_are_no_users_before_the_first(folder: Path) -> None:
    assert "users create" in run(folder, "users", "list").stderr
    assert told(run(folder, "users", "list", "--json")) == []


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (("users", "create", "a b"), 2, "is no id"),
        (("users", "create", "x", "--group-ratio", "much"), 2, "no number"),
        (("users", "create", "x", "--group-ratio", "-1"), 2, "group ratio"),
        (("users", "show", "nobody"), 1, "there is no user"),
        (("users", "change", "nobody", "--enable"), 1, "there is no user"),
        (("users", "change", "nobody"), 2, "nothing to change"),
        (("keys", "create", "--user", "nobody", "--name", "k"), 1, "there is no user"),
        (("keys", "create", "--user", "nobody"), 2, "--name"),
        (("keys", "revoke", "key_0"), 1, "there is no key"),
        (("keys", "revoke", "config:api_token"), 1, "configuration file"),
        (("prices", "set", "p", "m", "input", "--currency", "USD"), 2, "UNIT=PRICE"),
        (("prices", "set", "p", "m", "input=cheap", "--currency", "USD"), 2, "plain digits"),
        (("prices", "set", "p", "m", "input=1", "--currency", "usd"), 2, "currency code"),
        (("prices", "set", "p", "m", "smell=1", "--currency", "USD"), 2, "no unit of price"),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_its_exit_code(
    folder: Path, words: tuple[str, ...], exit_code: int, message: str
) -> None:
    result = run(folder, *words)

    assert result.exit_code == exit_code, result.output
    assert message in result.output
    assert "Traceback" not in result.output


# --- keys ---


def test_a_key_is_all_that_standard_output_holds_and_the_store_knows_only_its_hash(folder: Path) -> None:
    key = made_key(folder)

    assert key.startswith("sk-sar-")
    assert len(key.split()) == 1
    store = SqliteStore.read_only(folder / "data" / "books.db")
    (grant,) = store.administration.state().keys
    store.close()
    assert grant.sha256_hex == sha256(key.encode()).hexdigest()
    for file in (folder / "data").iterdir():
        if file.is_file():
            assert key.encode() not in file.read_bytes()


def test_a_missing_user_is_made_only_when_asked_for(folder: Path) -> None:
    assert run(folder, "keys", "create", "--user", "alice", "--name", "laptop").exit_code == 1
    made_key(folder)
    made_key(folder)

    keys = told(run(folder, "keys", "list", "--user", "alice", "--json"))
    assert isinstance(keys, list)
    assert len(keys) == 2
    assert isinstance(users := told(run(folder, "users", "list", "--json")), list)
    assert len(users) == 1


def test_a_key_is_made_with_its_limits_listed_and_revoked(folder: Path) -> None:
    limits = ("--model", "tag:free", "--model", "gpt-4o", "--expires", "2099-01-31", "--concurrency", "2")
    key = made_key(folder, *limits, "--requests-per-minute", "30")

    listed = told(run(folder, "keys", "list", "--json"))
    assert isinstance(listed, list)
    (facts,) = listed
    revoked = run(folder, "keys", "revoke", facts["id"])

    assert (facts["models"], facts["concurrency"], facts["requestsPerMinute"]) == (["tag:free", "gpt-4o"], 2, 30)
    assert facts["expiresAt"] == "2099-01-31T00:00:00.000Z"
    assert facts["keyEnd"] == key[-4:]
    assert f"{facts['id']} of alice is revoked since" in revoked.stdout
    assert "revoked" in run(folder, "keys", "list").output


def test_a_script_that_runs_twice_under_one_idempotency_key_makes_one_key(folder: Path) -> None:
    first = run(folder, "keys", "create", "--user", "a", "--create-user", "--name", "ci", "--idempotency-key", "k1")
    second = run(folder, "keys", "create", "--user", "a", "--create-user", "--name", "ci", "--idempotency-key", "k1")

    assert first.stdout.startswith("sk-sar-")
    assert (second.exit_code, second.stdout) == (0, "")
    assert "was made before" in second.stderr


# --- prices ---


def test_a_price_that_is_set_is_the_price_that_is_shown(folder: Path) -> None:
    done = run(folder, "prices", "set", "openai", "gpt-4o-mini", "input=0.16", "output=0.50", "--currency", "USD")
    shown = told(run(folder, "prices", "show", "openai", "gpt-4o-mini", "--json"))

    assert done.exit_code == 0, done.output
    assert "0.15 USD per 1,000,000" in done.output
    assert isinstance(shown, dict)
    assert shown["basis"] == "provider"
    standard = {row["meter"]: row["price"] for row in shown["current"] if not row["conditions"]}
    assert (standard["input_token"], standard["output_token"]) == (Decimal("0.16"), Decimal("0.5"))
    assert standard["cached_input_token"] == Decimal("0.075")  # carried over from the book


def test_a_dry_run_changes_nothing(folder: Path) -> None:
    words = ("prices", "set", "openai", "gpt-4o-mini", "input=0.16", "--currency", "USD", "--dry-run")

    assert "nothing was changed" in run(folder, *words).output
    shown = told(run(folder, "prices", "show", "openai", "gpt-4o-mini", "--json"))
    assert isinstance(shown, dict)
    assert shown["basis"] == "book"


def test_a_mistaken_unit_needs_a_confirmation(folder: Path) -> None:
    words = ("prices", "set", "openai", "gpt-4o-mini", "input=150", "--currency", "USD")

    refused = run(folder, *words)

    assert refused.exit_code == 1
    assert "is the unit right?" in refused.output
    assert run(folder, *words, "--confirm").exit_code == 0


def test_a_list_is_imported_once(folder: Path) -> None:
    file = folder / "prices.yaml"
    file.write_text(PRICE_LIST.replace("INPUT", "0.14"))

    preview = run(folder, "prices", "import", str(file), "--dry-run")
    first = run(folder, "prices", "import", str(file))
    second = told(run(folder, "prices", "import", str(file), "--json"))

    assert "would add 2 price versions" in preview.output
    assert "added 2 price versions" in first.output
    assert isinstance(second, dict)
    assert (second["added"], second["unchanged"]) == ([], 2)
    listed = told(run(folder, "prices", "list", "--model", "gpt-4o-mini", "--json"))
    assert isinstance(listed, list)
    assert {"own:openai/gpt-4o-mini/input_token"} <= {row["id"].partition("@")[0] for row in listed}


# --- the files ---


def test_what_was_done_is_proven_and_survives_a_rebuild_of_lost_books(folder: Path) -> None:
    (folder / "logs" / "usage_20250824.jsonl").write_text(json.dumps(GUIDE_RECORD) + "\n")
    made_key(folder)
    run(folder, "prices", "set", "openai", "gpt-4o-mini", "input=0.16", "--currency", "USD")
    before = told(run(folder, "keys", "list", "--json"))
    (folder / "data" / "books.db").write_bytes(b"\xff" * 50_000)

    rebuilt = told(run(folder, "rebuild", "--json"))
    proven = told(run(folder, "verify", "--json"))

    assert isinstance(rebuilt, dict)
    assert (rebuilt["records"], rebuilt["actions"]) == (1, 3)
    assert isinstance(proven, dict)
    assert (proven["equal"], proven["actions"], proven["pending_actions"]) == (True, 3, 0)
    assert told(run(folder, "keys", "list", "--json")) == before
    assert "3 administrative changes; not applied yet: 0" in run(folder, "verify").output


def test_a_rebuild_restores_the_actions_file_from_the_books(folder: Path) -> None:
    made_key(folder)
    (folder / "data" / "actions.jsonl").unlink()

    assert run(folder, "verify").exit_code == 1
    assert told(run(folder, "rebuild", "--json"))["actions"] == 2  # type: ignore[index]
    assert run(folder, "verify").exit_code == 0
    assert isinstance(keys := told(run(folder, "keys", "list", "--json")), list)
    assert len(keys) == 1


def test_a_rebuild_makes_a_row_right_that_somebody_changed_by_hand(folder: Path) -> None:
    made_key(folder)
    store = SqliteStore(folder / "data" / "books.db", "UTC")
    with store._writing() as connection:
        connection.execute("UPDATE api_key SET revoked_ms = 5")
    store.close()

    assert run(folder, "verify").exit_code == 1
    run(folder, "rebuild")

    assert run(folder, "verify").exit_code == 0
    assert isinstance(keys := told(run(folder, "keys", "list", "--json")), list)
    assert keys[0]["status"] == "active"


def test_nothing_is_done_beside_a_router_that_is_just_starting(folder: Path) -> None:
    lock = DataDirectoryLock.acquire(folder / "data")

    result = run(folder, "users", "create", "alice")

    lock.release()
    assert isinstance(result.exception, StartRefused)
