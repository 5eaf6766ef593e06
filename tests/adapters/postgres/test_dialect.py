"""SQLite's statements in PostgreSQL's words."""

import pytest

from smart_ai_router.adapters.postgres.dialect import array_text, translated


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("SELECT a FROM t WHERE b = ? AND c > ?", "SELECT a FROM t WHERE b = $1 AND c > $2"),
        ("SELECT 1 WHERE a = ?1 OR b = ?1", "SELECT 1 WHERE a = $1 OR b = $1"),
        ("SELECT user, usage_user FROM t WHERE user = ?", 'SELECT "user", usage_user FROM t WHERE "user" = $1'),
        ("SELECT 1 WHERE kind = 'user' AND note = 'why?'", "SELECT 1 WHERE kind = 'user' AND note = 'why?'"),
        ("SELECT 'it''s ? user', ?", "SELECT 'it''s ? user', $1"),
        ('SELECT "user" FROM t', 'SELECT "user" FROM t'),
        ("SELECT 1 WHERE a IS ? AND b IS NULL", "SELECT 1 WHERE a IS NOT DISTINCT FROM $1 AND b IS NULL"),
        ("INSERT OR IGNORE INTO t VALUES (?, ?)", "INSERT INTO t VALUES ($1, $2) ON CONFLICT DO NOTHING"),
        ("SELECT lower(hex(sha256)) FROM t", "SELECT coalesce(encode(sha256, 'hex'), '') FROM t"),
        ("SELECT a FROM t LIMIT -1 OFFSET ?", "SELECT a FROM t LIMIT ALL OFFSET $1"),
    ],
)  # fmt: skip
def test_a_statement_says_the_same_in_both(statement: str, wanted: str) -> None:
    assert translated(statement) == wanted


def test_an_array_of_numbers_is_written_as_text() -> None:
    assert array_text([1, -2, None, 2**63 - 1]) == "{1, -2, NULL, 9223372036854775807}"
    assert array_text([]) == "{}"
