"""A router of small child programs, under the real supervisor. Prints its port, then READY and the notes."""

import argparse
import asyncio
import sys
from pathlib import Path

from smart_ai_router.adapters.launch import DataDirectoryLock, StartRefused, bind_listener
from smart_ai_router.adapters.processes import ChildCommand, Plan, Role, Supervisor


def main(options: argparse.Namespace) -> int:
    try:
        lock = DataDirectoryLock.acquire(Path(options.data_dir))
        listener = bind_listener("127.0.0.1", options.port)
    except StartRefused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    print(listener.getsockname()[1], flush=True)
    children = []
    for word in options.child:
        name, mode = word.split(":")
        role = Role.CONTROL if name == "control" else Role.GATEWAY
        command = [sys.executable, "-m", "tests.e2e.supervised_child", "--name", name, "--mode", mode]
        command += ["--log", options.log]
        inherited = [lock.descriptor]
        if role is Role.GATEWAY:
            command += ["--listen-fd", str(listener.fileno())]
            inherited.append(listener.fileno())
        children.append(ChildCommand(name, role, tuple(command), tuple(inherited)))
    plan = Plan(tuple(children), listener, drain_deadline_s=options.drain_s)
    supervisor = Supervisor(
        plan,
        on_ready=lambda notes: print("READY", *notes, sep="|", flush=True),
        tell=lambda message: print(message, file=sys.stderr, flush=True),
    )
    return asyncio.run(supervisor.run())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--drain-s", type=float, default=30.0)
    parser.add_argument("child", nargs="+")
    sys.exit(main(parser.parse_args()))
