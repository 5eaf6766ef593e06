"""What an operator does with whole price lists: list, show, import. Values in, values out; nothing is rendered here.

Prices are appended, never edited; single figures are set in `price_setting.py`.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from smart_ai_router.core.price_diff import cell_of, figures_of, in_force_by_cell
from smart_ai_router.core.price_import import FOREIGN_FORMATS, Imported, PriceListInvalid, import_foreign
from smart_ai_router.domain.pricing import (
    PriceCatalog,
    PriceSheet,
    PriceVersion,
    model_scope,
    with_derived_id,
)
from smart_ai_router.domain.pricing_document import PriceList

OWN_FORMAT: Final = "list"  # our own form, as YAML or JSON
FORMATS: Final = (OWN_FORMAT, *FOREIGN_FORMATS)


ReadPriceList = Callable[[str, str], PriceList]  # text and file name; raises ValueError with the place


@dataclass(frozen=True, slots=True)
class PriceShown:
    """What a model costs on a channel at an instant, and everything its owner ever charged for it."""

    sheet: PriceSheet
    current: tuple[PriceVersion, ...]
    history: tuple[PriceVersion, ...]  # oldest first


def adopt_prices(
    versions: Iterable[PriceVersion], imported: Iterable[PriceVersion], now: float
) -> tuple[PriceVersion, ...]:
    """The rows to append so that imported lists are an operator's provider prices from now on.

    A model whose list is in force already adds nothing, so adopting twice changes nothing. What an imported list says
    of the past is left out: prices are appended, never edited. Its future periods keep their dates.
    """
    own = [row for row in versions if row.channel_id is None and not row.is_book]
    current = _lists_by_model(in_force_by_cell(own, now).values())
    given = tuple(row for row in imported if row.effective_to is None or row.effective_to > now)
    wanted = _lists_by_model(row for row in in_force_by_cell(given, now).values())
    later = [row for row in given if row.effective_from > now]
    kept = {row.id for row in own}
    added = [
        with_derived_id(replace(row, effective_from=now, is_book=False))
        for model, rows in wanted.items()
        if _facts(rows) != _facts(current.get(model, []))
        for row in rows
    ]
    added += [row for row in (with_derived_id(replace(row, is_book=False)) for row in later) if row.id not in kept]
    return tuple(added)


def list_prices(
    versions: Iterable[PriceVersion], now: float, provider: str | None = None, model: str | None = None
) -> tuple[PriceVersion, ...]:
    """The rows in force (whatever their hours of the day), by id; `model` is any part of a name."""
    rows = in_force_by_cell(versions, now).values()
    chosen = (
        row
        for row in rows
        if (provider is None or row.provider.lower() == provider.lower())
        and (model is None or model.lower() in row.model.lower())
    )
    return tuple(sorted(chosen, key=lambda row: row.id))


def show_price(
    versions: Iterable[PriceVersion],
    provider: str,
    model: str,
    now: float,
    *,
    channel_id: str = "",
    region: str | None = None,
) -> PriceShown | None:
    """The sheet a call would meet now, its rows, and their history; None when the model is unpriced."""
    rows = tuple(versions)
    catalog = PriceCatalog(rows)
    sheet = catalog.sheet(channel_id, provider, region, model, model, now)
    if sheet is None:
        return None
    _, current = catalog.price_list(channel_id, provider, region, model, model, now)
    scopes = {model_scope(row) for row in current}
    history = sorted((row for row in rows if model_scope(row) in scopes), key=lambda row: (row.effective_from, row.id))
    return PriceShown(sheet, current, tuple(history))


def import_prices(
    text: str,
    list_format: str,
    checked: str,
    read_list: ReadPriceList,
    providers: Collection[str] | None = None,
) -> Imported:
    """Read a price list of any known format into an operator's rows. Raises PriceListInvalid.

    `read_list` reads our own form. `checked` (YYYY-MM-DD) is the day of a foreign list. Nothing is stored: compare
    with `diff_prices`, then append what `adopt_prices` gives.
    """
    if list_format != OWN_FORMAT:
        return import_foreign(text, list_format, checked, providers)
    try:
        rows = read_list(text, OWN_FORMAT).versions
    except ValueError as error:
        raise PriceListInvalid(str(error)) from error
    return Imported(tuple(row for row in rows if providers is None or row.provider in providers), ())


def _lists_by_model(rows: Iterable[PriceVersion]) -> dict[str, list[PriceVersion]]:
    lists: dict[str, list[PriceVersion]] = {}
    for row in rows:
        lists.setdefault(f"{row.provider}:{row.region or ''}/{row.model}".lower(), []).append(row)
    return lists


def _facts(rows: Iterable[PriceVersion]) -> set[tuple[object, ...]]:
    return {(cell_of(row), figures_of(row), row.effective_to) for row in rows}
