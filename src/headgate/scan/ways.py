"""The ways on which data comes to one place, and which of them a change brings.

A helper that does harm with what it is given is one defect, however many callers it has; a caller
that is new is the fault of who wrote it all the same, in whatever file the helper stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from headgate.model.finding import Finding, TraceStep
from headgate.model.record import record, replace
from headgate.scan.outline import Outline, normalised
from headgate.scan.text import Text

MAX_SHOWN = 5
"""Further ways that are told with a finding."""


@record
class Origin:
    """Where data comes in, so that it is known again after edits elsewhere."""

    path: str
    scope: str
    statement: str


def origins(
    finding: Finding, text: Callable[[str], Text | None], outline: Callable[[str], Outline]
) -> list[Origin]:
    """Of every way of a finding, its own trace first."""
    found: list[Origin] = []
    for way in (finding.trace, *finding.ways):
        if not way:
            continue
        span = way[0].span
        read = text(span.path)
        if read is None:
            found.append(Origin(span.path, "", ""))
            continue
        within = outline(span.path)
        first, last = within.statement(span.line, span.line)
        shown = "\n".join(within.bare(read.shown(line)) for line in range(first, last + 1))
        found.append(Origin(span.path, within.scope(span.line), normalised(shown)))
    return found


def brought(
    head: Sequence[Origin], base: Sequence[Origin], renamed: Mapping[str, str]
) -> list[int]:
    """Indexes into `head` of what the base does not have. A definition from which data came
    before is not new, nor is a statement that moved from one that is gone."""
    before = {(one.path, one.scope) for one in base}
    now = {(renamed.get(one.path, one.path), one.scope) for one in head}
    gone = Counter(one.statement for one in base if (one.path, one.scope) not in now)
    out: list[int] = []
    for index, one in enumerate(head):
        if (renamed.get(one.path, one.path), one.scope) in before:
            continue
        if gone[one.statement] > 0:
            gone[one.statement] -= 1
            continue
        out.append(index)
    return out


def led_by(finding: Finding, index: int) -> Finding:
    """The finding, told by the way with this index among all of them."""
    every = (finding.trace, *finding.ways)
    way = every[index]
    start = way[0].span
    others = tuple(one for at, one in enumerate(every) if at != index)
    message = f"{finding.message} The change brings data to it from line {start.line}"
    message += f" of {start.path}." if start.path != finding.span.path else "."
    return replace(finding, trace=way, ways=others, message=message)


def shortened(finding: Finding) -> Finding:
    """The finding with no more ways than anybody reads, and how many there are."""
    if not finding.ways:
        return finding
    count = len(finding.ways) + 1
    message = f"{finding.message} Data comes here from {count} places."
    return replace(finding, ways=finding.ways[:MAX_SHOWN], message=message)


def each(
    finding: Finding, change: Callable[[TraceStep], TraceStep]
) -> tuple[tuple[TraceStep, ...], tuple[tuple[TraceStep, ...], ...]]:
    """The trace and the further ways with every step changed."""
    trace = tuple(change(step) for step in finding.trace)
    return trace, tuple(tuple(change(step) for step in way) for way in finding.ways)
