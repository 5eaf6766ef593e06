"""`serve` with the real children: what it prints, what answers, how it ends. The whole router, nothing configured."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.python_source import ROOT

pytestmark = pytest.mark.timeout(60)


class Served:
    """One router in a folder of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        variables = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "SMART_AI_ROUTER__SYSTEM__PROBE_LOCAL_SERVERS": "no"}
        command = [sys.executable, "-P", "-m", "smart_ai_router", *options]
        self.process = subprocess.Popen(
            command, cwd=folder, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.shown = ""
        while "╰" not in self.shown:  # the end of the frame
            line: str = self.process.stdout.readline()
            assert line, self.process.communicate()
            self.shown += line
        found = re.search(r"http://127\.0\.0\.1:(\d+)/v1", self.shown)
        assert found
        self.address = f"http://127.0.0.1:{found[1]}"

    def get(self, path: str, token: str | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urllib.request.urlopen(urllib.request.Request(self.address + path, headers=headers), timeout=20) as reply:
            content: bytes = reply.read()
            return content

    def chat(self) -> bytes:
        body = json.dumps({"model": "tag:free", "messages": [{"role": "user", "content": "Hello"}]}).encode()
        request = urllib.request.Request(self.address + "/v1/chat/completions", body)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as reply:
            content: bytes = reply.read()
            return content

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=50)
        return self.process.returncode, said


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    router = Served(tmp_path, "--port", "0")
    yield router
    if router.process.poll() is None:
        router.process.kill()
        router.process.communicate()


def test_m1_01_a_start_tells_where_everything_is_and_what_it_found(served: Served, tmp_path: Path) -> None:
    assert json.loads(served.get("/health"))["status"]
    for label in ("接口 API", "控制台 Console", "文档 Docs", "管理员令牌 Admin token", "渠道 Channels"):
        assert label in served.shown
    assert "Demo" in served.shown
    token_file = tmp_path / "data" / "admin_token"
    assert token_file.stat().st_mode & 0o077 == 0


def test_a_call_is_on_the_books_when_the_router_has_ended(served: Served, tmp_path: Path) -> None:
    served.chat()

    code, said = served.stop()

    assert code == 0, said
    (journal,) = (tmp_path / "logs").glob("usage_*.jsonl")
    assert len(journal.read_text().splitlines()) == 1
    command = [sys.executable, "-P", "-m", "smart_ai_router", "verify", "--json"]
    variables = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    proven = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert proven.returncode == 0, proven.stderr
    assert json.loads(proven.stdout)["records"] == 1


def test_both_planes_start_again_after_a_kill_and_nothing_is_lost(served: Served, tmp_path: Path) -> None:
    served.chat()
    pid = served.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 2

    for child in children:
        os.kill(int(child), signal.SIGKILL)
    served.chat()  # waits in the listening socket until a worker accepts again

    code, said = served.stop()
    assert code == 0, said
    assert said.count("starting it again") >= 2
    (journal,) = (tmp_path / "logs").glob("usage_*.jsonl")
    assert len(journal.read_text().splitlines()) == 2


def test_a_second_start_in_the_same_folder_is_refused(served: Served, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "smart_ai_router", "--port", "0"]
    variables = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}

    second = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)

    assert second.returncode == 2
    assert f"process id {served.process.pid}" in second.stderr


def test_books_of_another_time_zone_are_refused_with_the_way_out(served: Served, tmp_path: Path) -> None:
    served.stop()
    command = [sys.executable, "-P", "-m", "smart_ai_router", "--port", "0"]
    variables = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "SMART_AI_ROUTER__SYSTEM__TIME_ZONE": "Asia/Shanghai"}

    second = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)

    assert second.returncode == 2
    assert "run `rebuild`" in second.stderr
    assert "Traceback" not in second.stderr
