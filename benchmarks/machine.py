"""The machine of a measurement: its facts, its two cores, and the programs that a measurement needs."""

import os
import platform
import shutil
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
GATEWAY_CORE: Final = 0
LOAD_CORE: Final = 1  # stub and load share it: they are far lighter than what they measure
LIBRARIES: Final = ("uvloop", "httptools", "msgspec")
PROGRAMS: Final = {"nginx": "nginx-light", "wrk": "wrk", "taskset": "util-linux"}  # program: Debian's package
_EXTRA_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin")  # where nginx lives, and not on everyone's PATH


class MeasurementImpossible(Exception):
    """Nothing can be measured here; the message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of the programs beside our own."""

    nginx: str
    wrk: str


def find_programs() -> Programs:
    """Raises MeasurementImpossible."""
    folders = os.pathsep.join((os.environ.get("PATH", ""), *_EXTRA_FOLDERS))
    found = {name: shutil.which(name, path=folders) for name in PROGRAMS}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        packages = " ".join(PROGRAMS[name] for name in missing)
        raise MeasurementImpossible(
            f"{' and '.join(missing)} is missing; on Debian or Ubuntu: apt-get install {packages}"
        )
    return Programs(nginx=found["nginx"] or "", wrk=found["wrk"] or "")


def require_cores() -> None:
    """Raises MeasurementImpossible unless gateway and load can have a core each."""
    cores = os.sched_getaffinity(0)
    if not {GATEWAY_CORE, LOAD_CORE} <= cores:
        raise MeasurementImpossible(
            f"cores {GATEWAY_CORE} and {LOAD_CORE} are needed; this process has {sorted(cores)}"
        )


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def facts(folder: Path) -> dict[str, str]:
    """What a reader must know to judge figures; `folder` is where the journal was written."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2**20} MiB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "journal on": _file_system(folder),
        "load at the start": " ".join(f"{each:.2f}" for each in os.getloadavg()),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _file_system(folder: Path) -> str:
    """The type of the file system that holds a folder: a journal on tmpfs is no journal on disk."""
    best = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind = line.split()[:3]
        if folder.resolve().is_relative_to(where) and len(where) > len(best[0]):
            best = (where, kind)
    return best[1]
