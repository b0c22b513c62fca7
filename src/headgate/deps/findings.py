"""Findings about dependencies, in words: what is new, why that matters, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from urllib.parse import urlsplit

from headgate.deps.difference import Move
from headgate.deps.lockfiles.interface import Declared, IndexSetting, Problem
from headgate.model.config import DependencyPolicy
from headgate.model.finding import Confidence, Finding, Severity, Span

CHECK = "dependencies"
UNTRUSTED_SOURCE = 829
"""CWE: inclusion of functionality from an untrusted control sphere."""

INDEX_NAMES = {"pypi": "PyPI", "npm": "npm"}


def severity_of(policy: DependencyPolicy, strict: bool) -> Severity:
    """How bad an unapproved dependency is: `strict` for what agents write."""
    word = policy.agents if strict else policy.humans
    return Severity.HIGH if word == "deny" else Severity.LOW


def unapproved(one: Declared, policy: DependencyPolicy, severity: Severity) -> Finding:
    """A package that is not in the approved list."""
    return _finding(
        "unapproved",
        "Dependency that nobody approved",
        f"The {INDEX_NAMES[one.ecosystem]} package `{one.name}` is new here and not approved.",
        f"{_instead(one, policy)}Use an approved package, or have `{one.name}` added to "
        f"[dependencies.approved] {one.ecosystem} in policy.toml of the policy project.",
        severity,
        one.span,
        one.requirement,
    )


def does_not_exist(one: Declared, policy: DependencyPolicy, index: str, detail: str) -> Finding:
    """A package that the index does not know; the mark of an invented name."""
    what = detail or "does not exist"
    return _finding(
        "does-not-exist",
        "Dependency that does not exist",
        f"The package `{one.name}` {what} in the index {index}: the name is probably invented, and "
        "whoever registers it decides what gets installed.",
        f"{_instead(one, policy)}Take `{one.name}` out, or name the package that is really meant.",
        Severity.HIGH,
        one.span,
        one.requirement,
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
        message=message,
        remedy=remedy,
        severity=severity,
        confidence=Confidence.HIGH,
        span=span,
        cwe=UNTRUSTED_SOURCE,
        check=CHECK,
        excerpt=_printable(_without_credentials(excerpt))[:200],
    )


def _instead(one: Declared, policy: DependencyPolicy) -> str:
    near = nearest(one.name, policy.approved.get(one.ecosystem, ()))
    return f"Did you mean `{near}`, which is approved? " if near else ""


def nearest(name: str, names: Iterable[str]) -> str:
    """The name that was probably meant; empty when none is near."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.75)
    return found[0] if found else ""


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
