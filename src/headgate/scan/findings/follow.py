"""What a scan of a branch says of the findings that are known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.model.finding import Anchor, CheckResult, Finding, Outcome
from headgate.model.tracked import FindingState, TrackedFinding
from headgate.scan.identity import identity
from headgate.scan.introduced import Read, pairs


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of the known findings, and what is new."""

    seen: tuple[tuple[TrackedFinding, Finding], ...]
    """Known and open or silent before; still there, as this finding."""
    returned: tuple[tuple[TrackedFinding, Finding], ...]
    """Known as fixed; there again."""
    new: tuple[Finding, ...]
    """With identities that nothing else on the branch has."""
    fixed: tuple[TrackedFinding, ...]
    untouched: tuple[TrackedFinding, ...]
    """Where nothing was examined: they stay as they were."""


def follow(
    known: Sequence[TrackedFinding],
    results: Sequence[CheckResult],
    examined: Callable[[str], bool],
    renamed: Mapping[str, str],
    now_text: Read,
    old_text: Read,
) -> Followed:
    """Pair what a scan found with what is known.

    `examined`: whether a path, as it was called before, was looked at or is gone. `renamed`: path
    now → path before. A finding is fixed only where its check ran and looked at its file: *not run*
    is never clean.
    """
    found = [finding for result in results for finding in result.findings]
    blind = {r.check for r in results if r.outcome is Outcome.NOT_RUN}
    missed = {
        (result.check, entry.rpartition(": ")[0]) for result in results for entry in result.skipped
    }
    moved = {old: new for new, old in renamed.items()}
    ran = {result.check for result in results}

    def looked_at(one: TrackedFinding) -> bool:
        check, path = one.finding.check, one.finding.span.path
        seen_as = moved.get(path, path)
        return (
            check in ran
            and check not in blind
            and examined(path)
            and (check, seen_as) not in missed
        )

    gone = [one for one in known if one.state is FindingState.FIXED]
    there = [one for one in known if one.state is not FindingState.FIXED]
    alive = [one for one in there if examined(one.finding.span.path)]
    anchors = [_anchor(one) for one in found]
    paired = pairs(anchors, [_anchor(one.finding) for one in alive], renamed, now_text, old_text)
    seen = [(alive[old], found[new]) for new, old in paired.items()]
    rest = [index for index in range(len(found)) if index not in paired]
    again = pairs([anchors[i] for i in rest], [_anchor(one.finding) for one in gone], renamed)
    returned = [
        (gone[old], found[rest[new]])
        for new, old in again.items()
        if _same(_anchor(gone[old].finding), anchors[rest[new]])
    ]
    back = {id(finding) for _, finding in returned}
    kept = {one.id for one, _ in seen}
    lost = [one for one in alive if one.id not in kept]
    fixed = tuple(one for one in lost if looked_at(one))
    mended = {one.id for one in fixed}
    taken = {one.finding.identity for one in known}
    new: list[Finding] = []
    for index in rest:
        if id(found[index]) not in back:
            one = _named(found[index], taken)
            taken.add(one.identity)
            new.append(one)
    return Followed(
        seen=tuple((one, _as(one, finding)) for one, finding in seen),
        returned=tuple((one, _as(one, finding)) for one, finding in returned),
        new=tuple(new),
        fixed=fixed,
        untouched=tuple(one for one in there if one.id not in kept | mended),
    )


def _anchor(finding: Finding) -> Anchor:
    if finding.anchor is not None:
        return finding.anchor
    return Anchor(
        finding.rule, "", finding.excerpt.strip(), (), finding.span.path, finding.span.line
    )


def _same(old: Anchor, new: Anchor) -> bool:
    """Whether a finding that was fixed is back, and not only one like it."""
    return (old.path, old.scope, old.statement) == (new.path, new.scope, new.statement)


def _as(known: TrackedFinding, finding: Finding) -> Finding:
    return replace(finding, identity=known.finding.identity)


def _named(finding: Finding, taken: set[str]) -> Finding:
    name, occurrence = finding.identity, 0
    while not name or name in taken:
        occurrence += 1
        name = identity(_anchor(finding), occurrence)
    return replace(finding, identity=name)
