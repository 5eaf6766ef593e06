"""Noticing that the configuration file changed, and taking only what is whole and good.

Theory of operation. `check()` is called about once a second. It looks at the file's time, size and inode, and reads
the content only when these differ, or when the last change was so young when it was read that a second one could hide
behind the same time. New content is taken when two looks in a row found it the same: an editor that is still writing
has left half a file behind, and half a file can be good YAML. What is refused is reported once; the settings in force
stay until the file changes again and is good.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from smart_ai_router.config.explain import Change, changes
from smart_ai_router.config.loading import Loaded, read_file
from smart_ai_router.config.problems import ConfigurationInvalid, problem_at
from smart_ai_router.config.tree import Origin

SETTLED_NS: Final = 2_000_000_000  # file systems keep times no coarser than 2 s (FAT)
_GONE: Final = "gone"
_UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells one content of a file from another."""

    mtime_ns: int
    size: int
    inode: int
    digest: str  # SHA-256 of the content, or a word for having none
    read_at_ns: int


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A new configuration that is good, and in force now."""

    loaded: Loaded
    changes: tuple[Change, ...]

    @property
    def restart(self) -> tuple[str, ...]:
        """The changed settings that take effect at the next start only."""
        return tuple(change.name for change in self.changes if change.restart)


@dataclass(frozen=True, slots=True)
class Refused:
    """A new file that cannot be used; the settings in force stay."""

    error: ConfigurationInvalid


class ConfigWatcher:
    """Watches one file, from one thread."""

    def __init__(self, path: Path, current: Loaded, load: Callable[[bytes], Loaded]) -> None:
        """`load` makes settings of the file's content or raises ConfigurationInvalid; see `load_document`.

        The file need not be there: `current` was then made without one, and the file is taken when it appears.
        """
        self._path = path
        self._load = load
        self._current = current
        self._settled_on = FileStamp(0, 0, 0, current.digest or _GONE, 0)
        self._pending: FileStamp | None = None

    @property
    def current(self) -> Loaded:
        """The settings in force."""
        return self._current

    def check(self, now: float) -> Reloaded | Refused | None:
        """Look once, at `now` (seconds since 1970); None when there is nothing new to take yet."""
        stamp = self._look(now)
        if stamp.digest == self._settled_on.digest:
            self._settled_on, self._pending = stamp, None
            return None
        if self._pending is None or stamp.digest != self._pending.digest:
            self._pending = stamp
            return None
        return self._take(stamp)

    def _take(self, stamp: FileStamp) -> Reloaded | Refused | None:
        try:
            if stamp.digest == _GONE:
                raise ConfigurationInvalid([problem_at(Origin("file", str(self._path)), "", "the file is gone")])
            data = read_file(self._path)
            if sha256(data).hexdigest() != stamp.digest:
                return None  # it moved on while we looked; the next look sees it
            loaded = self._load(data)
        except ConfigurationInvalid as error:
            self._settled_on, self._pending = stamp, None
            return Refused(error)
        self._settled_on, self._pending = stamp, None
        found = changes(self._current.settings, loaded.settings)
        self._current = loaded
        return Reloaded(loaded, found)

    def _look(self, now: float) -> FileStamp:
        """The file as it is; without reading it when it cannot have changed since it was read."""
        try:
            status = self._path.stat()
        except OSError:
            return FileStamp(0, 0, 0, _GONE, 0)
        known = self._pending or self._settled_on
        place = (status.st_mtime_ns, status.st_size, status.st_ino)
        is_same = (known.mtime_ns, known.size, known.inode) == place
        if is_same and known.read_at_ns - known.mtime_ns > SETTLED_NS:
            return known
        try:
            digest = sha256(read_file(self._path)).hexdigest()
        except ConfigurationInvalid:
            digest = _UNREADABLE
        return FileStamp(*place, digest, int(now * 1e9))
