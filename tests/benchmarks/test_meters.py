"""CPU, memory and sockets of a tree of processes."""

import os
import socket
import subprocess
import sys
import time

from benchmarks.meters import cpu_us, listens, memory, tree


def test_work_of_this_process_shows_in_its_run_time() -> None:
    before, cpu_before = cpu_us(os.getpid()), time.process_time()

    while time.process_time() - cpu_before < 0.05:
        sum(range(1000))

    assert cpu_us(os.getpid()) - before >= 45_000


def test_a_process_uses_memory_of_its_own() -> None:
    used = memory(os.getpid())

    assert 0 < used.pss <= used.rss


def test_a_child_belongs_to_the_tree_until_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as child:
        assert child.pid in tree(os.getpid())
        child.communicate("\n")

    assert child.pid not in tree(os.getpid())


def test_only_the_process_that_listens_is_said_to_listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as child:
            assert listens(os.getpid(), port)
            assert not listens(child.pid, port)
            child.communicate("\n")

    assert not listens(os.getpid(), port)
