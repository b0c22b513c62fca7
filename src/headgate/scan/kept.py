"""What one run works out and the next one takes over: files in the user's cache.

A file that is not whole, is not ours, or may be written by others is as good as none; one that
cannot be written is no reason to fail. What is in them is never run: plain values only.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

_SUM = 32
"""Bytes of the SHA-256 at the beginning of a file."""


def take(place: Path) -> bytes | None:
    """What was kept at a place, when it is whole and nobody else could have written it."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(handle)
        others = status.st_mode & 0o022 or status.st_uid != os.geteuid()
        if others or not stat.S_ISREG(status.st_mode):
            return None
        with open(handle, "rb", closefd=False) as file:
            kept = file.read()
    except OSError:
        return None
    finally:
        os.close(handle)
    data = kept[_SUM:]
    return data if hashlib.sha256(data).digest() == kept[:_SUM] else None


def keep(place: Path, data: bytes) -> None:
    """Keep it, at once or not at all."""
    part = place.with_name(f".{place.name}.{os.getpid()}")
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            part.unlink()
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(data).digest() + data)
        part.replace(place)


def take_values(place: Path) -> Any:
    """Plain values that were kept by `keep_values`; None when there are none to take."""
    data = take(place)
    if data is None:
        return None
    try:
        return marshal.loads(data)
    except (EOFError, ValueError, TypeError):
        return None


def keep_values(place: Path, values: Any) -> None:
    """Keep numbers, texts and their tuples, lists and dictionaries."""
    keep(place, marshal.dumps(values))
