"""What was there before a change and is so bad that the policy lets nothing pass beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from headgate.deps.evidence import Sources
from headgate.deps.findings import finding_of
from headgate.deps.lockfiles.interface import Declared, SourceKind
from headgate.deps.policy.assess import Evidence, assess
from headgate.deps.policy.danger import Arrival
from headgate.deps.policy.standing import Place
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.finding import Finding
from headgate.model.purl import Package, normalised

_DANGERS = frozenset({"malicious", "vulnerable"})


async def existing_findings(
    present: Sequence[Declared],
    brought: Iterable[Package],
    policy: DependencyPolicy,
    who: Place,
    sources: Sources,
    now: float,
) -> list[Finding]:
    """Vulnerabilities of what a tree holds that deny by `existing` of the policy.

    `brought` are the packages that the change itself brings, which are judged by `introduced`.
    Without a threshold nothing is looked at: what was there is the nightly comparison's.
    """
    if policy.vulnerabilities.existing is None or sources.advisories is None:
        return []
    new = set(brought)
    held: dict[Package, Declared] = {}
    for one in present:
        package = Package(one.ecosystem, normalised(one.ecosystem, one.name), one.version)
        if one.version and one.kind is not SourceKind.PATH and package not in new:
            held.setdefault(package, one)
    matched = await asyncio.to_thread(sources.advisories.match, list(held))
    found: list[Finding] = []
    for package, one in held.items():
        evidence = Evidence(matched=matched.get(package))
        judged = assess(package, policy, who, evidence, now=now, arrival=Arrival.EXISTING)
        found += [
            finding_of(concern, one.span, one.requirement)
            for concern in judged.concerns
            if concern.rule in _DANGERS and concern.denies
        ]
    return found
