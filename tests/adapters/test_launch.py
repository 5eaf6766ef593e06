"""What a start is given, and what it is refused for."""

import os
import socket
from pathlib import Path

import pytest

from smart_ai_router.adapters.launch import DataDirectoryLock, StartOptions, StartRefused, bind_listener


def test_options_that_were_not_given_decide_nothing() -> None:
    assert StartOptions().arguments() == ()
    assert StartOptions().overrides() == {}
    assert StartOptions(config="a file.yaml", port=0).arguments() == ("--config", "a file.yaml", "--port", "0")


def test_every_option_reaches_the_children_and_the_settings() -> None:
    options = StartOptions("c.yaml", "::1", 7601, 2, "d", "l", "DEBUG")

    assert options.arguments() == (
        *("--config", "c.yaml", "--host", "::1", "--port", "7601", "--workers", "2"),
        *("--data-dir", "d", "--logs-dir", "l", "--log-level", "DEBUG"),
    )
    assert options.overrides() == {
        "server.host": "::1",
        "server.port": "7601",
        "server.workers": "2",
        "storage.data_dir": "d",
        "journal.logs_dir": "l",
        "monitoring.log_level": "DEBUG",
    }


def test_the_listener_takes_connections_before_any_worker_exists() -> None:
    with bind_listener("127.0.0.1", 0) as listener:
        address = listener.getsockname()

        socket.create_connection(address, timeout=5).close()

        assert address[0] == "127.0.0.1"
        assert address[1] > 0


def test_every_address_means_both_kinds_of_address() -> None:
    with bind_listener("::", 0) as listener:
        port = listener.getsockname()[1]

        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        socket.create_connection(("::1", port), timeout=5).close()


def test_a_port_in_use_is_refused_with_the_way_out() -> None:
    with bind_listener("127.0.0.1", 0) as first:
        port = first.getsockname()[1]

        with pytest.raises(StartRefused, match=rf"cannot listen on 127\.0\.0\.1:{port}: .* choose another --port"):
            bind_listener("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StartRefused, match=r"192\.0\.2\.1"):  # an address kept for documentation: no machine has it
        bind_listener("192.0.2.1", 0)


def test_a_word_that_is_no_address_is_refused() -> None:
    with pytest.raises(StartRefused, match=r"'router\.\.local' is not an address of this machine"):
        bind_listener("router..local", 0)


def test_a_data_directory_is_made_and_held_once(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    first = DataDirectoryLock.acquire(folder)

    with pytest.raises(StartRefused, match=f"in use by the router with process id {os.getpid()}; stop that one"):
        DataDirectoryLock.acquire(folder)

    first.release()
    DataDirectoryLock.acquire(folder).release()


def test_a_lock_held_after_its_router_is_gone_is_refused_when_the_wait_is_over(tmp_path: Path) -> None:
    first = DataDirectoryLock.acquire(tmp_path)
    first.path.write_text("0\n")  # no process has this id: like a router that ended while a child lives on

    with pytest.raises(StartRefused, match="process id 0"):
        DataDirectoryLock.acquire(tmp_path, wait_s=0.1)

    first.release()


def test_a_data_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")

    with pytest.raises(StartRefused, match="cannot be used"):
        DataDirectoryLock.acquire(tmp_path / "data")


def test_the_lock_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    lock = DataDirectoryLock.acquire(tmp_path)

    assert lock.path.stat().st_mode & 0o777 == 0o600

    lock.release()
