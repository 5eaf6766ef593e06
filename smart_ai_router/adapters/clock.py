"""The one door to time."""

import asyncio
import time
from collections.abc import Callable

from smart_ai_router.core.ports import Timer


class LoopClock:
    """Implements `core.ports.Clock` on an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.now = time.time
        self.monotonic = time.monotonic

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self._loop.call_later(seconds, callback)
