"""Supervision: the control plane and the gateway workers as children that are restarted, drained and never orphaned.

Theory of operation. The supervisor holds the listening socket and the data directory's lock; the children inherit
both. Each child has one end of a socket pair, its link. On it the child says once that it is ready, and on it the
child notices that the supervisor is gone: the read ends, and the child kills itself. That needs no help from the
kernel and works when the supervisor is killed with SIGKILL.

    starting --all ready--> running --SIGTERM or SIGINT--> draining --workers gone--> closing --control gone--> ended
        |  a child that never was ready keeps dying, or says by exit code 2 that it was asked for something wrong
        +--> the others are stopped; the child's last lines of standard error are told

A child that dies is started again after 0.1 s, then 0.2 s, up to 5 s; one that lived for 30 s begins again at 0.1 s.
Draining: the listening socket is closed here, the workers get SIGTERM (they stop accepting and finish), what is left
at the deadline gets SIGKILL, and the control plane is stopped last, so that it books what the workers wrote. A second
SIGTERM or SIGINT ends the waiting for the workers. SIGHUP goes to the control plane, which reads the files again.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

RESTART_DELAY_FIRST_S = 0.1
RESTART_DELAY_MAX_S = 5.0
STABLE_AFTER_S = 30.0
START_DEATHS_MAX = 5  # 0.1 + 0.2 + 0.4 + 0.8 s: long enough for a passing cause, short enough for a waiting person
READY_NOTICE_AFTER_S = 20.0
DRAIN_DEADLINE_S = 30.0
UNREADY_DEADLINE_S = 3.0  # a child that never was ready has no calls to finish
CLOSE_DEADLINE_S = 30.0  # the control plane books what the workers left; it is killed only if it hangs
TAIL_BYTES = 4096  # of a child's standard error; the end of a traceback
LINK_LINE_BYTES_MAX = 65536
EXIT_FAILED = 1
EXIT_REFUSED = 2


class Role(StrEnum):
    """What a child does; the control plane is stopped after all others."""

    CONTROL = "control"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class ChildCommand:
    """One child: its name in messages, its role, its command line without the link, what it inherits.

    `inherited` are descriptors that the child gets under the same numbers. Only workers may get the listening socket:
    whoever holds it keeps it open after the workers have closed theirs.
    """

    name: str
    role: Role
    command: tuple[str, ...]
    inherited: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to supervise. `listener` is closed when draining begins."""

    children: tuple[ChildCommand, ...]
    listener: socket.socket
    environment: Mapping[str, str] | None = None
    drain_deadline_s: float = DRAIN_DEADLINE_S


class SupervisorLink:
    """The child's end of its link. Made from the number given by `--link-fd`."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.set_inheritable(False)
        self._socket.setblocking(True)
        threading.Thread(target=self._end_with_supervisor, name="supervisor-link", daemon=True).start()

    def report_ready(self, notes: Sequence[str] = ()) -> None:
        """Say that this child serves; `notes` are lines for the person who started the router."""
        self._socket.sendall(json.dumps({"ready": True, "notes": list(notes)}).encode() + b"\n")

    def _end_with_supervisor(self) -> None:
        with contextlib.suppress(OSError):
            while self._socket.recv(64):  # the supervisor never writes: this returns only when it is gone
                pass
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True)
class _Child:
    command: ChildCommand
    process: asyncio.subprocess.Process | None = None
    is_ready: bool = False
    notes: tuple[str, ...] = ()
    deaths: int = 0  # in a row
    tail: bytearray = field(default_factory=bytearray)

    @property
    def ended_well(self) -> bool:
        """True for exit code 0, and for a child that was stopped before it knew the signal."""
        code = None if self.process is None else self.process.returncode
        return code == 0 or (code == -signal.SIGTERM and not self.is_ready)

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)


class Supervisor:
    """Keeps the children of one plan alive until it is told to stop."""

    def __init__(self, plan: Plan, on_ready: Callable[[tuple[str, ...]], None], tell: Callable[[str], None]) -> None:
        """`on_ready` is called once, with all notes, when every child has been ready; `tell` takes one message."""
        self._plan = plan
        self._on_ready = on_ready
        self._tell = tell
        self._children = [_Child(command) for command in plan.children]
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._was_ready = False
        self._exit_code = 0
        self._terminal = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None

    async def run(self) -> int:
        """Start, keep, drain; returns the exit code of the whole router."""
        loop = asyncio.get_running_loop()
        self._handle_signals(loop)
        notice = loop.call_later(READY_NOTICE_AFTER_S, self._tell_who_is_late)
        keepers = {child.command.name: asyncio.create_task(self._keep(child)) for child in self._children}
        stopping = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait({stopping, *keepers.values()}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # a mistake of ours in a keeper ends the router loudly; its children end with it
        await stopping
        notice.cancel()
        self._plan.listener.close()
        await self._end(keepers, Role.GATEWAY, self._plan.drain_deadline_s)
        all_closed = await self._end(keepers, Role.CONTROL, CLOSE_DEADLINE_S)
        return self._exit_code or (0 if all_closed else EXIT_FAILED)

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_or_hurry)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # started by nohup: it stays ignored
            loop.add_signal_handler(signal.SIGHUP, self._reload_or_stop)

    def _stop_or_hurry(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        else:
            self._say("stopping: finishing the calls under way; once more to cut them")
            self._stop.set()

    def _reload_or_stop(self) -> None:
        if self._terminal is not None and _is_gone(self._terminal):
            self._stop_or_hurry()
            return
        for child in self._of(Role.CONTROL):
            if child.is_ready:  # before that it would not know the signal, and reads the files anyway
                child.send(signal.SIGHUP)

    async def _keep(self, child: _Child) -> None:
        """Start one child again and again until the router stops."""
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            begun = loop.time()
            try:
                code = await self._run_once(child)
            except OSError as error:  # no memory or no process slot left: try again like after a death
                child.tail[:] = str(error).encode()
                code = EXIT_FAILED
            if self._stop.is_set():
                return
            if loop.time() - begun >= STABLE_AFTER_S:
                child.deaths = 0
            child.deaths += 1
            if self._gives_up(child, code):
                return
            delay = min(RESTART_DELAY_FIRST_S * 2 ** (child.deaths - 1), RESTART_DELAY_MAX_S)
            self._say(f"{child.command.name} ended ({_how(code)}); starting it again in {delay:.1f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), delay)

    def _gives_up(self, child: _Child, code: int) -> bool:
        """During the start a child that cannot work ends the router; later it is started again for ever."""
        if self._was_ready or (code != EXIT_REFUSED and child.deaths < START_DEATHS_MAX):
            return False
        self._exit_code = EXIT_REFUSED if code == EXIT_REFUSED else EXIT_FAILED
        if code != EXIT_REFUSED:  # a refusal has said on standard error all there is to say
            last = bytes(child.tail).decode(errors="replace").strip()
            how = f"{_how(code)}, {child.deaths} times in a row"
            self._say(f"{child.command.name} cannot start ({how}). Its last words:\n{last}")
        self._stop.set()
        return True

    async def _run_once(self, child: _Child) -> int:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        child.tail.clear()
        child.is_ready = False
        try:
            child.process = await asyncio.create_subprocess_exec(
                *child.command.command,
                "--link-fd",
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(), *child.command.inherited),
                stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=self._plan.environment,
                start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        if self._stop.is_set():  # the signal came while the child was being started
            child.send(signal.SIGTERM)
        listening = asyncio.create_task(self._listen(child, ours))
        copying = asyncio.create_task(self._copy_stderr(child, child.process))
        code = await child.process.wait()
        await asyncio.gather(listening, copying)
        return code

    async def _listen(self, child: _Child, link: socket.socket) -> None:
        """Read what the child says on its link until it ends."""
        reader, writer = await asyncio.open_connection(sock=link, limit=LINK_LINE_BYTES_MAX)
        try:
            while line := await reader.readline():
                message = json.loads(line)
                child.is_ready, child.notes = True, tuple(message["notes"])
                self._announce_when_all_ready()
        except ConnectionResetError:
            pass  # the child died with the link open
        finally:
            writer.close()

    def _announce_when_all_ready(self) -> None:
        if self._was_ready or not all(child.is_ready for child in self._children):
            return
        self._was_ready = True
        self._on_ready(tuple(note for child in self._children for note in child.notes))

    async def _copy_stderr(self, child: _Child, process: asyncio.subprocess.Process) -> None:
        """Pass the child's standard error on as it comes, and remember its end."""
        assert process.stderr is not None
        while chunk := await process.stderr.read(65536):
            child.tail += chunk
            del child.tail[:-TAIL_BYTES]
            with contextlib.suppress(OSError):  # nobody reads our standard error; the child must not wait for that
                sys.stderr.buffer.write(chunk)
                sys.stderr.buffer.flush()

    async def _end(self, keepers: Mapping[str, asyncio.Task[None]], role: Role, deadline_s: float) -> bool:
        """Stop the children of one role; False when one had to be killed or did not end with 0."""
        children = self._of(role)
        for child in children:
            child.send(signal.SIGTERM)
        waiting = {keepers[child.command.name] for child in children}
        hurry = asyncio.create_task(self._hurry.wait())
        if not any(child.is_ready for child in children):
            deadline_s = min(deadline_s, UNREADY_DEADLINE_S)
        deadline = asyncio.get_running_loop().time() + deadline_s
        while waiting and not (hurry.done() and role is Role.GATEWAY):
            left = deadline - asyncio.get_running_loop().time()
            watched: set[asyncio.Task[None] | asyncio.Task[bool]] = set(waiting)
            if role is Role.GATEWAY:
                watched.add(hurry)
            done, _ = await asyncio.wait(watched, timeout=max(left, 0), return_when=asyncio.FIRST_COMPLETED)
            waiting = {task for task in waiting if not task.done()}
            if not done:
                break
        hurry.cancel()
        for child in children:
            if not keepers[child.command.name].done():
                booked = "; its open calls will be booked" if child.is_ready else ""
                self._say(f"{child.command.name} did not end in time and is killed{booked}")
                child.send(signal.SIGKILL)
        await asyncio.gather(*(keepers[child.command.name] for child in children))
        return all(child.ended_well for child in children)

    def _say(self, message: str) -> None:
        with contextlib.suppress(OSError):  # nobody reads our standard error any more; the router goes on
            self._tell(message)

    def _of(self, role: Role) -> list[_Child]:
        return [child for child in self._children if child.command.role is role]

    def _tell_who_is_late(self) -> None:
        late = [child.command.name for child in self._children if not child.is_ready]
        if late:
            self._say(f"still waiting for {', '.join(late)} to be ready")


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _is_gone(terminal: int) -> bool:
    """True when the terminal the router was started in has been closed: then SIGHUP means the end."""
    try:
        os.tcgetpgrp(terminal)
    except OSError:
        return True
    return False
