"""What files of a work tree held when they were last read, known by their status.

As git's index does it: a file of the same size and times, on the same inode, holds what it held. A
file that was written just before it was read is not trusted, since it may be written again without
its times telling of it. What is only needed rarely, the bytes themselves, is read when somebody
asks, and checked against what was known.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import time
from collections.abc import Sequence
from pathlib import Path

from headgate.scan.analyzers.interface import Later, SourceFile
from headgate.scan.bundle import FEW, Bundle
from headgate.scan.text import LARGEST

_JUST = 3_000_000_000
"""Nanoseconds: the clocks of file systems are coarse, and others than ours."""
_STATUS = struct.Struct("<QQQqq")


class Changed(Exception):
    """A file is no longer what its status said: everything has to be read anew."""


class Seen:
    """The files below one directory."""

    def __init__(self, root: Path, cache: Path, paths: Sequence[str]) -> None:
        """`cache`: a private directory; `paths`: of all files that are to be read."""
        self._root = root
        self._bundle = Bundle(cache, paths) if len(paths) >= FEW else None
        self._began = time.time_ns()

    def read(self, path: str) -> tuple[SourceFile, int] | None:
        """A regular file, and its bytes; None for what has to be looked at more closely."""
        bundle = self._bundle
        if bundle is None:
            return None
        place = os.path.join(self._root, path)  # noqa: PTH118 - many
        try:
            status = os.lstat(place)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            key = _key(place, status)
            digest = bundle.get(key)
            if isinstance(digest, bytes):
                return SourceFile(path, Later(digest, place, _again)), status.st_size
            handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                data = file.read(LARGEST)
                if _key(place, os.fstat(handle)) != key or len(data) != status.st_size:
                    return None
        except OSError:
            return None
        read = SourceFile(path, data)
        if max(status.st_mtime_ns, status.st_ctime_ns) < self._began - _JUST:
            bundle.put(key, read.digest)
        return read, len(data)

    def keep(self) -> None:
        """For the next run."""
        if self._bundle is not None:
            self._bundle.keep()


def _key(place: str, status: os.stat_result) -> bytes:
    known = _STATUS.pack(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )
    # Some file systems number no inodes.
    return hashlib.sha256(known + os.fsencode(place)).digest()


def _again(place: str, digest: bytes) -> bytes:
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            data = file.read(LARGEST)
    except OSError as error:
        raise Changed from error
    if hashlib.sha256(data).digest() != digest:
        raise Changed
    return data
