"""The bar chart."""

from xml.etree import ElementTree

from benchmarks.picture import draw
from benchmarks.results import Figure, Run
from benchmarks.statistic import Spread

ONE = Spread(1.0, 1.0, 1.0)
SVG = "{http://www.w3.org/2000/svg}"


def test_each_ratio_has_one_bar_whose_length_is_its_share_of_the_longest() -> None:
    figures = (
        Figure("calls", "nginx", "us", Spread(20.0, 19.0, 21.0), ONE),
        Figure("calls", "ours & all", "us", Spread(80.0, 70.0, 90.0), Spread(4.0, 4.0, 4.0)),
        Figure("memory", "warm", "MiB", ONE),
    )

    drawn = ElementTree.fromstring(draw(Run("gateway", {"date": "2026-11-22T00:00:00Z"}, {}, figures)))

    widths = [float(bar.get("width", "0")) for bar in drawn.iter(f"{SVG}rect")]
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert len(widths) == 2
    assert widths[1] == 4 * widths[0]
    assert "ours & all" in texts
    assert "memory" not in texts
