"""What a tree of processes has used: CPU from the scheduler's own books, memory from the kernel's maps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in use. Pss counts a page shared by n processes as its n-th part; it excludes kernel socket buffers."""

    pss: int
    rss: int


def tree(pid: int) -> tuple[int, ...]:
    """A process and all its descendants, as they are now."""
    found = [pid]
    for each in found:
        for task in (_PROC / str(each) / "task").iterdir():
            found.extend(int(child) for child in (task / "children").read_text().split())
    return tuple(found)


def cpu_us(pid: int) -> float:
    """Run time of every thread of a tree, in microseconds, user and kernel together."""
    total_ns = 0
    for each in tree(pid):
        for task in (_PROC / str(each) / "task").iterdir():
            total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1000


def memory(pid: int) -> Memory:
    """Memory of a tree."""
    pss = rss = 0
    for each in tree(pid):
        for line in (_PROC / str(each) / "smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Pss":
                pss += int(rest.split()[0]) * KIB
            elif name == "Rss":
                rss += int(rest.split()[0]) * KIB
    return Memory(pss, rss)


def listens(pid: int, port: int) -> bool:
    """True when a process of the tree holds the socket that listens on a loopback port."""
    inodes = _listening_inodes(port)
    for each in tree(pid):
        for descriptor in (_PROC / str(each) / "fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except FileNotFoundError:
                continue  # closed since the folder was read
            if target.startswith("socket:[") and target[8:-1] in inodes:
                return True
    return False


def _listening_inodes(port: int) -> frozenset[str]:
    found = set()
    for line in (_PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
            found.add(fields[9])
    return frozenset(found)
