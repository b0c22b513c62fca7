"""What is left of a sandbox that is killed, whenever that is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from headgate.jobs.sandbox.interface import Access, Command, Mount, Sandbox


async def test_a_sandbox_that_is_killed_while_it_starts_leaves_nothing(
    place: Path, sandbox: Sandbox
) -> None:
    work = place / "work"
    work.mkdir()
    if os.geteuid() == 0:
        owner = sandbox.owner(0)
        os.chown(work, owner.uid, owner.gid)
    command = Command(
        ("sleep", "2345.6"),
        "/work",
        {"PATH": ":".join(sandbox.toolbox())},
        (Mount(work, "/work", Access.WRITE),),
    )
    # bubblewrap makes its child within the first milliseconds, and that child dies with its
    # parent only from a little later on.
    for step in range(150):
        process = sandbox.start(command, 0, lambda _: None)
        await asyncio.sleep(step % 50 * 0.0001)
        process.kill()
        ended = await asyncio.wait_for(process.wait(), 20)
        assert ended.code != 0
    assert _mentioning(work) == []


def _mentioning(path: Path) -> list[Path]:
    found: list[Path] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if os.fsencode(path) in words:
            found.append(process)
    return found
