"""The journals of several hosts, read as one: for the proof of books that all of them post into."""

from collections.abc import Mapping

from smart_ai_router.core.journal_source import JournalEnd, JournalFiles, JournalSource, LineStream

_SEPARATOR = ":"


class SeveralJournals:
    """Implements `JournalFiles` over one for each host. A source's path begins with its host."""

    def __init__(self, journals: Mapping[str, JournalFiles]) -> None:
        self._journals = journals

    def sources(self) -> list[JournalSource]:
        """See `JournalFiles`."""
        found = [_of_host(host, source) for host, journal in self._journals.items() for source in journal.sources()]
        return sorted(found, key=lambda source: source.name)

    def end(self) -> JournalEnd:
        """See `JournalFiles`."""
        files = [_of_host(host, source) for host, each in self._journals.items() for source in each.end().files]
        return JournalEnd(tuple(files))

    def open(self, source: JournalSource, offset: int, crc32: int, stop: int | None = None) -> LineStream:
        """See `JournalFiles`."""
        journal, own = self._found(source)
        return journal.open(own, offset, crc32, stop)

    def crc32_of(self, source: JournalSource, length: int) -> int | None:
        """See `JournalFiles`."""
        journal, own = self._found(source)
        return journal.crc32_of(own, length)

    def archive_seal(self, source: JournalSource) -> tuple[int, int] | None:
        """See `JournalFiles`."""
        journal, own = self._found(source)
        return journal.archive_seal(own)

    def read_at(self, source: JournalSource, offset: int, length: int) -> bytes:
        """See `JournalFiles`."""
        journal, own = self._found(source)
        return journal.read_at(own, offset, length)

    def _found(self, source: JournalSource) -> tuple[JournalFiles, JournalSource]:
        host, _, path = source.path.partition(_SEPARATOR)
        return self._journals[host], source._replace(path=path)


def _of_host(host: str, source: JournalSource) -> JournalSource:
    return source._replace(path=f"{host}{_SEPARATOR}{source.path}")
