"""The operator's own code: what the configuration may name, and how what cannot be used is refused."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from smart_ai_router.app.extensions import (
    accept_extensions,
    make_monitor,
    make_tracker,
    monitor_class,
    notifiers_of,
    tracker_class,
)
from smart_ai_router.config.loading import Loaded, load_settings
from smart_ai_router.config.problems import ConfigurationInvalid
from smart_ai_router.core.alerting import AlertOutbox
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.core.utils.usage_tracker import UsageTracker
from tests.core.alert_samples import SetClock, alert

MODULE = """
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.core.utils.usage_tracker import UsageTracker

class Loud(ChannelMonitor):
    pass

class Narrow(ChannelMonitor):
    def __init__(self):
        super().__init__()

class Teams(UsageTracker):
    def dimensions(self, record):
        return {"team": "one"}

class Shout:
    name = "shout"
    per_minute_max = 7
    told = []
    def __init__(self, prefix=""):
        self.prefix = prefix
    def notify(self, alert):
        self.told.append(self.prefix + alert.alert_type)

class Mute:
    pass

def no(**options):
    raise RuntimeError("not today")

number = 5
"""


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[Path]:
    """A folder with modules of the operator's own."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own_code_of_a_test.py").write_text(MODULE)
    (folder / "broken_code_of_a_test.py").write_text("1 / 0")
    path, known = list(sys.path), set(sys.modules)
    yield folder
    sys.path[:] = path
    for name in set(sys.modules) - known:
        if name.endswith("_code_of_a_test"):
            del sys.modules[name]


def loaded(folder: Path, **sections: Mapping[str, object]) -> Loaded:
    file = folder / "router.yaml"
    extensions = {"path": str(folder), **sections.pop("extensions", {})}
    file.write_text(json.dumps({"extensions": extensions, **sections}))
    return load_settings(file, {})


def with_notifier(folder: Path, **entry: object) -> Loaded:
    return loaded(folder, monitoring={"alerts": {"notifiers": [{"type": "custom", **entry}]}})


def test_without_any_the_router_uses_its_own(tmp_path: Path) -> None:
    settings = loaded(tmp_path).settings
    assert (monitor_class(settings), tracker_class(settings)) == (ChannelMonitor, UsageTracker)
    assert [getattr(each, "name", "") for each in notifiers_of(settings)] == ["console"]


def test_m1_67_a_monitor_of_ones_own_takes_the_place_of_ours(modules: Path) -> None:
    own = accept_extensions(loaded(modules, extensions={"monitor": "own_code_of_a_test:Loud"}))
    monitor = make_monitor(own, modules / "logs" / "channel_alerts.jsonl", AlertOutbox([], clock=SetClock()))
    assert type(monitor).__name__ == "Loud"
    assert monitor.max_errors_before_alert == 3


def test_m1_72_a_tracker_of_ones_own_brings_its_dimensions(modules: Path) -> None:
    own = loaded(
        modules, extensions={"tracker": "own_code_of_a_test:Teams"}, journal={"logs_dir": str(modules / "logs")}
    )
    assert make_tracker(own).dimensions(None) == {"team": "one"}  # type: ignore[arg-type]


def test_m1_70_a_notifier_of_ones_own_is_made_with_its_options_and_named(modules: Path) -> None:
    entry = {"name": "queue", "factory": "own_code_of_a_test:Shout", "options": {"prefix": "!"}}
    own, console = notifiers_of(accept_extensions(with_notifier(modules, **entry)).settings)
    own.notify(alert())
    assert (getattr(own, "name", ""), getattr(own, "per_minute_max", 0)) == ("queue", 7)
    assert sys.modules["own_code_of_a_test"].Shout.told == ["!quota_exhausted"]
    assert getattr(console, "name", "") == "console"


def test_the_folder_of_own_modules_takes_nothings_place(modules: Path) -> None:
    (modules / "json.py").write_text("raise RuntimeError('shadowed')")
    accept_extensions(loaded(modules, extensions={"monitor": "own_code_of_a_test:Loud"}))
    assert sys.path[-1] == str(modules)


REFUSED: Mapping[str, tuple[dict[str, object], str]] = {
    "no module": ({"monitor": "nothing_code_of_a_test:Loud"}, "No module named 'nothing_code_of_a_test'"),
    "no class": ({"monitor": "own_code_of_a_test:Nobody"}, "has no Nobody"),
    "another class": ({"monitor": "own_code_of_a_test:Teams"}, "is not a subclass of ChannelMonitor"),
    "no class at all": ({"tracker": "own_code_of_a_test:number"}, "is not a subclass of UsageTracker"),
    "a module that fails": ({"tracker": "broken_code_of_a_test:X"}, "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_code_that_cannot_be_used_is_refused_with_its_place_and_reason(modules: Path, case: str) -> None:
    extensions, words = REFUSED[case]
    with pytest.raises(ConfigurationInvalid) as caught:
        accept_extensions(loaded(modules, extensions=extensions))
    (problem,) = caught.value.problems
    assert problem.key == f"extensions.{next(iter(extensions))}"
    assert "router.yaml:1:" in problem.where
    assert words in problem.message


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        ("own_code_of_a_test:no", "RuntimeError: not today"),
        ("own_code_of_a_test:number", "is neither a class nor a function"),
        ("own_code_of_a_test:Mute", "has no method notify"),
    ],
)
def test_a_notifier_that_cannot_be_made_is_refused(modules: Path, factory: str, words: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        accept_extensions(with_notifier(modules, factory=factory))
    (problem,) = caught.value.problems
    assert problem.key == "monitoring.alerts.notifiers[0].factory"
    assert words in problem.message


def test_a_monitor_that_cannot_be_made_as_ours_is_refused(modules: Path) -> None:
    own = accept_extensions(loaded(modules, extensions={"monitor": "own_code_of_a_test:Narrow"}))
    with pytest.raises(ConfigurationInvalid, match="TypeError"):
        make_monitor(own, modules / "alerts.jsonl", AlertOutbox([], clock=SetClock()))


def test_everything_that_is_wrong_is_said_at_once(modules: Path) -> None:
    both = {"monitor": "own_code_of_a_test:Nobody", "tracker": "own_code_of_a_test:Nobody"}
    with pytest.raises(ConfigurationInvalid) as caught:
        accept_extensions(loaded(modules, extensions=both))
    assert [problem.key for problem in caught.value.problems] == ["extensions.monitor", "extensions.tracker"]


@pytest.mark.parametrize("named", ["own", "own:", ":Class", "own.py:Class!", "own: Class", "1own:Class"])
def test_what_is_not_module_and_name_is_no_value(tmp_path: Path, named: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="takes module:name"):
        loaded(tmp_path, extensions={"monitor": named})


def test_a_custom_notifier_needs_its_factory(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="custom needs it"):
        with_notifier(tmp_path)
