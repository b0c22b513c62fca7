"""What stands in relation to the changed code: who calls it, and what it calls.

By names and layout only, so it works in every language and in files that do not parse; a name that
many files define says little, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.outline import Definition, Outline
from headgate.scan.text import Text, decode, is_test

MOST_FILES = 100
"""Files whose definitions are looked at."""
_MOST_NAMES = 60
_MOST_PLACES = 50
"""Files that mention a name, up to which it says something."""
_WORD = re.compile(rb"[A-Za-z_$][\w$]{2,}")
_MOST_PER_NAME = 3
_CALL = re.compile(r"(?<![\w$])([A-Za-z_$][\w$]{2,}+)\s*+\(")
"""Never goes back, so that a long line without a call takes no longer than its length."""
_COMMON = frozenset(
    {
        "append", "async", "await", "bool", "bytes", "catch", "classmethod", "constructor",
        "dict", "elif", "else", "except", "extend", "filter", "float", "for", "format", "func",
        "function", "get", "getattr", "hasattr", "if", "int", "isinstance", "items", "join",
        "keys", "len", "list", "main", "map", "max", "min", "new", "next", "not", "open", "pop",
        "post", "print", "property", "push", "put", "range", "render", "repr", "require",
        "return", "run", "self", "set", "setattr", "sorted", "split", "staticmethod", "str",
        "strip", "sum", "super", "switch", "test", "tuple", "type", "update", "values", "while",
        "with", "yield", "zip",
    }
)  # fmt: skip
"""Names that say nothing of what is called."""


@dataclass(frozen=True, slots=True)
class Related:
    """A definition that has to do with the change."""

    path: str
    first: int
    last: int
    why: str
    """`calls show`, `show is called here`."""


def called_in(lines: Iterable[str]) -> list[str]:
    """Names that are called in these lines, in order."""
    found = (name for line in lines for name in _CALL.findall(line))
    return list(dict.fromkeys(name for name in found if name.lower() not in _COMMON))


@dataclass(frozen=True, slots=True)
class Names:
    """The names that matter of one changed file."""

    path: str
    defined: tuple[str, ...]
    """Of the definitions that changed."""
    called: tuple[str, ...]
    """In changed lines."""


def related(changed: Sequence[Names], files: Mapping[str, SourceFile]) -> list[Related]:
    """For each changed file where what it calls is defined, then where what it defines is called.

    Near files come first. `files`: all that may be shown, the changed ones included; each is read
    once, however many names there are.
    """
    around = _Around(changed, files)
    found = [one for names in changed for one in around.of(names)]
    return list({(one.path, one.first): one for one in found}.values())


class _Around:
    def __init__(self, changed: Sequence[Names], files: Mapping[str, SourceFile]) -> None:
        self._files = files
        self._outlines: dict[str, Outline] = {}
        wanted = {name.encode() for one in changed for name in (*one.defined, *one.called)}
        self._places: dict[str, list[str]] = {}
        """Name → files that mention it."""
        for path, file in files.items():
            for word in wanted.intersection(_WORD.findall(file.data)):
                self._places.setdefault(word.decode(), []).append(path)

    def of(self, names: Names) -> Iterator[Related]:
        for name in names.called[:_MOST_NAMES]:
            places = list(self._defined(name, names.path))
            if len(places) <= _MOST_PER_NAME:
                yield from places
        for name in names.defined[:_MOST_NAMES]:
            yield from islice(self._calls(name, names.path), _MOST_PER_NAME)

    def _near(self, name: str, here: str) -> list[str]:
        there = self._places.get(name, [])
        if len(there) > _MOST_PLACES:
            # What so many files mention says little, or is no name of the project's own.
            return []
        return sorted(there, key=lambda path: (is_test(path), _distance(here, path), path))

    def _defined(self, name: str, here: str) -> Iterator[Related]:
        for path in self._near(name, here):
            outline = self._outline(path)
            for one in outline.definitions if outline is not None else ():
                if one.scope.rpartition(".")[2] == name and _usual(one):
                    yield Related(path, one.first, one.last, f"`{name}`, called there")

    def _calls(self, name: str, here: str) -> Iterator[Related]:
        for path in self._near(name, here):
            outline = self._outline(path)
            if outline is not None:
                yield from _callers(outline, path, name)

    def _outline(self, path: str) -> Outline | None:
        if path not in self._outlines:
            if len(self._outlines) >= MOST_FILES:
                return None
            text = Text(decode(self._files[path].data))
            self._outlines[path] = Outline(text, path)
        return self._outlines[path]


def _callers(outline: Outline, path: str, name: str) -> Iterable[Related]:
    call = re.compile(rf"\b{re.escape(name)}\s*\(")
    heads = {one.first for one in outline.definitions if one.scope.rpartition(".")[2] == name}
    for number, line in enumerate(outline.text.lines, 1):
        if number in heads or not call.search(line):
            continue
        inside = outline.definition(number)
        if inside is None:
            yield Related(path, max(1, number - 2), number + 2, f"calls `{name}`")
        elif inside.scope.rpartition(".")[2] != name:
            first, last = inside.first, inside.last
            if last - first > 40:
                first, last = max(first, number - 12), min(last, number + 12)
            yield Related(path, first, last, f"calls `{name}`")


def _usual(one: Definition) -> bool:
    return one.last - one.first <= 120


def _distance(one: str, other: str) -> int:
    """How many folders lie between two files."""
    left, right = one.split("/")[:-1], other.split("/")[:-1]
    common = 0
    while common < min(len(left), len(right)) and left[common] == right[common]:
        common += 1
    return len(left) + len(right) - 2 * common + (one != other)
