"""Removes the lock files that a git process left when it was killed.

Git makes a file next to what it is about to change, and refuses to work while there is one. It
removes the file at its end and at SIGTERM, but after SIGKILL, a crash of the machine or a full
disk nobody does.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog

from headgate.vcs.git import GitError

log = structlog.get_logger()

_PATIENCE = 2.0
"""Seconds that git processes which outlived their server get to finish."""

_STEP = 0.05
"""Seconds between two looks."""

_BESIDE = ("HEAD.lock", "config.lock", "packed-refs.lock", "packed-refs.new")
"""Locks that are not below refs/. The last is a file being written, which locks just the same."""

_Mark = tuple[int, int, int]


async def remove_stale_locks(
    repositories: Iterable[Path], patience: float = _PATIENCE
) -> tuple[Path, ...]:
    """Remove the locks of refs and settings that stay for `patience` seconds; gives which.

    Only for whoever knows that no other server works on these bare repositories: git processes of
    an earlier one may still finish, and each lock that is new, or is written to, is theirs. Does
    not wait when there is no lock. Raises GitError when one cannot be removed.
    """
    left = await asyncio.to_thread(_locks, tuple(repositories))
    for _ in range(math.ceil(patience / _STEP)):
        if not left:
            break
        await asyncio.sleep(_STEP)
        left = _unchanged(left)
    for lock in left:
        try:
            lock.unlink(missing_ok=True)
        except OSError as error:
            raise GitError(
                f"The lock {lock} that a killed git left cannot be removed: {error.strerror}.",
                "Remove it by hand while no git works on the repository.",
            ) from error
        log.warning("removed a lock that a killed git left", lock=str(lock))
    return tuple(left)


def _locks(repositories: Iterable[Path]) -> Mapping[Path, _Mark]:
    found: list[Path] = []
    for repository in repositories:
        found.extend(repository / name for name in _BESIDE)
        for place, _, files in os.walk(repository / "refs"):
            found.extend(Path(place, name) for name in files if name.endswith(".lock"))
    return {lock: mark for lock in found if (mark := _mark(lock)) is not None}


def _unchanged(locks: Mapping[Path, _Mark]) -> Mapping[Path, _Mark]:
    return {lock: mark for lock, mark in locks.items() if _mark(lock) == mark}


def _mark(lock: Path) -> _Mark | None:
    """What tells one lock from a later one of the same name; None when there is none."""
    try:
        found = lock.lstat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns
