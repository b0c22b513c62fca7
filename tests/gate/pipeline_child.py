"""Pipelines in a process of its own, to be killed: works on the data until it is."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pipeline_world import same_yard

from headgate.jobs.sandbox.probe import probe
from headgate.vcs.stale_locks import remove_stale_locks


async def main(place: Path, text: str, projects: list[str]) -> None:
    yard = same_yard(place, text, *projects, sandbox=probe(place).sandbox)
    await remove_stale_locks((place / "repositories").glob("*.git"))
    await yard.begin()
    print("started", flush=True)
    await asyncio.sleep(600)


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
