"""The lines of a changed file that are worth showing: what changed, in the definitions round it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from headgate.scan.lines import LineMap
from headgate.scan.outline import Outline
from headgate.scan.reviewer.interface import Line, Piece
from headgate.scan.text import Text

_WHOLE = 80
"""Lines of the longest definition that is shown whole."""
_ABOVE = 20
"""Lines before and after a changed one, in a longer definition."""
_LOOSE = 3
"""Lines before and after a changed one that is in no definition."""
_GAP = 2
"""Lines between two pieces that are shown rather than left out."""
_LONGEST = 120
"""Lines of one piece."""
_REMOVED = 40
"""Lines taken out at one place that are shown."""

Shown = Callable[[int], str]
"""A line by its number, as it may be shown."""


@dataclass(slots=True)
class Difference:
    """What is different in one file, by the numbers of its lines."""

    count: int
    added: set[int] = field(default_factory=set[int])
    removed: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """New line → lines of the old text that stood before it and are gone."""

    @property
    def places(self) -> list[int]:
        """Lines at which something is different."""
        return sorted(self.added | {min(max(1, at), self.count) for at in self.removed})


def difference(new: Text, old: Text | None) -> Difference:
    """What a text has that its old state had not; without one, everything."""
    lines = _lines(new)
    if old is None:
        return Difference(len(lines), set(range(1, len(lines) + 1)))
    found = Difference(len(lines))
    for a, b, c, d in LineMap(_lines(old), lines).differing:
        found.added.update(range(c + 1, d + 1))
        if b > a:
            found.removed[c + 1] = list(range(a + 1, b + 1))
    return found


def pieces(
    path: str, diff: Difference, outline: Outline, new_line: Shown, old_line: Shown
) -> list[Piece]:
    """The pieces of a changed file, in order."""
    wanted: set[int] = set()
    for place in diff.places:
        wanted.update((place, *round_about(outline, place, diff.count)))
    found: list[Piece] = []
    if not diff.count:
        emptied = list(_removed(diff, 1, old_line))
        return [Piece(path, "changed", part) for part in _parts(emptied)]
    for first, last in _runs(sorted(wanted)):
        lines: list[Line] = []
        for number in range(first, last + 1):
            lines += _removed(diff, number, old_line)
            lines.append(Line(number, "+" if number in diff.added else " ", new_line(number)))
        if last == diff.count:
            lines += _removed(diff, last + 1, old_line)
        found += [Piece(path, "changed", part) for part in _parts(lines)]
    return found


def round_about(outline: Outline, line: int, count: int) -> range:
    """The lines that are shown with one: its definition, or what is next to it."""
    inside = outline.definition(line)
    if inside is None:
        return range(max(1, line - _LOOSE), min(count, line + _LOOSE) + 1)
    first = _decorated(outline, inside.first)
    if inside.last - first < _WHOLE:
        return range(first, min(count, inside.last) + 1)
    return range(max(first, line - _ABOVE), min(inside.last, count, line + _ABOVE) + 1)


def _decorated(outline: Outline, first: int) -> int:
    """Where the decorators of a definition begin."""
    while first > 1 and outline.text.line(first - 1).lstrip().startswith("@"):
        first -= 1
    return first


def gone(path: str, count: int, old_line: Shown) -> Piece:
    """A file that the change takes out: its beginning."""
    shown = min(count, _REMOVED)
    lines = [Line(0, "-", old_line(number)) for number in range(1, shown + 1)]
    more = f", {count - shown} more lines of it not shown" if count > shown else ""
    return Piece(path, f"deleted{more}", tuple(lines))


def _lines(text: Text) -> list[str]:
    return text.lines[:-1] if text.lines and not text.lines[-1] else text.lines


def _removed(diff: Difference, before: int, old_line: Shown) -> Iterator[Line]:
    numbers = diff.removed.get(before, [])
    for number in numbers[:_REMOVED]:
        yield Line(0, "-", old_line(number))
    if len(numbers) > _REMOVED:
        yield Line(0, "-", f"… {len(numbers) - _REMOVED} more lines taken out here")


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = 0
    for number in numbers:
        if not first:
            first = number
        elif number > last + 1 + _GAP:
            yield first, last
            first = number
        last = number
    if first:
        yield first, last


def _parts(lines: list[Line]) -> Iterator[tuple[Line, ...]]:
    for at in range(0, len(lines), _LONGEST):
        yield tuple(lines[at : at + _LONGEST])
