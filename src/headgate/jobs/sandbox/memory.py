"""How much memory a tree of processes holds."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def descendants(pid: int) -> list[int]:
    """The process and all below it, as far as they exist."""
    found: list[int] = []
    look = [pid]
    while look:
        current = look.pop()
        found.append(current)
        try:
            for thread in Path(f"/proc/{current}/task").iterdir():
                look += map(int, (thread / "children").read_text().split())
        except _GONE:
            continue
    return found


def used(pid: int, interesting: int) -> int:
    """Bytes of memory held by a process and all below it.

    Below `interesting` it is a cheap estimate that counts pages shared after a fork more than
    once; from there on every page is counted once.
    """
    pids = descendants(pid)
    estimate = 0
    for each in pids:
        try:
            fields = Path(f"/proc/{each}/statm").read_text().split()
        except _GONE:
            continue
        estimate += (int(fields[1]) - int(fields[2])) * _PAGE
    if estimate < interesting:
        return estimate
    return sum(_proportional(each) for each in pids)


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except _GONE:
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0
