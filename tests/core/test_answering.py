"""What the client is told."""

from smart_ai_router.api.openai import OPENAI_ERRORS
from smart_ai_router.core.answering import ClientAnswer
from smart_ai_router.domain.failures import Failure
from tests.core.playbook import ScriptedReply

BUSY = Failure(503, "service_unavailable", "router_busy", "try again", should_retry=True, retry_after_s=0.2)


def answer() -> tuple[ClientAnswer, ScriptedReply]:
    reply = ScriptedReply()
    made = ClientAnswer(reply, OPENAI_ERRORS, "req_1")
    made.trail = ("ch_openai_001", 2)
    return made, reply


def test_every_answer_names_its_request_its_channel_and_its_attempts() -> None:
    made, reply = answer()
    made.send(200, "application/json", b"{}", None)
    assert reply.headers["x-request-id"] == "req_1"
    assert reply.headers["x-smart-ai-router-channel"] == "ch_openai_001"
    assert reply.headers["x-smart-ai-router-attempts"] == "2"
    assert "x-smart-ai-router-cost" not in reply.headers


def test_a_failure_says_whether_and_when_to_come_back_at_least_a_second_later() -> None:
    made, reply = answer()
    made.fail(BUSY)
    assert reply.status == 503
    assert (reply.headers["x-should-retry"], reply.headers["retry-after"]) == ("true", "1")
    assert reply.error["code"] == "router_busy"


def test_a_failure_after_the_first_bytes_is_an_event_and_the_stream_ends_once() -> None:
    made, reply = answer()
    made.stream(b"data: 1\n\n")
    made.fail(BUSY)
    assert reply.status == 200
    assert reply.body.startswith(b'data: 1\n\ndata: {"error":')
    assert reply.body.count(b"[DONE]") == 1
    assert reply.finished


def test_a_stream_without_content_still_gets_its_head_and_its_end() -> None:
    made, reply = answer()
    made.end_stream(b"data: [DONE]\n\n")
    assert reply.started
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.body == b"data: [DONE]\n\n"


def test_a_providers_refusal_is_passed_on_without_the_key() -> None:
    made, reply = answer()
    made.pass_refusal_on(422, "application/json", b'{"error":"sk-secret is not it"}', "sk-secret")
    assert reply.status == 422
    assert reply.body == b'{"error":"*** is not it"}'
    assert reply.headers["x-should-retry"] == "false"
