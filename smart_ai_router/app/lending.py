"""The control plane's end of lending: reports come in, answers and recalls go out, the slices of the dead come back.

Everything that touches the ledger runs on one thread of its own, in the order in which it came, so that neither a
full disk nor a long batch of the bookkeeper holds up the link.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from smart_ai_router.core.lease_desk import LeaseDesk
from smart_ai_router.core.ledger_store import HolderRow
from smart_ai_router.core.link_messages import (
    FromControl,
    Hello,
    LeaseAnswer,
    LeaseRecalls,
    pack_answer,
    unpack_report,
)
from smart_ai_router.core.store import StoreFailure
from smart_ai_router.domain.leasing import Recall, Report

RECALL_S: Final = 0.05  # how often a recall that was not answered is told again
TOLD_EVERY_S: Final = 60.0
RECALLS_TOLD_MAX: Final = 1000  # in one message

_logger = logging.getLogger(__name__)


class Lending:
    """Lends to the gateway workers of this host."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_desk: Callable[[Callable[[Recall], None]], LeaseDesk],
        broadcast: Callable[[FromControl], None],
        read_to_end: Callable[[], bool],
        workers: int,
    ) -> None:
        """`make_desk` is given how to tell a recall; `read_to_end` books the journal to its end; `workers` are numbered
        from 0."""
        self._loop = loop
        self._desk = make_desk(self._tell)
        self._broadcast = broadcast
        self._read_to_end = read_to_end
        self._thread = ThreadPoolExecutor(1, "lending")
        self._holders: dict[int, str] = {}  # worker to the holder that it lives under
        self._is_recalling = False
        self._workers = workers
        self._told_at = -TOLD_EVERY_S  # when it was last said that nothing can be lent

    # --- on the event loop ---

    def meet(self, hello: Hello) -> None:
        """A worker has connected, or goes on under another name."""
        if hello.holder:
            self._holders[hello.worker] = hello.holder
            self._later(lambda: self._desk.register(hello.holder, hello.worker, hello.process_id))

    def hear(self, data: bytes) -> None:
        """A worker's report; its answer follows."""
        self._later(lambda: self._answer(unpack_report(data)))

    def tick(self) -> None:
        """Once a second or so: take back what is no longer spent, and tell what other hosts recall."""
        self._later(self._end_over)
        if not self._is_recalling:
            self._later(self._tell_again)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    # --- on its thread ---

    def _answer(self, report: Report) -> None:
        answer = self._desk.hear(report)
        if answer is not None:
            self._send(LeaseAnswer(pack_answer(answer)))

    def _end_over(self) -> None:
        ended = self._desk.end_over(
            are_orphans_booked=self._is_succeeded, is_dead=self._is_succeeded, read_to_end=self._read_to_end
        )
        for holder in ended:
            _logger.info("what worker %s had borrowed and not spent is back", holder)

    def _is_succeeded(self, row: HolderRow) -> bool:
        """True when another life of the worker borrows now. It has locked the in-flight table, which only a dead owner
        lets go, and has booked what stood in it before it asked for money. Worker 0 does so for numbers that are gone.
        One that has not connected again since this control plane began is taken for alive.
        """
        heir = row.worker if row.worker < self._workers else 0
        return self._holders.get(heir, row.holder) != row.holder

    def _tell(self, recall: Recall) -> None:
        self._send(LeaseRecalls((recall,)))
        if not self._is_recalling:
            self._is_recalling = True
            self._loop.call_soon_threadsafe(self._loop.call_later, RECALL_S, self._remind)

    def _remind(self) -> None:
        self._later(self._tell_again)

    def _tell_again(self) -> None:
        recalls = tuple(self._desk.recalls()[:RECALLS_TOLD_MAX])
        self._is_recalling = bool(recalls)
        if recalls:
            self._send(LeaseRecalls(recalls))
            self._loop.call_soon_threadsafe(self._loop.call_later, RECALL_S, self._remind)

    # --- both ---

    def _send(self, message: FromControl) -> None:
        self._loop.call_soon_threadsafe(self._broadcast, message)

    def _later(self, work: Callable[[], None]) -> None:
        def attempt() -> None:
            try:
                work()
            except StoreFailure as error:
                if time.monotonic() - self._told_at >= TOLD_EVERY_S:
                    self._told_at = time.monotonic()
                    _logger.error("nothing can be lent: %s; calls go on within what was lent before", error)

        try:
            self._thread.submit(attempt).add_done_callback(_tell_mistake)
        except RuntimeError:  # it is closed: the router stops
            return


def _tell_mistake(done: Future[None]) -> None:
    """A mistake of ours must not pass in silence on a thread that nobody waits for."""
    if not done.cancelled() and (error := done.exception()) is not None:
        _logger.error("a report, a recall or a look at the leases failed", exc_info=error)
