"""Code of the operator's own in the running router, and monitoring that follows an edited file."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from tests.adapters.alert_receivers import HttpSink, http_sink
from tests.adapters.test_notifiers_queue_example import redis
from tests.e2e.fault_harness import until
from tests.e2e.router_harness import CHAT, Router, channel, running
from tests.tidy.python_source import ROOT

HEARD_S = 5.0
EXTENSIONS = {
    "path": str(ROOT / "examples"),
    "monitor": "own_extensions:TicketMonitor",
    "tracker": "own_extensions:TeamTracker",
}
CONFIG: Mapping[str, object] = {"extensions": EXTENSIONS}


class Scene(NamedTuple):
    """A router with the examples' own monitor and queue, and who hears of its alerts."""

    router: Router
    channels: list[dict[str, object]]
    queue: list[list[bytes]]
    queue_port: int
    webhook: HttpSink

    def configure(self, *notifiers: Mapping[str, object], **monitoring: object) -> dict[str, object]:
        queue: dict[str, object] = {"type": "custom", "name": "queue", "factory": "alert_queue_sink:redis_sink"}
        queue["options"] = {"address": f"127.0.0.1:{self.queue_port}"}
        alerts = {"notifiers": [queue, *notifiers]}
        return {**CONFIG, "channels": self.channels, "monitoring": {"alerts": alerts, **monitoring}}

    def reload(self, config: Mapping[str, object]) -> int:
        self.router.write_config(config)
        return self.router.admin("POST", "/v1/admin/config/reload").status

    def queued(self) -> list[str]:
        """The channels of the alerts in the queue, in their order."""
        return [json.loads(words[7])["channel_id"] for words in list(self.queue)]


@pytest.fixture(scope="module")
def scene(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    kinds = {"ch_start": "status-401", "ch_hook": "status-401", "ch_count": "status-500", "ch_last": "status-401"}
    channels = [channel(key, upstream.base_url, f"model-{key}", fault) for key, fault in kinds.items()]
    folder = tmp_path_factory.mktemp("extensions")
    with contextlib.ExitStack() as stack:
        port, commands = stack.enter_context(redis(b"$3\r\n1-0\r\n"))
        webhook = stack.enter_context(http_sink())
        ours = Scene(Router(folder, {}), channels, commands, port, webhook)
        router = stack.enter_context(running(folder, ours.configure()))
        yield ours._replace(router=router)


def test_m1_67_the_examples_monitor_hears_each_alert_of_the_running_router(scene: Scene) -> None:
    assert scene.router.chat("model-ch_start").status == 503
    until(lambda: "工单 api_key_invalid: 渠道 ch_start" in scene.router.said(), HEARD_S, "the ticket is opened")
    (line,) = (scene.router.logs_dir / "channel_alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["channel_id"] == "ch_start"


def test_m1_70_the_examples_queue_hears_it_too(scene: Scene) -> None:
    until(lambda: scene.queued() == ["ch_start"], HEARD_S, "the alert is in the queue")
    assert scene.queue[0][:2] == [b"XADD", b"channel_alerts"]
    names = [each["name"] for each in scene.router.stats("channel-status")["notifiers"]]
    assert names == ["queue", "console"]


def test_a_receiver_that_is_added_to_the_file_hears_the_next_alert(scene: Scene) -> None:
    hook = {"type": "webhook", "url": scene.webhook.url(), "secret": "webhook-secret-of-this-test"}
    assert scene.reload(scene.configure(hook)) == 200

    assert scene.router.chat("model-ch_hook").status == 503

    assert json.loads(scene.webhook.take().body)["channel_id"] == "ch_hook"
    until(lambda: scene.queued() == ["ch_start", "ch_hook"], HEARD_S, "the queue goes on")


def test_a_rule_that_is_changed_in_the_file_decides_the_next_alert(scene: Scene) -> None:
    assert scene.reload(scene.configure(errors_before_alert=1)) == 200

    assert scene.router.chat("model-ch_count").status == 502

    until(lambda: scene.queued()[2:] == ["ch_count"], HEARD_S, "the first error alarms now")


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("no_such_module:sink", "No module named 'no_such_module'"),
        ("alert_queue_sink:nothing", "has no nothing"),
        ("alert_queue_sink:redis_sink", "address"),  # made without the option that it needs
    ],
)
def test_a_file_that_names_code_which_cannot_be_used_is_refused_and_the_old_one_stays(
    scene: Scene, factory: str, words: str
) -> None:
    bad = {"type": "custom", "name": "bad", "factory": factory}
    scene.router.write_config(scene.configure(bad))
    refused = scene.router.admin("POST", "/v1/admin/config/reload")
    assert (refused.status, words in refused.json["detail"]) == (409, True), refused.body
    assert "monitoring.alerts.notifiers[1].factory" in refused.json["detail"]
    names = [each["name"] for each in scene.router.stats("channel-status")["notifiers"]]
    assert names == ["queue", "console"]


def test_a_receiver_that_is_taken_out_hears_no_more(scene: Scene) -> None:
    before = scene.queued()
    config = {**CONFIG, "channels": scene.channels}
    assert scene.reload(config) == 200

    assert scene.router.chat("model-ch_last").status == 503

    until(lambda: "工单 api_key_invalid: 渠道 ch_last" in scene.router.said(), HEARD_S, "the monitor hears it")
    assert [each["name"] for each in scene.router.stats("channel-status")["notifiers"]] == ["console"]
    assert scene.queued() == before


def test_m1_75_the_examples_dimension_is_there_for_the_report(scene: Scene) -> None:
    for end_user in ("research/alice", "research/bob", "sales/carol"):
        body = {**CHAT, "model": "model-ch_start", "user": end_user}
        scene.router.ask("POST", "/v1/chat/completions", body)
    said = report(scene.router, "--by", "team")
    rows = dict(line.split("\t", 1) for line in said.stdout.splitlines())
    assert said.returncode == 0, said.stderr
    assert rows["team"].split("\t") == ["requests", "failed", "tokens", "cost"]
    assert (rows["research"].split("\t")[0], rows["sales"].split("\t")[0]) == ("2", "1")
    assert report(scene.router, "--by", "colour").returncode == 2


def report(router: Router, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "smart_ai_router", "report", "--config", str(router.config_file)]
    command += ["--logs-dir", str(router.logs_dir), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=router.folder, env=router.variables
    )


def test_a_start_with_code_that_cannot_be_used_says_so_and_ends_with_2(tmp_path: Path) -> None:
    bad = Router(tmp_path, {"extensions": {"path": str(tmp_path), "monitor": "no_such_module:Monitor"}})
    command = [sys.executable, "-P", "-m", "smart_ai_router", "serve", "--config", str(bad.config_file), "--port", "0"]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path, env=bad.variables
    )
    assert ended.returncode == 2, ended.stderr
    assert "extensions.monitor = no_such_module:Monitor" in ended.stderr
    assert "No module named 'no_such_module'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_example_runs_offline() -> None:
    command = [sys.executable, str(ROOT / "examples" / "own_extensions.py")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "工单 quota_exhausted: 渠道 OpenAI Official 配额已用完" in ended.stdout
    assert "research: 2 次" in ended.stdout
