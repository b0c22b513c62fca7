"""Where the statements of a Cedar text stand, because Cedar's messages do not say."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;', re.DOTALL)
_SILENCE = re.compile(r"(?:\s+|//[^\n]*)*")


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy of a text."""

    line: int
    """Where it begins, counted from 1."""
    text: str


def statements(text: str) -> tuple[Statement, ...]:
    """The policies of a text, in order; what follows the last `;` counts when it says anything."""
    found: list[Statement] = []
    start = 0
    ends = [m.end() for m in _TOKEN.finditer(text) if m[0] == ";"]
    for end in [*ends, len(text)]:
        silence = _SILENCE.match(text, start)
        begin = silence.end() if silence else start
        if begin < end:
            found.append(Statement(text.count("\n", 0, begin) + 1, text[begin:end]))
        start = end
    return tuple(found)
