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
        self._lock = threading.Lock()  # a thread that ends and one that is to begin agree on who serves the name
        self._threads: dict[str, tuple[threading.Thread, threading.Event]] = {}
        outbox.on_put(self._wake)

    def start(self) -> None:
        """Begin with what is pending from before."""
        self.follow()

    def follow(self) -> None:
        """Serve the notifiers that the outbox has now; the threads of those that are gone end by themselves."""
        with self._lock:
            for name in self._outbox.names:
                if name not in self._threads:
                    waker = threading.Event()
                    thread = threading.Thread(target=self._run, args=(name, waker), name=f"alerts-{name}", daemon=True)
                    self._threads[name] = (thread, waker)
                    thread.start()
        self._wake()

    def close(self, wait_s: float = CLOSE_WAIT_S) -> None:
        """Stop after the tries under way, or without them when they take longer."""
        self._is_closing.set()
        self._wake()
        for thread, _ in self._served():
            thread.join(wait_s)

    def _served(self) -> list[tuple[threading.Thread, threading.Event]]:
        with self._lock:
            return list(self._threads.values())

    def _wake(self) -> None:
        for _, waker in self._served():
            waker.set()

    def _run(self, name: str, waker: threading.Event) -> None:
        while not self._is_closing.is_set():
            with self._lock:
                if name not in self._outbox.names:
                    del self._threads[name]
                    return
            waker.clear()  # before looking: what is put from here on sets it again
            wait_s = self._outbox.deliver_next(name)
            if wait_s is None or wait_s > 0:
                waker.wait(IDLE_WAIT_S if wait_s is None else min(wait_s, IDLE_WAIT_S))
