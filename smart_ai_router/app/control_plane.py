"""The control plane of one host: books, statistics, alerts, configuration, from start to closed."""

import asyncio
import contextlib
import logging
import os
import platform
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import uvicorn
import uvloop
from starlette.types import ASGIApp

from smart_ai_router import __version__
from smart_ai_router.adapters.launch import StartOptions
from smart_ai_router.adapters.link import LinkServer
from smart_ai_router.adapters.processes import SupervisorLink
from smart_ai_router.adapters.secrets import admin_token
from smart_ai_router.api.admin_access import admin_access
from smart_ai_router.api.billing.services import BillingServices
from smart_ai_router.api.control import create_control_app
from smart_ai_router.api.control_services import ControlServices, ReloadOutcome
from smart_ai_router.app.administration import AdministrationOffice
from smart_ai_router.app.billing import BillingOffice, billing_services
from smart_ai_router.app.bookkeeping import BookkeepingThread
from smart_ai_router.app.books import open_bookkeeper, open_store
from smart_ai_router.app.boot import control_socket, link_socket
from smart_ai_router.app.budget_guard import BudgetGuard, daily_budget
from smart_ai_router.app.configuration import Configuration, load_or_last_good
from smart_ai_router.app.extensions import accept_extensions
from smart_ai_router.app.metrics import Metrics
from smart_ai_router.app.money import MoneyOffice
from smart_ai_router.app.monitoring import Monitoring
from smart_ai_router.app.publication import Publication
from smart_ai_router.app.questions import Questions
from smart_ai_router.app.unpriced_watch import UnpricedWatch
from smart_ai_router.config.binding import check_binding
from smart_ai_router.config.loading import configuration_path
from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.link_messages import (
    AttemptsSeen,
    ExplainAnswered,
    FromWorker,
    Hello,
    LeaseReport,
    NewSnapshot,
    ResetChannel,
    WorkerState,
)
from smart_ai_router.core.snapshot import KeyGrant, Snapshot
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.channel import ChannelModel
from smart_ai_router.domain.faults import Fault

TICK_S: Final = 1.0
MODELS_TOLD_MAX: Final = 6

_logger = logging.getLogger(__name__)


class ControlPlane:
    """Everything of it, wired."""

    def __init__(self, options: StartOptions, loop: asyncio.AbstractEventLoop) -> None:
        overrides = options.overrides()
        path = configuration_path(options.config, os.environ, Path.cwd())
        data_dir = Path(options.data_dir or "data")
        loaded = load_or_last_good(path, data_dir, os.environ, overrides)
        settings = loaded.settings
        logging.getLogger().setLevel(settings.log_level)
        self._settings = settings
        self._loop = loop
        self._started_at = time.time()
        self._zone = ZoneInfo(settings.system.time_zone)
        data_dir, logs_dir = Path(settings.storage.data_dir), Path(settings.journal.logs_dir)
        control_socket(data_dir).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._data_dir = data_dir
        self._token, self._token_file = admin_token(data_dir, settings.auth.admin.admin_token)
        self._store = open_store(data_dir, settings.system.time_zone, settings.storage.url)
        self._publication = Publication(self._publish_state, settings.server.workers)
        self._administration = AdministrationOffice(
            self._store,
            data_dir,
            given_prices=lambda: self.configuration.prices,
            tell_gateways=self._publication.publish,
            usable_key=self._usable_key,
            admin_token=self._token,
        )
        self._administration.catch_up()
        check_binding(loaded, self._administration.usable_key_count())
        bookkeeper = open_bookkeeper(self._store, logs_dir)
        self._books = BookkeepingThread(bookkeeper)
        self._monitoring = Monitoring(loaded, data_dir, logs_dir)
        self.monitor = self._monitoring.monitor
        self._observing = ThreadPoolExecutor(1, "observing")  # one thread: what was seen first is told first
        self._link = LinkServer(link_socket(data_dir), self._take, lambda: NewSnapshot(self.configuration.encoded))
        self._questions = Questions(loop, self._link)
        self._budget = BudgetGuard(self._store, self.monitor, self._today)
        self.configuration = Configuration(
            loaded,
            environ=os.environ,
            overrides=overrides,
            data_dir=data_dir,
            state=self._administration.state,
            publish=self._publish,
            restrict=self._restricted,
            accept=accept_extensions,
            follow=self._monitoring.follow,
        )
        system = settings.system
        self._billing = BillingOffice(lambda: self.configuration.snapshot, system.billing_currency, system.time_zone)
        self._money = self._money_office(bookkeeper)
        self._metrics = Metrics(self.monitor, self._link)
        bookkeeper.add_observer(self._metrics.count)
        bookkeeper.add_observer(UnpricedWatch(self.monitor).observe)
        self._server = _http_server(create_control_app(self._services()), control_socket(data_dir))

    def _money_office(self, bookkeeper: Bookkeeper) -> MoneyOffice:
        return MoneyOffice(
            self._store,
            self._administration,
            bookkeeper,
            self.monitor,
            time_zone=self._settings.system.time_zone,
            billing_currency=self._settings.system.billing_currency,
            provider_name=self._billing.provider_name,
            is_provider=lambda provider_id: self._billing.market().provider(provider_id) is not None,
            tell_gateways=self._publication.publish,
            loop=self._loop,
            workers=self._settings.server.workers,
            broadcast=self._link.broadcast,
        )

    # --- life ---

    async def start(self) -> None:
        await self._link.start()
        self._books.start()
        self._monitoring.start()
        self._serving = self._loop.create_task(self._server.serve())
        while not self._server.started:
            if self._serving.done():
                self._serving.result()
            await asyncio.sleep(0.005)
        self._ticking = self._loop.create_task(self._tick())

    async def close(self) -> None:
        """Answer what is asked, book what is written, then stop."""
        self._ticking.cancel()
        self._server.should_exit = True
        await self._serving
        self._link.close()
        await self._money.lending.close()
        await asyncio.to_thread(self._books.close)
        await asyncio.to_thread(self._observing.shutdown)
        self.monitor.close()
        await asyncio.to_thread(self._monitoring.close)
        self._store.close()

    def reload_soon(self) -> None:
        """SIGHUP."""
        self._loop.create_task(asyncio.to_thread(self._reload))

    def notes(self) -> tuple[str, ...]:
        """What the person who started the router wants to know."""
        channels = self.configuration.snapshot.channels
        names = [f"{channel.name} ({_models_text(channel.models)})" for channel in channels if channel.enabled]
        if self._token_file is None:
            token = "管理员令牌 Admin token: 由环境或配置给出 given by the environment or the configuration"  # noqa: S105
        else:
            token = f"管理员令牌 Admin token: {self._token_file.resolve()}"
        return (token, f"渠道 Channels: {'; '.join(names) or '无 none'}", *self.configuration.snapshot.notes)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            checks = (self.configuration.check, self._check_budget, self._check_administration)
            for check in (*checks, self.monitor.tick, self._money.tick):
                try:
                    await asyncio.to_thread(check)
                except StoreFailure as failure:  # the books are away: the next turn looks again
                    _logger.warning("a check was put off: %s", failure)

    def _check_budget(self) -> None:
        if self._budget.check(daily_budget(self.configuration.settings)):
            self.configuration.refresh()

    def _check_administration(self) -> None:
        self._administration.tidy_logins()
        if self._administration.catch_up_if_behind():
            self.configuration.refresh()

    def _publish_state(self) -> int:
        self.configuration.refresh()
        return self.configuration.snapshot.version

    def _restricted(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with what the budget closes, and with today's calls of channels that have a daily limit."""
        today = self._today()
        limited = {channel.id for channel in snapshot.channels if channel.daily_limit is not None}
        attempts = self._store.channel_attempts(today, today) if limited else {}
        used = tuple((channel_id, totals.attempts) for channel_id, totals in attempts.items() if channel_id in limited)
        disabled = (*snapshot.disabled, *self._budget.disabled(snapshot, snapshot.made_at))
        return replace(snapshot, disabled=disabled, counted_day=today, attempts_counted=used)

    # --- link ---

    def _publish(self, data: bytes) -> None:
        self._loop.call_soon_threadsafe(self._link.broadcast, NewSnapshot(data))

    def _take(self, message: FromWorker) -> None:
        match message:
            case Hello():
                self._money.lending.meet(message)
            case LeaseReport(data):
                self._money.lending.hear(data)
            case AttemptsSeen():
                self._loop.run_in_executor(self._observing, self._observe, message)
            case ExplainAnswered():
                self._questions.take(message)
            case WorkerState():
                self._metrics.take(message)
                self._publication.adopted(message.worker, message.snapshot_version)

    def _observe(self, seen: AttemptsSeen) -> None:
        tries: list[tuple[float, str, str, Fault | None, int]] = []
        tries += [(when, channel_id, name, fault, 1) for channel_id, name, when, fault in seen.faults]
        tries += [(when, channel_id, name, None, count) for channel_id, name, when, count in seen.successes]
        for when, channel_id, name, fault, count in sorted(tries, key=itemgetter(0)):
            if fault is None:
                self.monitor.observe_success(channel_id, name, when, count)
            else:
                self.monitor.observe_fault(channel_id, name, fault, when)

    # --- services ---

    def _services(self) -> ControlServices:
        billing = self._billing_services()
        return ControlServices(
            access=admin_access(
                self._token,
                self._user_of_key,
                self._administration.logins.session_of,
                self._settings.server.trusted_proxies,
            ),
            logins=self._administration.logins,
            statistics=self._store,
            alerts=_Alerts(self.monitor, self._reset_channel),
            catch_up=self._books.catch_up,
            today=self._today,
            explain_routing=self._questions.explain,
            config_status=self.configuration_status,
            reload_config=self._reload,
            system_info=self._system_info,
            attempts=self._store,
            currency=self._settings.system.currency,
            time_zone=self._settings.system.time_zone,
            administration=self._administration.verbs,
            billing=billing,
            ledger=self._money.services(billing.view, self._billing.market),
            metrics=self._metrics.text if self._settings.monitoring.enable_metrics else None,
        )

    def _billing_services(self) -> BillingServices:
        return billing_services(
            self._billing,
            self._store,
            Path(self._settings.journal.logs_dir),
            catch_up=self._books.catch_up,
            today=self._today,
            verbs=self._administration.verbs,
            stored_prices=self._administration.stored_prices,
            switch_model=self._money.pools.switch_model,
        )

    def configuration_status(self) -> Mapping[str, object]:
        return self.configuration.status()

    def _today(self) -> date:
        return datetime.now(self._zone).date()

    def _user_of_key(self, token: str) -> str | None:
        grant = self._usable_key(sha256(token.encode("utf-8", "replace")).hexdigest())
        return None if grant is None else grant.user_id

    def _usable_key(self, key_sha256_hex: str) -> KeyGrant | None:
        return self.configuration.keyring.usable(key_sha256_hex, time.time())

    def _reset_channel(self, channel_id: str) -> None:
        self._loop.call_soon_threadsafe(self._link.broadcast, ResetChannel(channel_id))

    def _reload(self) -> ReloadOutcome:
        found = self.configuration.check() or self.configuration.check()  # the second look settles a new file
        version = self.configuration.snapshot.version
        if problems := self.configuration.refused_file_problems:
            return ReloadOutcome(False, "新配置无效，继续使用当前配置", problems, version)
        if found is None:
            self.configuration.refresh()
            return ReloadOutcome(True, "配置文件没有变化", (), self.configuration.snapshot.version)
        return ReloadOutcome(True, "配置已重新加载", (), version)

    def _system_info(self) -> Mapping[str, object]:
        return {
            "version": __version__,
            "python": platform.python_version(),
            "started_at": datetime.fromtimestamp(self._started_at, self._zone).isoformat(timespec="seconds"),
            "time_zone": self._settings.system.time_zone,
            "data_dir": str(self._data_dir.resolve()),
            "workers": [msgspec.structs.asdict(state) for state in self._metrics.states()],
        }


class _Alerts:
    """Implements `api.control_services.AlertsView`: clearing a channel also lets the gateway try it again."""

    def __init__(self, monitor: ChannelMonitor, reset: Callable[[str], None]) -> None:
        self._reset = reset
        self._monitor = monitor
        self.get_recent_alerts = monitor.get_recent_alerts
        self.get_channel_status = monitor.get_channel_status

    def clear_channel_notifications(self, channel_id: str) -> None:
        self._monitor.clear_channel_notifications(channel_id)
        self._reset(channel_id)

    def clear_all_notifications(self) -> None:
        self._monitor.clear_all_notifications()
        self._reset("*")


def _models_text(models: tuple[ChannelModel, ...]) -> str:
    names = [model.name for model in models[:MODELS_TOLD_MAX]]
    return ", ".join(names) + (f" +{len(models) - MODELS_TOLD_MAX}" if len(models) > MODELS_TOLD_MAX else "")


def _http_server(app: ASGIApp, path: Path) -> uvicorn.Server:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    config = uvicorn.Config(
        app, uds=str(path), loop="none", http="httptools", lifespan="off", log_level="warning", access_log=False,
        server_header=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]  # ours come from the loop
    return server


async def _run(options: StartOptions, supervisor: SupervisorLink | None) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    plane = ControlPlane(options, loop)
    loop.add_signal_handler(signal.SIGHUP, plane.reload_soon)
    await plane.start()
    if supervisor is not None:
        supervisor.report_ready(plane.notes())
    await stop.wait()
    await plane.close()


def run_control(options: StartOptions, supervisor: SupervisorLink | None = None) -> int:
    """Serve until SIGTERM; returns the exit code."""
    uvloop.run(_run(options, supervisor))
    return 0
