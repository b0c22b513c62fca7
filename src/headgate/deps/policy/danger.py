"""What advisories say of a package, weighed by the policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from headgate.deps.policy.concern import Concern, severity_of
from headgate.model.dependency_policy import Level, VulnerabilityRules
from headgate.model.finding import Severity
from headgate.model.purl import Package


class Known(StrEnum):
    """What is known about a version."""

    CLEAN = "clean"
    AFFECTED = "affected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Advisory:
    """One vulnerability of a package, with all its names."""

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    severity: Severity | None = None
    """None: nobody has said how bad it is."""
    score: float | None = None
    """CVSS base score."""
    fixed: str = ""
    """The smallest version without it; empty: there is none, or it is not known."""
    malware: bool = False
    exploited: bool = False
    """In CISA's list of vulnerabilities that are exploited."""
    epss: float | None = None
    """FIRST's probability that it is exploited within 30 days."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.id, *self.aliases)


@dataclass(frozen=True, slots=True)
class Matched:
    """What the advisories say of one version of a package."""

    known: Known
    advisories: tuple[Advisory, ...] = ()
    reason: str = ""
    """Why it is unknown."""


class Arrival(StrEnum):
    """Whether the change brings a package, or it was there."""

    INTRODUCED = "introduced"
    EXISTING = "existing"


def dangers(
    package: Package, matched: Matched, rules: VulnerabilityRules, arrival: Arrival
) -> Iterator[Concern]:
    """One concern per vulnerability, however many names it has."""
    if matched.known is Known.UNKNOWN and rules.unknown is not Level.IGNORE:
        yield Concern(
            "unknown",
            "Dependency of which it is not known whether it is vulnerable",
            f"Whether `{_versioned(package)}` is vulnerable is not known: "
            f"{matched.reason.rstrip('.') or 'nothing is known of it'}.",
            "Pin an exact version, or bring the advisories up to date: headgate deps sync.",
            severity_of(rules.unknown),
            cause=matched.reason,
        )
    seen: set[str] = set()
    for one in matched.advisories:
        if seen.isdisjoint(one.names):
            yield (
                _malware(package, one)
                if one.malware
                else (_vulnerable(package, one, rules, arrival))
            )
        seen.update(one.names)


def _malware(package: Package, one: Advisory) -> Concern:
    return Concern(
        "malicious",
        "Malicious dependency",
        f"`{_versioned(package)}` is malware ({_called(one)}){_said(one)}.",
        "Take it out, and treat every machine that installed it, and every secret there, as "
        "stolen.",
        Severity.CRITICAL,
        one.names,
        lasting=True,
    )


def _vulnerable(
    package: Package, one: Advisory, rules: VulnerabilityRules, arrival: Arrival
) -> Concern:
    threshold = rules.introduced if arrival is Arrival.INTRODUCED else rules.existing
    # Nobody has said how bad it is: as bad as it takes.
    own = one.severity if one.severity is not None else Severity.HIGH
    exploited = rules.kev is Level.DENY and one.exploited and arrival is Arrival.INTRODUCED
    likely = one.epss is not None and rules.epss < 1.0 and one.epss >= rules.epss
    if threshold is not None and (own >= threshold or exploited or likely):
        severity = max(own, Severity.HIGH)
    else:
        severity = min(own, Severity.MEDIUM)
    facts = [_called(one), one.severity.word if one.severity is not None else "severity unknown"]
    if one.score is not None:
        facts[-1] += f", CVSS {one.score:.1f}"
    if one.exploited:
        facts.append("known to be exploited")
    if one.epss is not None:
        facts.append(f"EPSS {one.epss:.2f}")
    remedy = (
        f"Use {package.name} {one.fixed} or newer: headgate deps fix."
        if one.fixed
        else "No version without it is known: choose another package, or have an exception "
        "approved in the policy project."
    )
    return Concern(
        "vulnerable",
        "Vulnerable dependency",
        f"`{_versioned(package)}` is vulnerable ({'; '.join(facts)}){_said(one)}.",
        remedy,
        severity,
        one.names,
        fixed=one.fixed,
        rated=own,
    )


def _called(one: Advisory) -> str:
    return " = ".join(one.names[:4]) + (" = …" if len(one.names) > 4 else "")


def _said(one: Advisory) -> str:
    text = " ".join(one.summary.split()).rstrip(".")
    return f": {text[:200]}" if text else ""


def _versioned(package: Package) -> str:
    return f"{package.name} {package.version}".strip()
