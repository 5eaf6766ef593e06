"""Virtual time: events in the order of their instants, equal instants in a seeded order, nothing ever waits."""

import heapq
import random
from collections.abc import Callable
from typing import Final

WALL_START: Final = 1_795_000_000.0  # 2026-11-18, seconds since 1970 UTC


class Actor:
    """A process that can die, be stopped and come back. What it keeps in memory is gone with its life."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.life = 0
        self.is_up = False
        self.stopped_until = 0.0


class Scheduler:
    """One clock for all. `after_step` runs after every event: that is where the invariants are looked at."""

    def __init__(self, rng: random.Random) -> None:
        self.now = 0.0
        self.steps = 0
        self.wall_offset = 0.0
        self._rng = rng
        self._queue: list[tuple[float, float, int, Callable[[], None], Actor | None, int]] = []
        self._count = 0

    def wall_ms(self) -> int:
        """Milliseconds since 1970 UTC by the machines' clock, which may step."""
        return int((WALL_START + self.now + self.wall_offset) * 1000)

    def after(self, delay_s: float, action: Callable[[], None], owner: Actor | None = None) -> None:
        """Run an action later, unless its owner dies before."""
        self._count += 1
        life = 0 if owner is None else owner.life
        heapq.heappush(self._queue, (self.now + delay_s, self._rng.random(), self._count, action, owner, life))

    def run(self, until: float, after_step: Callable[[Actor | None], None]) -> None:
        """Run all events up to an instant."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            instant, _, _, action, owner, life = heapq.heappop(queue)
            if owner is not None:
                if owner.life != life:
                    continue
                if owner.stopped_until > instant:
                    self._count += 1
                    heapq.heappush(queue, (owner.stopped_until, self._rng.random(), self._count, action, owner, life))
                    continue
            self.now = max(self.now, instant)
            self.steps += 1
            action()
            after_step(owner)
        self.now = max(self.now, until)
