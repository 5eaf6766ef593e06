import msgspec
from hypothesis import given
from hypothesis import strategies as st

from smart_ai_router.core.link_messages import (
    FromControl,
    FromWorker,
    LeaseAnswer,
    LeaseRecalls,
    LeaseReport,
    pack_answer,
    pack_report,
    unpack_answer,
    unpack_report,
)
from smart_ai_router.domain.accounts import AccountKey, AccountKind
from smart_ai_router.domain.leasing import Answer, Recall, Report, Ruling, Wish

AMOUNTS = st.integers(0, 2**80)  # counters of a rich account pass 64 bits
ACCOUNTS = st.builds(AccountKey, st.sampled_from(AccountKind), st.text(), st.text(), st.text())
WISHES = st.builds(Wish, ACCOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, st.booleans(), AMOUNTS, AMOUNTS, AMOUNTS)
RULINGS = st.builds(Ruling, ACCOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, st.booleans())


@given(st.builds(Report, st.text(), AMOUNTS, st.lists(WISHES).map(tuple)))
def test_a_report_arrives_as_it_was_sent(report: Report) -> None:
    sent = msgspec.msgpack.encode(LeaseReport(pack_report(report)))
    message = msgspec.msgpack.decode(sent, type=FromWorker)
    assert isinstance(message, LeaseReport)
    assert unpack_report(message.data) == report


@given(st.builds(Answer, st.text(), AMOUNTS, st.lists(RULINGS).map(tuple), st.booleans()))
def test_an_answer_arrives_as_it_was_sent(answer: Answer) -> None:
    sent = msgspec.msgpack.encode(LeaseAnswer(pack_answer(answer)))
    message = msgspec.msgpack.decode(sent, type=FromControl)
    assert isinstance(message, LeaseAnswer)
    assert unpack_answer(message.data) == answer


def test_recalls_arrive_as_they_were_sent() -> None:
    recalls = LeaseRecalls((Recall("w1", AccountKey(AccountKind.POOL, "openai", "USD"), 3),))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(recalls), type=FromControl) == recalls
