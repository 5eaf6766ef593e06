"""A changed file takes effect when it is whole and good; a bad one changes nothing."""

import os
from pathlib import Path

import pytest

from smart_ai_router.config.loading import Loaded, load_document, load_settings
from smart_ai_router.config.watching import ConfigWatcher, Refused, Reloaded

START = 1_800_000_000.0


class Watched:
    """A file under watch, a step of the clock a look."""

    def __init__(self, path: Path, text: str | None) -> None:
        self.path = path
        self.now = START
        self.loads: list[bytes] = []
        if text is not None:
            self.write(text)
        loaded = load_settings(path if text is not None else None, {})
        self.watcher = ConfigWatcher(path, loaded, self.load)

    def load(self, data: bytes) -> Loaded:
        self.loads.append(data)
        return load_document(data, self.path, {})

    def write(self, text: str, at: float | None = None) -> None:
        self.path.write_text(text)
        moment = int((self.now if at is None else at) * 1e9)
        os.utime(self.path, ns=(moment, moment))

    def look(self) -> Reloaded | Refused | None:
        self.now += 1
        return self.watcher.check(self.now)

    def looks(self, count: int) -> list[Reloaded | Refused]:
        return [found for found in (self.look() for _ in range(count)) if found is not None]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "router_config.yaml", "server: {port: 1}\n")


def test_an_untouched_file_is_nothing_new(watched: Watched):
    assert watched.looks(5) == []
    assert watched.loads == []


def test_a_changed_file_is_taken_when_two_looks_found_it_the_same(watched: Watched):
    watched.write("server: {port: 2}\nrouting: {max_retry_attempts: 5}\n")

    assert watched.look() is None
    found = watched.look()

    assert isinstance(found, Reloaded)
    assert found.loaded.settings.server.port == 2
    assert [change.name for change in found.changes] == ["server.port", "routing.max_retry_attempts"]
    assert found.restart == ("server.port",)
    assert watched.watcher.current is found.loaded
    assert watched.looks(3) == []


def test_a_file_that_is_still_being_written_is_not_taken(watched: Watched):
    whole = "server: {port: 2}\nchannels: [{provider: openai}]\n"
    for length in (5, 18, 30, len(whole)):
        watched.write(whole[:length])
        assert watched.look() is None

    found = watched.look()

    assert isinstance(found, Reloaded)
    assert found.loaded.settings.channels[0].provider == "openai"
    assert watched.loads == [whole.encode()]


def test_a_bad_file_is_refused_once_and_the_old_settings_stay(watched: Watched):
    watched.write("server: {prot: 2}\n")

    (refused,) = watched.looks(6)

    assert isinstance(refused, Refused)
    assert "server.prot" in str(refused.error)
    assert watched.watcher.current.settings.server.port == 1


def test_a_bad_file_that_is_mended_is_taken(watched: Watched):
    watched.write("server: {port: nine}\n")
    watched.looks(3)
    watched.write("server: {port: 9}\n")

    (found,) = watched.looks(3)

    assert isinstance(found, Reloaded)
    assert found.loaded.settings.server.port == 9


def test_a_bad_file_that_is_put_back_as_it_was_is_taken_again(watched: Watched):
    watched.write("server: {port: nine}\n")
    watched.looks(3)
    watched.write("server: {port: 1}\n")

    (found,) = watched.looks(3)

    assert isinstance(found, Reloaded)
    assert found.changes == ()


def test_a_touched_file_with_the_same_content_is_nothing_new(watched: Watched):
    watched.looks(5)
    watched.write("server: {port: 1}\n", at=watched.now + 50)

    assert watched.looks(5) == []
    assert watched.loads == []


def test_a_second_change_behind_the_same_time_and_size_is_seen(watched: Watched):
    moment = watched.now + 1.5
    watched.write("server: {port: 2}\n", at=moment)
    watched.looks(2)
    watched.write("server: {port: 3}\n", at=moment)

    (found,) = watched.looks(3)

    assert isinstance(found, Reloaded)
    assert found.loaded.settings.server.port == 3


def test_a_file_that_was_not_touched_for_long_is_not_read_again(watched: Watched, monkeypatch: pytest.MonkeyPatch):
    watched.looks(5)
    opened: list[str] = []
    original = Path.open

    def counting(self: Path, *arguments: object, **options: object) -> object:
        opened.append(str(self))
        return original(self, *arguments, **options)  # type: ignore[arg-type, call-overload]

    monkeypatch.setattr(Path, "open", counting)

    assert watched.looks(20) == []
    assert opened == []


def test_a_replaced_file_is_seen_even_when_time_and_size_agree(watched: Watched):
    watched.looks(5)
    moment = watched.path.stat().st_mtime_ns
    other = watched.path.with_suffix(".new")
    other.write_text("server: {port: 5}\n")
    os.utime(other, ns=(moment, moment))
    other.replace(watched.path)

    (found,) = watched.looks(4)

    assert isinstance(found, Reloaded)
    assert found.loaded.settings.server.port == 5


def test_a_file_that_is_gone_is_told_once_and_taken_when_it_is_back(watched: Watched):
    watched.path.unlink()

    (refused,) = watched.looks(5)
    watched.write("server: {port: 6}\n")
    (found,) = watched.looks(5)

    assert isinstance(refused, Refused)
    assert "the file is gone" in str(refused.error)
    assert isinstance(found, Reloaded)
    assert found.loaded.settings.server.port == 6


def test_a_file_that_appears_after_a_start_without_one_is_taken(tmp_path: Path):
    watched = Watched(tmp_path / "router_config.yaml", None)
    assert watched.looks(3) == []

    watched.write("server: {port: 7}\n")
    (found,) = watched.looks(3)

    assert isinstance(found, Reloaded)
    assert found.loaded.settings.server.port == 7


def test_a_file_that_changed_between_reading_and_watching_is_seen(tmp_path: Path):
    path = tmp_path / "router_config.yaml"
    path.write_text("server: {port: 1}\n")
    loaded = load_settings(path, {})
    path.write_text("server: {port: 2}\n")
    watcher = ConfigWatcher(path, loaded, lambda data: load_document(data, path, {}))

    found = [watcher.check(START + second) for second in range(3)]

    assert isinstance(found[1], Reloaded)


def test_a_file_that_cannot_be_read_is_refused(watched: Watched):
    watched.path.unlink()
    watched.path.mkdir()

    (refused,) = watched.looks(4)

    assert isinstance(refused, Refused)
    assert watched.watcher.current.settings.server.port == 1
