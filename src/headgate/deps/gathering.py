"""Reads the files of one tree round by round, as files name others that they include."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headgate.deps.compare import Files, is_manifest, read_files
from headgate.deps.limits import MOST_BYTES, largest, too_large, too_much
from headgate.deps.lockfiles.interface import Include, Parsed, Problem
from headgate.model.finding import Span
from headgate.model.patterns import matches

_DEEPEST = 20


class Gathering:
    """What is known of a tree so far, and which files are to be read next.

    `paths` are all files of the tree; `exclude` are patterns of manifests that nobody installs
    from, such as test data.
    """

    def __init__(self, paths: Iterable[str], exclude: Sequence[str] = ()) -> None:
        self._there = frozenset(paths)
        self._read: dict[str, Parsed] = {}
        self._refused: dict[str, Problem] = {}
        self._files = Files({})
        self._rounds = 0
        self._bytes = 0
        self._wanted = sorted(p for p in self._there if is_manifest(p) and not matches(p, exclude))

    @property
    def wanted(self) -> Sequence[str]:
        """Paths to be read now; none when everything is known."""
        return self._wanted

    def refusal(self, path: str, size: int) -> Problem | None:
        """Why a file of so many bytes is not read; None when it is, which counts."""
        if size > largest(path):
            return too_large(path)
        self._bytes += size
        return too_much(path) if self._bytes > MOST_BYTES else None

    def give(self, path: str, content: Parsed | Problem) -> None:
        """What was read at a wanted path, or why nothing was."""
        if isinstance(content, Problem):
            self._refused[path] = content
        else:
            self._read[path] = content

    def next(self) -> None:
        """Begin the next round, when all that was wanted has been given."""
        self._files = read_files(self._read)
        known = self._read.keys() | self._refused.keys()
        named = {i.path for one in self._files.parsed.values() for i in one.includes}
        self._wanted = sorted(p for p in named if p in self._there and p not in known)
        self._rounds += 1
        if self._rounds >= _DEEPEST and self._wanted:
            deep = Problem("the files include each other too deeply", Span(self._wanted[0], 1))
            self._refused[self._wanted[0]] = deep
            self._wanted = []

    def files(self) -> Files:
        """The tree, with what could not be read."""
        absent = [_absence(i) for i in self._files.missing if i.path not in self._there]
        problems = [*self._refused.values(), *absent]
        extra = {f"{p.span.path}\0{p.message}": Parsed(problems=(p,)) for p in problems}
        return Files({**self._files.parsed, **extra})


def no_file(path: str) -> Problem:
    """What is said of a path that leads to no file in the tree."""
    return Problem("this is no file of the project", Span(path, 1))


def _absence(include: Include) -> Problem:
    return Problem(f"`{include.path}` is included and not there", include.span)
