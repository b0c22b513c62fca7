"""Gathering what is known of packages: from their indexes, and from the advisories."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headgate.deps.index.interface import Existence, PackageFacts, PackageIndex
from headgate.deps.policy.assess import Evidence, wants_facts
from headgate.deps.policy.danger import Matched
from headgate.deps.policy.standing import Granted, standing
from headgate.model.dependency_policy import DependencyPolicy
from headgate.model.patterns import name_matches
from headgate.model.purl import Package

MOST_ASKED = 400
"""Packages of one change that indexes are asked about."""


class Advisories(Protocol):
    """Who knows which versions are vulnerable."""

    def match(self, packages: Sequence[Package]) -> Mapping[Package, Matched]:
        """What is known of each. What cannot be told is unknown, with the reason; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where evidence comes from."""

    indexes: Mapping[str, PackageIndex] = field(default_factory=dict[str, PackageIndex])
    """Per ecosystem, the index that everybody uses."""
    registries: Mapping[str, PackageIndex] = field(default_factory=dict[str, PackageIndex])
    """The policy's own registries, by name."""
    advisories: Advisories | None = None
    """None: advisories are not part of the check."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of packages."""

    evidence: Mapping[Package, Evidence]
    left_out: int = 0
    """Packages that no index was asked about, because they are too many."""


async def gather(
    packages: Iterable[Package],
    policy: DependencyPolicy,
    sources: Sources,
    *,
    project: str,
    granted: Granted = (),
    licences: Mapping[Package, str] | None = None,
) -> Gathered:
    """Ask about every package, each of the one index that may answer for it."""
    wanted = list(dict.fromkeys(packages))
    asked = [p for p in wanted if wants_facts(p, policy, standing(p, policy, granted, project))]
    answers = await _facts(asked[:MOST_ASKED], policy, sources)
    matched: Mapping[Package, Matched] = {}
    if sources.advisories is not None:
        matched = await asyncio.to_thread(sources.advisories.match, wanted)
    stated = licences or {}
    found = {
        p: Evidence(answers.get((p.ecosystem, p.name)), matched.get(p), stated.get(p, ""))
        for p in wanted
    }
    return Gathered(found, max(0, len(asked) - MOST_ASKED))


async def _facts(
    asked: Sequence[Package], policy: DependencyPolicy, sources: Sources
) -> Mapping[tuple[str, str], PackageFacts]:
    groups: dict[tuple[str, str], tuple[PackageIndex, list[str]]] = {}
    found: dict[tuple[str, str], PackageFacts] = {}
    for package in asked:
        name, index = _index_for(package, policy, sources)
        if index is not None:
            groups.setdefault((package.ecosystem, name), (index, []))[1].append(package.name)
        elif name:
            found[package.ecosystem, package.name] = PackageFacts(
                package.name, Existence.UNKNOWN, "is not configured", address=name
            )
    pages = await asyncio.gather(*(index.facts(names) for index, names in groups.values()))
    for (ecosystem, _), page in zip(groups, pages, strict=True):
        found.update({(ecosystem, name): facts for name, facts in page.items()})
    return found


def _index_for(
    package: Package, policy: DependencyPolicy, sources: Sources
) -> tuple[str, PackageIndex | None]:
    """The registry that a package must come from, by name; else the index of its ecosystem."""
    for registry in policy.registries:
        if registry.ecosystem == package.ecosystem and name_matches(
            package.name, registry.packages
        ):
            return registry.name, sources.registries.get(registry.name)
    return "", sources.indexes.get(package.ecosystem)
