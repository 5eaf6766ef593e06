"""A call from admission to its line: what the client gets, what the provider sees, what the books say."""

from decimal import Decimal

import msgspec
import pytest

from smart_ai_router.core.intents import decode_intents
from smart_ai_router.core.snapshot import RoutingPolicy
from smart_ai_router.domain.faults import Fault, FaultKind
from tests.core.playbook import DONE, FINISH, USAGE, House, channel, completion, event, snapshot, text


def test_m1_17_m1_18_the_guides_sample_costs_what_the_guide_says() -> None:
    house = House()
    reply = house.call()
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    record = house.journal.record
    assert (record.input_tokens, record.output_tokens, record.total_tokens) == (150, 300, 450)
    assert record.input_cost == Decimal("0.000075")
    assert record.output_cost == Decimal("0.0003")
    assert record.total_cost == Decimal("0.000375")
    assert b'"input_cost":0.000075,"output_cost":0.0003,"total_cost":0.000375' in house.journal.lines[0]
    assert reply.headers["x-smart-ai-router-cost"] == "0.000375 USD"
    assert reply.headers["x-request-id"] == record.request_id


def test_the_first_keys_of_a_line_are_the_guides_in_the_guides_order() -> None:
    house = House()
    house.call()
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    keys = list(msgspec.json.decode(house.journal.lines[0]))
    assert keys[:21] == [
        "timestamp", "request_id", "session_id", "model", "channel_id", "channel_name", "provider", "input_tokens",
        "output_tokens", "total_tokens", "input_cost", "output_cost", "total_cost", "cost_currency", "request_type",
        "status", "error_message", "response_time_ms", "user_agent", "client_ip", "tags",
    ]  # fmt: skip
    record = house.journal.record
    assert record.timestamp == "2025-08-24T12:00:00.000000Z"
    assert record.tags == ("gpt", "4o", "mini", "chat")
    assert record.cost_basis == "channel"


def test_the_answer_waits_for_its_line_and_is_passed_byte_for_byte() -> None:
    house = House()
    reply = house.call()
    body = b'{"choices":[{"index":0}],\n  "usage":{"prompt_tokens":1,"completion_tokens":2},"x":1.50}'
    house.upstream.last.answers(200, body)
    assert not reply.started
    house.journal.settle()
    assert reply.body == body
    assert reply.finished


def test_the_intent_stands_before_the_first_upstream_byte_and_until_the_line_stands() -> None:
    house = House()
    house.call()
    assert house.upstream.last.intents_at_send == 1
    (intent,), _ = decode_intents(house.inflight.slots.values())
    assert intent.channel_id == "ch_openai_001"
    house.upstream.last.answers(200, completion())
    assert len(house.inflight.slots) == 1
    house.journal.settle()
    assert house.inflight.slots == {}
    assert house.journal.record.request_id == intent.request_id


def test_the_body_goes_upstream_as_it_came() -> None:
    house = House()
    house.call(temperature=0.7, tools=[{"type": "function"}], unknown={"a": [1.10]}, seed=3)
    sent = house.upstream.last.request
    assert msgspec.json.decode(sent.body)["unknown"] == {"a": [1.1]}
    assert sent.url == "https://api.example.com/v1/chat/completions"
    assert dict(sent.headers)["authorization"] == "Bearer sk-upstream-secret-1"


def test_a_failed_channel_is_followed_by_the_next_and_both_tries_are_recorded() -> None:
    house = House(channel(1), channel(2))
    reply = house.call()
    house.upstream.last.answers(500, {"error": {"message": "boom"}})
    assert len(house.upstream.exchanges) == 2
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    record = house.journal.record
    assert reply.status == 200
    assert reply.headers["x-smart-ai-router-attempts"] == "2"
    assert [each.channel_id for each in record.attempts] == ["ch_openai_001", "ch_openai_002"]
    assert record.attempts[0].error_kind == "server_error"
    assert record.channel_id == "ch_openai_002"
    assert record.total_cost == Decimal("0.000375")
    assert [fault.kind if fault else None for _, fault in house.seen.attempts] == [FaultKind.SERVER_ERROR, None]


def test_m1_08_a_call_whose_every_channel_fails_is_recorded_with_the_error() -> None:
    house = House()
    reply = house.call()
    house.upstream.last.answers(500, {"error": {"message": "boom"}})
    house.journal.settle()
    record = house.journal.record
    assert reply.status == 502
    assert "boom" in str(reply.error["message"])
    assert (record.status, record.outcome, record.total_cost) == ("error", "failed", Decimal(0))
    assert b'"total_cost":0,' in house.journal.lines[0]  # a number for every reader, not the text "0"
    assert record.error_message is not None
    assert "boom" in record.error_message
    assert record.usage_source == "none"


@pytest.mark.parametrize(
    ("fault", "status"),
    [(FaultKind.TIMEOUT, 504), (FaultKind.CONNECT_FAILED, 502), (FaultKind.RESET, 502), (FaultKind.MALFORMED, 502)],
)
def test_a_broken_connection_is_answered_with_the_right_status(fault: FaultKind, status: int) -> None:
    house = House()
    reply = house.call()
    house.upstream.last.sink.on_fault(Fault(fault, "why"))
    house.journal.settle()
    assert reply.status == status
    assert house.journal.record.error_kind == fault.value


def test_a_request_that_the_provider_refuses_is_passed_on_without_our_key() -> None:
    house = House(channel(1), channel(2))
    reply = house.call()
    house.upstream.last.answers(400, {"error": {"message": "bad value near sk-upstream-secret-1"}})
    house.journal.settle()
    assert len(house.upstream.exchanges) == 1
    assert reply.status == 400
    assert b"sk-upstream-secret-1" not in reply.body
    assert b"bad value near ***" in reply.body


def test_an_error_inside_a_200_is_no_success() -> None:
    house = House(channel(1), channel(2))
    reply = house.call()
    house.upstream.last.answers(200, {"error": {"message": "Insufficient Balance", "code": 402}})
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    assert reply.status == 200
    assert house.journal.record.attempts[0].error_kind in ("low_balance", "quota_exhausted")


def test_an_unknown_model_is_refused_and_recorded_without_an_upstream() -> None:
    house = House()
    reply = house.call(model="no-such-model")
    house.journal.settle()
    assert reply.status == 404
    assert reply.headers["x-should-retry"] == "false"
    assert house.upstream.exchanges == []
    assert house.journal.record.outcome == "refused"


def test_while_the_journal_cannot_be_written_no_call_is_admitted() -> None:
    house = House()
    house.journal.admits = False
    reply = house.call()
    assert reply.status == 503
    assert house.upstream.exchanges == []
    assert house.journal.waiting == []


# --- streams ---


def test_n_12_a_stream_is_passed_on_and_recorded_once_with_its_real_usage() -> None:
    house = House()
    reply = house.call(stream=True)
    house.upstream.last.streams(text("Hel"), text("lo"), FINISH, USAGE, DONE, end=False)
    assert reply.body == text("Hel") + text("lo") + FINISH
    assert not reply.finished
    house.journal.settle()
    assert reply.body == text("Hel") + text("lo") + FINISH + DONE
    assert house.journal.record.total_cost == Decimal("0.000375")
    assert house.journal.record.stream
    house.upstream.last.sink.on_end()
    house.journal.settle()
    assert len(house.journal.lines) == 1


def test_usage_is_asked_for_on_a_stream_and_kept_from_a_client_that_did_not_ask() -> None:
    house = House()
    house.call(stream=True)
    sent = msgspec.json.decode(house.upstream.last.request.body)
    assert sent["stream_options"] == {"include_usage": True}


def test_a_client_that_asked_for_usage_gets_the_usage_event_as_it_came() -> None:
    house = House()
    reply = house.call(stream=True, stream_options={"include_usage": True})
    house.upstream.last.streams(text("Hi"), FINISH, USAGE, DONE)
    house.journal.settle()
    assert reply.body == text("Hi") + FINISH + USAGE + DONE


def test_a_client_that_asked_for_its_cost_gets_it_in_the_usage() -> None:
    house = House()
    reply = house.call(stream=True, stream_options={"include_usage": True}, usage={"include": True})
    house.upstream.last.streams(text("Hi"), FINISH, USAGE, DONE)
    house.journal.settle()
    assert b'"cost":0.000375' in reply.body
    plain = house.call(usage={"include": True})
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    assert plain.json["usage"] == {
        "prompt_tokens": 150, "completion_tokens": 300, "total_tokens": 450, "cost": 0.000375,
    }  # fmt: skip


def test_a_stream_that_breaks_off_ends_with_an_error_event_and_is_billed_by_what_came() -> None:
    house = House(channel(1), channel(2))
    reply = house.call(stream=True)
    house.upstream.last.streams(text("Hel"), text("lo wor"), end=False)
    house.upstream.last.sink.on_fault(Fault(FaultKind.RESET, "connection reset"))
    house.journal.settle()
    record = house.journal.record
    assert len(house.upstream.exchanges) == 1
    assert reply.body.startswith(text("Hel") + text("lo wor") + b'data: {"error":')
    assert reply.body.endswith(DONE)
    assert reply.body.count(b"[DONE]") == 1
    assert (record.outcome, record.usage_source) == ("partial", "estimated")
    assert record.total_cost > 0


def test_a_stream_that_fails_before_its_first_event_moves_on() -> None:
    house = House(channel(1), channel(2))
    reply = house.call(stream=True)
    house.upstream.last.streams(b'data: {"error":{"message":"overloaded","code":529}}\n\n', end=False)
    assert house.upstream.exchanges[0].cancelled
    house.upstream.last.streams(text("Hi"), FINISH, USAGE, DONE)
    house.journal.settle()
    assert reply.body == text("Hi") + FINISH + DONE
    assert len(house.journal.record.attempts) == 2


def test_a_stream_without_done_is_a_success_when_it_finished() -> None:
    house = House()
    reply = house.call(stream=True)
    house.upstream.last.streams(text("Hi"), FINISH, USAGE)
    house.journal.settle()
    assert reply.body == text("Hi") + FINISH + DONE
    assert house.journal.record.outcome == "success"


def test_a_stream_without_usage_is_estimated_and_says_so() -> None:
    house = House()
    house.call(stream=True)
    house.upstream.last.streams(text(""), text("x" * 400), FINISH, DONE)
    house.journal.settle()
    record = house.journal.record
    assert (record.outcome, record.usage_source) == ("success", "estimated")
    assert 80 <= record.output_tokens <= 120


def test_the_last_usage_counts_once() -> None:
    house = House()
    house.call(stream=True)
    partial = event(choices=[{"index": 0, "delta": {}}], usage={"prompt_tokens": 1, "completion_tokens": 1})
    house.upstream.last.streams(partial, partial, USAGE, USAGE, DONE)
    house.journal.settle()
    assert house.journal.record.total_tokens == 450


# --- clients that leave ---


def test_a_stream_whose_client_left_is_drained_to_its_real_usage() -> None:
    house = House()
    reply = house.call(stream=True)
    house.upstream.last.streams(text("Hi"), end=False)
    assert reply.events is not None
    reply.events.on_client_gone()
    house.upstream.last.sink.on_data(FINISH + USAGE + DONE)
    house.journal.settle()
    record = house.journal.record
    assert (record.outcome, record.usage_source, record.total_tokens) == ("cancelled", "provider", 450)
    assert not house.upstream.last.cancelled


def test_draining_ends_after_its_time_and_the_rest_is_estimated() -> None:
    house = House(routing=RoutingPolicy(drain_s=10.0))
    reply = house.call(stream=True)
    house.upstream.last.streams(text("Hi there"), end=False)
    assert reply.events is not None
    reply.events.on_client_gone()
    house.clock.advance(9.9)
    assert not house.upstream.last.cancelled
    house.clock.advance(0.2)
    assert house.upstream.last.cancelled
    house.journal.settle()
    assert (house.journal.record.outcome, house.journal.record.usage_source) == ("cancelled", "estimated")


def test_cancelling_at_once_is_a_choice() -> None:
    house = House(routing=RoutingPolicy(client_gone="cancel"))
    reply = house.call()
    assert reply.events is not None
    reply.events.on_client_gone()
    assert house.upstream.last.cancelled
    house.journal.settle()
    assert house.journal.record.outcome == "cancelled"


def test_a_call_that_is_cut_when_the_router_stops_says_so_and_costs_the_user_nothing() -> None:
    house = House()
    streamed = house.call(snapshot().keys[0], stream=True)
    house.upstream.last.streams(text("half an ans"), end=False)
    waiting = house.call(snapshot().keys[0])
    house.gateway.cut_all()
    house.journal.settle()
    assert b'"code":"router_busy"' in streamed.body
    assert streamed.body.endswith(DONE)
    assert (waiting.status, waiting.error["code"], waiting.headers["retry-after"]) == (503, "router_busy", "1")
    for record in house.journal.records:
        assert (record.outcome, record.usage_source, record.user_charge) == ("interrupted", "estimated", Decimal(0))
        assert record.total_cost > 0
    assert all(exchange.cancelled for exchange in house.upstream.exchanges)
    assert (house.inflight.slots, house.seen.attempts) == ({}, [])


def test_a_slow_client_pauses_the_upstream() -> None:
    house = House()
    reply = house.call(stream=True)
    house.upstream.last.streams(text("Hi"), end=False)
    assert reply.events is not None
    reply.events.on_client_slow()
    assert house.upstream.last.paused
    reply.events.on_client_ready()
    assert not house.upstream.last.paused


def test_every_call_has_exactly_one_line_and_no_slot_is_left() -> None:
    house = House(channel(1), channel(2))
    house.call()
    house.upstream.last.answers(200, completion())
    house.call(model="nothing")
    gone = house.call(stream=True)
    assert gone.events is not None
    gone.events.on_client_gone()
    house.clock.advance(60)
    house.call()
    house.upstream.last.sink.on_fault(Fault(FaultKind.RESET, "x"))
    house.upstream.last.sink.on_fault(Fault(FaultKind.RESET, "y"))
    house.journal.settle()
    assert len(house.journal.lines) == 4
    assert len({record.request_id for record in house.journal.records}) == 4
    assert house.inflight.slots == {}
    assert house.gateway.calls_under_way == 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_said_within_a_200_is_told_as_a_400(stream: bool) -> None:
    house = House(channel(1), channel(2))
    reply = house.call(stream=stream)
    error = {"error": {"message": "messages[0] has no content", "type": "invalid_request_error"}}
    if stream:
        house.upstream.last.streams(b"data: " + msgspec.json.encode(error) + b"\n\n")
    else:
        house.upstream.last.answers(200, error)
    house.journal.settle()
    assert len(house.upstream.exchanges) == 1
    assert (reply.status, reply.error["message"]) == (400, "messages[0] has no content")
    assert (house.journal.record.outcome, house.journal.record.status_code) == ("failed", 400)


def test_a_call_over_midnight_is_one_record_of_the_day_on_which_it_ended() -> None:
    house = House()
    house.clock.passed = 12 * 3600 - 0.25
    house.call()
    house.clock.advance(0.5)
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    record = house.journal.record
    assert (record.timestamp, record.response_time_ms) == ("2025-08-25T00:00:00.250000Z", 500)


def test_a_clock_that_steps_back_within_a_call_gives_no_negative_time() -> None:
    house = House()
    monotonic = house.clock.monotonic
    house.call()
    house.clock.advance(0.5)
    house.clock.now = lambda: 1_756_036_800.0 - 3600  # type: ignore[method-assign]  # the wall clock alone steps back
    assert monotonic() > 1000
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    assert (house.journal.record.timestamp, house.journal.record.response_time_ms) == (
        "2025-08-24T11:00:00.000000Z",
        500,
    )
