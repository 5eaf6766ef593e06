"""The documentation's pages and the blocks in them.

A page's ```bash blocks are what a reader pastes: the tests run them in order, in one shell, in a folder of their own.
```sh blocks are shown and not run, because they need a network, another machine or root; their commands are still
checked against the command line by the tidy suite. Every ```python block is a program of its own, every ```yaml block
a configuration (or a price list), every ```json block the answer of the block before it, or a record.
"""

import re
from typing import NamedTuple

from tests.tidy.python_source import ROOT

LANGUAGES = ("en", "zh")
TOPICS = (
    "getting-started",
    "providers-and-channels",
    "access",
    "usage-records",
    "prices",
    "ledger",
    "billing",
    "pools",
    "quotas",
    "statistics",
    "alerts",
    "operations",
    "storage",
    "extending",
    "configuration",
)
READMES = {"en": "README.md", "zh": "README.zh-CN.md"}
PAGES = {language: (READMES[language], *(f"docs/{language}/{topic}.md" for topic in TOPICS)) for language in LANGUAGES}

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|\s+)# .*$", re.MULTILINE)


class Block(NamedTuple):
    """One fenced block: its language, its text, the line it begins in."""

    language: str
    text: str
    line: int


def page_text(path: str) -> str:
    """A page as it stands."""
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(path: str, *languages: str) -> list[Block]:
    """The blocks of a page, of these languages or of all."""
    text = page_text(path)
    found = [Block(match[1], match[2], text.count("\n", 0, match.start()) + 1) for match in _FENCE.finditer(text)]
    return [block for block in found if not languages or block.language in languages]


def without_comments(block: Block) -> Block:
    """The block without its comments, which are in the page's language."""
    return block._replace(text=re.sub(r"\n+", "\n", _COMMENT.sub("", block.text)).strip(), line=0)


def table_rows(path: str, heading: str) -> list[list[str]]:
    """The cells of all tables under a heading, without their head rows."""
    _, _, rest = f"\n{page_text(path)}".partition(f"\n{heading}\n")
    section = re.split(r"\n## ", rest)[0]
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    heads = {position - 1 for position, cells in enumerate(rows) if set("".join(cells)) <= set("-:")}
    return [cells for position, cells in enumerate(rows) if position not in heads and position - 1 not in heads]
