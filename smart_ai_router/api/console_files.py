"""The built console at `/console`, open to everybody: it holds no data. Everything it shows it asks for with a session.

Only files that the build made are served, by their exact names, so no path can lead out of the folder. Every other
address below `/console` is one of the console's own pages and answers with its start page. Files whose name carries
their hash may be kept for ever; the start page is asked for anew each time and answers 304 while it is the same.
"""

import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import Final, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

BUILT: Final = Path(__file__).parent.parent / "console_dist"
ROOT: Final = "/console"
ASSETS: Final = f"{ROOT}/assets/"  # names with a hash
START_PAGE: Final = f"{ROOT}/index.html"
NOT_SERVED: Final = frozenset(("SOURCE_HASH",))
FOR_EVER: Final = "public, max-age=31536000, immutable"
# Nothing written into a page runs or styles it, and nothing is fetched from elsewhere. Fonts and images are files of
# ours; `data:` is for the small icons that Element Plus writes into its style sheet.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


class ServedFile(NamedTuple):
    """One file as it is sent."""

    packed: bytes  # gzip: nearly every browser takes it, and it is a third of the size to keep
    media_type: str
    tag: str


class ConsoleFiles:
    """ASGI middleware: answers below `/console`; passes everything on while the package carries no built console."""

    def __init__(self, app: ASGIApp, folder: Path = BUILT) -> None:
        self._app = app
        found = [path for path in folder.rglob("*") if path.is_file() and path.name not in NOT_SERVED]
        self._paths = {f"{ROOT}/{path.relative_to(folder).as_posix()}": path for path in found}
        self._files: dict[str, ServedFile] = {}  # no more than the build has

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._is_ours(scope["path"]):
            await self._app(scope, receive, send)
            return
        response = await self._answer(scope["method"], scope["path"], Headers(scope=scope))
        await response(scope, receive, send)

    def _is_ours(self, path: str) -> bool:
        return START_PAGE in self._paths and (path == ROOT or path.startswith(f"{ROOT}/"))

    async def _answer(self, method: str, path: str, headers: Headers) -> Response:
        if method not in ("GET", "HEAD"):
            return Response(status_code=405, headers={"allow": "GET, HEAD"})
        if path.startswith(ASSETS) and path not in self._paths:
            return Response(status_code=404)  # a page of an older build asks for its own files
        name = path if path in self._paths else START_PAGE
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = await run_in_threadpool(_read, self._paths[name])
        sent = {
            "content-security-policy": POLICY,
            "cache-control": FOR_EVER if name.startswith(ASSETS) else "no-cache",
            "etag": file.tag,
            "vary": "accept-encoding",
        }
        if headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=sent)
        if "gzip" in headers.get("accept-encoding", ""):
            return Response(file.packed, headers={**sent, "content-encoding": "gzip"}, media_type=file.media_type)
        return Response(gzip.decompress(file.packed), headers=sent, media_type=file.media_type)


def _read(path: Path) -> ServedFile:
    content = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return ServedFile(gzip.compress(content, mtime=0), media_type, f'"{hashlib.sha256(content).hexdigest()[:20]}"')
