"""The configuration in force and the snapshot made of it; a bad new file changes nothing."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from smart_ai_router.adapters.local_servers import probe_local_server
from smart_ai_router.adapters.secrets import SnapshotFile, encode_snapshot
from smart_ai_router.app.administration import with_rest_of_book
from smart_ai_router.config.channels import BuiltChannels, build_channels
from smart_ai_router.config.explain import explain
from smart_ai_router.config.loading import Loaded, load_document, load_settings
from smart_ai_router.config.price_book import read_price_book
from smart_ai_router.config.problems import ConfigurationInvalid
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.snapshot import build_snapshot
from smart_ai_router.config.watching import ConfigWatcher, Refused, Reloaded
from smart_ai_router.core.admission import Keyring
from smart_ai_router.core.snapshot import Snapshot, StoreState
from smart_ai_router.domain.pricing import PriceVersion

LAST_GOOD = "config.last-good.yaml"

_logger = logging.getLogger(__name__)


def load_or_last_good(
    path: Path | None, data_dir: Path, environ: Mapping[str, str], overrides: Mapping[str, str]
) -> Loaded:
    """The settings of the file; if it has become bad since the last start, those it had then, loudly."""
    kept = data_dir / LAST_GOOD
    try:
        loaded = load_settings(path, environ, overrides)
    except ConfigurationInvalid as error:
        if path is None or not kept.exists():
            raise
        _logger.error("%s\nthe configuration that was last in force stays in force", error)
        return load_document(kept.read_bytes(), path, environ, overrides)
    keep_as_good(loaded, data_dir)
    return loaded


def keep_as_good(loaded: Loaded, data_dir: Path) -> None:
    """Remember the file as it is now; it may hold keys, so nobody else may read the copy."""
    if loaded.path is None:
        return
    draft = data_dir / f"{LAST_GOOD}.new"
    draft.touch(mode=0o600)
    draft.write_bytes(loaded.path.read_bytes())
    draft.replace(data_dir / LAST_GOOD)


def _as_it_is(loaded: Loaded) -> Loaded:
    return loaded


def _nothing_else(_settings: Settings) -> None:
    """Nobody else follows the settings."""


class Configuration:
    """Holds what is in force; `publish` gets every new snapshot, encoded."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        environ: Mapping[str, str],
        overrides: Mapping[str, str],
        data_dir: Path,
        state: Callable[[], StoreState],
        publish: Callable[[bytes], None],
        restrict: Callable[[Snapshot], Snapshot],
        accept: Callable[[Loaded], Loaded] = _as_it_is,
        follow: Callable[[Settings], None] = _nothing_else,
    ) -> None:
        """`accept` may refuse a new file with ConfigurationInvalid; `follow` hears of each that has been taken."""
        self._environ = environ
        self._data_dir = data_dir
        self._state = state
        self._publish = publish
        self._restrict = restrict
        self._follow = follow
        self._file = SnapshotFile(data_dir)
        self._book = read_price_book()
        self._lock = threading.Lock()  # the API's worker threads and the watcher both reload
        self._loaded = loaded
        self._watcher = None
        if loaded.path is not None:
            path = loaded.path
            self._watcher = ConfigWatcher(
                path, loaded, lambda data: accept(load_document(data, path, environ, overrides))
            )
        self._last_problems: tuple[str, ...] = ()
        self._built = self._build_channels()
        self.snapshot = self._make_snapshot()

    @property
    def settings(self) -> Settings:
        return self._loaded.settings

    @property
    def built(self) -> BuiltChannels:
        """Providers and channels of the settings in force."""
        return self._built

    @property
    def refused_file_problems(self) -> tuple[str, ...]:
        """What is wrong with the file as it is now; nothing when it is in force."""
        return self._last_problems

    @property
    def prices(self) -> tuple[PriceVersion, ...]:
        """All prices that are known: those in force here, and the book's lists of providers that are not used."""
        return with_rest_of_book(self.snapshot.prices, self._book)

    @property
    def encoded(self) -> bytes:
        return encode_snapshot(self.snapshot)

    def refresh(self) -> None:
        """The store's part changed (keys, users, prices, what is disabled): make and publish a new snapshot."""
        with self._lock:
            self.snapshot = self._make_snapshot()
            self._publish(self.encoded)

    def check(self) -> Reloaded | Refused | None:
        """Look at the file once; take it if it is new and good."""
        with self._lock:
            found = None if self._watcher is None else self._watcher.check(time.time())
            if isinstance(found, Refused):
                self._last_problems = tuple(str(problem) for problem in found.error.problems)
                _logger.error("%s\nthe configuration in force stays", found.error)
            elif isinstance(found, Reloaded):
                self._take(found)
            return found

    def status(self) -> dict[str, object]:
        """What is in force and where each value came from; secrets are masked."""
        return {
            "file": None if self._loaded.path is None else str(self._loaded.path),
            "digest": self._loaded.digest,
            "snapshot_version": self.snapshot.version,
            "providers": len(self.snapshot.providers),
            "channels": len(self.snapshot.channels),
            "settings": {
                each.name: {"value": each.value, "origin": str(each.origin)} for each in explain(self._loaded)
            },
            "notices": [*(str(notice) for notice in self._loaded.notices), *self.snapshot.notes],
            "refused_file_problems": list(self._last_problems),
        }

    def _take(self, found: Reloaded) -> None:
        self._loaded = found.loaded
        self._last_problems = ()
        keep_as_good(found.loaded, self._data_dir)
        self._built = self._build_channels()
        self.snapshot = self._make_snapshot()
        self._publish(self.encoded)
        self._follow(found.loaded.settings)
        names = ", ".join(change.name for change in found.changes) or "nothing of effect"
        _logger.info("the configuration was read again; changed: %s", names)
        if found.restart:
            _logger.warning("these changes take effect at the next start: %s", ", ".join(found.restart))

    def _build_channels(self) -> BuiltChannels:
        return build_channels(self._loaded.settings, self._environ, probe_local_server)

    def _make_snapshot(self) -> Snapshot:
        now = time.time()
        previous = self.snapshot.version if hasattr(self, "snapshot") else 0
        version = max(previous + 1, int(now * 1000))  # grows over restarts too
        snapshot = build_snapshot(
            self._loaded.settings, self._built, self._book, self._state(), version=version, now=now
        )
        snapshot = self._restrict(snapshot)
        self._file.save(encode_snapshot(snapshot))
        self.keyring = Keyring(snapshot)
        return snapshot
