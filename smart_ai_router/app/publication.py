"""Making a change known: a new snapshot goes out, and the workers say when they decide by it.

Changes that come while a snapshot is being made share the next one, so that a script that makes a thousand keys does
not make a thousand snapshots at once.
"""

from collections.abc import Callable
from threading import Condition, Lock
from typing import Final

ADOPTION_WAIT_S: Final = 1.0  # a worker takes a snapshot in some ten milliseconds


class Publication:
    """Publishes on demand; safe to use from any thread."""

    def __init__(self, make: Callable[[], int], workers: int) -> None:
        """`make` makes and sends a snapshot of what stands now, and gives its version."""
        self._make = make
        self._workers = workers
        self._making = Lock()
        self._turn = Condition()
        self._asked = 0
        self._served = 0  # changes that the last snapshot holds
        self._version = 0
        self._adopted: dict[int, int] = {}  # worker to snapshot version

    def publish(self) -> bool:
        """Send what stands now; True when every worker decides by it, False when one did not say so in time."""
        with self._turn:
            self._asked += 1
            mine = self._asked
        with self._making:
            if self._served < mine:
                with self._turn:
                    asked = self._asked
                self._version = self._make()
                self._served = asked
            version = self._version
        with self._turn:
            return self._turn.wait_for(lambda: self._is_adopted(version), ADOPTION_WAIT_S)

    def adopted(self, worker: int, version: int) -> None:
        """A worker says which snapshot it decides by."""
        with self._turn:
            self._adopted[worker] = version
            self._turn.notify_all()

    def _is_adopted(self, version: int) -> bool:
        return sum(each >= version for each in self._adopted.values()) >= self._workers
