"""Which finding to look at first, with every reason printed.

rank = 100 · (1 − Π(1 − wᵢ·fᵢ)): each factor f, from 0 to 1, takes its share w of what is left to
100. So one strong reason is enough, several weak ones add up, and none can be outvoted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headgate.model.finding import Confidence, Finding, Severity, StepRole
from headgate.scan.text import is_test, plural

MOST_SHOWN = 5
"""Findings of one change that are put before people; the rest is backlog."""

_SEVERITIES = {
    Severity.INFO: 0.0,
    Severity.LOW: 0.15,
    Severity.MEDIUM: 0.45,
    Severity.HIGH: 0.8,
    Severity.CRITICAL: 1.0,
}
_CONFIDENCES = {Confidence.LOW: 0.0, Confidence.MEDIUM: 0.5, Confidence.HIGH: 1.0}
_WEIGHTS = {
    "severity": 0.5,
    "trace": 0.4,
    "confidence": 0.25,
    "agreement": 0.2,
    "record": 0.25,
    "exposure": 0.2,
    "environment": 0.1,
    "origin": 0.1,
    "newness": 0.1,
}
_OUTSIDE = ("request", "query", "route", "form", "upload", "header", "cookie", "body", "url")
"""Words of a source's description that say that anybody may send it."""


@dataclass(frozen=True, slots=True)
class Record:
    """How often a rule was right in this house."""

    confirmed: int = 0
    """Findings that were mended, or accepted as a real risk."""
    disputed: int = 0
    """Findings that a human said to be false."""

    @property
    def precision(self) -> float:
        """Its share of right findings, with one of either kind assumed before any is known."""
        return (self.confirmed + 1) / (self.confirmed + self.disputed + 2)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a finding beside itself."""

    record: Record = Record()
    production: bool = True
    """Whether the project is one for production, not for experiments."""
    written_by_ai: bool = False
    reviewed: bool = False
    """Whether a human who had no part in it has approved it."""
    new: bool = True


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason for a rank."""

    name: str
    weight: float
    value: float
    """From 0 to 1."""
    words: str

    @property
    def points(self) -> int:
        """What it would give alone."""
        return round(100 * self.weight * self.value)


@dataclass(frozen=True, slots=True)
class Rank:
    """From 0 to 100, and why."""

    score: int
    factors: tuple[Factor, ...]

    @property
    def words(self) -> str:
        """`87: high severity 40, whole trace 40, …`; what gave nothing is left out."""
        parts = ", ".join(f"{one.words} {one.points}" for one in self.factors if one.points)
        return f"{self.score}: {parts}" if parts else str(self.score)


def rank(finding: Finding, facts: Facts | None = None) -> Rank:
    """How much a finding deserves to be looked at."""
    facts = facts or Facts()
    factors = tuple(
        Factor(name, _WEIGHTS[name], value, words)
        for name, value, words in _factors(finding, facts)
    )
    left = math.prod(1 - one.weight * one.value for one in factors)
    return Rank(round(100 * (1 - left)), factors)


def _factors(finding: Finding, facts: Facts) -> Iterable[tuple[str, float, str]]:
    yield "severity", _SEVERITIES[finding.severity], f"{finding.severity.word} severity"
    if finding.is_traced:
        yield "trace", 1.0, "whole trace"
    elif finding.trace:
        yield "trace", 0.5, "trace with assumptions"
    else:
        yield "trace", 0.0, "no trace"
    yield "confidence", _CONFIDENCES[finding.confidence], f"{finding.confidence.word} confidence"
    others = max(0, len(finding.engines) - 1)
    words = f"{plural(others + 1, 'analyzer')} agree" if others else "one analyzer"
    yield "agreement", (0.0, 0.6, 1.0)[min(others, 2)], words
    record = facts.record
    known = record.confirmed + record.disputed
    # An unknown rule is worth as much as one that is right half of the time.
    told = (
        f"rule right {record.confirmed} of {known} times here" if known else "rule without record"
    )
    yield "record", record.precision, told
    exposed = _is_exposed(finding)
    yield "exposure", float(exposed), "from outside" if exposed else "not seen from outside"
    test = is_test(finding.span.path)
    if test:
        yield "environment", 0.0, "in tests"
    elif facts.production:
        yield "environment", 1.0, "in production code"
    else:
        yield "environment", 0.3, "in an experiment"
    if facts.written_by_ai and not facts.reviewed:
        yield "origin", 1.0, "written by AI and unreviewed"
    elif facts.written_by_ai:
        yield "origin", 0.4, "written by AI"
    else:
        yield "origin", 0.0, "not known to be written by AI"
    yield "newness", float(facts.new), "new" if facts.new else "known for long"


def _is_exposed(finding: Finding) -> bool:
    sources = [step for step in finding.trace if step.role is StepRole.SOURCE]
    words = " ".join(step.text for step in sources).lower()
    return any(word in words for word in _OUTSIDE)


def shortlist(
    findings: Sequence[Finding], facts: Facts | None = None, most: int = MOST_SHOWN
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """The findings to put before people, the highest rank first, and the backlog in that order."""
    ordered = sorted(
        findings,
        key=lambda f: (-rank(f, facts).score, -f.severity, f.span.path, f.span.line, f.rule),
    )
    return tuple(ordered[:most]), tuple(ordered[most:])
