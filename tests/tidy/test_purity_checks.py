"""The purity checks find what they should, and nothing else."""

import pytest

from tests.tidy.purity_checks import floats_near_money, impure_reads
from tests.tidy.python_source import Source

DOMAIN = "smart_ai_router/domain/x.py"
PRICING = "smart_ai_router/domain/pricing_x.py"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("import time\nt = time.time()\n", f"{DOMAIN}:2: time.time: the clock is an argument or a port"),
        ("f(clock=time.monotonic)\n", f"{DOMAIN}:1: time.monotonic: the clock is an argument or a port"),
        ("from time import monotonic\n", f"{DOMAIN}:1: time.monotonic: the clock is an argument or a port"),
        ("d = datetime.now(UTC)\n", f"{DOMAIN}:1: datetime.now: the clock is an argument or a port"),
        ("d = date.today()\n", f"{DOMAIN}:1: date.today: the clock is an argument or a port"),
        ("import random\n", f"{DOMAIN}:1: import random: chance is an argument or a port"),
        ("from uuid import uuid4\n", f"{DOMAIN}:1: import uuid: ids are arguments"),
        ("x = os.environ['A']\n", f"{DOMAIN}:1: os.environ: only the configuration reads the environment"),
    ],
)
def test_an_impure_read_is_found(text: str, finding: str) -> None:
    assert impure_reads(Source(DOMAIN, text)) == [finding]


@pytest.mark.parametrize("room", ["adapters", "config", "app", "testing"])
def test_rooms_at_the_edge_may_read_the_clock(room: str) -> None:
    assert impure_reads(Source(f"smart_ai_router/{room}/x.py", "t = time.time()\n")) == []


def test_an_instant_that_is_given_passes() -> None:
    text = "def day(clock: Clock, now: float) -> date:\n    return datetime.fromtimestamp(clock.now(), UTC).date()\n"

    assert impure_reads(Source(DOMAIN, text)) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("x = float(price)\n", f"{PRICING}:1: float(): money is a whole number of pico or an exact Decimal"),
        ("x = cost / 1000\n", f"{PRICING}:1: / makes a float of two whole numbers; see divide_half_even"),
        ("RATE = 0.1\n", f"{PRICING}:1: 0.1 is a float: money is exact"),
        ("price: float | None = None\n", f"{PRICING}:1: price is a float and its name is no time"),
        ("def bill(amount: float) -> int: ...\n", f"{PRICING}:1: amount of bill is a float and its name is no time"),
        ("def cost() -> float: ...\n", f"{PRICING}:1: cost gives a float and its name is no time"),
    ],
)
def test_a_float_near_money_is_found(text: str, finding: str) -> None:
    assert floats_near_money(Source(PRICING, text)) == [finding]


@pytest.mark.parametrize(
    "text",
    [
        "effective_from: float = 0.0\n",
        "def in_force(now: float) -> bool: ...\n",
        "def _instant(text: str) -> float | None: ...\n",
        "valid_until = float('inf')\n",
        "price = Decimal('0.1')\n",
        "quotient = amount // 3\n",
        "exact = Fraction(price) * 10 / (per * 60)\n",
        "isinstance(value, float)\n",
    ],
)
def test_times_and_exact_numbers_pass(text: str) -> None:
    assert floats_near_money(Source(PRICING, text)) == []


def test_a_module_that_is_not_about_money_may_hold_floats() -> None:
    assert floats_near_money(Source("smart_ai_router/domain/routing_scores.py", "weight: float = 0.4\n")) == []
