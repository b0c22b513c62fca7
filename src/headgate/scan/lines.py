"""Where the lines of a text are in a later one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

_MOST = 4_000_000
"""Product of the numbers of lines up to which every pair of lines may be compared."""


class LineMap:
    """A diff of two texts by squeezed lines, asked by line; lines count from 1."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        start = 0
        least = min(len(old), len(new))
        while start < least and old[start] == new[start]:
            start += 1
        stop = 0
        while stop < least - start and old[-1 - stop] == new[-1 - stop]:
            stop += 1
        self._blocks: list[tuple[int, int, int, int, bool]] = []
        """Old range, new range, and whether they are equal; from 0, ends exclusive."""
        if start:
            self._blocks.append((0, start, 0, start, True))
        left, right = old[start : len(old) - stop], new[start : len(new) - stop]
        for a, b, c, d, equal in _blocks(left, right):
            self._blocks.append((a + start, b + start, c + start, d + start, equal))
        if stop:
            ends = len(old) - stop, len(old), len(new) - stop, len(new)
            self._blocks.append((*ends, True))

    def range(self, line: int) -> tuple[int, int]:
        """First and last line of the new text that may be this one; (1, 0) when it is gone."""
        for a, b, c, d, equal in self._blocks:
            if a <= line - 1 < b:
                return (c + line - a, c + line - a) if equal else (c + 1, d)
        return 1, 0

    @property
    def differing(self) -> tuple[tuple[int, int, int, int], ...]:
        """Ranges that differ: old from and to, new from and to; from 0, ends exclusive."""
        return tuple((a, b, c, d) for a, b, c, d, equal in self._blocks if not equal)


def _blocks(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int, int, int, bool]]:
    if len(left) * len(right) <= _MOST:
        from difflib import SequenceMatcher

        matcher = SequenceMatcher(None, left, right, autojunk=False)
        return [(a, b, c, d, tag == "equal") for tag, a, b, c, d in matcher.get_opcodes()]
    # Too long for that: the lines that stand once in either text hold the rest in place.
    once = Counter(left), Counter(right)
    places = {line: at for at, line in enumerate(right) if once[1][line] == 1}
    found: list[tuple[int, int, int, int, bool]] = []
    a = c = 0
    for at, line in enumerate(left):
        other = places.get(line, -1)
        if once[0][line] != 1 or other < c:
            continue
        if at > a or other > c:
            found.append((a, at, c, other, False))
        found.append((at, at + 1, other, other + 1, True))
        a, c = at + 1, other + 1
    if a < len(left) or c < len(right):
        found.append((a, len(left), c, len(right), False))
    return found
