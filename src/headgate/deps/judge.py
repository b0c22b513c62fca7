"""The check of dependencies over what a change adds, whoever read the files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headgate.deps.compare import Added
from headgate.deps.evidence import Gathered, Sources, gather
from headgate.deps.findings import (
    CHECK,
    direct_source,
    finding_of,
    other_index,
    severity_of,
    unreadable,
)
from headgate.deps.lockfiles.interface import Declared, Relation, SourceKind
from headgate.deps.policy.assess import Asked, Assessment, Evidence, assess
from headgate.deps.policy.standing import Granted, Place
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.purl import Package, normalised


@dataclass(frozen=True, slots=True)
class Subject:
    """One package that a change brings, and the line that is pointed at."""

    package: Package
    declared: Declared
    asked: Asked


async def judge(
    new: Added,
    policy: DependencyPolicy,
    who: Place,
    sources: Sources,
    *,
    granted: Granted = (),
    now: float | None = None,
) -> CheckResult:
    """The findings about what is new; indexes are asked about what is not approved."""
    subjects = tuple(subjects_of(new.declared))
    gathered = await gather(
        (one.package for one in subjects),
        policy,
        sources,
        project=who.project,
        granted=granted,
        licences={one.package: one.declared.licence for one in subjects if one.declared.licence},
    )
    moment = time.time() if now is None else now
    return weigh(new, policy, who, gathered, granted=granted, now=moment)


def weigh(
    new: Added,
    policy: DependencyPolicy,
    who: Place,
    gathered: Gathered,
    *,
    granted: Granted = (),
    now: float = 0.0,
) -> CheckResult:
    """The findings about what is new, given what is known of it.

    A name whose existence no index could tell makes the outcome unknown.
    """
    severity = severity_of(policy, who.strict)
    findings: list[Finding] = []
    doubts: list[str] = []
    for one in subjects_of(new.declared):
        assessment = assess(
            one.package,
            policy,
            who,
            gathered.evidence.get(one.package, Evidence()),
            granted=granted,
            now=now,
            asked=one.asked,
        )
        findings += _told(assessment, one.declared)
        if assessment.doubt:
            doubts.append(assessment.doubt)
    findings += [
        direct_source(one, severity)
        for one in new.declared
        if _outside(one) and not one.source.startswith(policy.sources.addresses or ("\0",))
    ]
    findings += [other_index(one, severity) for one in new.indexes]
    findings += [unreadable(one) for one in new.problems]
    findings.sort(key=lambda f: (f.span.path, f.span.line, f.rule))
    skipped: tuple[str, ...] = ()
    if gathered.left_out:
        skipped = (f"indexes: {gathered.left_out} more packages were not asked about",)
    if doubts:
        reason = "whether these packages exist could not be told: " + "; ".join(doubts)
        return CheckResult(CHECK, Outcome.UNKNOWN, reason, tuple(findings), skipped=skipped)
    outcome = Outcome.FAILED if findings else Outcome.PASSED
    return CheckResult(CHECK, outcome, "", tuple(findings), skipped=skipped)


def subjects_of(declared: Sequence[Declared]) -> Iterator[Subject]:
    """Each package and version once, at its best line: where it is asked for, not locked."""
    groups: dict[tuple[str, str], list[Declared]] = {}
    for one in declared:
        if not _outside(one):
            name = normalised(one.ecosystem, one.name)
            groups.setdefault((one.ecosystem, name), []).append(one)
    for (ecosystem, name), group in groups.items():
        versions = list(dict.fromkeys(one.version for one in group if one.version)) or [""]
        direct = [one for one in group if one.relation is not Relation.TRANSITIVE]
        asked = Asked.DIRECTLY if direct else Asked.INDIRECTLY
        for version in versions:
            own = [one for one in group if one.version == version]
            best = next((one for one in direct if not one.version), None) or (own or group)[0]
            yield Subject(Package(ecosystem, name, version), best, asked)


def _outside(one: Declared) -> bool:
    """Whether a package comes from past every index; what lies in the project itself does not."""
    return bool(one.source) and one.kind is not SourceKind.PATH


def _told(assessment: Assessment, declared: Declared) -> Iterator[Finding]:
    expired = dict(assessment.settled.expired)
    for concern in assessment.concerns:
        yield finding_of(concern, declared.span, declared.requirement, expired.get(concern))
