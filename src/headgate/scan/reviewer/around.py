"""What stands in relation to the changed code: who calls it, and what it calls.

By names and layout only, so it works in every language and in files that do not parse; a name that
many files define says little, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headgate.scan.analyzers.interface import SourceFile
from headgate.scan.outline import Definition, Outline
from headgate.scan.text import Text, decode, is_test

MOST_FILES = 40
"""Files that are read for it."""
_MOST_NAMES = 60
_MOST_PER_NAME = 3
_CALL = re.compile(r"([A-Za-z_$][\w$]{2,})\s*\(")
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


def related(
    defined: Sequence[str], called: Sequence[str], here: str, files: Mapping[str, SourceFile]
) -> list[Related]:
    """Where the `called` names are defined, then where the `defined` ones are called.

    `here`: the changed file that they are of; near files come first. `files`: all that may be
    shown, the changed ones included.
    """
    order = sorted(files, key=lambda path: (is_test(path), _distance(here, path), path))
    found: list[Related] = []
    outlines: dict[str, Outline] = {}

    def outline(path: str) -> Outline | None:
        if path not in outlines:
            if len(outlines) >= MOST_FILES:
                return None
            outlines[path] = Outline(Text(decode(files[path].data)), path)
        return outlines[path]

    for name in called[:_MOST_NAMES]:
        places: list[Related] = []
        word = re.compile(rb"\b%s\b" % re.escape(name.encode()))
        for path in order:
            if not word.search(files[path].data) or (there := outline(path)) is None:
                continue
            for one in there.definitions:
                if one.scope.rpartition(".")[2] == name and _usual(one):
                    places.append(Related(path, one.first, one.last, f"`{name}`, called there"))
        if len(places) <= _MOST_PER_NAME:
            found += places
    for name in defined[:_MOST_NAMES]:
        call = re.compile(rb"\b%s\s*\(" % re.escape(name.encode()))
        places = []
        for path in order:
            if len(places) >= _MOST_PER_NAME or not call.search(files[path].data):
                continue
            if (there := outline(path)) is not None:
                places += _callers(there, path, name)
        found += places[:_MOST_PER_NAME]
    return list({(one.path, one.first): one for one in found}.values())


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
