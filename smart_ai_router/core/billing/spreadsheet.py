"""Rows as CSV that is safe to open in a spreadsheet.

A cell that begins with = + - @ or a control character is a formula to a spreadsheet, and who calls the router chooses
what stands in a model name or an error text. Such a text gets an apostrophe before it, which a spreadsheet shows as
text. So does every place inside a text where a cell could begin if a program took another character for the
separator (; and tab, in many countries), or a quotation mark for the end of the cell. Numbers are written as they are.

The file is UTF-8 with a byte order mark, without which some programs take Chinese for something else. Rules: RFC 4180
for the form; for the injection, the OWASP page "CSV Injection".
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

from smart_ai_router.core.plain_json import plain_text

BYTE_ORDER_MARK: Final = "\ufeff"
Cell: TypeAlias = str | int | Decimal | None

# Where a cell begins, and what makes it a formula; the wide forms count, because some programs read them as the plain.
_FORMULA: Final = re.compile(r"(^|[,;|\t\r\n\"])([\s\x00]*)([=+\-@＝＋－＠\t\r\n])")


def csv_line(cells: Sequence[Cell]) -> str:
    """One line with its end; texts stand in quotation marks."""
    return ",".join(_cell(cell) for cell in cells) + "\r\n"


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return _FORMULA.sub(r"\1'\2\3", text.replace("\x00", ""))


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return plain_text(cell)
    if isinstance(cell, int):
        return str(cell)
    return '"' + harmless(cell).replace('"', '""') + '"'
