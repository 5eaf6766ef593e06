"""Which web pages may call from a browser: none, unless the operator names their origins."""

from collections.abc import Collection
from typing import Final

from smart_ai_router.core.ports import Headers

EVERY_ORIGIN: Final = "*"
PREFLIGHT_HEADERS: Final = (
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "*, authorization"),  # the star does not cover authorization (Fetch standard)
    ("access-control-max-age", "600"),
)


def cross_origin_headers(origin: str, allowed: Collection[str]) -> Headers:
    """What a reply to a page of this origin carries; nothing for one that may not read it."""
    if EVERY_ORIGIN in allowed:
        return (("access-control-allow-origin", "*"), ("access-control-expose-headers", "*"))
    if origin in allowed:
        return (("access-control-allow-origin", origin), ("access-control-expose-headers", "*"), ("vary", "origin"))
    return ()
