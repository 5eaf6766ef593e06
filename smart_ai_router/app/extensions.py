"""The operator's own code: classes that the configuration names, loaded and checked before anything depends on them.

What is named in the file is trusted as the program itself is: it runs in the control plane and in the command line,
never in a gateway worker. Whatever is wrong with it is a problem of the configuration, with its file, line and key.
"""

import importlib
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from smart_ai_router.adapters.notifiers.apprise_sink import NotifierUnavailable
from smart_ai_router.adapters.notifiers.settings import NotifierSettingsInvalid, notifiers_from
from smart_ai_router.config.loading import Loaded
from smart_ai_router.config.policies import alert_rules, notifier_entries
from smart_ai_router.config.problems import ConfigurationInvalid, Problem, problem_at
from smart_ai_router.config.settings import Settings
from smart_ai_router.config.tree import DEFAULT_ORIGIN
from smart_ai_router.core.alerting import AlertOutbox, Notifier
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.core.utils.usage_tracker import UsageTracker
from smart_ai_router.domain.alerts import Alert

_NOTIFIERS = "monitoring.alerts.notifiers"

Own = TypeVar("Own")


class ExtensionUnusable(Exception):
    """Code that the configuration names and that cannot be used; `key` is the setting that names it."""

    def __init__(self, key: str, named: str, message: str) -> None:
        super().__init__(f"{key} = {named}: {message}")
        self.key = key
        self.named = named
        self.message = message


@dataclass(frozen=True, slots=True)
class NamedNotifier:
    """A notifier under the name that the configuration gives it."""

    notifier: Notifier
    name: str
    per_minute_max: int

    def notify(self, alert: Alert) -> None:
        self.notifier.notify(alert)


def accept_extensions(loaded: Loaded) -> Loaded:
    """The same settings, when everything that they name can be used; raises ConfigurationInvalid."""
    settings = loaded.settings
    problems = []
    loads: tuple[Callable[[Settings], object], ...] = (monitor_class, tracker_class, notifiers_of)
    for load in loads:
        try:
            load(settings)
        except ExtensionUnusable as error:
            problems.append(_problem(loaded, error))
    if problems:
        raise ConfigurationInvalid(problems)
    return loaded


def monitor_class(settings: Settings) -> type[ChannelMonitor]:
    """The channel monitor that the settings name, or ours; raises ExtensionUnusable."""
    return _subclass(settings, "extensions.monitor", settings.extensions.monitor, ChannelMonitor)


def tracker_class(settings: Settings) -> type[UsageTracker]:
    """The usage tracker that the settings name, or ours; raises ExtensionUnusable."""
    return _subclass(settings, "extensions.tracker", settings.extensions.tracker, UsageTracker)


def notifiers_of(settings: Settings) -> list[Notifier]:
    """The configured notifiers; the console always hears of alerts. Raises ExtensionUnusable."""
    entries = notifier_entries(settings)
    places = [place for place, notifier in enumerate(settings.monitoring.alerts.notifiers) if notifier.enabled]
    if not any(entry["type"] == "console" for entry in entries):
        entries.append({"type": "console"})
        places.append(len(places))
    notifiers: list[Notifier] = []
    for place, entry in zip(places, entries, strict=True):
        key = f"{_NOTIFIERS}[{place}]"
        if entry["type"] == "custom":
            notifiers.append(_own_notifier(settings, f"{key}.factory", entry))
            continue
        try:
            notifiers += notifiers_from([entry], trusted=True)
        except (NotifierSettingsInvalid, NotifierUnavailable) as error:
            raise ExtensionUnusable(key, str(entry["type"]), str(error)) from error
    return notifiers


def make_tracker(loaded: Loaded) -> UsageTracker:
    """A tracker over the journal that the settings name. Raises ConfigurationInvalid when the operator's own is bad."""
    settings, system = loaded.settings, loaded.settings.system
    logs_dir, key, named = settings.journal.logs_dir, "extensions.tracker", settings.extensions.tracker
    try:
        made = tracker_class(settings)
        if named is None:
            return made(logs_dir, time_zone=system.time_zone, currency=system.currency)
        return _guarded(key, named, lambda: made(logs_dir, time_zone=system.time_zone, currency=system.currency))
    except ExtensionUnusable as error:
        raise ConfigurationInvalid([_problem(loaded, error)]) from error


def make_monitor(loaded: Loaded, alerts_file: Path, outbox: AlertOutbox) -> ChannelMonitor:
    """The monitor of the router. Raises ConfigurationInvalid when the operator's own cannot be made as ours is."""
    settings = loaded.settings
    try:
        made = monitor_class(settings)
        key, named = "extensions.monitor", settings.extensions.monitor
        rules = alert_rules(settings)
        if named is None:
            return made(alerts_file, outbox=outbox, rules=rules, clock=time.time)
        return _guarded(key, named, lambda: made(alerts_file, outbox=outbox, rules=rules, clock=time.time))
    except ExtensionUnusable as error:
        raise ConfigurationInvalid([_problem(loaded, error)]) from error


def _own_notifier(settings: Settings, key: str, entry: Mapping[str, object]) -> Notifier:
    named = str(entry["factory"])
    factory = _loaded(settings, key, named)
    if not callable(factory):
        raise ExtensionUnusable(key, named, "is neither a class nor a function")
    options = entry.get("options", ())
    assert isinstance(options, tuple)
    notifier = _guarded(key, named, lambda: factory(**dict(options)))
    if not callable(getattr(notifier, "notify", None)):
        raise ExtensionUnusable(key, named, "gives something that has no method notify(alert)")
    name = str(entry.get("name") or getattr(notifier, "name", "custom"))
    return NamedNotifier(notifier, name, int(getattr(notifier, "per_minute_max", 60)))


def _subclass(settings: Settings, key: str, named: str | None, ours: type[Own]) -> type[Own]:
    if named is None:
        return ours
    found = _loaded(settings, key, named)
    if not (isinstance(found, type) and issubclass(found, ours)):
        raise ExtensionUnusable(key, named, f"is not a subclass of {ours.__name__}")
    return found


def _loaded(settings: Settings, key: str, named: str) -> object:
    """What `module:name` means."""
    path = settings.extensions.path
    if path is not None and str(Path(path).resolve()) not in sys.path:
        sys.path.append(str(Path(path).resolve()))  # last: it takes nothing's place
    module_name, _, name = named.partition(":")
    module = _guarded(key, named, lambda: importlib.import_module(module_name))
    if not hasattr(module, name):
        raise ExtensionUnusable(key, named, f"the module {module_name} has no {name}")
    return getattr(module, name)


def _guarded(key: str, named: str, run: Callable[[], Own]) -> Own:
    """Run the operator's code: whatever it raises is why it cannot be used."""
    try:
        return run()
    except (Exception, SystemExit) as error:
        raise ExtensionUnusable(key, named, f"cannot be loaded: {type(error).__name__}: {error}") from error


def _problem(loaded: Loaded, error: ExtensionUnusable) -> Problem:
    key = error.key
    origin = loaded.origins.get(key) or loaded.origins.get(f"{key}.type") or DEFAULT_ORIGIN
    hint = "set extensions.path to the directory of your modules" if "No module named" in error.message else ""
    return problem_at(origin, key, error.message, error.named, hint)
