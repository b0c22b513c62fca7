"""How large a file may be to be read."""

from __future__ import annotations

from headgate.deps.lockfiles import manifest_for
from headgate.deps.lockfiles.interface import Problem, Role
from headgate.model.finding import Span

LARGEST = 4 << 20
"""Bytes of the largest file that is read, if it is written by hand."""
LARGEST_LOCK = 16 << 20
"""Bytes of the largest lockfile that is read; real ones of thousands of packages have one or two
million."""
MOST_BYTES = 128 << 20
"""Bytes of all files of a tree that are read."""


def largest(path: str) -> int:
    """Bytes of the largest file of this name that is read."""
    manifest = manifest_for(path)
    return LARGEST_LOCK if manifest is not None and manifest.role is Role.LOCK else LARGEST


def too_much(path: str) -> Problem:
    """What is said of a file for which nothing is left of the limit for all."""
    told = (
        f"the manifests and lockfiles have more than {MOST_BYTES >> 20} MB, and this was not read"
    )
    return Problem(told, Span(path, 1))


def too_large(path: str) -> Problem:
    """What is said of a file above the limit."""
    most = largest(path) >> 20
    return Problem(f"this is larger than {most} MB and was not read", Span(path, 1))
