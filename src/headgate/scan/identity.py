"""What makes a finding the same finding after the code around it has changed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from headgate.model.finding import Finding
from headgate.scan.text import Text

_DEFINITION = re.compile(
    r"^\s*(?:(?:export|default|pub|public|private|protected|static|final|abstract|async|override|"
    r"virtual|inline|local|unsafe)\s+)*"
    r"(?:def|class|function\*?|func|fn|interface|struct|impl|trait|module|namespace|type|object)\s+"
    r"(?:\([^)]*\)\s*)?(?P<name>[A-Za-z_$][\w$]*)"
)
_TABLE = re.compile(r"^\[+(?P<name>[^\[\]=,]+)\]+\s*(?:#.*)?$")
_SPACE = re.compile(r"\s+")
_BODY = 6
"""Lines before and after that count as the surroundings of a finding."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a finding is recognised by."""

    rule: str
    scope: str
    """Names of the definitions round it, outermost first, joined by dots."""
    statement: str
    """Its lines, masked, white space squeezed; the mark of the secret where there is one."""
    body: tuple[str, ...]
    """The lines around it, squeezed, for comparing places when the scope differs."""
    path: str
    line: int


def anchor(finding: Finding, text: Text, mark: str = "") -> Anchor:
    """The anchor of a finding in the text of its file."""
    span = finding.span
    last = min(max(span.end_line, span.line), span.line + 20)
    lines = [text.shown(number) for number in range(span.line, last + 1)]
    statement = " ".join(_squeezed(line) for line in lines)
    around = range(max(1, span.line - _BODY), last + _BODY + 1)
    body = (_squeezed(text.shown(number)) for number in around if not span.line <= number <= last)
    return Anchor(
        rule=finding.rule,
        scope=scope(text, span.line),
        statement=f"{statement}\0{mark}" if mark else statement,
        body=tuple(line for line in body if line),
        path=span.path,
        line=span.line,
    )


def scope(text: Text, line: int) -> str:
    """The definitions that the line stands in, by indentation: works in files that do not parse.

    In files without definitions, the nearest `[table]` line above.
    """
    names: list[str] = []
    content = text.line(line)
    indent = _indent(content) if content.strip() else 1 << 30
    for number in range(line - 1, 0, -1):
        content = text.line(number)
        if not content.strip():
            continue
        table = _TABLE.match(content)
        if table and not names:
            return table["name"]
        if indent == 0:
            if _DEFINITION.match(content):
                break
            continue
        here = _indent(content)
        if here < indent:
            match = _DEFINITION.match(content)
            if match:
                names.append(match["name"])
            indent = here
            if indent == 0 and names:
                break
    return ".".join(reversed(names))


def _indent(line: str) -> int:
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip())


def _squeezed(line: str) -> str:
    return _SPACE.sub(" ", line.strip())


def identity(anchor: Anchor, occurrence: int) -> str:
    """32 hexadecimal digits from rule, path, scope and statement; marks are not in it.

    `occurrence` tells apart findings that are alike in all of these, counted from 0.
    """
    statement = anchor.statement.partition("\0")[0]
    parts = (anchor.rule, anchor.path, anchor.scope, statement, str(occurrence))
    data = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(data).hexdigest()[:32]
