"""The real router for end-to-end tests: one start a module, asked over its public interfaces as its users ask it.

`running` starts `smart-ai-router serve` in a folder of its own and, when the tests are done, checks what every run
must end with: the books equal the journal, SIGTERM ends it with 0, no process is left, and nothing that it said on
standard error is a traceback.
"""

import gzip
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
import yaml

from tests.e2e.fault_harness import is_alive, listeners, until
from tests.tidy.python_source import ROOT

START_S = 30.0
STOP_S = 50.0
ANSWER_S = 30.0
RECORD_S = 10.0  # a call whose client left is drained before it is recorded
QUIET = {"demo_channel": "never", "probe_local_servers": False}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
GUIDE_PRICES = {"gpt-4o-mini": {"currency": "USD", "input": 0.5, "output": 1}}  # 150 and 300 tokens: 0.000375

Record = dict[str, Any]


class Answer(NamedTuple):
    """One HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, its numbers exact."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def request_id(self) -> str:
        return self.headers["x-request-id"]


def channel(channel_id: str, base_url: str, model: str, fault: str = "", **more: object) -> dict[str, object]:
    """One channel with one model at the testing upstream, which answers it in a mode of its own."""
    served = {"name": model, "upstream_name": f"{model}+fault:{fault}"} if fault else {"name": model}
    common = {"id": channel_id, "name": channel_id, "provider": "openai", "api_key": "sk-upstream", "models": [served]}
    return {**common, "base_url": base_url, **more}


class Router:
    """A router under test."""

    def __init__(self, folder: Path, config: Mapping[str, object], **variables: str) -> None:
        self.folder = folder
        self.data_dir, self.logs_dir = folder / "data", folder / "logs"
        self.config_file = folder / "router.yaml"
        self.write_config(config)
        self.variables = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default", **variables}
        self.port = 0
        self.token = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._family: set[int] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """What an SDK is given."""
        return f"{self.address}/v1"

    # --- life ---

    def start(self) -> None:
        """Start it, wait until it is ready, and make sure that it is the one that answers."""
        command = [sys.executable, "-P", "-m", "smart_ai_router", "serve", "--config", str(self.config_file)]
        command += ["--data-dir", str(self.data_dir), "--logs-dir", str(self.logs_dir), "--port", "0"]
        with (self.folder / "stdout").open("wb") as out, (self.folder / "stderr").open("wb") as err:
            process = subprocess.Popen(command, cwd=self.folder, env=self.variables, stdout=out, stderr=err)
        self._process = process
        until(lambda: process.poll() is not None or "╰" in self.said("stdout"), START_S, "it says where it is")
        found = re.search(r"http://127\.0\.0\.1:(\d+)/v1", self.said("stdout"))
        assert found, f"exit code {process.poll()}: {self.said()}"
        self.port = int(found[1])
        assert process.pid in listeners(self.port), "another process answers on the port"
        until(lambda: self.get("/ready").status == 200, START_S, "ready")
        self.token = (self.data_dir / "admin_token").read_text().strip()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        self._family = {process.pid, *map(int, children)}
        assert len(self._family) == 3, "supervisor, control plane, one worker"

    def finish(self) -> None:
        """End it as an operator does; see the head of this module."""
        assert self._process is not None
        assert self._process.poll() is None, f"it ended by itself: {self.said()}"
        rows = self.stats("query", first="2025-01-01")["rows"]
        assert sum(row["requests"] for row in rows) == sum(map(_is_record, self._lines()))
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(STOP_S) == 0, self.said()
        until(lambda: not any(map(is_alive, self._family)), 5, "no process is left")
        for word in ("Traceback", "never retrieved", "Warning: "):
            assert word not in self.said(), self.said()

    def kill(self) -> None:
        """Leave nothing behind, however the tests ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()  # its children end with it
            self._process.wait()

    def child(self, word: str) -> int:
        """The process id of the child whose command line has this word."""
        (found,) = (pid for pid in self._family if word.encode() in _command_line(pid))
        return found

    def said(self, stream: str = "stderr") -> str:
        return (self.folder / stream).read_text(errors="replace")

    def write_config(self, config: Mapping[str, object]) -> None:
        self.config_file.write_text(yaml.safe_dump({"system": QUIET, **config}, allow_unicode=True, sort_keys=False))

    # --- asking ---

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One request on a connection of its own; `body` goes as JSON unless it is bytes."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if content is not None:
            sent.setdefault("content-type", "application/json")
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)) as connection:
            connection.request(method, path, content, sent)
            reply = connection.getresponse()
            got = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, got, reply.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def call(self, body: Mapping[str, object], path: str = "/v1/chat/completions", **headers: str) -> Answer:
        """A client's call."""
        return self.ask("POST", path, body, **headers)

    def chat(self, model: str = "gpt-4o-mini", **fields: object) -> Answer:
        return self.call({**CHAT, "model": model, **fields})

    @contextmanager
    def stream(self, model: str, **fields: object) -> Iterator[http.client.HTTPResponse]:
        """A stream whose first event has come; who leaves the block before its end is a client that goes away."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)) as connection:
            body = json.dumps({**CHAT, "model": model, "stream": True, **fields}).encode()
            connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
            with closing(connection.getresponse()) as reply:
                assert reply.status == 200, reply.read()
                assert reply.readline().startswith(b"data: {")
                yield reply

    def admin(self, method: str, path: str) -> Answer:
        """A question of the administrator."""
        return self.ask(method, path, authorization=f"Bearer {self.token}")

    def stats(self, name: str, **parameters: object) -> Any:
        """The data of `/v1/stats/<name>`, whole and complete."""
        answer = self.admin("GET", f"/v1/stats/{name}?{urlencode(parameters)}")
        assert answer.status == 200, answer
        assert answer.json["success"] is True
        assert answer.json["data"]["complete"] is True
        return answer.json["data"]

    # --- what it wrote ---

    def records(self) -> list[Record]:
        """Every record of the journal and its archive, oldest file first; lines that are no record are left out."""
        return [json.loads(line, parse_float=Decimal) for line in self._lines() if _is_record(line)]

    def _lines(self) -> list[bytes]:
        archived = [gzip.decompress(path.read_bytes()) for path in sorted(self.logs_dir.glob("archive/usage_*.gz"))]
        live = [path.read_bytes() for path in sorted(self.logs_dir.glob("usage_*.jsonl"))]
        return [line for content in (*archived, *live) for line in content.splitlines()]

    def record(self, answer: Answer) -> Record:
        """The one record of a call."""
        return self.record_of(answer.request_id)

    def record_of(self, request_id: str) -> Record:
        """The one record of a request id; waits for one that is still being drained."""
        until(lambda: self._with_id(request_id), RECORD_S, f"{request_id} is recorded")
        (record,) = self._with_id(request_id)
        return record

    def _with_id(self, request_id: str) -> list[Record]:
        return [each for each in self.records() if each["request_id"] == request_id]

    def alerts(self, channel_id: str) -> list[Record]:
        """The lines of `channel_alerts.jsonl` about a channel."""
        path = self.logs_dir / "channel_alerts.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in map(json.loads, lines) if line["channel_id"] == channel_id]

    def wait_for_alert(self, channel_id: str, alert_type: str, count: int = 1) -> Record:
        """The newest line of a kind about a channel, once there are so many."""

        def found() -> list[Record]:
            return [line for line in self.alerts(channel_id) if line["alert_type"] == alert_type]

        until(lambda: len(found()) >= count, RECORD_S, f"{count} {alert_type} of {channel_id}: {self.said()}")
        assert len(found()) == count
        return found()[-1]


def _command_line(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def _is_record(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return False
    return True


@contextmanager
def running(folder: Path, config: Mapping[str, object], **variables: str) -> Iterator[Router]:
    """A router that runs in this folder; see the head of this module for how it must end."""
    folder.mkdir(parents=True, exist_ok=True)
    router = Router(folder, config, **variables)
    try:
        router.start()
        yield router
        router.finish()
    finally:
        router.kill()
