"""A load program of its own process: `python -m tests.e2e.fault_load PORT CLIENTS SECONDS` prints what it was told."""

import asyncio
import json
import sys
from collections import Counter

from tests.e2e.fault_calls import Load


async def run(port: int, clients: int, seconds: float) -> dict[str, object]:
    load = Load(lambda: port, ({}, {"stream": True}), clients)
    asyncio.get_running_loop().call_later(seconds, load.stop)
    await load.run()
    told = Counter(answer.status for answer in load.refused)
    unexplained = [answer.status for answer in load.refused if "retry-after" not in answer.headers]
    return {"sent": len(load.sent), "served": len(load.acknowledged), "refused": told, "unexplained": unexplained}


if __name__ == "__main__":
    port, clients, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(run(int(port), int(clients), float(seconds)))))
