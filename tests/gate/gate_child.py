"""A gate in a process of its own, to be killed: works on the data until nobody waits."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from harness import Gate, House, one_queue, sandboxed
from trials_world import lanes

from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.jobs.sandbox.probe import probe
from headgate.vcs.stale_locks import remove_stale_locks


async def main(place: Path, *projects: str) -> None:
    policy = one_queue(*projects)
    if projects[0] == "--lanes":
        policy = lanes(*projects[1:], slots=2, fuse=3)
    dispatcher = sandboxed(place, LocalDispatcher, 2, probe(place).sandbox)
    gate = Gate(House(place, policy, dispatcher))
    await remove_stale_locks((place / "repositories").glob("*.git"))
    await gate.service.start()
    print("started", flush=True)
    await gate.run(120)
    await gate.end()


asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
