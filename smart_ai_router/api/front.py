"""The gateway's front: one request in, the right room to answer it.

Calls are read and handed to the gateway. A known caller's call that is refused for its form is handed over as well,
because every call has its record; a request without a known caller, or for a path where nothing is served, is no
call: it is answered and counted here, so that nobody fills the journal from outside. Health, readiness and the model
list are answered here from memory; what belongs to the control plane is passed on.
"""

from collections import Counter
from typing import Final, Protocol
from urllib.parse import unquote

import msgspec

from smart_ai_router import __version__
from smart_ai_router.api.control_passage import ControlPassage, is_control_path
from smart_ai_router.api.cross_origin import PREFLIGHT_HEADERS, cross_origin_headers
from smart_ai_router.api.openai import ENDPOINTS, OPENAI_ERRORS, flawed_call, read_call
from smart_ai_router.core.calls import Call, Caller, Endpoint
from smart_ai_router.core.http_messages import ClientReply, HttpRequest
from smart_ai_router.core.snapshot import KeyGrant
from smart_ai_router.domain.errors import EncodingUnsupported, MediaTypeUnsupported, Refusal
from smart_ai_router.domain.failures import Failure, failure_of_refusal

JSON_HEADERS: Final = (("content-type", "application/json"),)
REFUSAL_TYPES: Final = {500: "server_error", 503: "service_unavailable"}
REFUSAL_CODES: Final = {408: "request_timeout", 413: "request_too_large", 500: "internal_error", 503: "router_busy"}
UNKNOWN_PATH: Final = "nothing is served at {path}; calls go to /v1/chat/completions, the console is at /console"


class Readiness(msgspec.Struct, frozen=True):
    """What `/ready` says."""

    ready: bool
    snapshot_version: int
    journal_writable: bool
    control_plane_seen: bool


class Calls(Protocol):
    """What the front asks of the gateway."""

    @property
    def region_header(self) -> str | None: ...

    @property
    def cross_origins(self) -> tuple[str, ...]:
        """The web origins whose pages may call."""

    def identify(self, request: HttpRequest) -> tuple[Caller, KeyGrant | None]:
        """Raises KeyInvalid."""

    def run(self, call: Call, caller: Caller, grant: KeyGrant | None, reply: ClientReply, started: float) -> None: ...

    def new_request_id(self) -> str: ...

    def model_list(self, grant: KeyGrant | None) -> bytes: ...

    def health(self) -> dict[str, object]: ...

    def readiness(self) -> Readiness: ...


class Front:
    """Implements `core.http_messages.Handler`."""

    def __init__(self, calls: Calls, control: ControlPassage) -> None:
        self._calls = calls
        self._control = control
        self.refusals: Counter[str] = Counter()  # of requests that were no calls, by code; the codes are few

    def handle(self, request: HttpRequest, reply: ClientReply) -> None:
        if "origin" in request.headers:
            reply.extra_headers = cross_origin_headers(request.headers["origin"], self._calls.cross_origins)
            if request.method == "OPTIONS" and reply.extra_headers:
                reply.send(204, PREFLIGHT_HEADERS, b"")
                return
        path = request.path
        endpoint = ENDPOINTS.get(path)
        if endpoint is not None:
            self._call(endpoint, request, reply)
        elif is_control_path(path):
            self._control.pass_on(request, reply)
        elif path == "/v1/models" or path.startswith("/v1/models/"):
            self._models(request, reply)
        elif path == "/health":
            reply.send(200, JSON_HEADERS, msgspec.json.encode(self._calls.health()))
        elif path == "/ready":
            readiness = self._calls.readiness()
            reply.send(200 if readiness.ready else 503, JSON_HEADERS, msgspec.json.encode(readiness))
        elif path == "/":
            reply.send(307, (("location", "/console"),), b"")
        else:
            self._refuse(
                Failure(404, "invalid_request_error", "not_found", UNKNOWN_PATH.format(path=path[:200])), reply
            )

    def refuse(self, status: int, message: str, reply: ClientReply) -> None:
        kind = REFUSAL_TYPES.get(status, "invalid_request_error")
        code = REFUSAL_CODES.get(status, "bad_request")
        is_busy = status == 503
        self._refuse(
            Failure(status, kind, code, message, should_retry=is_busy, retry_after_s=1.0 if is_busy else None), reply
        )

    def _call(self, endpoint: Endpoint, request: HttpRequest, reply: ClientReply) -> None:
        try:
            caller, grant = self._calls.identify(request)
        except Refusal as refusal:
            self._refuse(failure_of_refusal(refusal), reply)
            return
        if request.method != "POST":
            self._refuse(_method_failure(request.method, "POST"), reply, "POST")
            return
        region_header = self._calls.region_header
        try:
            _require_plain_json(request)
            call = read_call(endpoint, request.headers, request.body, region_header)
        except Refusal as flaw:
            call = flawed_call(endpoint, request.headers, request.body, region_header, flaw)
        self._calls.run(call, caller, grant, reply, request.received_at)

    def _models(self, request: HttpRequest, reply: ClientReply) -> None:
        try:
            _, grant = self._calls.identify(request)
        except Refusal as refusal:
            self._refuse(failure_of_refusal(refusal), reply)
            return
        if request.method not in ("GET", "HEAD"):
            self._refuse(_method_failure(request.method, "GET"), reply, "GET, HEAD")
            return
        models = self._calls.model_list(grant)
        if request.path == "/v1/models":
            reply.send(200, JSON_HEADERS, models)
            return
        name = unquote(request.path.removeprefix("/v1/models/"))  # a name may hold a slash, written as %2F
        one = [each for each in msgspec.json.decode(models)["data"] if each["id"] == name]
        if one:
            reply.send(200, JSON_HEADERS, msgspec.json.encode(one[0]))
        else:
            message = f"there is no model {name[:200]!r}; GET /v1/models lists those that are served"
            self._refuse(Failure(404, "invalid_request_error", "model_not_found", message, "model"), reply)

    def _refuse(self, failure: Failure, reply: ClientReply, allowed: str | None = None) -> None:
        self.refusals[failure.code] += 1
        request_id = self._calls.new_request_id()
        headers = [*JSON_HEADERS, ("x-request-id", request_id)]
        headers.append(("x-should-retry", "true" if failure.should_retry else "false"))
        if failure.retry_after_s is not None:
            headers.append(("retry-after", str(max(1, round(failure.retry_after_s)))))
        if allowed:
            headers.append(("allow", allowed))
        if failure.status == 401:
            headers.append(("www-authenticate", "Bearer"))
        reply.send(failure.status, headers, OPENAI_ERRORS.body(failure, request_id))


def _require_plain_json(request: HttpRequest) -> None:
    """A call is plain JSON. The content type keeps a web page from calling without asking (CORS)."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise MediaTypeUnsupported(f"the content type must be application/json, not {content_type[:100] or 'missing'}")
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise EncodingUnsupported(f"the content encoding {encoding[:100]} is not served; send the body uncompressed")


def _method_failure(method: str, allowed: str) -> Failure:
    message = f"{method} is not served here; use {allowed}"
    return Failure(405, "invalid_request_error", "method_not_allowed", message)


def health_facts(providers: int, channels: int, timestamp: int) -> dict[str, object]:
    """The reference project's keys of `/health`."""
    return {
        "status": "healthy",
        "version": __version__,
        "mode": "yaml",
        "timestamp": timestamp,
        "providers": providers,
        "channels": channels,
        "cache_status": "active",
    }
