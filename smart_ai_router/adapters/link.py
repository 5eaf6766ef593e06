"""The private socket between the planes: length-prefixed msgpack messages, reconnecting for ever.

The control plane listens; every gateway worker connects. While it is away, a worker goes on with the snapshot it
has, keeps the newest unsent messages and drops the oldest ones beyond a bound: they are observations for alerts,
never money.
"""

import asyncio
import contextlib
import logging
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import msgspec

from smart_ai_router.core.link_messages import FromControl, FromWorker

FRAME_BYTES_MAX: Final = 64 * 1024 * 1024  # a snapshot of a hundred thousand keys is about 20 MB
UNSENT_MAX: Final = 1000
RECONNECT_S: Final = 0.2

_LENGTH = struct.Struct("<I")
_logger = logging.getLogger(__name__)
_encoder = msgspec.msgpack.Encoder()
_from_worker = msgspec.msgpack.Decoder(FromWorker)
_from_control = msgspec.msgpack.Decoder(FromControl)


class FrameTooLarge(ValueError):
    """A message longer than any of ours: the other side is not one of us."""


class _Frames:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        buffer = self._buffer
        buffer += data
        frames = []
        at = 0
        while len(buffer) - at >= _LENGTH.size:
            length: int = _LENGTH.unpack_from(buffer, at)[0]
            if length > FRAME_BYTES_MAX:
                raise FrameTooLarge(f"a message of {length} bytes")
            end = at + _LENGTH.size + length
            if len(buffer) < end:
                break
            frames.append(bytes(buffer[at + _LENGTH.size : end]))
            at = end
        del buffer[:at]
        return frames


def frame(message: FromWorker | FromControl) -> bytes:
    """A message as it goes over the wire."""
    data = _encoder.encode(message)
    return _LENGTH.pack(len(data)) + data


class _LinkProtocol(asyncio.Protocol):
    """One end of one connection."""

    def __init__(
        self,
        on_frame: Callable[["_LinkProtocol", bytes], None],
        on_made: Callable[["_LinkProtocol"], None],
        on_lost: Callable[["_LinkProtocol"], None],
    ) -> None:
        self._frames = _Frames()
        self._on_frame = on_frame
        self._on_made = on_made
        self._on_lost = on_lost
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        try:
            for each in self._frames.feed(data):
                self._on_frame(self, each)
        except (FrameTooLarge, msgspec.DecodeError) as error:
            _logger.error("the link between the planes broke: %s", error)
            if self.transport is not None:
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.transport = None
        self._on_lost(self)

    def send(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)


class LinkServer:
    """The control plane's end."""

    def __init__(
        self, path: Path, on_message: Callable[[FromWorker], None], greeting: Callable[[], FromControl | None]
    ) -> None:
        self._path = path
        self._on_message = on_message
        self._greeting = greeting
        self._workers: set[_LinkProtocol] = set()
        self._server: asyncio.Server | None = None

    @property
    def worker_count(self) -> int:
        return len(self._workers)

    async def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: _LinkProtocol(self._take, self._made, self._workers.discard), str(self._path)
        )
        self._path.chmod(0o600)

    def broadcast(self, message: FromControl) -> None:
        """Send to every worker."""
        data = frame(message)
        for worker in self._workers:
            worker.send(data)

    def ask_one(self, message: FromControl) -> bool:
        """Send to any one worker; False when none is connected."""
        for worker in self._workers:
            worker.send(frame(message))
            return True
        return False

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for worker in tuple(self._workers):
            if worker.transport is not None:
                worker.transport.close()

    def _made(self, worker: _LinkProtocol) -> None:
        self._workers.add(worker)
        greeting = self._greeting()
        if greeting is not None:
            worker.send(frame(greeting))

    def _take(self, worker: _LinkProtocol, data: bytes) -> None:  # noqa: ARG002 - every worker is heard alike
        self._on_message(_from_worker.decode(data))


class LinkClient:
    """A gateway worker's end."""

    def __init__(
        self, path: Path, on_message: Callable[[FromControl], None], greeting: Callable[[], FromWorker]
    ) -> None:
        self._path = path
        self._on_message = on_message
        self._greeting = greeting
        self._unsent: deque[bytes] = deque(maxlen=UNSENT_MAX)
        self._protocol: _LinkProtocol | None = None
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        return self._protocol is not None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._stay_connected())

    def send(self, message: FromWorker) -> None:
        data = frame(message)
        if self._protocol is not None:
            self._protocol.send(data)
        else:
            self._unsent.append(data)

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._protocol is not None and self._protocol.transport is not None:
            self._protocol.transport.close()

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._lost.clear()
            try:
                await loop.create_unix_connection(
                    lambda: _LinkProtocol(self._take, self._made, self._dropped), str(self._path)
                )
            except OSError:
                await asyncio.sleep(RECONNECT_S)
                continue
            await self._lost.wait()

    def _made(self, protocol: _LinkProtocol) -> None:
        self._protocol = protocol
        protocol.send(frame(self._greeting()))
        while self._unsent:
            protocol.send(self._unsent.popleft())

    def _dropped(self, protocol: _LinkProtocol) -> None:
        if self._protocol is protocol:
            self._protocol = None
        self._lost.set()

    def _take(self, protocol: _LinkProtocol, data: bytes) -> None:  # noqa: ARG002 - there is one control plane
        self._on_message(_from_control.decode(data))
