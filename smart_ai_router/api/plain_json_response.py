"""A JSON answer whose numbers are plain, exact digits."""

from starlette.responses import Response

from smart_ai_router.core.plain_json import encode_plain


class PlainJsonResponse(Response):
    """Encodes when it is made, in the thread that makes it."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return encode_plain(content)
