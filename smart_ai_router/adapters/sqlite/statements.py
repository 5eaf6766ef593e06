"""SQL made from the definitions of the rollups. Table and column names come from this package, values are bound."""
# ruff: noqa: S608

from collections.abc import Mapping
from typing import Final, NamedTuple

from smart_ai_router.core.rollups import LATENCY_BOUNDS_MS, AttemptMeasures, Grain, Measures, Rollup
from smart_ai_router.domain.money import PICO_PER_UNIT


class StoredRow(NamedTuple):
    """One row of the table `usage`, column for column."""

    sid: int
    check_bits: int | None
    file: int
    line_offset: int
    line_length: int
    lag_ms: int
    profile: int
    outcome: int
    model: int
    channel: int
    provider: int
    user: int
    api_key: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    input_cost: int
    output_cost: int
    other_cost: int
    user_charge: int | None
    images: int
    media_ms: int
    duration_ms: int
    first_token_ms: int | None


class StoredProfile(NamedTuple):
    """One row of the table `profile` without its number: what many records have in common."""

    usage_type: int
    error_kind: int
    status_code: int | None
    currency: int
    region: int
    usage_source: int
    cost_basis: int


PROFILE_COLUMNS: Final = StoredProfile._fields
MEASURE_COLUMNS: Final = (
    "requests",
    "successes",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "input_units",
    "input_pico",
    "output_units",
    "output_pico",
    "other_units",
    "other_pico",
    "duration_ms",
    "unpriced",
    "estimated",
    "images",
    "media_ms",
)
LATENCY_COLUMNS: Final = tuple(f"latency_{number}" for number in range(len(LATENCY_BOUNDS_MS) + 1))
ATTEMPT_COLUMNS: Final = (
    "attempts",
    "failures",
    "input_tokens",
    "output_tokens",
    "cost_units",
    "cost_pico",
    "duration_ms",
    *LATENCY_COLUMNS,
)
USAGE_COLUMNS: Final = StoredRow._fields
CONTENT_START: Final = USAGE_COLUMNS.index("lag_ms")  # from here on a row says what the record says
INSERT_USAGE: Final = f"INSERT INTO usage VALUES ({', '.join('?' * len(USAGE_COLUMNS))})"
SELECT_USAGE: Final = f"SELECT {', '.join(USAGE_COLUMNS)} FROM usage"
# Binds the first and the last period; the last one comes first.
PERIODS: Final = (
    "WITH RECURSIVE bounds (first, last) AS (VALUES (?, ?)), wanted (number) AS"
    " (SELECT last FROM bounds UNION ALL SELECT number - 1 FROM wanted, bounds WHERE number > first)"
)


def key_columns(rollup: Rollup) -> tuple[str, ...]:
    """Period, dimensions and currency."""
    return ("period", *(dimension.value for dimension in rollup.dimensions), "currency")


def upsert_cells(rollup: Rollup, rows: int) -> str:
    """Add the fields of `Measures` to some cells, which may not be there yet; costs are split in two here."""
    return _upsert(rollup, Measures._fields, MEASURE_COLUMNS, rows)


def upsert_attempts(rollup: Rollup, rows: int) -> str:
    """Add tries to some cells; binds the fields of `AttemptMeasures` one after the other."""
    fields = (*AttemptMeasures._fields[:-1], *LATENCY_COLUMNS)
    return _upsert(rollup, fields, ATTEMPT_COLUMNS, rows)


def fold_cells(source: Rollup, target: Rollup) -> str:
    """Add a range of days of a live rollup to a folded one; binds the target period (months) and the days."""
    period = "?" if target.grain is Grain.MONTH else "period"
    dimensions = [column for column in key_columns(target) if column != "period"]
    grouped = ", ".join(dimensions if target.grain is Grain.MONTH else ["period", *dimensions])
    return (
        f"INSERT INTO {target.name} SELECT {period}, {', '.join(dimensions)}, {', '.join(_sums())}"
        f" FROM {source.name} WHERE period BETWEEN ? AND ? GROUP BY {grouped} ON CONFLICT DO UPDATE SET {_added()}"
    )


def sum_cells(rollup: Rollup, by: tuple[str, ...], where: tuple[str, ...]) -> str:
    """The sums of a range of periods, grouped; binds both periods and one value for each condition.

    With a condition on the first dimension each period is one probe of the primary key instead of a scan.
    """
    columns = ", ".join((*by, "currency"))
    conditions = "".join(f" AND {column} = ?" for column in where)
    sums = ", ".join(f"sum({column})" for column in MEASURE_COLUMNS)
    if rollup.dimensions and rollup.dimensions[0].value in where:
        return (
            f"{PERIODS} SELECT {columns}, {sums} FROM wanted CROSS JOIN {rollup.name}"
            f" WHERE period = wanted.number{conditions} GROUP BY {columns}"
        )
    return f"SELECT {columns}, {sums} FROM {rollup.name} WHERE period BETWEEN ? AND ?{conditions} GROUP BY {columns}"


def select_cells(rollup: Rollup, measures: tuple[str, ...]) -> str:
    """Cells of a range of periods."""
    return f"SELECT {', '.join((*key_columns(rollup), *measures))} FROM {rollup.name} WHERE period BETWEEN ? AND ?"


def _upsert(rollup: Rollup, fields: tuple[str, ...], columns: tuple[str, ...], rows: int) -> str:
    bound = (*key_columns(rollup), *fields)
    values = []
    for row in range(rows):
        number_of = {name: f"?{row * len(bound) + place}" for place, name in enumerate(bound, start=1)}
        parts = [_value(column, number_of) for column in (*key_columns(rollup), *columns)]
        values.append(f"({', '.join(parts)})")
    return f"INSERT INTO {rollup.name} VALUES {', '.join(values)} ON CONFLICT DO UPDATE SET {_added(columns)}"


def _value(column: str, number_of: Mapping[str, str]) -> str:
    if column in number_of:
        return number_of[column]
    name, _, part = column.rpartition("_")
    cost = number_of["cost" if name == "cost" else f"{name}_cost"]
    return f"{cost} / {PICO_PER_UNIT}" if part == "units" else f"{cost} % {PICO_PER_UNIT}"


def _added(measures: tuple[str, ...] = MEASURE_COLUMNS) -> str:
    parts = []
    for column in measures:
        pico = column.replace("_units", "_pico")
        if column.endswith("_units"):
            parts.append(f"{column} = {column} + excluded.{column} + ({pico} + excluded.{pico}) / {PICO_PER_UNIT}")
        elif column.endswith("_pico"):
            parts.append(f"{column} = ({column} + excluded.{column}) % {PICO_PER_UNIT}")
        else:
            parts.append(f"{column} = {column} + excluded.{column}")
    return ", ".join(parts)


def _sums() -> list[str]:
    """Sums in which each pico part is below one unit again."""
    sums = []
    for column in MEASURE_COLUMNS:
        pico = column.replace("_units", "_pico")
        if column.endswith("_units"):
            sums.append(f"sum({column}) + sum({pico}) / {PICO_PER_UNIT}")
        elif column.endswith("_pico"):
            sums.append(f"sum({column}) % {PICO_PER_UNIT}")
        else:
            sums.append(f"sum({column})")
    return sums
