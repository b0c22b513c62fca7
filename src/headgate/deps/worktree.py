"""What the manifests and lockfiles of a directory say."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from headgate.deps.compare import Files, read_file
from headgate.deps.gathering import Gathering, no_file
from headgate.deps.lockfiles.interface import Parsed, Problem
from headgate.model.finding import Span


def read_directory(top: Path, paths: Iterable[str], exclude: Sequence[str] = ()) -> Files:
    """The same as `read_commit`, of files on disk; `paths` are those of the tree, from `top`.

    Links are followed as long as they stay in the directory. What cannot be read is a problem in
    the result.
    """
    real = top.resolve()
    gathering = Gathering(paths, exclude)
    while gathering.wanted:
        for path in gathering.wanted:
            gathering.give(path, _read(real, path, gathering))
        gathering.next()
    return gathering.files()


def _read(top: Path, path: str, gathering: Gathering) -> Parsed | Problem:
    place = Path(os.path.realpath(top / path))
    if not place.is_relative_to(top):
        return no_file(path)
    try:
        # Not blocking, as the path may have become a pipe meanwhile.
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            os.close(handle)
            return no_file(path)
        with os.fdopen(handle, "rb") as file:
            refused = gathering.refusal(path, status.st_size)
            return refused or read_file(path, file.read(status.st_size))
    except OSError as error:
        why = (error.strerror or "cannot be read").lower()
        return Problem(f"this could not be read ({why})", Span(path, 1))
