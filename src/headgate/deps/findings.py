"""Findings about dependencies: what the policy minds, tied to the line that brings it."""

from __future__ import annotations

from urllib.parse import urlsplit

from headgate.deps.difference import Move
from headgate.deps.lockfiles.interface import Declared, IndexSetting, Problem
from headgate.deps.policy.concern import Concern
from headgate.deps.policy.standing import nearest as nearest
from headgate.model.dependency_policy import DependencyPolicy, PolicyException
from headgate.model.finding import Confidence, Finding, Severity, Span

CHECK = "dependencies"
UNTRUSTED_SOURCE = 829
"""CWE: inclusion of functionality from an untrusted control sphere."""
KNOWN_VULNERABLE = 1395
"""CWE: dependency on a vulnerable third-party component."""
MALICIOUS = 506
"""CWE: embedded malicious code."""

_CWE = {"vulnerable": KNOWN_VULNERABLE, "malicious": MALICIOUS, "licence": None, "unknown": None}


def severity_of(policy: DependencyPolicy, strict: bool) -> Severity:
    """How bad an unapproved dependency is: `strict` for what agents write."""
    word = policy.agents if strict else policy.humans
    return Severity.HIGH if word == "deny" else Severity.LOW


def finding_of(
    concern: Concern, span: Span, excerpt: str, expired: PolicyException | None = None
) -> Finding:
    """A concern at the line that brings it; `expired` is an exception that once covered it."""
    remedy = concern.remedy
    if expired is not None:
        remedy += f" The exception at {expired.place} has expired; its owner is {expired.owner}."
    return _finding(
        concern.rule,
        concern.title,
        concern.message,
        remedy,
        concern.severity,
        span,
        excerpt,
    )


def direct_source(one: Declared, severity: Severity) -> Finding:
    """A package that comes from an address instead of the index."""
    host = urlsplit(one.source.removeprefix("git+")).hostname or one.source
    return _finding(
        "direct-source",
        "Dependency from outside the index",
        f"`{one.name}` is taken straight from {_printable(host)}, past the index and past the "
        "approved list.",
        "Depend on a published version, or have the package published to your own index.",
        severity,
        one.span,
        one.requirement,
    )


def other_index(one: IndexSetting, severity: Severity) -> Finding:
    """A line that sends the installer to another index."""
    return _finding(
        "other-index",
        "Another package index",
        "This makes the installer ask or trust another index, which can replace any package with "
        "one of the same name.",
        "Take the line out; configure indexes where the jobs' environments are defined.",
        max(severity, Severity.MEDIUM),
        one.span,
        one.text,
    )


def hash_changed(move: Move) -> Finding:
    """A version that was published once, and is another artifact now."""
    one = move.one
    named = f"`{one.name}` {one.version}".rstrip()
    return _finding(
        "hash-changed",
        "Package whose content changed under its version",
        f"{named} has another hash than before at the same version: either the artifact was "
        "replaced where it comes from, or the lockfile was edited by hand.",
        "Have the lockfile written anew from the index, and find out what was replaced and why.",
        Severity.HIGH,
        one.span,
        one.requirement,
    )


def unreadable(problem: Problem) -> Finding:
    """Something that cannot be understood, behind which any dependency may hide."""
    return _finding(
        "unreadable",
        "Dependencies that cannot be read",
        f"{problem.message[:1].upper()}{problem.message[1:]}, so what it would install is unknown.",
        "Write it so that the installer and Headgate read the same.",
        Severity.HIGH,
        problem.span,
        "",
    )


def _finding(
    rule: str,
    title: str,
    message: str,
    remedy: str,
    severity: Severity,
    span: Span,
    excerpt: str,
) -> Finding:
    return Finding(
        rule=f"dependency/{rule}",
        title=title,
        message=_printable(message),
        remedy=_printable(remedy),
        severity=severity,
        confidence=Confidence.HIGH,
        span=span,
        cwe=_CWE.get(rule, UNTRUSTED_SOURCE),
        check=CHECK,
        excerpt=_printable(_without_credentials(excerpt))[:200],
    )


def _without_credentials(text: str) -> str:
    words = [
        f"{scheme}://{rest.rpartition('@')[2]}" if scheme and "@" in rest.split("/")[0] else word
        for word in text.split(" ")
        for scheme, _, rest in [word.partition("://")]
    ]
    return " ".join(words)


def _printable(text: str) -> str:
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
