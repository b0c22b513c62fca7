"""Which files a change concerns: those that import what changed, and what the changed import."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol


class Importing(Protocol):
    """A file that imports others."""

    @property
    def imports(self) -> tuple[str, ...]:
        """As written, relative ones with their dots."""
        ...


def concerned(files: Mapping[str, Importing], changed: Iterable[str]) -> frozenset[str]:
    """The changed files, those that they import, and those that import any of them, directly or
    not. What two files have in common by the last part of a name counts: too many are better than
    too few."""
    by_stem: dict[str, list[str]] = defaultdict(list)
    for path in files:
        by_stem[_stem(path)].append(path)
    uses: dict[str, set[str]] = {}
    used_by: dict[str, set[str]] = defaultdict(set)
    for path, file in files.items():
        targets = {
            target
            for name in file.imports
            for part in _parts(path, name)
            for target in by_stem.get(part, ())
        }
        targets.discard(path)
        uses[path] = targets
        for target in targets:
            used_by[target].add(path)
    start = [path for path in changed if path in files]
    return frozenset(_reached(start, uses) | _reached(start, used_by))


def _reached(start: Iterable[str], edges: Mapping[str, set[str]]) -> set[str]:
    found = set(start)
    left = list(found)
    while left:
        for path in edges.get(left.pop(), ()):
            if path not in found:
                found.add(path)
                left.append(path)
    return found


def _stem(path: str) -> str:
    """The last part of the name by which a file is imported."""
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    return folder.rpartition("/")[2] if stem in ("__init__", "index") else stem


def _parts(path: str, name: str) -> set[str]:
    """What the last part of the imported file's name may be."""
    plain = name.lstrip(".").replace("/", ".").strip(".")
    parts = set(plain.split(".")[-2:]) - {""}
    if name.startswith("."):
        # `from . import x` runs the package's own file as well.
        parts.add(path.rpartition("/")[0].rpartition("/")[2])
    return parts
