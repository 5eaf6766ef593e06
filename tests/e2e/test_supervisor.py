"""The supervisor with small child programs: restarts, refusals, drains, and what happens when it is killed itself."""

import fcntl
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from smart_ai_router.adapters.launch import DataDirectoryLock

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(30)


class Router:
    """A supervised router under test; `terminal` becomes its controlling terminal."""

    def __init__(
        self, folder: Path, *children: str, drain_s: float = 30.0, port: int = 0, terminal: int | None = None
    ) -> None:
        self.data_dir = folder / "data"
        self.log_path = folder / "events"
        command = [sys.executable, "-m", "tests.e2e.supervised_router", "--data-dir", str(self.data_dir)]
        command += ["--log", str(self.log_path), "--drain-s", str(drain_s), "--port", str(port), *children]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            text=True,
            stdin=subprocess.DEVNULL if terminal is None else terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=None if terminal is None else own_the_terminal,  # noqa: PLW1509 - there is one thread
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.stdout, self.stderr = self.process.stdout, self.process.stderr
        first = self.stdout.readline().strip()
        self.port = int(first) if first else 0

    def ready_line(self) -> str:
        line: str = self.stdout.readline()
        return line.strip()

    def call(self) -> tuple[socket.socket, int]:
        """An open call, and the process id of the worker that took it."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        return connection, int(connection.makefile().readline())

    def events(self) -> list[str]:
        return self.log_path.read_text().splitlines() if self.log_path.exists() else []

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Exit code and everything it said on standard error."""
        said: str = self.stderr.read()
        return self.process.wait(timeout=25), said

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.stdout.close()
        self.stderr.close()


def own_the_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def routers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def started(
    stack: ExitStack, folder: Path, *children: str, drain_s: float = 30.0, port: int = 0, terminal: int | None = None
) -> Router:
    router = Router(folder, *children, drain_s=drain_s, port=port, terminal=terminal)
    stack.callback(router.close)
    return router


def test_the_start_is_announced_once_when_every_child_is_ready(routers: ExitStack, tmp_path: Path) -> None:
    router = started(routers, tmp_path, "control:serve", "gateway-0:serve", "gateway-1:serve")

    assert router.ready_line() == "READY|control says hello|gateway-0 says hello|gateway-1 says hello"

    router.stop()
    code, _ = router.end()
    assert code == 0
    assert router.stdout.read() == ""


def test_a_worker_that_is_killed_is_started_again_and_serves_on_the_same_port(
    routers: ExitStack, tmp_path: Path
) -> None:
    router = started(routers, tmp_path, "control:serve", "gateway-0:serve")
    router.ready_line()
    connection, first = router.call()

    os.kill(first, signal.SIGKILL)

    with connection:
        assert connection.recv(1) == b""
    again, second = router.call()
    again.close()
    assert second != first
    router.stop()
    code, said = router.end()
    assert code == 0
    assert "gateway-0 ended (killed by SIGKILL); starting it again in 0.1 s" in said
    assert router.stdout.read() == ""  # a restart is not a second start


def test_a_child_that_dies_once_at_the_start_is_started_again(routers: ExitStack, tmp_path: Path) -> None:
    router = started(routers, tmp_path, "control:dies-once")

    assert router.ready_line() == "READY|control says hello"

    assert router.events() == ["control start", "control start"]


def test_a_crash_loop_at_the_start_ends_the_router_with_the_last_words_of_the_child(
    routers: ExitStack, tmp_path: Path
) -> None:
    router = started(routers, tmp_path, "control:dies", "gateway-0:serve")

    code, said = router.end()

    assert code == 1
    assert re.findall(r"control ended .*again in (\S+) s", said) == ["0.1", "0.2", "0.4", "0.8"]
    assert "control cannot start (exit code 1, 5 times in a row). Its last words:\ncannot open the store" in said
    assert router.events().count("control start") == 5
    assert "gateway-0 SIGTERM" in router.events()


def test_a_child_that_refuses_its_configuration_is_not_started_again(routers: ExitStack, tmp_path: Path) -> None:
    router = started(routers, tmp_path, "control:refuses")

    code, said = router.end()

    assert code == 2
    assert said == "the port in the file is not a number\n"
    assert router.events() == ["control start"]


def test_sigterm_lets_an_open_call_finish_takes_no_new_one_and_stops_the_control_plane_last(
    routers: ExitStack, tmp_path: Path
) -> None:
    router = started(routers, tmp_path, "control:serve", "gateway-0:serve")
    router.ready_line()
    connection, _ = router.call()

    router.stop()

    assert "stopping" in router.stderr.readline()
    while not refuses_connections(router.port):
        pass
    connection.sendall(b"finished\n")
    assert connection.recv(64) == b"finished\n"
    connection.close()
    code, _ = router.end()
    assert code == 0
    order = [event for event in router.events() if "start" not in event]
    assert order == ["gateway-0 SIGTERM", "gateway-0 end", "control SIGTERM", "control end"]


def refuses_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return True
    return False


def test_a_worker_that_does_not_end_is_killed_at_the_deadline_and_the_books_are_still_closed(
    routers: ExitStack, tmp_path: Path
) -> None:
    router = started(routers, tmp_path, "control:serve", "gateway-0:stubborn", drain_s=0.2)
    router.ready_line()

    router.stop(signal.SIGINT)

    code, said = router.end()
    assert code == 0
    assert "gateway-0 did not end in time" in said
    assert router.events()[-2:] == ["control SIGTERM", "control end"]


def test_a_worker_that_never_was_ready_has_nothing_to_finish_and_is_not_waited_for(
    routers: ExitStack, tmp_path: Path
) -> None:
    router = started(routers, tmp_path, "control:serve", "gateway-0:unready", drain_s=3600.0)
    while not {"gateway-0 waiting", "control start"} <= set(router.events()):
        pass

    router.stop()

    code, said = router.end()
    assert code == 0
    assert "gateway-0 did not end in time and is killed\n" in said


def test_a_second_signal_ends_the_waiting(routers: ExitStack, tmp_path: Path) -> None:
    router = started(routers, tmp_path, "control:serve", "gateway-0:stubborn", drain_s=3600.0)
    router.ready_line()
    router.stop()
    router.stderr.readline()

    router.stop()

    code, _ = router.end()
    assert code == 0
    assert router.events()[-1] == "control end"


def test_sighup_reaches_the_control_plane_alone(routers: ExitStack, tmp_path: Path) -> None:
    router = started(routers, tmp_path, "control:serve", "gateway-0:serve")
    router.ready_line()

    router.stop(signal.SIGHUP)

    while "control SIGHUP" not in router.events():
        pass
    router.stop()
    code, _ = router.end()
    assert code == 0
    assert "gateway-0 SIGHUP" not in router.events()


def test_a_terminal_that_is_closed_stops_the_router(routers: ExitStack, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    router = started(routers, tmp_path, "control:serve", terminal=slave)
    os.close(slave)
    router.ready_line()

    os.close(master)

    code, _ = router.end()
    assert code == 0
    assert router.events()[-1] == "control end"


def test_the_children_of_a_killed_supervisor_end_and_free_the_data_directory(
    routers: ExitStack, tmp_path: Path
) -> None:
    router = started(routers, tmp_path, "control:stubborn", "gateway-0:stubborn")
    router.ready_line()
    connection, _ = router.call()

    router.stop(signal.SIGKILL)
    router.process.wait()

    with connection:
        assert connection.recv(1) == b""
    lock = DataDirectoryLock.acquire(router.data_dir, wait_s=20.0)  # free only when the last child has ended
    lock.release()


def test_a_second_router_on_the_data_directory_is_refused_and_told_by_whom(routers: ExitStack, tmp_path: Path) -> None:
    first = started(routers, tmp_path, "control:serve")
    first.ready_line()

    second = started(routers, tmp_path, "control:serve")

    code, said = second.end()
    assert code == 2
    assert f"in use by the router with process id {first.process.pid}" in said


def test_a_second_router_on_the_port_is_refused(routers: ExitStack, tmp_path: Path) -> None:
    first = started(routers, tmp_path / "first", "control:serve")
    first.ready_line()

    second = started(routers, tmp_path / "second", "control:serve", port=first.port)

    code, said = second.end()
    assert code == 2
    assert f"cannot listen on 127.0.0.1:{first.port}: Address already in use" in said


def test_a_router_starts_on_the_data_directory_of_one_that_was_killed(routers: ExitStack, tmp_path: Path) -> None:
    first = started(routers, tmp_path, "control:stubborn", "gateway-0:serve")
    first.ready_line()
    first.stop(signal.SIGKILL)
    first.process.wait()

    second = started(routers, tmp_path, "control:serve")

    assert second.ready_line() == "READY|control says hello"
