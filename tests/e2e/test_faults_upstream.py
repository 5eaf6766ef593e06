"""Every misbehaviour of the testing upstream through the real router: stream and not, alone and with a second channel."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from smart_ai_router.testing.upstream import UpstreamServer
from smart_ai_router.testing.upstream_modes import catalogue
from tests.e2e.fault_calls import Answer, chat
from tests.e2e.fault_harness import Router

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
    good = {"id": "good", "name": "good", "provider": "up", "api_key": "${UPSTREAM_KEY_2}", "models": backed}
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
