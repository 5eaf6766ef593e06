"""An OpenAI-compatible upstream that answers by rule and misbehaves on request.

    python -m smart_ai_router.testing.upstream --port 9001 --mode latency,ms=20
    python -m smart_ai_router.testing.upstream --list-modes

It serves `/v1/chat/completions` and `/v1/completions` (whole and streamed), `/v1/embeddings` and `/v1/models` with
fixed text and fixed token counts. How a call is answered is its mode (see `upstream_call` for the four ways to choose
one, `upstream_modes` for the catalogue). What reached it can be read back:

    GET    /_served        one JSON line per request, oldest first
    GET    /_served/count  totals by model and mode
    DELETE /_served        forget them
    PUT    /_mode          body: the new default mode
    GET    /_modes         the catalogue as JSON

In a test, `UpstreamServer` runs in the test's own loop (`async with`), `UpstreamThread` in a thread (`with`).
"""

import argparse
import asyncio
import contextlib
import json
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Self

from smart_ai_router.testing import upstream_delivery
from smart_ai_router.testing.upstream_call import Call, Defaults, Request, parse_mode, understand
from smart_ai_router.testing.upstream_content import Content, dumped
from smart_ai_router.testing.upstream_delivery import Step
from smart_ai_router.testing.upstream_modes import Mode, catalogue
from smart_ai_router.testing.upstream_served import Served, ServedLog
from smart_ai_router.testing.upstream_wire import Wire

START_S_MAX = 10.0


class UpstreamServer:
    """The test upstream on one event loop."""

    def __init__(
        self,
        defaults: Defaults | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        unix_path: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        entries_max: int = 20_000,
    ) -> None:
        """`port` 0 takes a free one; `unix_path` serves there instead; `entries_max` bounds the served-log."""
        self.defaults = defaults or Defaults()
        self.served = ServedLog(entries_max)
        self.modes = catalogue()
        self._host = host
        self._port = port
        self._unix_path = unix_path
        self._ssl_context = ssl_context
        self._server: asyncio.Server | None = None
        self._wires: set[Wire] = set()
        self._connection_count = 0
        self._calls_by_mode: Counter[str] = Counter()
        self._mode(self.defaults.mode)

    @property
    def port(self) -> int:
        """The bound port."""
        return self._port

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"{'http' if self._ssl_context is None else 'https'}://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        """What a channel's `base_url` must say."""
        return f"{self.url}/v1"

    @property
    def connections_open(self) -> int:
        """Connections that stand now."""
        return len(self._wires)

    @property
    def connections_total(self) -> int:
        """Connections made since the start."""
        return self._connection_count

    def set_mode(self, mode: str) -> None:
        """Change the default mode. Raises ValueError for one that does not exist."""
        self._mode(mode)
        self.defaults = replace(self.defaults, mode=mode)

    async def start(self) -> None:
        """Bind and serve."""
        loop = asyncio.get_running_loop()
        if self._unix_path is not None:
            self._server = await loop.create_unix_server(self._wire, self._unix_path)
            return
        self._server = await loop.create_server(self._wire, self._host, self._port, ssl=self._ssl_context, backlog=4096)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse new connections and cut the open ones."""
        if self._server is not None:
            self._server.close()
            for wire in list(self._wires):
                wire.abort()
            await asyncio.sleep(0)  # the transports close on the next turn
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _wire(self) -> Wire:
        self._connection_count += 1
        return Wire(self._answer, self._connection_count, self._wires)

    def _answer(self, request: Request, connection: int) -> tuple[Served | None, Iterator[Step]]:
        if request.path.startswith(("/_served", "/_mode")):
            content = self._control(request)
            return None, upstream_delivery.ordinary(Call(request, {}, "", "normal", {}), content)
        call = understand(request, self.defaults)
        mode = self.modes.get(call.mode)
        if mode is None:
            message = f"there is no mode {call.mode!r}; --list-modes shows them"
            content = Content(404, dumped({"error": {"message": message, "type": "test_error", "code": None}}))
            return self.served.begin(call, connection), upstream_delivery.ordinary(call, content)
        if not self._applies(call):
            mode = self.modes["normal"]
            call = replace(call, mode="normal")
        return self.served.begin(call, connection), _steps(mode, call)

    def _applies(self, call: Call) -> bool:
        """Whether this call is one that its mode's `times` and `every` mean."""
        if not ("times" in call.options or "every" in call.options):
            return True
        key = f"{call.mode},{sorted(call.options.items())}"
        self._calls_by_mode[key] += 1
        count = self._calls_by_mode[key]
        return count <= call.number("times", count) and count % call.number("every", 1) == 0

    def _control(self, request: Request) -> Content:
        if request.path == "/_modes":
            shown = [{"name": mode.name, "group": mode.group, "summary": mode.summary} for mode in self.modes.values()]
            return Content(body=dumped(shown))
        if request.path == "/_mode" and request.method == "PUT":
            try:
                self.set_mode(request.body.decode())
            except ValueError as error:
                return Content(400, dumped({"error": {"message": str(error)}}))
            return Content(body=dumped({"mode": self.defaults.mode}))
        if request.path == "/_served/count":
            return Content(body=dumped(self.served.counts()))
        if request.path == "/_served" and request.method == "DELETE":
            self.served.reset()
            return Content(body=b"{}")
        if request.path == "/_served":
            lines = "".join(f"{line}\n" for line in self.served.lines())
            return Content(body=lines.encode(), content_type="application/jsonl")
        return Content(404, b"{}")

    def _mode(self, text: str) -> None:
        name, _ = parse_mode(text)
        if name not in self.modes:
            raise ValueError(f"there is no mode {name!r}; --list-modes shows them")


def _steps(mode: Mode, call: Call) -> Iterator[Step]:
    wait_s = call.seconds("ms", 250 if mode.name == "latency" else 0)
    if wait_s and not mode.name.startswith("slow-"):
        yield wait_s
    yield from mode.deliver(call, mode.say(call))


class UpstreamThread:
    """The test upstream in a thread of its own: `with UpstreamThread() as upstream: … upstream.base_url`."""

    def __init__(self, server: UpstreamServer | None = None) -> None:
        self.server = server or UpstreamServer()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="test-upstream", daemon=True)
        self._started = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> UpstreamServer:
        self._thread.start()
        if not self._started.wait(START_S_MAX):
            raise TimeoutError("the test upstream did not start")
        if self._failure is not None:
            raise self._failure
        return self.server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._failure is None:
            asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(START_S_MAX)
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_S_MAX)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self.server.start())
        except OSError as error:  # e.g. the port is taken: raised again where the thread was started
            self._failure = error
            self._loop.close()
            return
        finally:
            self._started.set()
        self._loop.run_forever()
        self._loop.close()


def main(arguments: list[str] | None = None) -> int:
    """The program. Exit codes: 0 done, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m smart_ai_router.testing.upstream",
        description="An OpenAI-compatible upstream that answers by rule and misbehaves on request.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default); the address is printed")
    parser.add_argument("--unix", metavar="PATH", help="serve on this unix socket instead")
    parser.add_argument("--mode", default="normal", help="the default mode, NAME[,option=value...]")
    parser.add_argument("--prompt-tokens", type=int, default=150)
    parser.add_argument("--completion-tokens", type=int, default=300)
    parser.add_argument("--pieces", type=int, default=8, help="content pieces of a stream")
    parser.add_argument("--entries-max", type=int, default=20_000, help="how many requests the served-log keeps")
    parser.add_argument("--tls-cert", metavar="FILE")
    parser.add_argument("--tls-key", metavar="FILE")
    parser.add_argument("--list-modes", action="store_true", help="show every mode and leave")
    options = parser.parse_args(arguments)
    if options.list_modes:
        sys.stdout.write(_listed(catalogue()))
        return 0
    context = None
    if options.tls_cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.tls_cert, options.tls_key)
    try:
        server = UpstreamServer(
            Defaults(options.mode, options.prompt_tokens, options.completion_tokens, options.pieces),
            host=options.host,
            port=options.port,
            unix_path=options.unix,
            ssl_context=context,
            entries_max=options.entries_max,
        )
    except ValueError as error:
        parser.error(str(error))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, options.unix))
    return 0


async def _serve(server: UpstreamServer, unix_path: str | None) -> None:
    async with server:
        shown = {"url": server.url, "base_url": server.base_url} if unix_path is None else {"unix": unix_path}
        sys.stdout.write(json.dumps(shown) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def _listed(modes: dict[str, Mode]) -> str:
    lines = []
    group = ""
    for mode in sorted(modes.values(), key=lambda mode: mode.group):
        if mode.group != group:
            group = mode.group
            lines.append(f"{group}:")
        lines.append(f"  {mode.name:<28} {mode.summary}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
