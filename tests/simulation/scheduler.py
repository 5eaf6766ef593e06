"""Virtual time: events in the order of their instants, equal instants in a seeded order, nothing ever waits."""

import heapq
import random
from collections.abc import Callable

from smart_ai_router.domain.holds import LeaseBook


class Actor:
    """A process that can die, be stopped and come back. What it keeps in memory is gone with its life."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.life = 0
        self.is_up = False
        self.is_doomed = False  # dies as soon as its step is over
        self.stopped_until = 0.0

    def start(self) -> None:
        """Begin a life."""
        raise NotImplementedError

    def kill(self) -> None:
        """End this life; the next one begins a little later."""
        raise NotImplementedError

    def wake(self) -> None:
        """Something happens again: look often from now on."""
        raise NotImplementedError


class LeaseHolder(Actor):
    """A process that spends by leases."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.book = LeaseBook("", 0.0)


class Scheduler:
    """One clock for all. `after_step` runs after every event: that is where the invariants are looked at."""

    def __init__(self, rng: random.Random, wall_start_s: float) -> None:
        self.now = 0.0
        self.steps = 0
        self.wall_offset = 0.0
        self.trace = 0  # what has happened, and when; numbers only, so that it is the same in every process
        self._wall_start_s = wall_start_s
        self._rng = rng
        self._queue: list[tuple[float, float, int, Callable[[], None], Actor | None, int]] = []
        self._count = 0

    def wall_ms(self) -> int:
        """Milliseconds since 1970 UTC by the machines' clock, which may step."""
        return int((self._wall_start_s + self.now + self.wall_offset) * 1000)

    def after(self, delay_s: float, action: Callable[[], None], owner: Actor | None = None) -> None:
        """Run an action later, unless its owner dies before."""
        self._count += 1
        life = 0 if owner is None else owner.life
        heapq.heappush(self._queue, (self.now + delay_s, self._rng.random(), self._count, action, owner, life))

    def run(self, until: float, after_step: Callable[[Actor | None], None]) -> None:
        """Run all events up to an instant."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            instant, _, number, action, owner, life = heapq.heappop(queue)
            if owner is not None:
                if owner.life != life:
                    continue
                if owner.stopped_until > instant:
                    self._count += 1
                    heapq.heappush(queue, (owner.stopped_until, self._rng.random(), self._count, action, owner, life))
                    continue
            self.now = max(self.now, instant)
            self.steps += 1
            self.trace = hash((self.trace, instant, number))
            action()
            after_step(owner)
        self.now = max(self.now, until)
