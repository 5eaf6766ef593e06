"""Requests that the control plane answers, passed over its private socket and back as they came.

A slow statistic runs there and never delays a call here. While the control plane is away its paths answer 503 and
calls go on.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from smart_ai_router.core.http_messages import ClientReply, HttpRequest
from smart_ai_router.core.ports import Exchange, Upstream, UpstreamRequest, UpstreamRoute
from smart_ai_router.domain.faults import Fault

PREFIXES: Final = ("/v1/stats/", "/v1/routing/", "/v1/admin/", "/api/", "/admin/", "/console", "/docs", "/status")
PATHS: Final = frozenset(("/openapi.json", "/metrics", "/favicon.ico"))
ROUTE: Final = UpstreamRoute(connect_s=2.0, first_byte_s=120.0, idle_s=60.0, total_s=600.0)
HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "content-length", "expect")
)  # fmt: skip
UNTRUSTED: Final = frozenset(
    ("x-router-client-ip", "x-router-forwarded-for", "x-forwarded-for", "forwarded", "x-real-ip")
)


def is_control_path(path: str) -> bool:
    """True for the paths that the control plane answers."""
    return path in PATHS or path.startswith(PREFIXES)


class ControlPassage:
    """Passes requests to the control plane."""

    def __init__(self, upstream: Upstream, socket_path: str) -> None:
        self._upstream = upstream
        self._origin = f"http+unix://{quote(socket_path, safe='')}"

    def pass_on(self, request: HttpRequest, reply: ClientReply) -> None:
        headers = [
            (name, value) for name, value in request.headers.items() if name not in HOP_BY_HOP and name not in UNTRUSTED
        ]
        headers.append(("x-router-client-ip", request.client_ip))
        if "x-forwarded-for" in request.headers:  # whether to believe it is decided there
            headers.append(("x-router-forwarded-for", request.headers["x-forwarded-for"]))
        query = f"?{request.query}" if request.query else ""
        message = UpstreamRequest(request.method, f"{self._origin}{request.path}{query}", headers, request.body)
        _Passing(reply).begin(self._upstream, message)


class _Passing:
    """One request on its way there and back."""

    def __init__(self, reply: ClientReply) -> None:
        self._reply = reply
        self._exchange: Exchange | None = None

    def begin(self, upstream: Upstream, message: UpstreamRequest) -> None:
        self._reply.events = self
        self._exchange = upstream.send(message, ROUTE, self)

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        length = headers.get("content-length")
        kept = [(name, value) for name, value in headers.items() if name not in HOP_BY_HOP]
        self._reply.start(status, kept, int(length) if length is not None and length.isdigit() else None)

    def on_data(self, data: bytes) -> None:
        self._reply.write(data)

    def on_end(self) -> None:
        self._exchange = None
        self._reply.finish()

    def on_fault(self, fault: Fault) -> None:
        self._exchange = None
        if self._reply.started:
            self._reply.abort()
            return
        body = msgspec.json.encode({"detail": f"the control plane is not reachable ({fault.kind.value}); try again"})
        self._reply.send(503, (("content-type", "application/json"), ("retry-after", "1")), body)

    def on_client_gone(self) -> None:
        if self._exchange is not None:
            self._exchange.cancel()
            self._exchange = None

    def on_client_slow(self) -> None:
        if self._exchange is not None:
            self._exchange.pause_reading()

    def on_client_ready(self) -> None:
        if self._exchange is not None:
            self._exchange.resume_reading()
