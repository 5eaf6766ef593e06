"""Every misbehaviour of the testing upstream through the real router: streamed or not, alone or backed by another."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from smart_ai_router.testing.upstream_modes import catalogue
from tests.e2e.fault_calls import Answer, chat
from tests.e2e.fault_harness import UPSTREAM_KEYS, Router

AT_ONCE = 24
OPTIONS = {"gzip-bomb": "gzip-bomb,mb=200", "slow-head": "slow-head,ms=400", "slow-loris": "slow-loris,ms=400"}
TOTAL_S = {"infinite": 1.5, "slow-loris": 3}
MODES = [mode for mode in catalogue() if mode != "latency"]
PRICES = {"currency": "USD", "per": 1_000_000, "input": 0.15, "cached_input": 0.075, "output": 0.60}


class Case(NamedTuple):
    mode: str
    stream: bool
    alone: bool

    @property
    def model(self) -> str:
        return f"{self.mode}-{'stream' if self.stream else 'whole'}-{'alone' if self.alone else 'backed'}"


CASES = [Case(mode, stream, alone) for mode in MODES for stream in (False, True) for alone in (True, False)]


def written_config(upstream: UpstreamServer) -> str:
    """A channel for each case, so that no case meets a channel that rests after another; one good channel behind."""

    def channel(case: Case) -> dict[str, object]:
        name = f"{case.model}+fault:{OPTIONS.get(case.mode, case.mode)}"
        return {
            "id": case.model,
            "name": case.model,
            "provider": "up",
            "api_key": "${UPSTREAM_KEY_1}",
            "models": [{"name": case.model, "upstream_name": name}],
            "prices": {case.model: PRICES},
            "priority": 1,
            "timeouts": {"connect": 1, "first_byte": 1, "idle": 1, "total": TOTAL_S.get(case.mode, 20)},
        }

    backed = [case.model for case in CASES if not case.alone]
    good: dict[str, object] = {
        "id": "good",
        "name": "good",
        "provider": "up",
        "api_key": "${UPSTREAM_KEY_2}",
        "models": backed,
    }
    good |= {"priority": 2, "prices": {model: {"currency": "USD", "input": 1, "output": 2} for model in backed}}
    return json.dumps(
        {
            "system": {"demo_channel": "never", "probe_local_servers": False},
            "auth": {"keys": [{"name": "alice", "key": "${USER_KEY}", "user": "alice"}]},
            "providers": {"up": {"display_name": "Up", "base_url": upstream.base_url}},
            "channels": [*(channel(case) for case in CASES), good],
        }
    )


class Outcomes:
    """What each case's client got and what the journal says of it."""

    def __init__(self, answers: dict[Case, Answer], records: dict[str, dict[str, object]]) -> None:
        self.answers = answers
        self.records = records


async def call_all(router: Router) -> dict[Case, Answer]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Answer:
        async with gate:
            return await asyncio.wait_for(chat(router.port, case.model, model=case.model, stream=case.stream), 30)

    answers = await asyncio.gather(*(one(case) for case in CASES))
    return dict(zip(CASES, answers, strict=True))


@pytest.fixture(scope="module")
def outcomes(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    upstream.set_mode("normal")
    router = Router(tmp_path_factory.mktemp("upstream"), written_config(upstream))
    try:
        router.start()
        answers = asyncio.run(call_all(router))
        totals = router.statistics()
        assert router.stop() == 0, router.said()
        assert "Traceback" not in router.said()
        journal = router.journal()
        assert totals == journal.totals
        assert router.open_slots() == 0
        router.verify()
        assert set(journal.counts().values()) == {1}
        yield Outcomes(answers, {str(record["end_user"]): record for record in journal.records})
    finally:
        router.close()


# What each mode must come to, written from the catalogue of faults. Everything that is not named here is served as
# if nothing were wrong.

EXACT, ESTIMATED, NOTHING = "provider", "estimated", "none"


class Expected(NamedTuple):
    """One row: the client's status, the record's outcome and error, and where its quantities come from."""

    status: int = 200
    outcome: str = "success"
    error_kind: str | None = None
    basis: str = EXACT


SERVED = Expected()
GUESSED = Expected(basis=ESTIMATED)


def failed(status: int, error_kind: str, basis: str = NOTHING) -> Expected:
    return Expected(status, "failed", error_kind, basis)


def partial(error_kind: str) -> Expected:
    return Expected(200, "partial", error_kind, ESTIMATED)


RESET, TIMEOUT, MALFORMED = failed(502, "reset"), failed(504, "timeout"), failed(502, "malformed")
RATE_LIMITED, SERVER_ERROR = failed(429, "rate_limit"), failed(502, "server_error")
NO_MONEY, NO_QUOTA, BAD_KEY = failed(503, "low_balance"), failed(503, "quota_exhausted"), failed(503, "api_key_invalid")

ALIKE: dict[str, Expected] = {  # streamed or not
    **dict.fromkeys(("reset-before-head", "close-before-head", "reset-after-head"), RESET),
    **dict.fromkeys(("blackhole", "stall-after-head", "slow-head", "slow-loris"), TIMEOUT),
    **dict.fromkeys(("length-twice", "length-and-chunked", "length-negative", "garbage", "bad-chunk"), MALFORMED),
    **dict.fromkeys(("many-headers", "huge-header", "brotli-label", "zstd-label", "gzip-bomb"), MALFORMED),
    **dict.fromkeys(("html-200", "empty-200", "malformed-json", "json-null", "json-list", "not-utf8"), MALFORMED),
    **dict.fromkeys(("zhipu-in-200", "choice-error-in-200"), SERVER_ERROR),
    "minimax-in-200": NO_MONEY,
    "dashscope-in-200": RATE_LIMITED,
    "no-choices": MALFORMED,
    **dict.fromkeys(("status-500", "status-502", "status-503", "status-529", "status"), SERVER_ERROR),
    **dict.fromkeys(("status-503-retry", "error-in-200", "error-in-200-text"), SERVER_ERROR),
    **dict.fromkeys(("status-429", "status-429-date", "status-402-reserved"), RATE_LIMITED),
    **dict.fromkeys(("status-401", "status-401-shown", "status-403"), BAD_KEY),
    **dict.fromkeys(("status-402-deepseek", "status-402-openrouter", "status-429-zhipu"), NO_MONEY),
    **dict.fromkeys(("status-403-one-api", "status-429-moonshot", "status-429-quota"), NO_QUOTA),
    **dict.fromkeys(("redirect", "echo"), failed(502, "api_error")),
    "status-400": failed(400, "request_refused"),
    "status-404": failed(404, "model_missing"),
    **dict.fromkeys(("no-usage", "usage-negative", "usage-huge", "usage-string", "usage-float"), GUESSED),
    **dict.fromkeys(("usage-boolean", "usage-nulls", "usage-null", "usage-fields-missing", "usage-list"), GUESSED),
    "usage-cached-beyond-prompt": GUESSED,
}  # fmt: skip
WHOLE: dict[str, Expected] = {  # not streamed
    **dict.fromkeys(("reset-mid-body", "close-mid-body", "cut-before-done"), RESET),
    **dict.fromkeys(("stall-mid-body", "infinite"), TIMEOUT),
    **dict.fromkeys(("cut-json", "length-too-short", "usage-nan"), MALFORMED),
    "length-too-long": failed(502, "reset", EXACT),  # the count came; the reply did not end
}
STREAMED: dict[str, Expected] = {
    **dict.fromkeys(("reset-mid-body", "close-mid-body", "cut-before-done", "cut-json"), partial("reset")),
    **dict.fromkeys(("stall-mid-body", "infinite"), partial("timeout")),
    **dict.fromkeys(("error-mid-stream", "error-event", "dashscope-mid-stream"), partial("server_error")),
    "minimax-mid-stream": partial("rate_limit"),
    "only-done": MALFORMED,
    "error-first": failed(429, "rate_limit"),
    "usage-nan": GUESSED,
}
CACHED = ("openai", "deepseek", "qwen", "moonshot", "zhipu", "doubao", "openrouter")  # 64 of the 150 at half price
EXACT_COST = Decimal("0.0002025")
CACHED_COST = Decimal("0.0001977")
OVER_LIMIT_COST = Decimal("0.0018225")  # 3,000 tokens written, as the provider says and bills
GOOD_COST = Decimal("0.00075")


def expected(mode: str, stream: bool) -> Expected:
    return ALIKE.get(mode) or (STREAMED if stream else WHOLE).get(mode, SERVED)


def exact_cost(mode: str) -> Decimal:
    return {"usage-over-max": OVER_LIMIT_COST}.get(mode, CACHED_COST if mode in CACHED else EXACT_COST)


ALONE = [case for case in CASES if case.alone]
BACKED = [case for case in CASES if not case.alone]


def test_every_row_of_the_tables_is_a_mode() -> None:
    assert not {*ALIKE, *WHOLE, *STREAMED, *CACHED, *OPTIONS, *TOTAL_S} - set(MODES)


@pytest.mark.parametrize("case", ALONE, ids=lambda case: case.model)
def test_a_fault_becomes_the_right_status_and_one_honest_record(outcomes: Outcomes, case: Case) -> None:
    answer, record, row = outcomes.answers[case], outcomes.records[case.model], expected(case.mode, case.stream)
    assert answer.status == row.status, answer.body
    assert answer.is_whole
    assert (record["outcome"], record["error_kind"], record["usage_source"]) == row[1:]
    assert record["status"] == ("success" if row.outcome == "success" else "error")
    assert answer.headers["x-request-id"] == record["request_id"]
    cost, charge = record["total_cost"], record["user_charge"]
    assert isinstance(cost, Decimal | int)
    if row.basis == EXACT:
        assert cost == exact_cost(case.mode)
    elif row.basis == NOTHING:
        assert (cost, record["total_tokens"]) == (0, 0)
    else:
        limit = 1 if case.mode == "infinite" else EXACT_COST  # a little text, never the absurd number
        assert 0 < cost < limit
    assert charge == (0 if row.outcome == "failed" else cost)
    if row.outcome == "failed":
        assert ("upstream_may_bill" in str(record["flags"])) == (row.error_kind in ("reset", "timeout", "malformed"))


@pytest.mark.parametrize("case", BACKED, ids=lambda case: case.model)
def test_a_fault_moves_on_to_the_next_channel_while_nothing_has_reached_the_client(
    outcomes: Outcomes, case: Case
) -> None:
    answer, record, row = outcomes.answers[case], outcomes.records[case.model], expected(case.mode, case.stream)
    attempts = record["attempts"]
    assert isinstance(attempts, list)
    if row.outcome != "failed" or row.error_kind == "request_refused":
        assert (answer.status, record["outcome"], len(attempts)) == (row.status, row.outcome, 1)
        return
    assert (answer.status, record["outcome"], record["channel_id"]) == (200, "success", "good")
    assert [attempt["error_kind"] for attempt in attempts] == [row.error_kind, None]
    assert (record["total_cost"], record["user_charge"]) == (GOOD_COST, GOOD_COST)


def bill(record: dict[str, object]) -> list[tuple[object, ...]]:
    lines = record["lines"]
    assert isinstance(lines, list)
    return [(line["meter"], line["quantity"], line["amount"]) for line in lines]


BOTH_WAYS = [mode for mode in MODES if {expected(mode, stream).outcome for stream in (False, True)} == {"success"}]


@pytest.mark.parametrize("mode", BOTH_WAYS)
def test_a_stream_costs_what_the_same_answer_costs_whole(outcomes: Outcomes, mode: str) -> None:
    whole, streamed = (outcomes.records[Case(mode, stream, alone=True).model] for stream in (False, True))
    assert {whole["outcome"], streamed["outcome"]} == {"success"}
    if whole["usage_source"] == EXACT:
        names = ("total_cost", "input_cost", "output_cost", "input_tokens", "output_tokens", "user_charge")
        assert [streamed[name] for name in names] == [whole[name] for name in names]
        assert bill(streamed) == bill(whole)
    elif mode not in ("usage-null", "usage-list"):  # a chunk without choices and count is taken for a short text
        assert streamed["output_tokens"] == whole["output_tokens"]


def test_a_stream_ends_properly_however_it_ends(outcomes: Outcomes) -> None:
    for case, answer in outcomes.answers.items():
        if case.stream and answer.headers["content-type"].startswith("text/event-stream"):
            assert answer.body.endswith(
                (b"data: [DONE]\n\n", b"data: [DONE]\r\n\r\n", b"data: [DONE]\r\r", b"data:[DONE]\n\n")
            )
            assert answer.body.count(b"[DONE]") == 1, case


def test_a_rate_limit_tells_the_client_how_long_to_wait(outcomes: Outcomes) -> None:
    for mode in ("status-429", "status-429-date"):
        answer = outcomes.answers[Case(mode, stream=False, alone=True)]
        assert 1 <= int(answer.headers["retry-after"]) <= 2
        assert answer.headers["x-should-retry"] == "true"


def test_what_only_the_operator_can_mend_is_not_to_be_retried(outcomes: Outcomes) -> None:
    for mode, row in ALIKE.items():
        if row in (NO_MONEY, NO_QUOTA, BAD_KEY):
            assert outcomes.answers[Case(mode, stream=False, alone=True)].headers["x-should-retry"] == "false"


def test_nothing_of_the_upstreams_own_headers_reaches_the_client(outcomes: Outcomes) -> None:
    ours = {
        "content-type", "content-length", "transfer-encoding", "connection", "x-request-id", "x-should-retry",
        "retry-after", "cache-control", "x-accel-buffering", "x-smart-ai-router-channel",
        "x-smart-ai-router-attempts", "x-smart-ai-router-cost",
    }  # fmt: skip
    for case, answer in outcomes.answers.items():
        assert set(answer.headers) <= ours, case


def test_no_upstream_key_is_in_any_answer(outcomes: Outcomes) -> None:
    for case, answer in outcomes.answers.items():
        shown = answer.body + str(answer.headers).encode()
        assert not [key for key in UPSTREAM_KEYS if key.encode() in shown], case
