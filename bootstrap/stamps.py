"""Is the environment, or the console's build, what the files beside main.py ask for?

Every start asks this, so this module and `start.py` import almost nothing: pathlib, subprocess and typing alone would
cost more than the whole answer. The slow work is done by `python -m bootstrap`.
"""

from __future__ import annotations

import hashlib
import os

NOT_SOURCES = frozenset(("node_modules", "dist", ".vite", "coverage", "tests"))


def environment_is_current(folder: str, lock: str) -> bool:
    """True when the stamp in the folder is this lock and the interpreter that is now behind the folder."""
    return wanted_stamp(folder, lock) == _read(os.path.join(folder, "stamp"))


def wanted_stamp(folder: str, lock: str) -> bytes:
    """What the stamp must say: the interpreter (an upgraded or removed Python changes it) and the lock itself."""
    interpreter = os.path.realpath(os.path.join(folder, "bin", "python"))
    return interpreter.encode() + b"\n" + (_read(lock) or b"no lock")


def console_is_fresh(sources: str, built: str) -> bool:
    """True when there is nothing to build, or the build was made from the sources as they are now."""
    if not os.path.exists(os.path.join(sources, "package.json")):
        return True
    return _read(os.path.join(built, "SOURCE_HASH")) == source_hash(sources).encode()


def source_hash(sources: str) -> str:
    """One hash over the names and contents of all console sources."""
    total = hashlib.sha256()
    for path in sorted(_source_files(sources)):
        content = hashlib.sha256(_read(path) or b"").hexdigest()
        total.update(f"{os.path.relpath(path, sources)} {content}\n".encode())
    return total.hexdigest()


def _source_files(sources: str) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(sources):
        folders[:] = [name for name in folders if name not in NOT_SOURCES]
        found += [os.path.join(folder, name) for name in names]
    return found


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
