"""Logs of jobs while they are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from os import SEEK_END
from pathlib import Path

from headgate.model.job import JobRun
from headgate.server.pages.ansi import to_html
from headgate.server.pages.stream import BEAT, HEARTBEAT, message

INTERVAL = 0.15
"""Seconds between looks at a growing log."""

CHUNK = 64 * 1024


def read_from(path: Path, offset: int, limit: int) -> bytes:
    """At most `limit` bytes of a log from `offset` on; nothing behind its end."""
    try:
        with path.open("rb") as file:
            # Bounded: a file system refuses to seek further than its files can grow.
            file.seek(min(offset, file.seek(0, SEEK_END)))
            return file.read(limit)
    except FileNotFoundError:
        return b""


def whole_part(data: bytes, final: bool) -> bytes:
    """What can be shown already: whole lines, or a very long line's whole characters."""
    if final:
        return data
    end = data.rfind(b"\n") + 1
    if end or len(data) < CHUNK:
        return data[:end]
    for cut in range(len(data), max(0, len(data) - 4), -1):
        try:
            data[:cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return data[:cut]
    return data


async def follow_log(
    path: Path, offset: int, find: Callable[[], JobRun], status: Callable[[], str]
) -> AsyncIterator[bytes]:
    """The log from `offset` on as it grows; at the end the run's status and the event `done`.

    Each message carries as id the offset behind it, so that a reader who lost the connection
    goes on where it was.
    """
    state = find().state
    yield message(status(), id=str(offset))
    silent = 0.0
    while True:
        run = find()
        final = run.state.final
        if run.state is not state:
            state = run.state
            yield message(status(), id=str(offset))
        part = whole_part(read_from(path, offset, CHUNK), final)
        if part:
            offset += len(part)
            silent = 0.0
            yield message(to_html(part.decode("utf-8", "replace")), id=str(offset))
            if len(part) > CHUNK // 2:
                continue
        elif final:
            yield message("", id=str(offset), event="done")
            return
        await asyncio.sleep(INTERVAL)
        silent += INTERVAL
        if silent >= HEARTBEAT:
            silent = 0.0
            yield BEAT
