"""Whether a package is approved, denied, or new to everybody."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

from headgate.deps.ecosystems import said
from headgate.deps.policy.concern import Concern, severity_of
from headgate.deps.policy.vers import Inside, inside
from headgate.model.dependency_policy import AllowRule, DenyRule, DependencyPolicy, Level
from headgate.model.finding import Severity
from headgate.model.patterns import name_matches
from headgate.model.purl import Package


class Standing(Enum):
    APPROVED = "approved"
    DENIED = "denied"
    NEW = "new"


Granted = Collection[tuple[str, str]]
"""Packages that approvers have approved: ecosystem and name."""


@dataclass(frozen=True, slots=True)
class Place:
    """Who asks for a package."""

    project: str
    strict: bool
    """Judged as an agent is."""


def standing(
    package: Package, policy: DependencyPolicy, granted: Granted, project: str
) -> Standing:
    """What the lists say of a package; a denial wins over every approval."""
    if denial(package, policy, project) is not None:
        return Standing.DENIED
    if _listed(package, policy, granted) or any(
        inside(rule.versions, package.version) is Inside.YES
        for rule in _allowing(package, policy, project)
    ):
        return Standing.APPROVED
    return Standing.NEW


def denial(package: Package, policy: DependencyPolicy, project: str) -> DenyRule | None:
    """The rule that denies a package; where a version is not known, it may be the denied one."""
    return next(
        (
            rule
            for rule in policy.deny
            if rule.package.covers(package.ecosystem, package.name)
            and _of(project, rule.projects)
            and inside(rule.versions, package.version) is not Inside.NO
        ),
        None,
    )


def denied(package: Package, rule: DenyRule) -> Concern:
    """A package that the policy forbids."""
    instead = f"Use {shown(rule.use_instead)} instead" if rule.use_instead else "Take it out"
    unsure = bool(rule.versions) and inside(rule.versions, package.version) is Inside.UNKNOWN
    versions = f" in the versions {rule.versions}" if rule.versions else ""
    also = f", or pin a version outside of {rule.versions}" if unsure else ""
    return Concern(
        "denied",
        "Dependency that the policy forbids",
        f"The {said(package.ecosystem)} package `{package.name}` is forbidden{versions} by "
        f"{rule.place}: {rule.reason.rstrip('.')}.",
        f"{instead}{also}.",
        Severity.HIGH,
    )


def unapproved(package: Package, policy: DependencyPolicy, who: Place) -> Concern:
    """A package that nobody approved."""
    word = policy.agents if who.strict else policy.humans
    approved = ranges(package, policy, who.project)
    named = f" {package.version}" if package.version and approved else ""
    what = f"`{package.name}`{named} is new here and not approved"
    if approved:
        what += f"; approved is {' or '.join(approved)}"
    near = nearest(package.name, policy.approved.get(package.ecosystem, ()))
    hint = f"Did you mean `{near}`, which is approved? " if near else ""
    listed = package.ecosystem in ("pypi", "npm")
    where = f"[dependencies.approved] {package.ecosystem}" if listed else "[[dependencies.allow]]"
    purl = Package(package.ecosystem, package.name).purl
    return Concern(
        "unapproved",
        "Dependency that nobody approved",
        f"The {said(package.ecosystem)} package {what}.",
        f"{hint}Use an approved package, or have `{package.name}` added to {where} in policy.toml "
        f"of the policy project; approvers can do so at once: headgate deps approve {purl}.",
        severity_of(Level.DENY if word == "deny" else Level.WARN),
        approvable=True,
    )


def ranges(package: Package, policy: DependencyPolicy, project: str) -> list[str]:
    """The versions to which the policy confines a package; none when it does not."""
    return [rule.versions for rule in _allowing(package, policy, project) if rule.versions]


def shown(instead: str) -> str:
    """What to use, without the ceremony of a package URL."""
    return f"`{instead}`" if instead.startswith("pkg:") else instead


def nearest(name: str, names: Iterable[str]) -> str:
    """The name that was probably meant; empty when none is near."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.75)
    return found[0] if found else ""


def _listed(package: Package, policy: DependencyPolicy, granted: Granted) -> bool:
    return (
        package.name in policy.approved.get(package.ecosystem, ())
        or (package.ecosystem, package.name) in granted
        or internal(package, policy)
    )


def internal(package: Package, policy: DependencyPolicy) -> bool:
    """Whether a package is one of the organisation's own."""
    return any(
        registry.ecosystem == package.ecosystem and name_matches(package.name, registry.packages)
        for registry in policy.registries
    )


def _allowing(package: Package, policy: DependencyPolicy, project: str) -> list[AllowRule]:
    return [
        rule
        for rule in policy.allow
        if rule.package.covers(package.ecosystem, package.name) and _of(project, rule.projects)
    ]


def _of(project: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or name_matches(project, patterns)
