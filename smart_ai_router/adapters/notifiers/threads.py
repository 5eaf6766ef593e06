"""Threads that run an outbox: one for each notifier, so that a slow receiver delays nobody else's alerts."""

import threading
from typing import Final

from smart_ai_router.core.alerting import AlertOutbox

CLOSE_WAIT_S: Final = 5.0  # to finish the tries under way; what is pending stays stored
IDLE_WAIT_S: Final = 60.0  # an upper bound only: a new alert wakes the thread at once


class DeliveryThreads:
    """Delivers what is put into an outbox, from `start` to `close`."""

    def __init__(self, outbox: AlertOutbox) -> None:
        self._outbox = outbox
        self._is_closing = threading.Event()
        self._wakers = {name: threading.Event() for name in outbox.names}
        self._threads = [
            threading.Thread(target=self._run, args=(name, waker), name=f"alerts-{name}", daemon=True)
            for name, waker in self._wakers.items()
        ]
        outbox.on_put(self._wake)

    def start(self) -> None:
        """Begin with what is pending from before."""
        for thread in self._threads:
            thread.start()

    def close(self, wait_s: float = CLOSE_WAIT_S) -> None:
        """Stop after the tries under way, or without them when they take longer."""
        self._is_closing.set()
        self._wake()
        for thread in self._threads:
            thread.join(wait_s)

    def _wake(self) -> None:
        for waker in self._wakers.values():
            waker.set()

    def _run(self, name: str, waker: threading.Event) -> None:
        while not self._is_closing.is_set():
            waker.clear()  # before looking: what is put from here on sets it again
            wait_s = self._outbox.deliver_next(name)
            if wait_s is None or wait_s > 0:
                waker.wait(IDLE_WAIT_S if wait_s is None else min(wait_s, IDLE_WAIT_S))
