"""A small child program for the supervisor's tests: it writes what happens to it into a file, one line each."""

import argparse
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from smart_ai_router.adapters.processes import SupervisorLink


class ChildProgram:
    """Behaves as `--mode` says: serve | stubborn | unready | dies | dies-once | refuses."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.stop = threading.Event()
        self.log = os.open(options.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, event: str) -> None:
        os.write(self.log, f"{self.options.name} {event}\n".encode())

    def main(self) -> int:
        self.note("start")
        mode = self.options.mode
        if mode == "refuses":
            print("the port in the file is not a number", file=sys.stderr)
            return 2
        if mode == "dies" or (mode == "dies-once" and Path(self.options.log).read_text().count("start") == 1):
            print("cannot open the store", file=sys.stderr)
            return 1
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGHUP, self._on_signal)
        link = SupervisorLink(self.options.link_fd)
        if mode == "unready":
            self.note("waiting")
            while True:
                signal.pause()
        link.report_ready([f"{self.options.name} says hello"])
        if self.options.listen_fd is None:
            while not self.stop.wait(0.05):
                pass
        else:
            self._serve(socket.socket(fileno=self.options.listen_fd))
        self.note("end")
        return 0

    def _on_signal(self, number: int, _frame: object) -> None:
        self.note(signal.Signals(number).name)
        if number == signal.SIGTERM and self.options.mode != "stubborn":
            self.stop.set()

    def _serve(self, listener: socket.socket) -> None:
        listener.settimeout(0.05)
        calls = []
        while not self.stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            calls.append(threading.Thread(target=self._answer, args=(connection,)))
            calls[-1].start()
        listener.close()
        for call in calls:
            call.join()

    def _answer(self, connection: socket.socket) -> None:
        """Send the process id at once; echo one line when it comes, however late."""
        with connection:
            connection.setblocking(True)
            connection.sendall(f"{os.getpid()}\n".encode())
            connection.sendall(connection.recv(64))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--mode", default="serve")
    parser.add_argument("--log", required=True)
    parser.add_argument("--listen-fd", type=int)
    parser.add_argument("--link-fd", type=int, required=True)
    sys.exit(ChildProgram(parser.parse_args()).main())
