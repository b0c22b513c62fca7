"""Everything that the policy minds about one package: a pure function over what is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from headgate.deps.index.interface import Existence, PackageFacts
from headgate.deps.names.signals import Signal, similar
from headgate.deps.policy.concern import Concern, severity_of
from headgate.deps.policy.danger import Arrival, Matched, dangers
from headgate.deps.policy.exceptions import Settled, settle
from headgate.deps.policy.licences import licence_concerns
from headgate.deps.policy.newness import imitation, missing, of_package, of_release
from headgate.deps.policy.standing import (
    Granted,
    Place,
    Standing,
    denial,
    denied,
    internal,
    nearest,
    ranges,
    standing,
    unapproved,
)
from headgate.model.dependency_policy import DependencyPolicy, Level
from headgate.model.purl import Package


class Asked(StrEnum):
    """Who asks for a package."""

    DIRECTLY = "directly"
    """The project itself: it must be approved."""
    INDIRECTLY = "indirectly"
    """Another package: who approved that one approved what it needs, if nothing is wrong with it.
    """
    BEFORE = "before"
    """It was there, in another version."""


LIBRARIES = frozenset(
    {"cargo", "composer", "gem", "golang", "hex", "maven", "npm", "nuget", "pub", "pypi", "swift"}
)
"""Ecosystems whose packages need approval; images, actions and hooks are judged by the rest."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one package. None: it was not asked, or is not part of this check."""

    facts: PackageFacts | None = None
    matched: Matched | None = None
    licence: str = ""
    """As a lockfile states it; else that of the facts counts."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the policy says of one package."""

    package: Package
    standing: Standing
    settled: Settled
    signal: Signal | None = None
    doubt: str = ""
    """Why it is not known whether the package exists."""

    @property
    def concerns(self) -> tuple[Concern, ...]:
        """What no exception covers."""
        return self.settled.open


def assess(
    package: Package,
    policy: DependencyPolicy,
    who: Place,
    evidence: Evidence,
    *,
    granted: Granted = (),
    now: float = 0.0,
    asked: Asked = Asked.DIRECTLY,
    arrival: Arrival = Arrival.INTRODUCED,
) -> Assessment:
    """What is minded about a package, less what exceptions cover.

    `granted` are packages that approvers have approved; `now` is in seconds since the epoch.
    """
    stands = standing(package, policy, granted, who.project)
    signal = similar(package.ecosystem, package.name) if stands is Standing.NEW else None
    minded = _minded(package, policy, who, evidence, stands, signal, now, asked, arrival)
    settled = settle(minded, package, policy.exceptions, who.project, now)
    facts = evidence.facts
    doubt = ""
    if facts is not None and facts.existence is Existence.UNKNOWN:
        doubt = f"`{package.name}`: {facts.address} {facts.detail}"
    return Assessment(package, stands, settled, signal, doubt)


def _minded(
    package: Package,
    policy: DependencyPolicy,
    who: Place,
    evidence: Evidence,
    stands: Standing,
    signal: Signal | None,
    now: float,
    asked: Asked,
    arrival: Arrival,
) -> Iterator[Concern]:
    facts = evidence.facts
    rule = denial(package, policy, who.project)
    absent = facts is not None and facts.existence is Existence.MISSING
    if evidence.matched is not None:
        for concern in dangers(package, evidence.matched, policy.vulnerabilities, arrival):
            # Of what may not be used, or is not there, nobody asks whether it is vulnerable.
            if concern.rule != "unknown" or not (rule or absent):
                yield concern
    if rule is not None:
        yield denied(package, rule)
        return
    yield from licence_concerns(package, _licence(package, evidence), policy)
    if arrival is Arrival.EXISTING:
        return
    if facts is not None and absent:
        yield missing(package, facts, _hint(package, policy, signal))
        return
    if stands is Standing.NEW and asked is Asked.BEFORE:
        if ranges(package, policy, who.project):
            yield unapproved(package, policy, who)
    elif stands is Standing.NEW:
        if signal is not None:
            yield from imitation(package, signal, policy)
        if asked is Asked.DIRECTLY and package.ecosystem in LIBRARIES:
            yield unapproved(package, policy, who)
        if facts is not None and facts.existence is Existence.EXISTS:
            yield from of_package(package, facts, policy, now)
    if facts is not None and facts.existence is Existence.EXISTS:
        yield from of_release(package, facts, policy, now)
    if not package.version and policy.new.unpinned is not Level.IGNORE:
        yield Concern(
            "unpinned",
            "Dependency without a version",
            f"No file says which version of `{package.name}` is installed.",
            "Commit a lockfile, or pin the version.",
            severity_of(policy.new.unpinned),
        )


def _hint(package: Package, policy: DependencyPolicy, signal: Signal | None) -> str:
    near = nearest(package.name, policy.approved.get(package.ecosystem, ()))
    if near:
        return f"Did you mean `{near}`, which is approved? "
    return f"Did you mean `{signal.target}`? " if signal is not None else ""


def _licence(package: Package, evidence: Evidence) -> str:
    if evidence.licence or evidence.facts is None:
        return evidence.licence
    release = evidence.facts.release(package.version)
    return (release.licence if release else "") or evidence.facts.licence


def wants_facts(package: Package, policy: DependencyPolicy, stands: Standing) -> bool:
    """Whether an index is asked about a package.

    Names of one's own are asked of one's own registry alone; what is approved is asked about only
    when a version is known, whose release may be worth a look.
    """
    if stands is Standing.DENIED:
        return False
    return stands is Standing.NEW or internal(package, policy) or bool(package.version)
