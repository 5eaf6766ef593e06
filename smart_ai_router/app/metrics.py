"""What `/metrics` shows, in Prometheus' text form.

Calls, tokens and costs are counted from the books as they are posted; states come from the workers' own reports.
Costs are exported as decimal units of their currency; they are for graphs, the books are for money.
"""

import threading
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from smart_ai_router.adapters.link import LinkServer
from smart_ai_router.core.link_messages import WorkerState
from smart_ai_router.core.posting import Posting
from smart_ai_router.core.utils.channel_monitor import ChannelMonitor
from smart_ai_router.domain.money import PICO_PER_UNIT


class Metrics:
    """Counts what is booked and keeps what the workers report."""

    def __init__(self, monitor: ChannelMonitor, link: LinkServer) -> None:
        self._monitor = monitor
        self._link = link
        self._lock = threading.Lock()
        self._states: dict[int, WorkerState] = {}
        registry = self._registry = CollectorRegistry()
        labels = ("channel", "model", "outcome")
        self._calls = Counter("router_calls", "Client calls on the books", labels, registry=registry)
        self._tokens = Counter(
            "router_tokens", "Tokens on the books", ("channel", "model", "direction"), registry=registry
        )
        self._cost = Counter(
            "router_cost", "Cost on the books, in units of its currency", ("channel", "model", "currency"),
            registry=registry,
        )  # fmt: skip
        self._seconds = Counter(
            "router_call_seconds", "Time of client calls, summed", ("channel", "model"), registry=registry
        )
        self._alerts = Gauge("router_alerts_open", "Open alerts", ("channel", "kind"), registry=registry)
        self._under_way = Gauge("router_calls_under_way", "Calls under way", ("worker",), registry=registry)
        self._connections = Gauge("router_connections", "Client connections", ("worker",), registry=registry)
        self._journal = Gauge(
            "router_journal_writable", "1 while calls can be recorded", ("worker",), registry=registry
        )
        self._refused = Counter(
            "router_requests_refused", "Requests that were no calls and have no record: without a valid key, for an "
            "unknown path", ("code",), registry=registry,
        )  # fmt: skip
        self._workers = Gauge("router_workers_connected", "Gateway workers in touch", registry=registry)

    def take(self, state: WorkerState) -> None:
        """A worker reported."""
        with self._lock:
            before = self._states.get(state.worker)
            self._states[state.worker] = state
            for code, count in state.refusals.items():
                known = before.refusals.get(code, 0) if before is not None else 0
                self._refused.labels(code).inc(count if count < known else count - known)  # less: it started anew

    def states(self) -> list[WorkerState]:
        """The last report of each worker."""
        with self._lock:
            return [self._states[worker] for worker in sorted(self._states)]

    def count(self, postings: Sequence[Posting]) -> None:
        """Some calls came on the books."""
        for posting in postings:
            record = posting.record
            # A refused call may name anything for its model: as a label that would grow without bound.
            place = (record.channel_id, record.model if record.channel_id else "")
            self._calls.labels(*place, record.outcome).inc()
            self._tokens.labels(*place, "input").inc(record.input_tokens)
            self._tokens.labels(*place, "output").inc(record.output_tokens)
            self._cost.labels(*place, record.cost_currency).inc(
                (posting.input_cost + posting.output_cost + posting.other_cost) / PICO_PER_UNIT
            )
            self._seconds.labels(*place).inc((record.response_time_ms or 0) / 1000)

    def text(self) -> bytes:
        """The exposition."""
        self._alerts.clear()
        for (channel_id, kind), count in self._monitor.open_alert_counts().items():
            self._alerts.labels(channel_id, kind).set(count)
        for state in self.states():
            self._under_way.labels(state.worker).set(state.calls_under_way)
            self._connections.labels(state.worker).set(state.connections)
            self._journal.labels(state.worker).set(state.journal_admits)
        self._workers.set(self._link.worker_count)
        return generate_latest(self._registry)
