"""PostgreSQL's way of saying what SQLite's statements say, and the statements that only PostgreSQL has.

A statement that both engines run is written once, with SQLite's `?` for a bound value; `translated` makes it
PostgreSQL's. Many rows at once go as one array per column, which costs a tenth of a statement per row; the arrays are
written as text, because the driver asks every number of an array what it is.
"""
# ruff: noqa: S608 - names of tables and columns come from this package, values are bound

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from smart_ai_router.adapters.sqlite.statements import (
    ATTEMPT_COLUMNS,
    MEASURE_COLUMNS,
    USAGE_COLUMNS,
    key_columns,
)
from smart_ai_router.core.rollups import Grain, Rollup
from smart_ai_router.domain.money import PICO_PER_UNIT

STATEMENTS_KNOWN_MAX: Final = 1000

_QUOTED: Final = re.compile(r"('(?:[^']|'')*'|\"[^\"]*\")")
_WORDS: Final = re.compile(r"\?(?P<place>\d*)|\bIS (?=\?)|\blower\(hex\((?P<bytes>\w+)\)\)|\bLIMIT -1\b|\buser\b")
_INSTEAD: Final = {"user": '"user"', "IS ": "IS NOT DISTINCT FROM ", "LIMIT -1": "LIMIT ALL"}
_IGNORING: Final = re.compile(r"^INSERT OR IGNORE INTO (.*)$", re.DOTALL)


@lru_cache(STATEMENTS_KNOWN_MAX)
def translated(statement: str) -> str:
    """A statement of SQLite's in PostgreSQL's words: numbered places, the reserved word `user`, ignored conflicts."""
    ignoring = _IGNORING.match(statement)
    if ignoring:
        statement = f"INSERT INTO {ignoring[1]} ON CONFLICT DO NOTHING"
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        if match[0].startswith("?"):
            count += 1
            return f"${match['place'] or count}"
        if match["bytes"]:
            return f"coalesce(encode({match['bytes']}, 'hex'), '')"
        return _INSTEAD[match[0]]

    parts = _QUOTED.split(statement)
    parts[::2] = [_WORDS.sub(replaced, part) for part in parts[::2]]
    return "".join(parts)


def quoted(column: str) -> str:
    """A column's name; `user` is a reserved word."""
    return f'"{column}"' if column == "user" else column


def array_text(numbers: Sequence[object]) -> str:
    """Whole numbers, or None, as PostgreSQL reads an array."""
    return f"{{{str(list(numbers))[1:-1].replace('None', 'NULL')}}}"


INSERT_USAGE: Final = (
    f"INSERT INTO usage ({', '.join(map(quoted, USAGE_COLUMNS))}) SELECT * FROM"
    f" unnest({', '.join(f'${place}::text::bigint[]' for place in range(1, len(USAGE_COLUMNS) + 1))})"
    " ON CONFLICT DO NOTHING"
)
SELECT_USAGE: Final = f"SELECT {', '.join(map(quoted, USAGE_COLUMNS))} FROM usage"


def upsert_cells(rollup: Rollup) -> str:
    """Add to cells, which may not be there yet; binds one array for each column, and no key may come twice."""
    return _upsert(rollup, MEASURE_COLUMNS)


def upsert_attempts(rollup: Rollup) -> str:
    """Add tries to cells, likewise."""
    return _upsert(rollup, ATTEMPT_COLUMNS)


def fold_cells(source: Rollup, target: Rollup) -> str:
    """Add a range of days of a live rollup to a folded one; binds the target period (months) and the days.

    The sum of 64-bit numbers is a numeric, whose division is exact only as `div` and `mod`.
    """
    period, first, last = ("$1::integer", "$2", "$3") if target.grain is Grain.MONTH else ("period", "$1", "$2")
    dimensions = [quoted(column) for column in key_columns(target) if column != "period"]
    grouped = dimensions if target.grain is Grain.MONTH else ["period", *dimensions]
    into = ", ".join([*map(quoted, key_columns(target)), *MEASURE_COLUMNS])
    return (
        f"INSERT INTO {target.name} AS kept ({into})"
        f" SELECT {', '.join([period, *dimensions, *_sums()])} FROM {source.name}"
        f" WHERE period BETWEEN {first} AND {last} GROUP BY {', '.join(grouped)}"
        f" ON CONFLICT ({_keys(target)}) DO UPDATE SET {_added(MEASURE_COLUMNS)}"
    )


def sum_cells(rollup: Rollup, by: Sequence[str], where: Sequence[str]) -> str:
    """The sums of a range of periods, grouped; binds both periods and one value for each condition.

    With a condition on the first dimension each period is one probe of the primary key instead of a scan.
    """
    columns = ", ".join(map(quoted, (*by, "currency")))
    conditions = "".join(f" AND {quoted(column)} = ${place}" for place, column in enumerate(where, start=3))
    sums = ", ".join(f"sum({column})" for column in MEASURE_COLUMNS)
    if rollup.dimensions and rollup.dimensions[0].value in where:
        periods = "= ANY (ARRAY(SELECT generate_series($1::integer, $2::integer)))"
    else:
        periods = "BETWEEN $1 AND $2"
    return f"SELECT {columns}, {sums} FROM {rollup.name} WHERE period {periods}{conditions} GROUP BY {columns}"


def _upsert(rollup: Rollup, measures: tuple[str, ...]) -> str:
    keys = key_columns(rollup)
    types = ["integer"] * len(keys) + ["bigint"] * len(measures)
    arrays = ", ".join(f"${place}::text::{kind}[]" for place, kind in enumerate(types, start=1))
    return (
        f"INSERT INTO {rollup.name} AS kept ({', '.join([*map(quoted, keys), *measures])})"
        f" SELECT * FROM unnest({arrays}) ON CONFLICT ({_keys(rollup)}) DO UPDATE SET {_added(measures)}"
    )


def _keys(rollup: Rollup) -> str:
    return ", ".join(map(quoted, key_columns(rollup)))


def _added(measures: Sequence[str]) -> str:
    parts = []
    for column in measures:
        both = f"kept.{column} + excluded.{column}"
        pico = column.replace("_units", "_pico")
        if column.endswith("_units"):
            parts.append(f"{column} = {both} + (kept.{pico} + excluded.{pico}) / {PICO_PER_UNIT}")
        elif column.endswith("_pico"):
            parts.append(f"{column} = ({both}) % {PICO_PER_UNIT}")
        else:
            parts.append(f"{column} = {both}")
    return ", ".join(parts)


def _sums() -> list[str]:
    """Sums in which each pico part is below one unit again."""
    sums = []
    for column in MEASURE_COLUMNS:
        pico = column.replace("_units", "_pico")
        if column.endswith("_units"):
            sums.append(f"sum({column}) + div(sum({pico}), {PICO_PER_UNIT})")
        elif column.endswith("_pico"):
            sums.append(f"mod(sum({column}), {PICO_PER_UNIT})")
        else:
            sums.append(f"sum({column})")
    return sums
