"""What the pages tell a reader to paste does what they say: each command runs, each program too, each sample is real.

The commands of both languages are the same (`test_pages.py` holds them together), so one language is run.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from smart_ai_router.testing.upstream import UpstreamThread
from tests.docs.pages import PAGES, blocks, table_rows
from tests.docs.reader import Reader
from tests.docs.samples import differences
from tests.e2e.router_harness import CHAT, GUIDE_PRICES, Router, running

pytestmark = pytest.mark.timeout(180)

STATISTICS = "docs/en/statistics.md"
RUN = [page for page in PAGES["en"] if page != "docs/en/configuration.md" and blocks(page, "bash")]
METRICS = {"docs/en/operations.md": "## Metrics", "docs/zh/operations.md": "## 指标"}
ENDPOINTS = 14  # of /v1/stats, each with one sample


def configuration(upstream: str) -> dict[str, object]:
    """The guide's channel and prices in front of the test upstream, and a channel whose quota is used up."""
    common = {"base_url": upstream, "provider": "openai"}
    return {
        "system": {"demo_channel": "always", "probe_local_servers": False},
        "channels": [
            {**common, "id": "ch_openai_001", "name": "OpenAI Official", "api_key": "sk-of-the-documentation",
             "models": ["gpt-4o-mini"], "prices": GUIDE_PRICES},
            {**common, "id": "ch_deepseek_001", "name": "DeepSeek", "provider": "deepseek",
             "api_key": "sk-fault:status-429-quota", "models": ["deepseek-v4-flash"]},
        ],
    }  # fmt: skip


@contextmanager
def router_with_history(folder: Path, **more: object) -> Iterator[Router]:
    """A router that has served the calls of which the pages show the records and alerts."""
    with UpstreamThread() as upstream, running(folder, {**configuration(upstream.base_url), **more}) as router:
        (folder / "config").mkdir()
        (folder / "config/router_config.yaml").write_text(router.config_file.read_text())
        router.chat()
        router.chat()
        router.chat(stream=True, user="alice")
        router.chat("tag:free")
        router.chat("deepseek-v4-flash")
        router.wait_for_alert("ch_deepseek_001", "quota_exhausted")
        yield router


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """The router that all pages but the statistics' samples talk to: no keys, as after a first start."""
    with router_with_history(tmp_path_factory.mktemp("pages")) as router:
        yield router


@pytest.fixture(scope="module")
def reader(router: Router) -> Reader:
    return Reader(router.folder, router.address)


def test_the_samples_of_the_statistics_page_are_what_the_router_answers(tmp_path: Path) -> None:
    key = {"name": "team-a", "key": "key-of-team-a-for-the-documentation", "user": "team-a"}
    found = blocks(STATISTICS, "bash", "json")
    token = found[0]
    pairs = [(asked, shown) for asked, shown in pairwise(found) if shown.language == "json"]
    assert len(pairs) == sum(block.language == "json" for block in found) == ENDPOINTS
    wrong = []
    with router_with_history(tmp_path, auth={"keys": [key]}) as router:
        router.call({"model": "gpt-4o-mini", "messages": CHAT["messages"]}, authorization=f"Bearer {key['key']}")
        reader = Reader(router.folder, router.address)
        for asked, shown in pairs:
            answer = reader.paste([token, asked]).partition(f"--- line {asked.line}\n")[2]
            sample = json.loads(shown.text, parse_float=Decimal)
            told = differences(sample, json.loads(answer, parse_float=Decimal))
            wrong += [f"{STATISTICS}:{shown.line} {difference}" for difference in told]

    assert not wrong, "\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("page", "line"), [(page, block.line) for page in PAGES["en"] for block in blocks(page, "python")]
)
def test_every_program_of_the_page_runs(page: str, line: int, reader: Reader) -> None:
    # before any key is made: once there are keys, one that is not known is refused
    (program,) = [block for block in blocks(page, "python") if block.line == line]

    reader.run_program(program.text)


@pytest.mark.parametrize("page", RUN)
def test_every_command_of_the_page_does_its_work(page: str, reader: Reader) -> None:
    reader.paste(blocks(page, "bash"))


def test_the_records_that_the_pages_show_are_records_as_the_router_writes_them(router: Router) -> None:
    (record, *_) = [each for each in router.records() if each["model"] == "gpt-4o-mini" and not each["stream"]]
    for page in (PAGES["en"][0], "docs/en/usage-records.md"):
        (shown,) = blocks(page, "json")
        sample = json.loads(shown.text, parse_float=Decimal)
        for key in ("response_time_ms", "time_to_first_token_ms", "user_agent"):
            sample[key] = record[key]
        for attempt in sample.get("attempts", []):
            attempt["duration_ms"] = record["attempts"][0]["duration_ms"]

        assert list(differences(sample, record)) == [], page


def test_the_alert_that_the_page_shows_is_an_alert_as_the_router_writes_it(router: Router) -> None:
    (shown,) = blocks("docs/en/alerts.md", "json")
    (line,) = router.alerts("ch_deepseek_001")

    sample = json.loads(shown.text)

    assert list(sample) == list(line)
    assert set(sample["details"]) <= set(line["details"])


@pytest.mark.parametrize("page", ["docs/en/operations.md", "docs/zh/operations.md"])
def test_the_page_of_operations_names_every_metric_with_its_labels(page: str, router: Router) -> None:
    shown = router.admin("GET", "/metrics").body.decode()
    names = {name for name in re.findall(r"^# TYPE (\w+)", shown, re.MULTILINE) if not name.endswith("_created")}
    lines = [line for line in shown.splitlines() if line.startswith("router_") and "_created" not in line]
    labels = {line.partition("{")[0].partition(" ")[0]: set(re.findall(r"(\w+)=", line)) for line in lines}

    rows = [row for row in table_rows(page, METRICS[page]) if row[0].startswith("`router_")]
    told = {name: set(re.findall(r"`(\w+)`", row[1])) for row in rows for name in re.findall(r"`(\w+)`", row[0])}

    assert set(told) == names
    assert {name: told[name] for name in labels} == labels
