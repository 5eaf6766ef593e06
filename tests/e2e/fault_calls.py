"""Calls to the router over raw connections, one connection a call, and load made of them."""

import asyncio
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

USER_KEY = "user-key-canary-0123456789abcdef"
PROMPT = "a prompt that no file may hold: canary-7d21"
BEARER = ("authorization", f"Bearer {USER_KEY}")
JSON_TYPE = ("content-type", "application/json")


@dataclass(frozen=True)
class Answer:
    """One reply. `is_whole` is False when the connection ended before the framing said so."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool

    @property
    def error(self) -> Mapping[str, object]:
        found: Mapping[str, object] = json.loads(self.body)["error"]
        return found


def request(method: str, path: str, body: bytes, *headers: tuple[str, str]) -> bytes:
    """A request as bytes; `host` is the loopback name unless given."""
    given = {name for name, _ in headers}
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [] if "host" in given else ["host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"content-length: {len(body)}"] if body or method == "POST" else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def ask(port: int, method: str, path: str, body: bytes = b"", *headers: tuple[str, str]) -> Answer:
    """One request on a connection of its own. Raises OSError or EOFError when no answer came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request(method, path, body, *headers, ("connection", "close")))
        return await read_answer(reader, head_only=method == "HEAD")
    finally:
        writer.transport.abort()


async def read_answer(reader: asyncio.StreamReader, head_only: bool = False) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status = int(head.split(" ", 2)[1])
    headers = {}
    for line in head.split("\r\n")[1:-2]:
        name, _, value = line.partition(": ")
        headers[name] = value
    if head_only:
        return Answer(status, headers, b"", True)
    if "content-length" in headers:
        length = int(headers["content-length"])
        try:
            return Answer(status, headers, await reader.readexactly(length), True)
        except asyncio.IncompleteReadError as error:
            return Answer(status, headers, error.partial, False)
    parts = []
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while size := int(await reader.readuntil(b"\r\n"), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readexactly(2)
        return Answer(status, headers, b"".join(parts), True)
    return Answer(status, headers, b"".join(parts), False)


def chat_body(end_user: str, **fields: object) -> bytes:
    """A chat call that can be recognised in the journal (`end_user`) and at the upstream (its bytes)."""
    said = {"role": "user", "content": f"{PROMPT} {end_user}"}
    asked: dict[str, object] = {"model": "m1", "messages": [said], "user": end_user}
    if fields.get("stream"):
        asked["stream_options"] = {"include_usage": True}
    return json.dumps({**asked, **fields}).encode()


async def chat(port: int, end_user: str, *headers: tuple[str, str], **fields: object) -> Answer:
    body = chat_body(end_user, **fields)
    return await ask(port, "POST", "/v1/chat/completions", body, JSON_TYPE, BEARER, *headers)


# --- load ----------------------------------------------------------------------------------------------------------


class Load:
    """Calls without end from several clients, each with a name of its own, and what was heard of each."""

    def __init__(self, port: Callable[[], int], kinds: Iterable[Mapping[str, object]], clients: int) -> None:
        self._port = port
        self._kinds = tuple(kinds)
        self._clients = clients
        self._stopping = False
        self.sent: dict[str, str] = {}  # SHA-256 of the body to its end_user
        self.acknowledged: set[str] = set()
        self.refused: list[Answer] = []

    async def run(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self._clients)))

    def stop(self) -> None:
        """Every client finishes the call it is in."""
        self._stopping = True

    async def _client(self, client: int) -> None:
        number = 0
        while not self._stopping:
            number += 1
            await self._one(f"call-{client}-{number}", self._kinds[(client + number) % len(self._kinds)])

    async def _one(self, name: str, kind: Mapping[str, object]) -> None:
        body = chat_body(name, **kind)
        self.sent[hashlib.sha256(body).hexdigest()] = name
        try:
            answer = await asyncio.wait_for(
                ask(self._port(), "POST", "/v1/chat/completions", body, JSON_TYPE, BEARER), 20
            )
        except (OSError, EOFError):  # the router is down: that is what the test does to it
            while not (self._stopping or await self._answers()):  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0.05)
            return
        if answer.status == 200 and answer.is_whole and b'"error"' not in answer.body:
            self.acknowledged.add(name)
        elif answer.status != 200:
            self.refused.append(answer)

    async def _answers(self) -> bool:
        try:
            return (await ask(self._port(), "GET", "/health")).status == 200
        except (OSError, EOFError):
            return False


@contextmanager
def under(load: Load) -> Iterator[Load]:
    """The load runs in a thread of its own while the block does."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(load.run())
        except BaseException as error:  # raised again below
            failures.append(error)

    thread = threading.Thread(target=run, name="load")
    thread.start()
    try:
        yield load
    finally:
        load.stop()
        thread.join(60)
    assert not thread.is_alive(), "a call hangs"
    assert not failures, failures
