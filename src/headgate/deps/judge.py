"""The check of dependencies over what a change adds, whoever read the files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from headgate.deps.compare import Added
from headgate.deps.confusion import Settings, index_findings, misplaced
from headgate.deps.difference import Kind
from headgate.deps.evidence import Gathered, Sources, gather
from headgate.deps.existing import existing_findings
from headgate.deps.findings import (
    CHECK,
    direct_source,
    finding_of,
    hash_changed,
    severity_of,
    unreadable,
)
from headgate.deps.lockfiles.interface import Declared, Relation, SourceKind
from headgate.deps.policy.assess import Asked, Evidence, assess
from headgate.deps.policy.concern import Concern
from headgate.deps.policy.exceptions import settle
from headgate.deps.policy.standing import Granted, Place
from headgate.model.dependency_policy import DependencyPolicy, PolicyException
from headgate.model.finding import CheckResult, Finding, Outcome, Severity
from headgate.model.purl import Package, normalised


@dataclass(frozen=True, slots=True)
class Subject:
    """One package that a change brings, and the line that is pointed at."""

    package: Package
    declared: Declared
    asked: Asked
    licence: str = ""
    """As a lockfile states it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a check says, and the packages for which an approver has to be asked."""

    result: CheckResult
    unapproved: tuple[Package, ...] = ()
    """Those that would deny the change, and that approving them would let in."""


async def judge(
    new: Added,
    policy: DependencyPolicy,
    who: Place,
    sources: Sources,
    *,
    granted: Granted = (),
    now: float | None = None,
    settings: Settings | None = None,
    present: Sequence[Declared] = (),
) -> Judged:
    """The findings about what is new; indexes are asked about what is not approved.

    `settings` are all indexes that files name, and `present` is all that the tree holds.
    """
    subjects = tuple(subjects_of(new))
    gathered = await gather(
        (one.package for one in subjects),
        policy,
        sources,
        project=who.project,
        granted=granted,
        licences={one.package: one.licence for one in subjects if one.licence},
    )
    moment = time.time() if now is None else now
    judged = weigh(new, policy, who, gathered, granted=granted, now=moment, settings=settings)
    brought = (one.package for one in subjects)
    old = await existing_findings(present, brought, policy, who, sources, moment)
    if not old:
        return judged
    result = judged.result
    outcome = Outcome.FAILED if result.outcome is Outcome.PASSED else result.outcome
    findings = tuple(sorted((*result.findings, *old), key=_place))
    return replace(judged, result=replace(result, outcome=outcome, findings=findings))


def _place(finding: Finding) -> tuple[str, int, str]:
    return finding.span.path, finding.span.line, finding.rule


def weigh(
    new: Added,
    policy: DependencyPolicy,
    who: Place,
    gathered: Gathered,
    *,
    granted: Granted = (),
    now: float = 0.0,
    settings: Settings | None = None,
) -> Judged:
    """The findings about what is new, given what is known of it.

    A name whose existence no index could tell makes the outcome unknown.
    """
    severity = severity_of(policy, who.strict)
    findings: list[Finding] = []
    told: list[tuple[Concern, Declared]] = []
    expired: dict[Concern, PolicyException] = {}
    doubts: list[str] = []
    unapproved: list[Package] = []
    for one in subjects_of(new):
        assessment = assess(
            one.package,
            policy,
            who,
            gathered.evidence.get(one.package, Evidence()),
            granted=granted,
            now=now,
            asked=one.asked,
        )
        told += [(concern, one.declared) for concern in assessment.concerns]
        expired.update(assessment.settled.expired)
        denying = [concern for concern in assessment.concerns if concern.denies]
        if denying and all(concern.approvable for concern in denying):
            unapproved.append(one.package)
        if assessment.doubt:
            doubts.append(assessment.doubt)
    for concern, declared in _gathered(told):
        findings.append(
            finding_of(concern, declared.span, declared.requirement, expired.get(concern))
        )
    outside = [
        direct_source(one, severity)
        for one in new.declared
        if _outside(one)
        and not one.source.startswith(policy.sources.addresses or ("\0",))
        and not _excepted("direct-source", one, policy, who, now)
    ]
    replaced = [
        hash_changed(move)
        for move in new.difference.of(Kind.HASH)
        if not _excepted("hash-changed", move.one, policy, who, now)
    ]
    findings += [*outside, *replaced]
    findings += index_findings(new, policy, severity)
    findings += misplaced(new, policy, settings or {})
    findings += [unreadable(one) for one in new.problems]
    findings.sort(key=_place)
    skipped: tuple[str, ...] = ()
    if gathered.left_out:
        skipped = (f"indexes: {gathered.left_out} more packages were not asked about",)
    outcome, reason = Outcome.FAILED if findings else Outcome.PASSED, ""
    if doubts:
        outcome = Outcome.UNKNOWN
        reason = "whether these packages exist could not be told: " + "; ".join(doubts)
    result = CheckResult(CHECK, outcome, reason, tuple(findings), skipped=skipped)
    return Judged(result, tuple(unapproved))


def subjects_of(new: Added) -> Iterator[Subject]:
    """Each package and version that a change brings, once, at its best line: where it is asked
    for, rather than where it is locked."""
    fresh = {(one.ecosystem, one.name): one for one in reversed(new.declared) if _judged(one)}
    came: dict[tuple[str, str], list[Declared]] = {}
    for move in new.difference.moves:
        if move.after is not None and _judged(move.after):
            came.setdefault((move.after.ecosystem, move.after.name), []).append(move.after)
    for key in dict.fromkeys((*fresh, *came)):
        declared, group = fresh.get(key), came.get(key, [])
        best = declared or group[0]
        if declared is None:
            asked = Asked.BEFORE
        elif declared.relation is Relation.TRANSITIVE:
            asked = Asked.INDIRECTLY
        else:
            asked = Asked.DIRECTLY
        versions = dict.fromkeys(one.version for one in group if one.version)
        for version in versions or dict.fromkeys([best.version]):
            own = next((one for one in group if one.version == version), best)
            name = normalised(best.ecosystem, best.name)
            licence = best.licence or own.licence
            at = own if declared is None else declared
            yield Subject(Package(best.ecosystem, name, version), at, asked, licence)


def _judged(one: Declared) -> bool:
    return not one.source and one.kind is not SourceKind.PATH


def _outside(one: Declared) -> bool:
    """Whether a package comes from past every index; what lies in the project itself does not."""
    return bool(one.source) and one.kind is not SourceKind.PATH


def _excepted(rule: str, one: Declared, policy: DependencyPolicy, who: Place, now: float) -> bool:
    """Whether an exception covers something about a package that is not about its name."""
    package = Package(one.ecosystem, normalised(one.ecosystem, one.name), one.version)
    concern = Concern(rule, "", "", "", Severity.HIGH)
    return not settle([concern], package, policy.exceptions, who.project, now).open


MOST_UNKNOWN = 3
"""Packages of which nothing is known for one cause, that are told one by one."""


def _gathered(told: Sequence[tuple[Concern, Declared]]) -> Iterator[tuple[Concern, Declared]]:
    """The same, where one cause keeps many packages unknown, as one concern for all of them."""
    many: dict[str, list[tuple[Concern, Declared]]] = {}
    for concern, declared in told:
        if concern.cause:
            many.setdefault(concern.cause, []).append((concern, declared))
        else:
            yield concern, declared
    for cause, group in many.items():
        if len(group) <= MOST_UNKNOWN:
            yield from group
            continue
        first, declared = group[0]
        names = ", ".join(f"`{one.name}`" for _, one in group[:MOST_UNKNOWN])
        words = (
            f"Whether {len(group)} packages ({names} and others) are vulnerable is not known: "
            f"{cause.rstrip('.')}."
        )
        yield replace(first, message=words), declared
