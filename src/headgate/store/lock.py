"""One server per data directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Generator
from pathlib import Path

from headgate.model.errors import Conflict, CouldNotRun


@contextlib.contextmanager
def lock_data(directory: Path) -> Generator[None]:
    """Hold the data directory's lock; the kernel gives it back when the process ends, however.

    Raises Conflict naming the process that holds it, CouldNotRun when the file cannot be made.
    """
    file = directory / "run" / "lock"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CouldNotRun(
            f"{file} cannot be made: {error.strerror}.",
            "Give the account of the server the data directory, or choose another with --data.",
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise Conflict(
                f"A Headgate server (process {holder}) runs on {directory} already.",
                "Stop it first, or give this one another data directory with --data.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
