"""A line to PostgreSQL that breaks where a test wants it to: around the question or the answer of a COMMIT."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

COMMIT = b"COMMIT\x00"


class Break(Enum):
    """What is lost at the next COMMIT, and the connection with it."""

    NOTHING = "nothing"
    QUESTION = "question"  # the server never hears of it
    ANSWER = "answer"  # the server has done it


class BrokenLine:
    """Forwards between clients and one server."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.at_commit = Break.NOTHING
        self.stays_broken = False  # nobody is connected again after the break
        self._is_broken = False
        self._start(self._accept)

    @property
    def url(self) -> str:
        port = self._listener.getsockname()[1]
        return f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=disable"

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._sockets:
            _hang_up(each)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()

    def _start(self, run: object, *arguments: object) -> None:
        assert callable(run)
        self._threads.append(threading.Thread(target=run, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                if self._is_broken and self.stays_broken:
                    _hang_up(client)
                    continue
                server = socket.create_connection(self._server)
                self._sockets.append(server)
                is_losing = threading.Event()
                self._start(self._ask, client, server, is_losing)
                self._start(self._tell, client, server, is_losing)

    def _ask(self, client: socket.socket, server: socket.socket, is_losing: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if COMMIT in data and self.at_commit is not Break.NOTHING:
                    is_lost = self.at_commit is Break.QUESTION
                    self.at_commit = Break.NOTHING
                    self._is_broken = True
                    is_losing.set()
                    if is_lost:
                        break
                server.sendall(data)
        if is_losing.is_set():
            _hang_up(client)
        _hang_up(server)

    def _tell(self, client: socket.socket, server: socket.socket, is_losing: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if is_losing.is_set():
                    break
                client.sendall(data)
        _hang_up(client)
        _hang_up(server)


@contextmanager
def broken_line(port: int) -> Iterator[BrokenLine]:
    """A line to a server on loopback."""
    line = BrokenLine(port)
    try:
        yield line
    finally:
        line.close()


def _hang_up(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
