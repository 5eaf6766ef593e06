"""The bookkeeper's thread: reads the journal a few times a second, and at once when somebody asks a question."""

import logging
import threading
from typing import Final

from smart_ai_router.core.bookkeeper import Bookkeeper
from smart_ai_router.core.store import StoreFailure

INTERVAL_S: Final = 0.2
QUESTION_WAIT_S: Final = 5.0  # a statistic waits this long for the books, then says that it is not complete
SLICE_S: Final = 1.0  # how long one turn may book before it looks at the questions again
RETRY_S: Final = 1.0

_logger = logging.getLogger(__name__)


class BookkeepingThread:
    """Runs one bookkeeper; the only thread that writes the books."""

    def __init__(self, bookkeeper: Bookkeeper) -> None:
        self._bookkeeper = bookkeeper
        self._wake = threading.Event()
        self._is_closing = threading.Event()
        self._turn = threading.Condition()
        self._asked = 0  # questions that have been put
        self._answered = 0  # questions whose calls are all on the books
        self._thread = threading.Thread(target=self._run, name="bookkeeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def catch_up(self) -> bool:
        """Wait until every call that has ended before now is on the books; False when that takes too long."""
        with self._turn:
            self._asked += 1
            mine = self._asked
            self._wake.set()
            return self._turn.wait_for(lambda: self._answered >= mine, QUESTION_WAIT_S)

    def close(self) -> None:
        """Book what is there, then stop."""
        self._is_closing.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        failing = False
        while True:
            is_last = self._is_closing.is_set()
            with self._turn:
                asked = self._asked
            try:
                complete = self._bookkeeper.catch_up(budget_s=SLICE_S)
            except (StoreFailure, OSError) as error:
                if not failing:
                    _logger.error("the books cannot be written: %s; calls go on, the journal keeps them", error)
                failing, complete = True, False
                self._is_closing.wait(RETRY_S)
            else:
                if failing:
                    _logger.warning("the books can be written again")
                failing = False
            if complete:
                with self._turn:
                    self._answered = asked
                    self._turn.notify_all()
            if is_last and (complete or failing):
                return
            if complete:
                self._wake.wait(INTERVAL_S)
                self._wake.clear()
