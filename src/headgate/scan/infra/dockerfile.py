"""The instructions of a Dockerfile, with their places."""

from __future__ import annotations

import json
import re

from headgate.model.finding import Span
from headgate.model.record import record
from headgate.scan.late import late

_HEREDOC = late(r"<<-?([\"']?)([A-Za-z_]\w*)\1")
_FLAG = late(r"--[\w-]+(?:=(?:\"[^\"]*\"|\S+))?\s+")


@record
class Instruction:
    """One instruction, as Docker joins it from its lines."""

    name: str
    """In upper case; ONBUILD's own instruction stands for it."""
    text: str
    """What follows the name, line breaks kept: row r of it is line `line + r`."""
    line: int
    column: int
    """Where `text` begins, from 1."""
    start: int
    """Column of the name, from 1."""
    heredoc: str = ""
    """The body of its first heredoc; begins on line `heredoc_line`."""
    heredoc_line: int = 0

    @property
    def span(self) -> Span:
        first = self.text.split("\n", 1)[0]
        return Span("", self.line, self.start, self.line, self.column + len(first.rstrip()))

    @property
    def words(self) -> str:
        """The text on one line, without flags."""
        joined = re.sub(r"\\\n", " ", self.text)
        while match := _FLAG.match(joined.lstrip()):
            joined = joined.lstrip()[match.end() :]
        return joined.strip()

    @property
    def flags(self) -> list[str]:
        joined = re.sub(r"\\\n", " ", self.text).lstrip()
        found: list[str] = []
        while match := _FLAG.match(joined):
            found.append(match[0].strip())
            joined = joined[match.end() :].lstrip()
        return found

    @property
    def listed(self) -> list[str] | None:
        """The words of the JSON form; None when it is the shell form."""
        words = self.words
        if not words.startswith("["):
            return None
        try:
            found: object = json.loads(words)
        except (ValueError, RecursionError):
            return None
        return [str(word) for word in found] if isinstance(found, list) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]

    def locate(self, row: int, column: int) -> tuple[int, int]:
        """A place of `text` in the file."""
        return self.line + row, column + (self.column if row == 0 else 1)

    def locate_heredoc(self, row: int, column: int) -> tuple[int, int]:
        return self.heredoc_line + row, column + 1


def instructions(text: str) -> list[Instruction]:
    """The instructions in their order; what is no instruction is left out."""
    lines = text.split("\n")
    escape = "\\"
    directive = re.match(r"#\s*escape\s*=\s*(`)", lines[0]) if lines else None
    if directive:
        escape = directive[1]
    found: list[Instruction] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        match = re.match(r"(\s*)(?:ONBUILD\s+)?([A-Za-z]+)(\s+|$)", line, re.IGNORECASE)
        if not match or line.lstrip().startswith("#"):
            number += 1
            continue
        first = number
        parts = [line[match.end() :]]
        while parts[-1].rstrip().endswith(escape) and number + 1 < len(lines):
            parts[-1] = parts[-1].rstrip()[:-1] + "\\"
            number += 1
            following = lines[number]
            if following.lstrip().startswith("#") or not following.strip():
                # Docker drops comments and blank lines inside of an instruction.
                following = escape
            parts.append(following)
        if parts[-1].rstrip() == escape:
            parts[-1] = ""
        number += 1
        body, begins = "", 0
        opened = [one[2] for one in _HEREDOC.finditer(parts[-1])]
        if opened and match[2].upper() in ("RUN", "COPY", "ADD"):
            begins = number + 1
            held: list[str] = []
            for index, mark in enumerate(opened):
                while number < len(lines) and lines[number].strip() != mark:
                    if index == 0:
                        held.append(lines[number])
                    number += 1
                number += 1
            body = "\n".join(held)
        name = match[2].upper()
        column = match.end() + 1
        start = len(match[1]) + 1
        found.append(Instruction(name, "\n".join(parts), first + 1, column, start, body, begins))
    return found
