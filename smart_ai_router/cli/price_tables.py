"""Prices as tables for people and as mappings for scripts."""

from collections.abc import Iterable

from rich.table import Table

from smart_ai_router.cli.terminal import console
from smart_ai_router.core.plain_json import plain_text
from smart_ai_router.core.price_diff import PriceDiff
from smart_ai_router.domain.pricing import PriceVersion
from smart_ai_router.domain.pricing_versions import instant_text


def as_mapping(row: PriceVersion) -> dict[str, object]:
    """One row for scripts."""
    return {
        "id": row.id,
        "provider": row.provider,
        "channel_id": row.channel_id,
        "model": row.model,
        "meter": row.meter.value,
        "price": row.price,
        "currency": row.currency,
        "per": row.per,
        "effective_from": instant_text(row.effective_from),
        "effective_to": None if row.effective_to is None else instant_text(row.effective_to),
        "conditions": conditions_of(row),
        "source": row.source,
        "checked": row.checked,
    }


def conditions_of(row: PriceVersion) -> str:
    """When a row applies, in words; empty when always."""
    words = []
    if row.service_tier != "standard":
        words.append(row.service_tier)
    if row.context_over:
        words.append(f"input over {row.context_over:,} tokens")
    if row.output_over:
        words.append(f"output over {row.output_over:,} tokens")
    if row.with_reasoning:
        words.append("with reasoning")
    if row.variant:
        words.append(row.variant)
    if row.region:
        words.append(f"region {row.region}")
    if row.window_utc:
        begin, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in row.window_utc)
        words.append(f"{begin}-{end} UTC")
    return ", ".join(words)


def as_table(rows: Iterable[PriceVersion]) -> Table:
    """Rows for people."""
    table = Table("Owner", "Model", "Meter", "Price", "Per", "Since", "When", box=None, pad_edge=False)
    for row in rows:
        owner = f"channel {row.channel_id}" if row.channel_id else row.provider
        price = f"{plain_text(row.price)} {row.currency}"
        since = instant_text(row.effective_from)[:10] if row.effective_from else ""
        table.add_row(owner, row.model, row.meter.value, price, f"{row.per:,}", since, conditions_of(row))
    return table


def diff_mapping(found: PriceDiff) -> dict[str, object]:
    """A comparison for scripts."""
    return {
        "added": [as_mapping(row) for row in found.added],
        "removed": [as_mapping(row) for row in found.removed],
        "changed": [
            {"old": as_mapping(delta.old), "new": as_mapping(delta.new), "suspicious": delta.is_suspicious}
            for delta in found.changed
        ],
        "unchanged": found.unchanged,
    }


def print_diff(found: PriceDiff, skipped: int) -> None:
    """A comparison for people."""
    for title, rows in (("Only in the file", found.added), ("Only in force", found.removed)):
        if rows:
            console().print(f"{title}: {len(rows)}", as_table(rows), sep="\n")
    if found.changed:
        table = Table("Owner", "Model", "Meter", "In force", "In the file", "", box=None, pad_edge=False)
        for delta in found.changed:
            old, new = (f"{plain_text(x.price)} {x.currency} per {x.per:,}" for x in (delta.old, delta.new))
            mark = "unlikely: another unit?" if delta.is_suspicious else ""
            table.add_row(delta.new.provider, delta.new.model, delta.new.meter.value, old, new, mark)
        console().print(f"Changed: {len(found.changed)}", table, sep="\n")
    console().print(f"Unchanged: {found.unchanged}; left out, because we cannot express them: {skipped}")
