"""What a router process is started with: the options of the command line, the listening socket, the data directory."""

import fcntl
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

LISTEN_BACKLOG = 2048  # connections that may wait for a worker; more than the kernel's own cap does no harm
LOCK_WAIT_S = 5.0  # how long the children of a killed router may take to die; they die at once
LOCK_POLL_S = 0.05


class StartRefused(Exception):
    """The router cannot start as asked; the message says why and what to do. The command ends with exit code 2."""


@dataclass(frozen=True, slots=True)
class StartOptions:
    """What the command line said. None means that it said nothing: environment, file or default decides."""

    config: str | None = None
    host: str | None = None
    port: int | None = None
    workers: int | None = None
    data_dir: str | None = None
    logs_dir: str | None = None
    log_level: str | None = None

    def overrides(self) -> dict[str, str]:
        """The options that were given, by the dotted names of their settings."""
        given = {
            "server.host": self.host,
            "server.port": self.port,
            "server.workers": self.workers,
            "storage.data_dir": self.data_dir,
            "journal.logs_dir": self.logs_dir,
            "monitoring.log_level": self.log_level,
        }
        return {name: str(value) for name, value in given.items() if value is not None}

    def arguments(self) -> tuple[str, ...]:
        """The options as the command line of a child process."""
        pairs = (
            ("--config", self.config),
            ("--host", self.host),
            ("--port", self.port),
            ("--workers", self.workers),
            ("--data-dir", self.data_dir),
            ("--logs-dir", self.logs_dir),
            ("--log-level", self.log_level),
        )
        return tuple(word for name, value in pairs if value is not None for word in (name, str(value)))


def bind_listener(host: str, port: int) -> socket.socket:
    """The one listening socket all workers accept from; port 0 takes a free one. Raises StartRefused."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise StartRefused(f"{host!r} is not an address of this machine ({error}); see --host") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and address[0] == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # "::" means every address, IPv4 too
        listener.bind(address)
        listener.listen(LISTEN_BACKLOG)
    except OSError as error:
        listener.close()
        raise StartRefused(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}. "
            "Another router, or another program, may be running there; stop it or choose another --port"
        ) from error
    listener.setblocking(False)
    return listener


class DataDirectoryLock:
    """Only one router at a time works on a data directory.

    The lock belongs to the open file, which the children inherit: it is free only when the last of them has ended.
    The file holds the process id of the holder, for the message alone.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self.descriptor = descriptor
        self.path = path

    @classmethod
    def acquire(cls, data_dir: Path, wait_s: float = LOCK_WAIT_S) -> "DataDirectoryLock":
        """Take the lock, making the directory if it is missing. Raises StartRefused naming the holder.

        A holder that is alive is not waited for; children of a holder that was killed are, for `wait_s`.
        """
        path = data_dir / "router.lock"
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartRefused(f"the data directory {data_dir} cannot be used: {error.strerror}") from error
        deadline = time.monotonic() + wait_s
        while not _try_lock(descriptor):
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            if _is_alive(holder) or time.monotonic() >= deadline:
                os.close(descriptor)
                raise StartRefused(
                    f"the data directory {data_dir} is in use by the router with process id {holder or 'unknown'}; "
                    "stop that one, or choose another --data-dir"
                )
            time.sleep(LOCK_POLL_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor, path)

    def release(self) -> None:
        """Let go; children that still live keep the lock until they end."""
        os.close(self.descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(process_id: str) -> bool:
    if not process_id.isdigit() or process_id == "0":
        return False
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
