"""The message queue example, run as its reader would run it."""

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "alert_queue_sink.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLE), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def redis(answer: bytes) -> Iterator[tuple[int, list[list[bytes]]]]:
    """A server that reads RESP commands and gives one answer to all: (port, commands)."""
    commands: list[list[bytes]] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            count = int(self.rfile.readline()[1:])
            words = []
            for _ in range(count):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size))
                self.rfile.read(2)
            commands.append(words)
            self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.server_address[1], commands
        server.shutdown()
        thread.join(10)


def test_m1_70_the_sample_queue_gets_each_alert() -> None:
    result = run()
    *messages, summary = result.stdout.splitlines()
    assert [json.loads(message)["alert_type"] for message in messages] == [
        "quota_exhausted",
        "low_balance",
        "api_key_invalid",
    ]
    assert json.loads(messages[0])["message"] == "渠道 OpenAI Official 配额已用完"
    assert (result.returncode, summary) == (0, "已发布 3 条，等待重试 0 条")


def test_m1_70_a_redis_stream_gets_each_alert() -> None:
    with redis(b"$15\r\n1526919030474-0\r\n") as (port, commands):
        result = run("--redis", f"127.0.0.1:{port}", "--stream", "my_alerts")
    assert result.returncode == 0, result.stderr
    assert [words[:7] for words in commands] == [[b"XADD", b"my_alerts", b"MAXLEN", b"~", b"10000", b"*", b"alert"]] * 3
    assert [json.loads(words[7])["channel_id"] for words in commands] == [
        "ch_openai_001",
        "ch_deepseek_001",
        "ch_qwen_001",
    ]


def test_a_queue_that_refuses_is_tried_again_and_said() -> None:
    with redis(b"-NOAUTH Authentication required.\r\n") as (port, _):
        result = run("--redis", f"127.0.0.1:{port}")
    assert result.returncode == 1
    assert "已发布 0 条，等待重试 3 条" in result.stdout
    assert "NOAUTH" in result.stdout


def test_a_queue_that_is_not_there_is_said() -> None:
    with redis(b"") as (port, _):
        pass
    result = run("--redis", f"127.0.0.1:{port}")
    assert (result.returncode, "等待重试 3 条" in result.stdout) == (1, True)


def test_a_wrong_address_is_wrong_usage() -> None:
    assert run("--redis", "nowhere").returncode == 2
