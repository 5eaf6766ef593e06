"""What a gateway decides for its operations: limits, keys, prices, and the swap of snapshots."""

import gc
import weakref
from dataclasses import replace
from datetime import date
from decimal import Decimal

from smart_ai_router.api.openai import flawed_call
from smart_ai_router.core.calls import Caller
from smart_ai_router.core.local_days import LocalDays
from smart_ai_router.core.posting import post_line
from smart_ai_router.core.snapshot import KeyGrant, ModelDisabled, RoutingPolicy, User
from smart_ai_router.domain.errors import RequestMalformed
from smart_ai_router.domain.faults import Fault, FaultKind
from tests.core.playbook import CHAT, House, ScriptedReply, channel, completion, prices, snapshot

GRANT = KeyGrant("k1", "0" * 64, "u1", "laptop")


def test_m1_10_a_thousand_calls_have_a_thousand_ids() -> None:
    house = House()
    ids = {house.gateway.new_request_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(each.startswith("req_") for each in ids)


def test_ids_stay_unique_and_rising_when_the_clock_steps_back() -> None:
    house = House()
    before = [house.gateway.new_request_id() for _ in range(10)]
    house.clock.passed = -3600.0
    after = [house.gateway.new_request_id() for _ in range(10)]
    assert before + after == sorted({*before, *after})


def test_a_key_beyond_its_rate_is_told_429_and_no_upstream_is_asked() -> None:
    house = House()
    grant = replace(GRANT, requests_per_minute_max=2)
    replies = [house.call(grant) for _ in range(3)]
    house.journal.settle()
    assert [reply.status for reply in replies] == [0, 0, 429]
    assert len(house.upstream.exchanges) == 2
    assert int(replies[2].headers["retry-after"]) >= 1
    assert house.journal.record.outcome == "refused"


def test_both_secrets_of_a_rotated_key_are_counted_as_one() -> None:
    house = House()
    grant = replace(GRANT, requests_per_minute_max=2)
    former = replace(grant, sha256_hex="ab" * 32, expires_at=2e9)
    replies = [house.call(each) for each in (grant, former, grant, former)]
    house.journal.settle()
    assert [reply.status for reply in replies] == [0, 0, 429, 429]


def test_a_key_at_its_concurrency_is_served_again_when_a_call_has_ended() -> None:
    house = House()
    grant = replace(GRANT, concurrency_max=1)
    house.call(grant)
    refused = house.call(grant)
    house.journal.settle()
    assert refused.status == 429
    house.upstream.exchanges[0].answers(200, completion())
    house.journal.settle()
    again = house.call(grant)
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    assert again.status == 200


def test_a_channel_at_its_daily_limit_is_passed_over_until_the_next_day() -> None:
    house = House(channel(1, daily_limit=1), channel(2))
    for _ in range(2):
        house.call()
        house.upstream.last.answers(200, completion())
    house.journal.settle()
    assert [record.channel_id for record in house.journal.records] == ["ch_openai_001", "ch_openai_002"]
    house.clock.advance(12 * 3600)
    house.call()
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    assert house.journal.records[-1].channel_id == "ch_openai_001"


def test_a_daily_count_goes_on_after_a_restart() -> None:
    today = date(2025, 8, 24)
    house = House(channel(1, daily_limit=5), channel(2), counted_day=today, attempts_counted=(("ch_openai_001", 4),))
    for _ in range(2):
        house.call()
        house.upstream.last.answers(200, completion())
    house.journal.settle()
    assert [record.channel_id for record in house.journal.records] == ["ch_openai_001", "ch_openai_002"]


def test_when_every_channel_is_at_its_limit_the_answer_says_when_to_come_back() -> None:
    house = House(channel(1, min_request_interval_s=5.0))
    house.call()
    reply = house.call()
    house.journal.settle()
    assert reply.status == 429
    assert reply.headers["retry-after"] == "5"


def test_a_key_that_may_not_use_a_model_is_told_403() -> None:
    house = House()
    reply = house.call(replace(GRANT, models=("another-model",)))
    house.journal.settle()
    assert reply.status == 403
    assert house.upstream.exchanges == []


def flawed(house: House, body: bytes) -> ScriptedReply:
    caller, reply = Caller("127.0.0.1", "curl/8", "u1", "k1"), ScriptedReply()
    call = flawed_call(CHAT, {}, body, None, RequestMalformed("the body ends too early", param="messages"))
    house.gateway.run(call, caller, GRANT, reply, house.clock.monotonic())
    return reply


def test_m1_08_a_call_that_is_refused_for_its_form_has_its_line() -> None:
    house = House()
    reply = flawed(house, b'{"model":"gpt-4o-mini"}')
    assert not reply.started  # its line is not on the disk yet
    house.journal.settle()
    record = house.journal.record
    assert (reply.status, reply.error["code"], reply.error["param"]) == (400, "invalid_request", "messages")
    assert (record.outcome, record.status, record.status_code) == ("refused", "error", 400)
    assert (record.error_kind, record.error_message) == ("invalid_request", "the body ends too early")
    assert (record.user_id, record.api_key_id, record.model) == ("u1", "k1", "gpt-4o-mini")
    assert [record.total_cost, record.user_charge, record.total_tokens, len(record.attempts)] == [0, 0, 0, 0]
    assert reply.headers["x-request-id"] == record.request_id
    assert house.upstream.exchanges == []
    assert house.gateway.calls_under_way == 0


def test_a_call_whose_model_cannot_be_read_is_accepted_by_the_books() -> None:
    house = House()
    flawed(house, b"{")
    house.journal.settle()
    posting = post_line(house.journal.lines[0], 0, LocalDays("UTC"))
    assert (posting.record.model, posting.record.channel_id, posting.is_success) == ("", "", False)


def test_a_form_that_is_wrong_is_told_also_while_the_journal_cannot_be_written() -> None:
    house = House()
    house.journal.admits = False
    assert flawed(house, b"{").status == 400
    assert house.journal.waiting == []


def test_a_call_that_is_refused_for_its_form_leaves_no_cycle_behind() -> None:
    house = House()
    flawed(house, b"{")
    house.journal.settle()
    gc.collect()
    gc.disable()
    try:
        reply = flawed(house, b"{")
        house.journal.settle()
        gone = weakref.ref(reply)
        del reply
        assert gone() is None
    finally:
        gc.enable()


def test_a_model_that_is_off_is_refused_with_its_reason() -> None:
    house = House(disabled=(ModelDisabled("openai", "*", "资费不足，暂不可用"),))
    reply = house.call()
    house.journal.settle()
    assert reply.status == 503
    assert "资费不足，暂不可用" in str(reply.error["message"])


def test_a_model_without_a_price_is_served_and_marked_or_refused_as_configured() -> None:
    served = House(prices=())
    served.call()
    served.upstream.last.answers(200, completion())
    served.journal.settle()
    record = served.journal.record
    assert (record.cost_basis, record.total_cost, record.total_tokens) == ("unpriced", Decimal(0), 450)
    refused = House(prices=(), routing=RoutingPolicy(unpriced_models="refuse"))
    reply = refused.call()
    refused.journal.settle()
    assert reply.status == 503


def test_a_call_is_billed_by_the_price_that_was_in_force_when_it_was_admitted() -> None:
    house = House()
    house.call()
    dearer = snapshot(version=2, prices=prices(channel(), input_price="50", output_price="100"))
    house.gateway.adopt(dearer)
    house.upstream.exchanges[0].answers(200, completion())
    house.call()
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    assert [record.total_cost for record in house.journal.records] == [Decimal("0.000375"), Decimal("0.0375")]


def test_a_user_pays_the_cost_times_the_ratio_of_the_group() -> None:
    house = House(users=(User("u1", "Ann", group_ratio="1.5"),))
    house.call(GRANT)
    house.upstream.last.answers(200, completion())
    house.journal.settle()
    record = house.journal.record
    assert (record.total_cost, record.user_charge) == (Decimal("0.000375"), Decimal("0.0005625"))
    assert (record.user_id, record.api_key_id) == ("u1", "k1")


def test_a_user_pays_nothing_for_a_call_that_failed() -> None:
    house = House()
    house.call(GRANT)
    house.upstream.last.answers(500, {})
    house.journal.settle()
    assert house.journal.record.user_charge == 0


def test_a_channel_with_a_bad_key_rests_until_it_is_cleared() -> None:
    house = House(channel(1), channel(2))
    house.call()
    house.upstream.last.sink.on_fault(Fault(FaultKind.API_KEY_INVALID, "no", 401))
    house.call()
    assert house.upstream.last.request.url.startswith("https://api.example.com")
    assert dict(house.upstream.last.request.headers)["authorization"].endswith("-2")
    house.gateway.reset_channel("*")
    house.call()
    assert dict(house.upstream.last.request.headers)["authorization"].endswith("-1")


def test_an_explanation_names_what_is_kept_out_and_why() -> None:
    house = House(channel(1), channel(2))
    house.call()
    house.upstream.last.sink.on_fault(Fault(FaultKind.API_KEY_INVALID, "no", 401))
    explanation = house.gateway.explain("gpt-4o-mini", "chat")
    assert [each.channel_id for each in explanation.ranked] == ["ch_openai_002"]
    assert [each.channel_id for each in explanation.excluded] == ["ch_openai_001"]


def test_stopping_books_every_call_under_way() -> None:
    house = House()
    house.call()
    house.call(stream=True)
    house.gateway.cut_all()
    house.journal.settle()
    assert [record.outcome for record in house.journal.records] == ["interrupted", "interrupted"]
    assert house.gateway.calls_under_way == 0
    assert house.inflight.slots == {}
