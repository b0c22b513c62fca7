"""Licences that the policy minds."""

from __future__ import annotations

from collections.abc import Iterator

from headgate.deps.licences import Rules, Standing, judge
from headgate.deps.policy.concern import Concern, severity_of
from headgate.model.dependency_policy import DependencyPolicy, Level, LicenceRules
from headgate.model.finding import Severity
from headgate.model.purl import Package

_ORDER = (Standing.ALLOWED, Standing.UNKNOWN, Standing.UNLISTED, Standing.DENIED)


def licence_concerns(
    package: Package, expression: str, policy: DependencyPolicy
) -> Iterator[Concern]:
    """What is minded about a licence, as metadata or a lockfile states it; one concern at most."""
    given = [rules for rules in (policy.licences, *policy.more_licences) if rules.given]
    if not given:
        return
    opinions = [(judge(expression, Rules(r.allow, r.deny)), r) for r in given]
    worst, rules = max(opinions, key=lambda o: _ORDER.index(o[0].standing))
    severity = _severity(worst.standing, rules)
    if severity is None:
        return
    named = f"{package.name} {package.version}".strip()
    yield Concern(
        "licence",
        "Dependency with a licence that the policy does not allow"
        if worst.standing is not Standing.UNKNOWN
        else "Dependency whose licence is not known",
        f"`{named}` is under {worst.expression or 'an unknown licence'}: {worst.reason}.",
        "Choose a package under a licence that is allowed, or have an exception approved in the "
        "policy project.",
        severity,
    )


def _severity(standing: Standing, rules: LicenceRules) -> Severity | None:
    if standing is Standing.ALLOWED:
        return None
    if standing is not Standing.UNKNOWN:
        return Severity.HIGH
    return None if rules.unknown is Level.IGNORE else severity_of(rules.unknown)
