"""What reached the test upstream: one entry per request, written down before it is answered."""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from time import time

from smart_ai_router.testing.upstream_call import Call

SECRET_HEADERS = frozenset(("authorization", "x-api-key", "api-key", "proxy-authorization"))


@dataclass(slots=True)
class Served:
    """One request that reached the upstream, and what became of its reply."""

    number: int
    time: float  # seconds since 1970
    connection: int
    method: str
    path: str
    model: str
    mode: str
    stream: bool
    authorization_sha256: str | None  # of the whole header value
    headers: dict[str, str] = field(repr=False)  # secrets as their SHA-256
    body_bytes: int
    body_sha256: str
    sent_bytes: int = 0
    completed: bool = False  # the whole reply was handed to the socket before the caller left

    def as_line(self) -> str:
        """The entry as one JSON line."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


class ServedLog:
    """The newest entries, and counts over all of them since the last reset."""

    def __init__(self, entries_max: int) -> None:
        self.entries: deque[Served] = deque(maxlen=entries_max)
        self.total = 0
        self.by_model: Counter[str] = Counter()
        self.by_mode: Counter[str] = Counter()

    def begin(self, call: Call, connection: int) -> Served:
        """Write down that a request has come in whole."""
        request = call.request
        shown = {name: _digest(value) if name in SECRET_HEADERS else value for name, value in request.headers.items()}
        self.total += 1
        self.by_model[call.model] += 1
        self.by_mode[call.mode] += 1
        entry = Served(
            number=self.total,
            time=time(),
            connection=connection,
            method=request.method,
            path=request.path,
            model=call.model,
            mode=call.mode,
            stream=call.is_stream,
            authorization_sha256=shown.get("authorization"),
            headers=shown,
            body_bytes=len(request.body),
            body_sha256=request.digest,
        )
        self.entries.append(entry)
        return entry

    def reset(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self.by_model.clear()
        self.by_mode.clear()
        self.total = 0

    def lines(self) -> Iterator[str]:
        """Every kept entry as a JSON line, oldest first."""
        return (entry.as_line() for entry in self.entries)

    def counts(self) -> dict[str, object]:
        """How many there were, over all and by model and mode."""
        return {"total": self.total, "by_model": dict(self.by_model), "by_mode": dict(self.by_mode)}


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("latin-1", "replace")).hexdigest()
