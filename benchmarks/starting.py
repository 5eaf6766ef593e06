"""How long `python main.py` takes to its first answer, and how much room its environment takes."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.machine import ROOT, MeasurementImpossible, free_port
from benchmarks.meters import cpu_us
from benchmarks.payloads import PATH
from benchmarks.results import Figure, Goal, Side
from benchmarks.statistic import Spread, spread
from bootstrap.stamps import environment_is_current

ENVIRONMENT: Final = ROOT / ".venv"
SECTION: Final = "Start and size"
LIMIT_S: Final = 60.0
POLL_S: Final = 0.005
STOP_S: Final = 40.0
FIRST_CALL: Final = json.dumps({"model": "tag:free", "messages": [{"role": "user", "content": "hello"}]}).encode()


def measure(starts: int, folder: Path, say: Callable[[str], None]) -> Iterator[Figure]:
    """Raises MeasurementImpossible while there is no environment, or the product does not start."""
    if not environment_is_current(str(ENVIRONMENT), str(ROOT / "requirements.lock")):
        raise MeasurementImpossible("start and size: there is no current environment; run `python main.py` once first")
    begun = []
    for number in range(starts + 1):
        say(f"start {number} of {starts}")
        begun.append(_start(folder))
    warm = begun[1:]
    answered = spread([each.answered_s for each in warm])
    yield Figure(SECTION, "to the first /health", "s", spread([each.healthy_s for each in warm]))
    yield Figure(SECTION, "to the first answered call", "s", answered, None, Goal(Side.VALUE, 3.0))
    yield Figure(SECTION, "CPU of all processes until then", "s", spread([each.cpu_s for each in warm]))
    size = sum(path.lstat().st_size for path in ENVIRONMENT.rglob("*") if path.is_file() and not path.is_symlink())
    yield Figure(SECTION, "environment on disk", "MB", Spread(*[size / 1e6] * 3), None, Goal(Side.VALUE, 150.0))


class Start(NamedTuple):
    """One start: seconds to the first healthy answer and to the first answered call, and what it took till then."""

    healthy_s: float
    answered_s: float
    cpu_s: float


def _start(folder: Path) -> Start:
    port = free_port()
    own = folder / "start"  # the same for all: what counts is a later start, the first one makes keys and the store
    own.mkdir(exist_ok=True)
    options = ["--port", str(port), "--data-dir", str(own / "data"), "--logs-dir", str(own / "logs")]
    with (own / "output").open("wb") as output:
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "serve", *options], stdout=output, stderr=subprocess.STDOUT, cwd=own
        )
        try:
            _ask_until_answered(process, port, "GET", "/health", b"", own / "output")
            healthy_s = time.monotonic() - begun
            _ask_until_answered(process, port, "POST", PATH, FIRST_CALL, own / "output")
            return Start(healthy_s, time.monotonic() - begun, cpu_us(process.pid) / 1e6)
        finally:
            process.terminate()
            process.wait(STOP_S)


def _ask_until_answered(  # noqa: PLR0917 - a request and whom to ask
    process: subprocess.Popen[bytes], port: int, method: str, path: str, body: bytes, log: Path
) -> None:
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
        try:
            connection.request(method, path, body, {"content-type": "application/json"})
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass  # not there yet
        finally:
            connection.close()
        time.sleep(POLL_S)
    raise MeasurementImpossible(f"python main.py did not answer:\n{log.read_text(errors='replace')[-2000:]}")
