"""The definitions of a file by indentation, and its statements by brackets.

No parser: it works in files that do not parse, and in every language that is laid out as usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

from headgate.model.record import record
from headgate.scan.late import late
from headgate.scan.text import Text

_MODIFIERS = (
    r"(?:(?:export|default|pub|public|private|protected|static|final|abstract|async|override|"
    r"virtual|inline|local|unsafe|declare|readonly)\s+)*"
)
_DEFINITIONS = (
    late(
        rf"^\s*{_MODIFIERS}(?:def|class|function\*?|func|fn|interface|struct|impl|trait|module|"
        r"namespace|type|object|resource)\s+(?:\([^)]*\)\s*)?[\"']?(?P<name>[A-Za-z_$][\w$]*)"
    ),
    late(
        rf"^\s*{_MODIFIERS}(?:const|let|var)\s+(?P<name>[A-Za-z_$][\w$]*)\s*(?::[^=]+)?=\s*"
        r"(?:async\s*)?(?:function\b|\([^()]*\)\s*(?::[^=]+)?=>|[A-Za-z_$][\w$]*\s*=>)"
    ),
    late(
        rf"^\s*{_MODIFIERS}(?:[\w<>\[\],.?*&:]+\s+){{0,3}}(?:\*\s*)?(?P<name>[A-Za-z_$#][\w$]*)\s*"
        r"\([^;=(){}]*\)\s*(?:throws\s+[\w., ]+|:\s*[\w<>\[\]|. ]+)?\s*\{\s*$"
    ),
)
_NO_NAMES = frozenset({"if", "for", "while", "switch", "catch", "with", "return", "else", "do"})
_TABLE = late(r"^\[+(?P<name>[^\[\]=,]+)\]+\s*(?:#.*)?$")
_SPACE = late(r"\s+")
_STRING = late(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`")
_HASH_COMMENT = late(r"(?:^|\s)#.*$")
_SLASH_COMMENT = late(r"(?:^|\s)//.*$")
_MASKED = late(r"\*{3,}")
_LOOSE = late(r"(?<!\w)\s+|\s+(?!\w)")
_ABOVE, _BELOW = 12, 20
"""Lines that a statement may begin above its finding, and go on below its first line."""
_LONGEST = 2000
"""Characters of a line beyond which it is no line of code that somebody laid out."""
_HASHED = (".py", ".pyi", ".sh", ".rb", ".yml", ".yaml", ".toml", ".tf", ".pl", ".r", ".env")


@record
class Definition:
    """A function, class or the like; the lines count from 1, both inclusive."""

    scope: str
    """Its own name after those round it, joined by dots."""
    first: int
    last: int


class Outline:
    """What stands where in one text."""

    def __init__(self, text: Text, path: str = "", kept: Any = None) -> None:
        """`kept`: what `plain` made of an equal text of this path."""
        self.text = text
        self._kept = kept
        self._hash = path.endswith(_HASHED) or not path.rpartition("/")[2].count(".")
        self._python = path.endswith((".py", ".pyi")) or not path

    @cached_property
    def _read(self) -> tuple[list[str], list[int], list[Definition]]:
        """Per line its scope, and the number of its innermost definition or -1; the definitions."""
        if self._kept is not None:
            return _expanded(*self._kept)
        scopes: list[str] = []
        owners: list[int] = []
        open_: list[tuple[int, str, int]] = []
        done: list[Definition] = []
        table, quoted = "", ""
        last = 0

        def close(number: int) -> None:
            index = open_.pop()[2]
            done[index] = Definition(done[index].scope, done[index].first, number)

        for number, line in enumerate(self.text.lines, 1):
            content = line.strip()
            if content and not quoted and len(line) <= _LONGEST:
                indent = _indent(line)
                while open_ and open_[-1][0] >= indent and content[0] not in ")]}":
                    close(last)
                if not open_ and (header := _TABLE.match(line)):
                    table = header["name"].strip()
                named = _definition(line)
                scopes.append(open_[-1][1] if open_ else table)
                owners.append(open_[-1][2] if open_ else -1)
                if named:
                    outer = open_[-1][1] if open_ else ""
                    scope = f"{outer}.{named}" if outer else named
                    open_.append((indent, scope, len(done)))
                    done.append(Definition(scope, number, number))
                last = number
            else:
                scopes.append(open_[-1][1] if open_ else table)
                owners.append(open_[-1][2] if open_ else -1)
                last = number if quoted else last
            if self._python and ('"""' in line or "'''" in line):
                quoted = _still_quoted(line, quoted)
        while open_:
            close(last)
        return scopes, owners, done

    def plain(self) -> Any:
        """As numbers and texts that can be kept."""
        scopes, owners, done = self._read
        runs = [
            (*key, sum(1 for _ in lines))
            for key, lines in groupby(zip(scopes, owners, strict=True))
        ]
        return runs, [(one.scope, one.first, one.last) for one in done]

    @property
    def scopes(self) -> frozenset[str]:
        """Of every definition."""
        return frozenset(one.scope for one in self._read[2])

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Every one, in the order in which they begin."""
        return tuple(self._read[2])

    def scope(self, line: int) -> str:
        """The definitions that the line stands in; in files without any, the `[table]` above."""
        scopes = self._read[0]
        return scopes[line - 1] if 0 < line <= len(scopes) else ""

    def definition(self, line: int) -> Definition | None:
        """The innermost definition that the line stands in."""
        owners = self._read[1]
        index = owners[line - 1] if 0 < line <= len(owners) else -1
        return self._read[2][index] if index >= 0 else None

    def statement(self, line: int, end: int) -> tuple[int, int]:
        """First and last line of the statement that these lines are part of, by round and square
        brackets."""
        first = line
        depth = most = 0
        for number in range(line - 1, max(0, line - 1 - _ABOVE), -1):
            content = self.text.line(number)
            if not content.strip() or len(content) > _LONGEST:
                break
            depth += self._balance(content)
            if depth > most:
                most, first = depth, number
        depth, last = 0, max(line, end)
        for number in range(first, first + _BELOW):
            content = self.text.line(number)
            if len(content) > _LONGEST:
                break
            depth += self._balance(content)
            if depth <= 0 and number >= line:
                return first, max(number, min(last, line + _BELOW))
        return line, min(max(line, end), line + _BELOW)

    def _balance(self, line: str) -> int:
        bare = self.bare(_STRING.sub('""', line))
        opened = bare.count("(") + bare.count("[")
        return opened - bare.count(")") - bare.count("]")

    def bare(self, line: str) -> str:
        """The line without its comment."""
        return (_HASH_COMMENT if self._hash else _SLASH_COMMENT).sub("", line)


def _expanded(
    runs: Sequence[tuple[str, int, int]], definitions: Sequence[tuple[str, int, int]]
) -> tuple[list[str], list[int], list[Definition]]:
    scopes: list[str] = []
    owners: list[int] = []
    for scope, owner, lines in runs:
        scopes += [scope] * lines
        owners += [owner] * lines
    return scopes, owners, [Definition(*one) for one in definitions]


def normalised(text: str) -> str:
    """A statement however it is laid out and quoted."""
    text = _MASKED.sub("***", text.replace("'", '"'))
    text = _LOOSE.sub("", _SPACE.sub(" ", text.strip()))
    return text.replace(",)", ")").replace(",]", "]").rstrip(";,")


def squeezed(line: str) -> str:
    """A line without its indentation, runs of white space as one."""
    return _SPACE.sub(" ", line.strip())


def _definition(line: str) -> str:
    named, given, braced = _DEFINITIONS
    for pattern in (named, given if "=" in line else None, braced if "{" in line else None):
        # To look for what all matches have is faster than not to find one.
        match = pattern.match(line) if pattern is not None else None
        if match and match["name"] not in _NO_NAMES:
            return match["name"]
    return ""


def _indent(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())


def _still_quoted(line: str, quoted: str) -> str:
    """The triple quote that is open at the end of the line."""
    at = 0
    while True:
        if quoted:
            at = line.find(quoted, at)
            if at < 0:
                return quoted
            at, quoted = at + 3, ""
            continue
        places = [(place, mark) for mark in ('"""', "'''") if (place := line.find(mark, at)) >= 0]
        if not places:
            return ""
        place, quoted = min(places)
        at = place + 3
