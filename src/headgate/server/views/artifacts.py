"""What a job run left behind: listed by name and size, and opened without following any link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from headgate.model.errors import NotFound
from headgate.model.ids import JobRunId
from headgate.server.views.text import View, shown_path

SHOWN = 500
"""How many artifacts of a run are listed."""

_NOT_THERE = frozenset(
    # No such file, a link, a file where a directory should be and the reverse, an odd name,
    # a socket.
    {
        errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ENXIO,
        errno.EINVAL,
    }
)  # fmt: skip


def artifacts_view(run: JobRunId, directory: Path) -> View:
    """The plain files of a run's artifacts by name; nothing while there are none."""
    found = sorted(_files(directory, ""))
    return {
        "artifacts": [
            {"name": shown_path(path), "size": size, "url": address(run, path)}
            for path, size in found[:SHOWN]
        ],
        "artifacts_more": max(0, len(found) - SHOWN),
    }


def address(run: JobRunId, path: str) -> str:
    """Where an artifact is served; bytes that are not UTF-8 stay as they are."""
    return f"/jobs/{run}/artifacts/{quote(os.fsencode(path))}"


def _files(directory: Path, before: str) -> Iterator[tuple[str, int]]:
    try:
        entries = list(os.scandir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(directory / entry.name, f"{before}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            yield before + entry.name, entry.stat(follow_symlinks=False).st_size


def open_artifact(directory: Path, path: str) -> tuple[BinaryIO, int]:
    """An artifact to read, and its size in bytes. Raises NotFound.

    Every part of the path is opened inside the one before it, so that neither `..` nor a link, nor
    a link that is put there meanwhile, leads out of the directory.
    """
    missing = NotFound(
        f"There is no artifact {shown_path(path)[:200]}.", "See the page of the job run."
    )
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise missing
    inside = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    held: list[int] = []
    try:
        held.append(os.open(directory, inside | os.O_DIRECTORY))
        for part in parts[:-1]:
            held.append(os.open(part, inside | os.O_DIRECTORY, dir_fd=held[-1]))
        # Never waits for the other end of a pipe.
        file = os.open(parts[-1], inside | os.O_NONBLOCK, dir_fd=held[-1])
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        raise missing from None
    finally:
        for descriptor in held:
            os.close(descriptor)
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        os.close(file)
        raise missing
    return os.fdopen(file, "rb"), found.st_size
