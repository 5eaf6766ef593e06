"""`administrators`, and `keys change|rotate`, over the files of a router that does not run."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smart_ai_router.adapters.passwords import Argon2Passwords
from smart_ai_router.adapters.sqlite import SqliteStore
from smart_ai_router.cli import root
from smart_ai_router.core.access_rows import AdministratorRow

PASSWORD = "correct horse battery"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path


def run(folder: Path, *words: str, typed: str | None = None) -> Result:
    places = ["--data-dir", str(folder / "data"), "--logs-dir", str(folder / "logs")]
    return CliRunner().invoke(root, [*words, *places], input=typed)


def told(result: Result) -> object:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout, parse_float=Decimal)


def stored(folder: Path, username: str = "carol") -> AdministratorRow:
    store = SqliteStore(folder / "data" / "books.db", "UTC")
    row = store.administration.administrator(username)
    store.close()
    assert row is not None
    return row


def everything_kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# --- administrators ---


def test_a_password_is_read_from_standard_input_and_kept_as_argon2id(folder: Path) -> None:
    made = told(run(folder, "administrators", "create", "carol", "--json", typed=f"{PASSWORD}\n"))

    assert isinstance(made, dict)
    assert (made["username"], made["role"], made["enabled"]) == ("carol", "admin", True)
    assert stored(folder).password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2Passwords().fits(PASSWORD, stored(folder).password_hash)
    assert PASSWORD.encode() not in everything_kept(folder)


def test_no_command_takes_a_password_as_an_argument() -> None:
    for command in ("create", "password"):
        said = CliRunner().invoke(root, ["administrators", command, "--help"]).output
        assert "--password" not in said
        assert CliRunner().invoke(root, ["administrators", command, "carol", PASSWORD]).exit_code == 2


@pytest.mark.parametrize("typed", ["", "\n", "short\n", "a" * 2000])
def test_what_is_no_password_is_refused_and_not_repeated(folder: Path, typed: str) -> None:
    refused = run(folder, "administrators", "create", "carol", typed=typed)

    assert refused.exit_code == 2
    assert "12 to 1024 characters" in refused.stderr
    assert "short" not in refused.output


def test_administrators_are_listed_locked_out_and_let_in_again(folder: Path) -> None:
    assert "administrators create" in run(folder, "administrators", "list").stderr
    run(folder, "administrators", "create", "carol", typed=PASSWORD)
    run(folder, "administrators", "create", "books", "--role", "billing_viewer", typed=PASSWORD)

    disabled = told(run(folder, "administrators", "disable", "carol", "--json"))
    listed = told(run(folder, "administrators", "list", "--json"))
    shown = run(folder, "administrators", "list").output

    assert isinstance(disabled, dict)
    assert isinstance(listed, list)
    assert disabled["enabled"] is False
    assert [(each["username"], each["role"], each["enabled"]) for each in listed] == [
        ("books", "billing_viewer", True),
        ("carol", "admin", False),
    ]
    assert "billing_viewer" in shown
    run(folder, "administrators", "disable", "carol", "--undo")
    assert stored(folder).enabled


def test_a_new_password_takes_the_place_of_the_one_before(folder: Path) -> None:
    run(folder, "administrators", "create", "carol", typed=PASSWORD)
    before = stored(folder)

    changed = run(folder, "administrators", "password", "carol", typed="another long password\n")

    assert changed.exit_code == 0, changed.output
    assert "another long password" not in changed.output
    assert Argon2Passwords().fits("another long password", stored(folder).password_hash)
    assert stored(folder).epoch > before.epoch


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("create", "a b"), 2),
        (("create", "x", "--role", "root"), 2),
        (("password", "nobody"), 1),
        (("disable", "nobody"), 1),
    ],
)
def test_what_cannot_be_done_says_why(folder: Path, words: tuple[str, ...], exit_code: int) -> None:
    refused = run(folder, "administrators", *words, typed=PASSWORD)

    assert refused.exit_code == exit_code
    assert refused.stderr


def test_administrators_are_proven_and_made_anew_from_the_actions(folder: Path) -> None:
    run(folder, "administrators", "create", "carol", typed=PASSWORD)
    before = stored(folder)
    assert run(folder, "verify").exit_code == 0
    store = SqliteStore(folder / "data" / "books.db", "UTC")
    with store._writing() as connection:
        connection.execute("UPDATE administrator SET role = 'billing_viewer', password_hash = 'x'")
    store.close()

    proof = run(folder, "verify", "--json")
    run(folder, "rebuild")

    assert proof.exit_code == 1
    assert before.password_hash not in proof.output
    assert run(folder, "verify").exit_code == 0
    assert stored(folder) == before


# --- keys ---


def made_key(folder: Path) -> dict[str, object]:
    made = told(run(folder, "keys", "create", "--user", "alice", "--create-user", "--name", "laptop", "--json"))
    assert isinstance(made, dict)
    return made


def test_a_key_is_changed_and_its_limits_taken_away(folder: Path) -> None:
    key_id = str(made_key(folder)["id"])

    narrow = ("--model", "tag:free", "--expires", "2099-01-31", "--requests-per-minute", "5", "--concurrency", "2")
    limited = told(run(folder, "keys", "change", key_id, *narrow, "--name", "ci", "--disable", "--json"))
    free = ("--model", "all", "--expires", "never", "--requests-per-minute", "default", "--concurrency", "default")
    freed = told(run(folder, "keys", "change", key_id, *free, "--enable", "--json"))

    assert isinstance(limited, dict)
    assert isinstance(freed, dict)
    names = ("name", "status", "models", "expiresAt", "requestsPerMinute", "concurrency")
    assert [limited[name] for name in names] == ["ci", "disabled", ["tag:free"], "2099-01-31T00:00:00.000Z", 5, 2]
    assert [freed[name] for name in names] == ["ci", "active", [], None, None, None]
    assert "ci" in run(folder, "keys", "change", key_id, "--name", "ci").output


def test_a_limit_that_is_no_number_is_wrong_usage(folder: Path) -> None:
    key_id = str(made_key(folder)["id"])

    refused = run(folder, "keys", "change", key_id, "--concurrency", "many")

    assert (refused.exit_code, "neither a whole number nor `default`" in refused.stderr) == (2, True)
    assert run(folder, "keys", "change", key_id).exit_code == 2


def test_a_rotation_prints_the_new_key_and_nothing_else(folder: Path) -> None:
    made = made_key(folder)

    rotated = run(folder, "keys", "rotate", str(made["id"]), "--overlap", "60")
    again = run(folder, "keys", "rotate", str(made["id"]), "--idempotency-key", "r1")
    repeated = run(folder, "keys", "rotate", str(made["id"]), "--idempotency-key", "r1")

    assert rotated.exit_code == 0, rotated.output
    assert rotated.stdout.strip().startswith("sk-sar-")
    assert rotated.stdout.strip() != made["key"]
    assert again.stdout.strip()
    assert (repeated.exit_code, repeated.stdout) == (0, "")
    for secret in (str(made["key"]), rotated.stdout.strip(), again.stdout.strip()):
        assert secret.encode() not in everything_kept(folder)
