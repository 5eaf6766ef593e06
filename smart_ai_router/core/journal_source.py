"""The door to the journal's files: what the bookkeeper needs in order to read them."""

from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

LINE_BYTES_MAX: Final = 1024 * 1024  # several hundred times our longest line; a longer one is nobody's record


class JournalSource(NamedTuple):
    """One file with usage records, as it stands now."""

    name: str  # usage_YYYYMMDD.jsonl, also for its archives
    path: str  # below the logs directory: usage_20260101.jsonl, archive/usage_20260101.jsonl.gz
    inode: int
    size: int  # bytes on the disk
    is_archive: bool


@dataclass(frozen=True, slots=True)
class JournalEnd:
    """Where the live files of the journal end at one moment."""

    files: tuple[JournalSource, ...]


class TooLong(NamedTuple):
    """A line beyond the limit: only its length is known."""

    length: int


class LineBatch(NamedTuple):
    """Some whole lines, without their newlines."""

    start: int  # offset of the first
    lines: list[bytes | TooLong]
    end: int  # offset behind the last one's newline
    crc32: int  # of everything before `end`


class LineStream(Protocol):
    """A file being read on."""

    def next_batch(self, lines_max: int) -> LineBatch | None:
        """Some lines, or None at the end of what there is. Raises ArchiveDamaged."""

    @property
    def rest(self) -> bytes | TooLong:
        """After the end: what stands behind the last newline."""

    @property
    def rest_crc32(self) -> int:
        """The crc of everything, the rest included."""

    def close(self) -> None: ...


class SourceGone(OSError):
    """The file was moved, replaced or cut while it was looked at; look again."""


class ArchiveDamaged(OSError):
    """An archive that cannot be unpacked to its end."""


class JournalFiles(Protocol):
    """The files of one journal. Every method but `end` and `sources` raises SourceGone and ArchiveDamaged."""

    def sources(self) -> list[JournalSource]:
        """All files, oldest day first, archives before the live file."""

    def end(self) -> JournalEnd:
        """The live files' sizes. Cheap: no file is opened."""

    def open(self, source: JournalSource, offset: int, crc32: int, stop: int | None = None) -> LineStream:
        """Read on behind `offset` (of the uncompressed bytes, whose crc is `crc32`), at most to `stop`."""

    def crc32_of(self, source: JournalSource, length: int) -> int | None:
        """The crc of the first bytes; None when there are fewer."""

    def archive_seal(self, source: JournalSource) -> tuple[int, int] | None:
        """The crc and the size (modulo 2^32) that an archive states of its content; None when it states none."""

    def read_at(self, source: JournalSource, offset: int, length: int) -> bytes:
        """Some bytes of the (uncompressed) content; fewer at its end."""
