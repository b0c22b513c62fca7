"""What makes a finding the same finding after the code around it has changed."""

from __future__ import annotations

import hashlib
import zlib

from headgate.model.finding import Anchor, Finding
from headgate.scan.outline import Outline, normalised, squeezed
from headgate.scan.text import Text

__all__ = ["Anchor", "anchor", "identity", "scope"]

_AROUND = 6
"""Lines before and after that count as the surroundings of what is in no definition."""
_BODY = 30
"""Lines of a definition before and after a finding that count as its body."""
_LONGEST = 1000
"""Characters of a statement that are compared."""


def anchor(finding: Finding, text: Text, mark: str = "", outline: Outline | None = None) -> Anchor:
    """The anchor of a finding in the text of its file."""
    span = finding.span
    outline = outline or Outline(text, span.path)
    first, last = outline.statement(span.line, min(span.end_line, span.line + 20))
    shown = "\n".join(outline.bare(text.shown(number)) for number in range(first, last + 1))
    if not shown.strip():
        # A finding in a comment.
        shown = "\n".join(text.shown(number) for number in range(first, last + 1))
    statement = normalised(shown[: 4 * _LONGEST])[:_LONGEST]
    around = range(max(1, first - _AROUND), last + _AROUND + 1)
    if (inside := outline.definition(span.line)) is not None:
        around = range(max(inside.first + 1, first - _BODY), min(inside.last, last + _BODY) + 1)
    body = (squeezed(text.shown(number)[:_LONGEST]) for number in around)
    lines = (line for number, line in zip(around, body, strict=True) if not first <= number <= last)
    return Anchor(
        rule=finding.rule,
        scope=outline.scope(span.line),
        statement=f"{statement}\0{mark}" if mark else statement,
        body=tuple(_digest(line) for line in lines if line),
        path=span.path,
        line=span.line,
    )


def _digest(line: str) -> str:
    return f"{zlib.crc32(line.encode('utf-8', 'surrogatepass')):08x}"


def scope(text: Text, line: int) -> str:
    """The definitions that the line stands in, by indentation: works in files that do not parse.

    In files without definitions, the nearest `[table]` line above.
    """
    return Outline(text).scope(line)


def identity(anchor: Anchor, occurrence: int) -> str:
    """32 hexadecimal digits from rule, path, scope and statement; marks are not in it.

    `occurrence` tells apart findings that are alike in all of these, counted from 0.
    """
    statement = anchor.statement.partition("\0")[0]
    parts = (anchor.rule, anchor.path, anchor.scope, statement, str(occurrence))
    data = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(data).hexdigest()[:32]
