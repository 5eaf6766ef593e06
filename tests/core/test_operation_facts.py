"""What is kept of an operation before anything has happened to it."""

from smart_ai_router.api.openai import read_call
from smart_ai_router.core.calls import Caller
from smart_ai_router.core.operation_facts import OperationFacts
from tests.core.playbook import CHAT

CALL = read_call(CHAT, {}, b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}', None)
CALLER = Caller("192.0.2.7", None, "u1")


def test_an_operation_begins_without_attempts_money_or_a_place_in_a_limit() -> None:
    facts = OperationFacts(CALL, CALLER, None, "req_1", 12.5)

    assert (facts.call, facts.caller, facts.request_id, facts.started) == (CALL, CALLER, "req_1", 12.5)
    assert (facts.attempts, facts.candidates, facts.refusals, facts.query_tags) == ([], [], [], ())
    assert (facts.grant, facts.key_gate, facts.channel_gate, facts.slot, facts.is_abandoned) == (None,) * 4 + (False,)
    assert (facts.funding.hold, facts.funding.book, facts.funding.spent) == (None, None, [])


def test_two_operations_share_nothing_that_grows() -> None:
    first, second = (OperationFacts(CALL, CALLER, None, name, 0.0) for name in "ab")

    first.candidates += [None]  # type: ignore[list-item]
    first.funding.spent.append(None)

    assert (second.candidates, second.funding.spent) == ([], [])
