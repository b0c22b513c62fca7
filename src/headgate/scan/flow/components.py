"""Parts of a project that cannot affect each other, so that each can be analysed by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol


class Importing(Protocol):
    """A file that imports others."""

    @property
    def imports(self) -> tuple[str, ...]:
        """As written, relative ones with their dots."""
        ...


def components(
    files: Mapping[str, Importing], frameworks: Collection[str] = ()
) -> list[tuple[str, ...]]:
    """The paths, in parts: a file is in the part of whatever it may import, directly or not, and of
    whatever may import it. In doubt it is: an import is taken for any file and any folder that its
    first name may mean, a folder with everything below it. Files that use the same framework are
    together as well, since it hands on what they store. Sorted."""
    whole = _Sets()
    folders = _folders(files)
    entered: set[str] = set()
    for path, file in files.items():
        whole.add(path)
        for name in file.imports:
            top = name.partition(".")[0]
            if top in frameworks:
                whole.join(path, f"framework {top}")
            for stem in _stems(path, name):
                for ending in (".py", ".pyw", "/__init__.py"):
                    if stem + ending in files:
                        whole.join(path, stem + ending)
                if stem in folders:
                    whole.join(path, f"folder {stem}")
                    entered.add(stem)
    for path in files:
        for folder in _above(path):
            if folder in entered:
                whole.join(path, f"folder {folder}")
    parts: dict[str, list[str]] = {}
    for path in sorted(files):
        parts.setdefault(whole.of(path), []).append(path)
    return sorted(tuple(part) for part in parts.values())


def _stems(path: str, name: str) -> Iterator[str]:
    """Paths without endings that the first name of an import may mean in a file."""
    folder = path.rpartition("/")[0]
    plain = name.lstrip(".")
    first = plain.partition(".")[0]
    level = len(name) - len(plain)
    if level:
        for _ in range(level - 1):
            folder = folder.rpartition("/")[0]
        prefix = f"{folder}/" if folder else ""
        yield f"{prefix}__init__"
        if first:
            yield f"{prefix}{first}"
        return
    for one in (folder, *_parents(folder)):
        prefix = f"{one}/" if one else ""
        yield f"{prefix}{first}"
        yield f"{prefix}src/{first}"


def _parents(folder: str) -> Iterator[str]:
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def _above(path: str) -> Iterator[str]:
    yield from _parents(path)


def _folders(files: Mapping[str, object]) -> set[str]:
    return {folder for path in files for folder in _above(path) if folder}


class _Sets:
    """Disjoint sets of names."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def add(self, name: str) -> None:
        self._above.setdefault(name, name)

    def of(self, name: str) -> str:
        self.add(name)
        while (above := self._above[name]) != name:
            self._above[name] = self._above[above]
            name = above
        return name

    def join(self, one: str, other: str) -> None:
        self._above[self.of(one)] = self.of(other)
