"""A run's ratios as an SVG bar chart for the README: written by hand, no library."""

from collections.abc import Sequence
from html import escape
from typing import Final

from benchmarks.results import Figure, Run, sections
from benchmarks.table import number_text

WIDTH: Final = 760
LABEL_WIDTH: Final = 250
VALUE_WIDTH: Final = 150
ROW: Final = 24
BAR: Final = 14
TITLE: Final = 34
_STYLE: Final = """
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .note { font-size: 11px; fill: #6e7781; }
  .bar { fill: #8aa4c8; } .first { fill: #c3ccd6; } .spread { stroke: #24292f; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .note { fill: #9198a1; } .spread { stroke: #e6edf3; } .first { fill: #57606a; }
  }
"""


def draw(run: Run) -> str:
    """One block of bars for each section that has ratios; a thin line shows the middle half of the rounds."""
    blocks = [(title, [each for each in figures if each.ratio]) for title, figures in sections(run.figures)]
    blocks = [(title, figures) for title, figures in blocks if figures]
    parts: list[str] = []
    top = 12
    for title, figures in blocks:
        parts.append(f'<text class="title" x="12" y="{top + 14}">{escape(title)}</text>')
        top += TITLE
        parts += _bars(figures, top)
        top += ROW * len(figures) + 14
    facts = run.facts
    parts.append(f'<text class="note" x="12" y="{top + 8}">{escape(_footer(facts))}</text>')
    height = top + 22
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="CPU per call and per chunk, as multiples of nginx">\n<style>{_STYLE}</style>\n'
        f"{body}\n</svg>\n"
    )


def _bars(figures: Sequence[Figure], top: int) -> list[str]:
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    longest = max(each.ratio.high for each in figures if each.ratio)
    parts = []
    for index, each in enumerate(figures):
        if each.ratio is None:
            continue
        y = top + ROW * index
        middle = y + BAR // 2
        scale = room / longest
        low, high = (LABEL_WIDTH + each.ratio.low * scale, LABEL_WIDTH + each.ratio.high * scale)
        kind = "bar" if index else "first"
        parts += [
            f'<text x="{LABEL_WIDTH - 8}" y="{y + 11}" text-anchor="end">{escape(each.name)}</text>',
            f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{y}" width="{each.ratio.median * scale:.1f}" height="{BAR}"/>',
            f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>',
            f'<text x="{max(high, LABEL_WIDTH + each.ratio.median * scale) + 8:.1f}" y="{y + 11}">'
            f"{number_text(each.ratio.median)}x · {number_text(each.value.median)} {escape(each.unit)}</text>",
        ]
    return parts


def _footer(facts: dict[str, str]) -> str:
    return f"{facts.get('date', '')[:10]} · {facts.get('processor', '')} · {facts.get('python', '')} · nginx = 1"
