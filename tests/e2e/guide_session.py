"""The first guide, pasted line by line: `python -m tests.e2e.guide_session CHECKOUT` runs it and prints what came.

It wants a machine on which nobody else listens on the guide's port, so it is started in a network of its own where
that can be had (`unshare -Urn`); there it first has to bring the loopback up. Nothing of the guide's commands is
changed but YOUR_ADMIN_TOKEN; curl shows the status of its answer because a .curlrc in the session's home says so.
"""

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.e2e.fault_harness import until

ADDRESS = "http://localhost:7601"
START = "python main.py"
CURL = 'curl -H "Authorization: Bearer YOUR_ADMIN_TOKEN" \\\n  '
POST = 'curl -X POST -H "Authorization: Bearer YOUR_ADMIN_TOKEN" \\\n  '
CHAT = """curl -X POST http://localhost:7601/v1/chat/completions \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "tag:free",
    "messages": [{"role": "user", "content": "Hello"}]
  }'"""
COMMANDS = (
    CHAT,
    CURL + "http://localhost:7601/v1/stats/daily",
    CURL + "http://localhost:7601/v1/stats/weekly",
    CURL + "http://localhost:7601/v1/stats/monthly",
    CURL + "http://localhost:7601/v1/stats/summary",
    CURL + "http://localhost:7601/v1/stats/alerts",
    CURL + "http://localhost:7601/v1/stats/channel-status",
    POST + "http://localhost:7601/v1/stats/clear-alerts/ch_openai_001",
    "python scripts/archive_usage_logs.py --archive",
    "python scripts/archive_usage_logs.py --archive --days-to-keep 7",
    "python scripts/archive_usage_logs.py --report",
    "python scripts/archive_usage_logs.py --report --date 2025-08-20",
    "python examples/cost_tracking_example.py",
    CURL + '"http://localhost:7601/v1/stats/cost-breakdown?breakdown_by=model&period=monthly"',
    CURL + '"http://localhost:7601/v1/stats/cost-breakdown?breakdown_by=channel&period=monthly"',
    CURL + '"http://localhost:7601/v1/stats/alerts?hours=24"',
    CURL + '"http://localhost:7601/v1/stats/daily?target_date=2025-08-20"',
    CURL + '"http://localhost:7601/v1/stats/daily?target_date=2025-08-24"',
    # the paths that stand only in the guide's table
    CURL + "http://localhost:7601/v1/stats/top-models",
    CURL + "http://localhost:7601/v1/stats/top-channels",
    POST + "http://localhost:7601/v1/stats/clear-all-alerts",
    "curl http://localhost:7601/health",
)
START_S = 30.0
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def bring_loopback_up() -> None:
    """In a new network even the loopback is down; elsewhere it is up and this changes nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        (flags,) = struct.unpack_from("16xH", fcntl.ioctl(control, SIOCGIFFLAGS, request))
        if not flags & IFF_UP:
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))


def is_ready() -> bool:
    try:
        with urllib.request.urlopen(f"{ADDRESS}/ready", timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def run(checkout: Path) -> dict[str, object]:
    """The whole guide in one checkout; returns what each command said."""
    home = checkout / "home"
    home.mkdir()
    (home / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')
    variables = {"PATH": f"{checkout / 'bin'}{os.pathsep}{os.defpath}", "HOME": str(home), "LANG": "C.UTF-8"}
    with (checkout / "said").open("wb") as said:
        typed = ["bash", "-c", f"exec {START}"]
        router = subprocess.Popen(typed, cwd=checkout, env=variables, stdout=said, stderr=said)
    begun = time.monotonic()
    try:
        until(lambda: is_ready() or router.poll() is not None, START_S, "it is ready")
        start_s = time.monotonic() - begun
        token = (checkout / "data" / "admin_token").read_text().strip()
        results = {}
        for command in COMMANDS:
            typed = ["bash", "-c", command.replace("YOUR_ADMIN_TOKEN", token)]
            done = subprocess.run(typed, cwd=checkout, env=variables, capture_output=True, text=True, check=False)
            results[command] = {"code": done.returncode, "out": done.stdout, "err": done.stderr}
    finally:
        router.send_signal(signal.SIGTERM)
        code = router.wait(60)
    return {"start_s": start_s, "code": code, "said": (checkout / "said").read_text(), "results": results}


if __name__ == "__main__":
    bring_loopback_up()
    print(json.dumps(run(Path(sys.argv[1]))))
