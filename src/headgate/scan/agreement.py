"""One defect is one finding, however many analyzers tell of it.

Findings whose weaknesses belong to one family, in one statement of a file, are joined: the one that
says most stays, and names all who say it.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path

from headgate.model.finding import CheckResult, Finding
from headgate.model.record import replace
from headgate.scan.analyzers.interface import Hit
from headgate.scan.rules.shipped import table

_NEAR = 20
"""Lines of the longest statement that two findings may be in."""


@functools.cache
def families() -> Mapping[int, str]:
    """CWE number → the name of its family, from `rules/cwe_families.toml`."""
    known = table(Path(__file__).parent / "rules" / "cwe_families.toml")
    return {number: name for name, numbers in known.items() for number in numbers}


def family(finding: Finding) -> str:
    """What kind of defect it is, by its CWE; the rule itself where that says nothing."""
    if finding.cwe is None:
        return finding.rule
    return families().get(finding.cwe, f"cwe-{finding.cwe}")


def joined(hits: Sequence[Hit]) -> list[Hit]:
    """Those of different analyzers that tell of the same, as one; the order stays otherwise."""
    groups: dict[tuple[str, str], list[list[int]]] = defaultdict(list)
    for index, hit in enumerate(hits):
        found = hit.finding
        clusters = groups[found.span.path, family(found)]
        for cluster in clusters:
            others = [hits[other].finding for other in cluster]
            if any(_overlap(found, other) for other in others) and not any(
                set(found.engines) & set(other.engines) for other in others
            ):
                cluster.append(index)
                break
        else:
            clusters.append([index])
    kept: dict[int, Hit] = {}
    for cluster in (one for some in groups.values() for one in some):
        best = max(cluster, key=lambda index: (_weight(hits[index].finding), -index))
        engines = sorted({name for index in cluster for name in hits[index].finding.engines})
        kept[best] = replace(
            hits[best], finding=replace(hits[best].finding, engines=tuple(engines))
        )
    return [kept[index] for index in sorted(kept)]


def agreed(advice: CheckResult, others: Iterable[CheckResult]) -> CheckResult:
    """A check's findings, each with the analyzers of other checks that say the same of its
    statement."""
    known = [finding for other in others for finding in other.findings]

    def with_others(finding: Finding) -> Finding:
        names = {name for one in known if _same(finding, one) for name in one.engines}
        return replace(finding, engines=tuple(sorted(names | set(finding.engines))))

    return replace(advice, findings=tuple(with_others(one) for one in advice.findings))


def merged(results: Sequence[CheckResult], advisory: Container[str]) -> list[CheckResult]:
    """What checks that only advise say again, joined to what the other checks say of it."""
    telling = [one for one in results if one.check not in advisory]
    advice = [one for one in results if one.check in advisory and one.findings]
    if not advice:
        return list(results)
    said = [finding for one in telling for finding in one.findings]
    found = {id(one): agreed(one, advice) for one in telling}
    for one in advice:
        own = tuple(f for f in one.findings if not any(_same(f, other) for other in said))
        again = len(one.findings) - len(own)
        told = f"{one.reason}; {again} of them told by other checks, too" if again else one.reason
        found[id(one)] = replace(one, findings=own, reason=told)
    return [found.get(id(one), one) for one in results]


def _same(one: Finding, other: Finding) -> bool:
    """Whether two findings tell of one defect: one family, in one statement."""
    if one.span.path != other.span.path or family(one) != family(other):
        return False
    if _overlap(one, other):
        return True
    here, there = one.anchor, other.anchor
    if here is None or there is None or not here.statement:
        return False
    near = abs(one.span.line - other.span.line) <= _NEAR
    return near and (here.scope, here.statement) == (there.scope, there.statement)


def _weight(finding: Finding) -> tuple[bool, int, int, int]:
    """What makes one of several tellings the best."""
    return finding.is_traced, finding.severity, finding.confidence, len(finding.trace)


def _overlap(one: Finding, other: Finding) -> bool:
    return one.span.line <= max(other.span.end_line, other.span.line) and other.span.line <= max(
        one.span.end_line, one.span.line
    )
