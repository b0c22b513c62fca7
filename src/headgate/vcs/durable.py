"""Sees that what was written to a repository survives a power cut."""

from __future__ import annotations

import asyncio
import ctypes
import os
from pathlib import Path

from headgate.vcs.git import GitError


async def make_durable(repository: Path) -> None:
    """Wait until the disk holds everything that was written to the file system of a repository.

    Objects are written one by one, by git and in process, and nobody waits for each: so this is
    to be called before anything is recorded that relies on them. Raises GitError.
    """
    await asyncio.to_thread(_sync, repository)


def _sync(repository: Path) -> None:
    try:
        # Packs and loose objects may be on another file system than the repository.
        place = os.open(repository / "objects", os.O_RDONLY | os.O_DIRECTORY)
        try:
            _sync_file_system(place)
        finally:
            os.close(place)
    except OSError as error:
        raise GitError(
            f"What was written to {repository.name} could not be brought to the disk: "
            f"{error.strerror}.",
            "Mend the disk or its mount, then try again.",
        ) from error


def _sync_file_system(place: int) -> None:
    """Raises OSError when a write to the disk failed."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()  # A system without syncfs: all file systems, and failures are not told.
    elif syncfs(ctypes.c_int(place)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
