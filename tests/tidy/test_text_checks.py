"""The text checks find what they should, and nothing else."""

import pytest

from tests.tidy.python_source import Source
from tests.tidy.text_checks import foreign_words, waiting_and_patching

SLASH = "/"  # keeps the forbidden words out of this file


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (f"see {SLASH}work{SLASH}main", f"docs/a.md:1: a path of one machine: {SLASH}work{SLASH}"),
        (f"logs in {SLASH}home/ann{SLASH}logs", f"docs/a.md:1: a path of one machine: {SLASH}home/ann{SLASH}"),
        ("from https://py" + "pi.org/simple", "docs/a.md:1: the address of a registry: py" + "pi.org"),
        ("# TO" + "DO: price it", "docs/a.md:1: an unfinished thought: TO" + "DO"),
    ],
)
def test_a_foreign_word_is_found_with_its_line(line: str, finding: str) -> None:
    assert foreign_words("docs/a.md", line) == [finding]


@pytest.mark.parametrize(
    "line",
    [
        "at work/life",
        "network/socket",
        f".{SLASH}work{SLASH}in progress",
        "https://openrouter.ai/api",
        "XXXL",
        "a home page",
    ],
)
def test_words_that_only_look_like_one_pass(line: str) -> None:
    assert foreign_words("docs/a.md", line) == []


def test_a_sleep_in_a_test_is_found_and_giving_way_is_not() -> None:
    text = "import time\ntime.sleep(0.1)\nawait asyncio.sleep(1)\nawait asyncio.sleep(0)\n"

    assert waiting_and_patching(Source("tests/x.py", text)) == [
        "tests/x.py:2: time.sleep: wait for the event itself",
        "tests/x.py:3: asyncio.sleep: wait for the event itself",
    ]


def test_a_sleep_that_waits_for_an_event_passes_and_one_in_an_endless_loop_does_not() -> None:
    text = "while not done:\n    await asyncio.sleep(0.01)\nwhile True:\n    time.sleep(1)\n"

    assert waiting_and_patching(Source("tests/x.py", text)) == ["tests/x.py:4: time.sleep: wait for the event itself"]


def test_patching_by_path_is_found_and_setting_the_environment_is_not() -> None:
    text = "monkeypatch.setattr('a.b.c', 1)\nmonkeypatch.setenv('A', '1')\nwith mock.patch('a.b'):\n    pass\n"

    assert waiting_and_patching(Source("tests/x.py", text)) == [
        "tests/x.py:1: monkeypatch.setattr by path: give the part to its constructor",
        "tests/x.py:3: mock.patch by path: give the part to its constructor",
    ]
