"""The policy for one project: the central one, tightened by the project's own file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from headgate.model.dependency_policy import (
    DependencyPolicy,
    Level,
    NewPackageRules,
    ProvenanceRules,
    VulnerabilityRules,
)
from headgate.model.finding import Severity

_ORDER = tuple(Level)


def tightened(
    central: DependencyPolicy, own: Iterable[DependencyPolicy | None]
) -> DependencyPolicy:
    """The strictest of every rule; what permits comes from the central policy alone."""
    policy = central
    for one in own:
        if one is not None and one not in (central, policy):
            policy = _both(policy, one)
    return policy


def _both(policy: DependencyPolicy, own: DependencyPolicy) -> DependencyPolicy:
    known = set(policy.deny)
    return replace(
        policy,
        humans=_stricter(policy.humans, own.humans),
        agents=_stricter(policy.agents, own.agents),
        deny=(*policy.deny, *(rule for rule in own.deny if rule not in known)),
        new=_new(policy.new, own.new),
        vulnerabilities=_vulnerabilities(policy.vulnerabilities, own.vulnerabilities),
        provenance=ProvenanceRules(
            require=tuple(dict.fromkeys((*policy.provenance.require, *own.provenance.require))),
            lost=_level(policy.provenance.lost, own.provenance.lost),
        ),
        more_licences=(*policy.more_licences, own.licences)
        if own.licences.given
        else policy.more_licences,
    )


def _stricter(one: str, other: str) -> str:
    return "deny" if "deny" in (one, other) else "warn"


def _level(*levels: Level) -> Level:
    return max(levels, key=_ORDER.index)


def _new(one: NewPackageRules, other: NewPackageRules) -> NewPackageRules:
    return NewPackageRules(
        minimum_age=max(one.minimum_age, other.minimum_age),
        minimum_release_age=max(one.minimum_release_age, other.minimum_release_age),
        minimum_downloads=max(one.minimum_downloads, other.minimum_downloads),
        young=_level(one.young, other.young),
        similar_names=_level(one.similar_names, other.similar_names),
        install_scripts=_level(one.install_scripts, other.install_scripts),
        yanked=_level(one.yanked, other.yanked),
        deprecated=_level(one.deprecated, other.deprecated),
        maintainers_changed=_level(one.maintainers_changed, other.maintainers_changed),
        unpinned=_level(one.unpinned, other.unpinned),
    )


def _vulnerabilities(one: VulnerabilityRules, other: VulnerabilityRules) -> VulnerabilityRules:
    days = {
        severity: min(one.service_levels[severity], other.service_levels[severity])
        for severity in one.service_levels
    }
    return VulnerabilityRules(
        introduced=_threshold(one.introduced, other.introduced),
        existing=_threshold(one.existing, other.existing),
        unknown=_level(one.unknown, other.unknown),
        kev=_level(one.kev, other.kev),
        epss=min(one.epss, other.epss),
        stale=min(one.stale, other.stale),
        service_levels=days,
    )


def _threshold(one: Severity | None, other: Severity | None) -> Severity | None:
    given = [severity for severity in (one, other) if severity is not None]
    return min(given) if given else None
