"""The front: every request to its room, and every refusal in OpenAI's words."""

from collections.abc import Mapping

import pytest

from smart_ai_router.api.control_passage import ControlPassage
from smart_ai_router.api.front import Front, Readiness, health_facts
from smart_ai_router.core.calls import Call, Caller
from smart_ai_router.core.http_messages import ClientReply, HttpRequest
from smart_ai_router.core.ports import Exchange, ExchangeSink, UpstreamRequest, UpstreamRoute
from smart_ai_router.core.snapshot import KeyGrant
from smart_ai_router.domain.errors import KeyInvalid
from smart_ai_router.domain.faults import Fault, FaultKind
from tests.core.playbook import ScriptedReply

CHAT = "/v1/chat/completions"
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
JSON_TYPE = {"content-type": "application/json"}
MODELS = b'{"object":"list","data":[{"id":"m"},{"id":"org/model:free"}]}'


class Gateway:
    """Answers the front, and remembers what it was asked to carry out."""

    region_header = None
    cross_origins = ()

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.flawed: list[Call] = []
        self.knows = True
        self.ready = Readiness(True, 7, True, True)

    def identify(self, request: HttpRequest) -> tuple[Caller, KeyGrant | None]:
        if not self.knows:
            raise KeyInvalid("the API key is not valid")
        return Caller(request.client_ip, None), None

    def run(self, call: Call, caller: Caller, grant: KeyGrant | None, reply: ClientReply, started: float) -> None:
        (self.calls if call.flaw is None else self.flawed).append(call)

    def new_request_id(self) -> str:
        return "req_1"

    def model_list(self, grant: KeyGrant | None) -> bytes:
        return MODELS

    def health(self) -> dict[str, object]:
        return health_facts(1, 2, 3)

    def readiness(self) -> Readiness:
        return self.ready


class Passing:
    """One request passed on."""

    cancelled = False

    def cancel(self) -> None:
        self.cancelled = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class ControlPlane:
    """Where the passage leads."""

    def __init__(self) -> None:
        self.requests: list[UpstreamRequest] = []
        self.sinks: list[ExchangeSink] = []
        self.passing = Passing()

    def send(self, request: UpstreamRequest, route: UpstreamRoute, sink: ExchangeSink) -> Exchange:
        self.requests.append(request)
        self.sinks.append(sink)
        return self.passing


class House:
    """A front with its rooms."""

    def __init__(self) -> None:
        self.gateway = Gateway()
        self.control = ControlPlane()
        self.front = Front(self.gateway, ControlPassage(self.control, "/run/control.sock"))

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> ScriptedReply:
        request = HttpRequest(method, target.encode(), dict(headers or {}), "127.0.0.1", 0.0)
        request.body = body
        reply = ScriptedReply()
        self.front.handle(request, reply)
        return reply


@pytest.fixture
def house() -> House:
    return House()


def flaw(house: House) -> tuple[int, str, str | None]:
    """The one call that is refused for its form, and what for."""
    (call,) = house.gateway.flawed
    assert call.flaw is not None
    return call.flaw.status, call.flaw.code, call.flaw.param


def told(reply: ScriptedReply) -> tuple[int, object, object]:
    return reply.status, reply.error["code"], reply.error["type"]


def test_a_call_goes_to_the_gateway_as_it_came(house: House) -> None:
    reply = house.ask("POST", f"{CHAT}?trace=1", {"content-type": "Application/JSON; charset=utf-8"}, BODY)
    assert [call.body for call in house.gateway.calls] == [BODY]
    assert not reply.started


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_a_call_is_a_post(house: House, method: str) -> None:
    reply = house.ask(method, CHAT, JSON_TYPE, BODY)
    assert told(reply) == (405, "method_not_allowed", "invalid_request_error")
    assert (reply.headers["allow"], reply.error["param"]) == ("POST", None)


@pytest.mark.parametrize(
    "headers", [{}, {"content-type": ""}, {"content-type": "text/plain"}, {"content-type": "application/jsonx"}]
)
def test_a_call_is_json(house: House, headers: dict[str, str]) -> None:
    house.ask("POST", CHAT, headers, BODY)
    assert flaw(house) == (415, "unsupported_media_type", None)
    assert house.gateway.calls == []


def test_a_call_is_not_compressed(house: House) -> None:
    house.ask("POST", CHAT, {**JSON_TYPE, "content-encoding": "gzip"}, BODY)
    assert flaw(house) == (415, "unsupported_encoding", None)
    house.ask("POST", CHAT, {**JSON_TYPE, "content-encoding": "Identity"}, BODY)
    assert len(house.gateway.calls) == 1


def test_who_may_not_call_is_told_so_before_anything_else(house: House) -> None:
    house.gateway.knows = False
    for method, headers, body in (("POST", JSON_TYPE, BODY), ("GET", {}, b""), ("POST", {}, b"{")):
        reply = house.ask(method, CHAT, headers, body)
        assert told(reply) == (401, "invalid_api_key", "authentication_error")
        assert (reply.headers["www-authenticate"], reply.headers["x-should-retry"]) == ("Bearer", "false")
    assert told(house.ask("GET", "/v1/models"))[0] == 401


@pytest.mark.parametrize(
    ("body", "parameter", "model"),
    [
        (b'{"model":"m"}', "messages", "m"),
        (b'{"model":5,"messages":[{}]}', "model", ""),
        (b'{"model":"m","messages":[{}],"n":0}', "n", "m"),
        (b"{", None, ""),
        (b"", None, ""),
        (b'{"model":"m","model":"n"}', None, ""),
    ],
)
def test_a_known_callers_call_that_is_refused_for_its_form_is_a_call_all_the_same(
    house: House, body: bytes, parameter: str | None, model: str
) -> None:
    house.ask("POST", CHAT, JSON_TYPE, body)
    assert flaw(house) == (400, "invalid_request", parameter)
    (call,) = house.gateway.flawed
    assert (call.model, call.body) == (model, b"")
    assert (house.gateway.calls, house.front.refusals) == ([], {})


def test_a_request_that_is_no_call_is_counted_and_reaches_no_book(house: House) -> None:
    house.ask("GET", CHAT, JSON_TYPE, BODY)
    house.ask("POST", "/v1/nothing", JSON_TYPE, BODY)
    house.gateway.knows = False
    for _ in range(3):
        house.ask("POST", CHAT, JSON_TYPE, BODY)
    assert house.front.refusals == {"invalid_api_key": 3, "not_found": 1, "method_not_allowed": 1}
    assert (house.gateway.calls, house.gateway.flawed) == ([], [])


def test_models_are_listed_and_found_by_their_name(house: House) -> None:
    assert house.ask("GET", "/v1/models").body == MODELS
    assert house.ask("HEAD", "/v1/models").status == 200
    assert house.ask("GET", "/v1/models/m").json == {"id": "m"}
    for written in ("org/model:free", "org%2Fmodel%3Afree"):
        assert house.ask("GET", f"/v1/models/{written}").json == {"id": "org/model:free"}
    missing = house.ask("GET", "/v1/models/" + "x" * 5000)
    assert told(missing)[:2] == (404, "model_not_found")
    assert len(missing.body) < 600
    assert house.ask("POST", "/v1/models").headers["allow"] == "GET, HEAD"


def test_health_and_readiness_are_answered_here(house: House) -> None:
    assert house.ask("GET", "/health").json["status"] == "healthy"
    assert house.ask("GET", "/ready").status == 200
    house.gateway.ready = Readiness(False, 7, False, True)
    reply = house.ask("GET", "/ready")
    assert (reply.status, reply.json["journal_writable"]) == (503, False)


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1", "/v1/chat", "/v1/chat/completions/", "//v1/models", "*", "/" + "x" * 9000]
)
def test_an_unknown_path_is_404_and_short(house: House, path: str) -> None:
    reply = house.ask("GET", path)
    assert told(reply) == (404, "not_found", "invalid_request_error")
    assert len(reply.body) < 600


@pytest.mark.parametrize(
    ("status", "code", "kind", "retries"),
    [
        (400, "bad_request", "invalid_request_error", False),
        (408, "request_timeout", "invalid_request_error", False),
        (413, "request_too_large", "invalid_request_error", False),
        (431, "bad_request", "invalid_request_error", False),
        (500, "internal_error", "server_error", False),
        (501, "bad_request", "invalid_request_error", False),
        (503, "router_busy", "service_unavailable", True),
        (505, "bad_request", "invalid_request_error", False),
    ],
)
def test_what_never_became_a_request_is_told_in_the_same_shape(
    house: House, status: int, code: str, kind: str, retries: bool
) -> None:
    reply = ScriptedReply()
    house.front.refuse(status, "why", reply)
    assert told(reply) == (status, code, kind)
    assert reply.error["message"] == "why"
    assert reply.headers["x-should-retry"] == ("true" if retries else "false")
    assert ("retry-after" in reply.headers) == retries


@pytest.mark.parametrize(
    "path", ["/v1/stats/daily", "/api/admin/users", "/v1/admin/config", "/console/x.js", "/docs", "/metrics"]
)
def test_what_belongs_to_the_control_plane_is_passed_on(house: House, path: str) -> None:
    sent = {
        "authorization": "Bearer t", "x-router-client-ip": "6.6.6.6", "x-forwarded-for": "6.6.6.6", "connection": "x",
        "transfer-encoding": "chunked", "content-length": "2", "accept": "*/*",
    }  # fmt: skip
    house.ask("POST", f"{path}?a=b%20c", sent, b"{}")
    (request,) = house.control.requests
    assert (request.method, request.url, request.body) == (
        "POST",
        f"http+unix://%2Frun%2Fcontrol.sock{path}?a=b%20c",
        b"{}",
    )
    assert sorted(request.headers) == [
        ("accept", "*/*"),
        ("authorization", "Bearer t"),
        ("x-router-client-ip", "127.0.0.1"),
        ("x-router-forwarded-for", "6.6.6.6"),
    ]


def test_its_answer_comes_back_as_it_is(house: House) -> None:
    reply = house.ask("GET", "/v1/stats/daily")
    (sink,) = house.control.sinks
    sink.on_head(200, {"content-type": "application/json", "content-length": "2", "connection": "close"})
    sink.on_data(b"{}")
    sink.on_end()
    assert (reply.status, reply.body, reply.finished) == (200, b"{}", True)
    assert reply.headers == {"content-type": "application/json"}


def test_while_the_control_plane_is_away_its_paths_say_so(house: House) -> None:
    reply = house.ask("GET", "/v1/stats/daily")
    house.control.sinks[0].on_fault(Fault(FaultKind.CONNECT_FAILED, "gone"))
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    cut = house.ask("GET", "/v1/stats/daily")
    house.control.sinks[1].on_head(200, {})
    house.control.sinks[1].on_fault(Fault(FaultKind.RESET, "gone"))
    assert (cut.status, cut.aborted) == (200, True)


def test_a_client_that_leaves_ends_its_question(house: House) -> None:
    reply = house.ask("GET", "/v1/stats/daily")
    assert reply.events is not None
    reply.events.on_client_gone()
    assert house.control.passing.cancelled
