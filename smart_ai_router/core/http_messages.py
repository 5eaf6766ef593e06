"""HTTP as the rooms above the sockets see it: a whole request in, a reply to answer through."""

from typing import Protocol

from smart_ai_router.core.ports import Headers, Reply


class HttpRequest:
    """One request, whole. Header names are lower case; repeated headers are joined with a comma."""

    __slots__ = ("body", "client_ip", "headers", "method", "path", "query", "received_at")

    def __init__(self, method: str, target: bytes, headers: dict[str, str], client_ip: str, received_at: float) -> None:
        path, _, query = target.decode("latin-1").partition("?")
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = b""
        self.client_ip = client_ip
        self.received_at = received_at


class ClientEvents(Protocol):
    """What a reply under way wants to know of its client."""

    def on_client_gone(self) -> None: ...

    def on_client_slow(self) -> None: ...

    def on_client_ready(self) -> None: ...


class ClientReply(Reply, Protocol):
    """A reply that tells of its client."""

    events: ClientEvents | None
    extra_headers: Headers  # added to whatever head is sent


class Handler(Protocol):
    """Answers requests."""

    def handle(self, request: HttpRequest, reply: ClientReply) -> None: ...

    def refuse(self, status: int, message: str, reply: ClientReply) -> None:
        """Answer what never became a request (bad framing, too large, overload) in the API's error shape."""
