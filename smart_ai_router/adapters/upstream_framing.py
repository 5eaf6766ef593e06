"""What the head of a reply says about its body, and which of its headers are handed on."""

from collections.abc import Mapping

HEADER_NAMES_MAX = 1024  # distinct spellings remembered

DROPPED_HEADERS = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "set-cookie",
        "set-cookie2",
        "te",
        "trailer",
        "upgrade",
    )
)
COOKIES = frozenset(("set-cookie",))


class Malformed(Exception):
    """The reply breaks HTTP, or a bound of ours."""


class HeaderNames(dict[bytes, str]):
    """Header names as received -> in lower case; empty for those that a sink never sees."""

    def __init__(self, dropped: frozenset[str] = DROPPED_HEADERS) -> None:
        super().__init__()
        self._dropped = dropped

    def __missing__(self, raw: bytes) -> str:
        name = raw.decode("latin-1").lower()
        if name in self._dropped:
            name = ""
        if len(self) < HEADER_NAMES_MAX:
            self[raw] = name
        return name


def check_framing(status: int, version: str, headers: Mapping[str, str]) -> None:
    """Refuse a final head whose body has no certain end. Raises Malformed."""
    if status > 599:
        raise Malformed(f"the status is {status}")
    if version not in ("1.1", "1.0"):
        raise Malformed(f"the HTTP version is {version}")
    coding = headers.get("transfer-encoding")
    if coding is None:
        return
    if "content-length" in headers:
        raise Malformed("Content-Length and Transfer-Encoding in one head")
    if coding.strip().lower() != "chunked" or version == "1.0":
        raise Malformed(f"the transfer coding is {coding[:40]!r} in HTTP/{version}")


def ends_with_connection(headers: Mapping[str, str]) -> bool:
    """True when only the end of the connection ends the body."""
    return "content-length" not in headers and "transfer-encoding" not in headers
