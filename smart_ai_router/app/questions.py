"""Questions that only a gateway worker can answer, asked over the link and waited for."""

import asyncio
import itertools
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer

import msgspec

from smart_ai_router.adapters.link import LinkServer
from smart_ai_router.core.link_messages import ExplainAnswered, ExplainAsked
from smart_ai_router.domain.errors import Refusal, RouterBusy

ANSWER_WAIT_S = 2.0


class AskedRefusal(Refusal):
    """What a call with this model field would be refused with."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message, param="model")
        self.status = status  # type: ignore[misc]  # the worker's refusal decides, not this class
        self.code = code  # type: ignore[misc]  # likewise


class Questions:
    """Asks one worker; safe to use from the API's threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop, link: LinkServer) -> None:
        self._loop = loop
        self._link = link
        self._numbers = itertools.count(1)
        self._open: dict[int, Future[ExplainAnswered]] = {}
        self._lock = threading.Lock()

    def explain(self, model: str, kind: str = "chat") -> Mapping[str, object]:
        """Where a call would go now; raises Refusal."""
        answer: Future[ExplainAnswered] = Future()
        with self._lock:
            number = next(self._numbers)
            self._open[number] = answer
        asked = ExplainAsked(number, model, kind)
        self._loop.call_soon_threadsafe(self._link.ask_one, asked)
        try:
            told = answer.result(ANSWER_WAIT_S)
        except NoAnswer as error:
            raise RouterBusy("no gateway worker answered; try again", retry_after_s=1.0) from error
        finally:
            with self._lock:
                self._open.pop(number, None)
        body: dict[str, object] = msgspec.json.decode(told.body)
        if told.status != 200:
            raise AskedRefusal(told.status, str(body["code"]), str(body["message"]))
        return body

    def take(self, answer: ExplainAnswered) -> None:
        """A worker answered."""
        with self._lock:
            waiting = self._open.pop(answer.question, None)
        if waiting is not None:
            waiting.set_result(answer)
