"""What the reviewer says as SARIF 2.1.0, the way in which every tool's findings enter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from headgate.model.finding import Confidence, Finding, Severity
from headgate.model.reviewer import REVIEW, ReviewerPolicy
from headgate.scan.format.sarif import uri
from headgate.scan.hub.sarif_in import read_sarif
from headgate.scan.reviewer.answer import Claim

_LEVELS = {
    Severity.INFO: "none",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_SCORES = {Severity.INFO: "0.0", Severity.LOW: "3.0", Severity.MEDIUM: "5.5"} | {
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}
_ADVICE = "A language model says so, and nothing has proved it: judge it by the lines it points at."


def log_of(claims: Sequence[Claim], policy: ReviewerPolicy) -> bytes:
    """A log with one run of the tool `reviewer:MODEL`."""
    rules: dict[str, dict[str, Any]] = {}
    results: list[dict[str, Any]] = []
    for one in claims:
        name = f"cwe-{one.cwe}"
        tags = {"tags": ["security", f"CWE-{one.cwe}"]}
        rules.setdefault(name, {"id": name, "properties": tags})
        results.append(
            {
                "ruleId": name,
                "level": _LEVELS[one.severity],
                "message": {"text": one.explanation},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": uri(one.path)},
                            "region": {"startLine": one.line, "endLine": one.end_line},
                        }
                    }
                ],
                "properties": {
                    "confidence": one.confidence.word,
                    "security-severity": _SCORES[one.severity],
                    "title": one.title,
                    "remedy": one.remedy,
                },
            }
        )
    driver = {"name": policy.tool, "rules": list(rules.values())}
    invocation = {"executionSuccessful": True}
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]}).encode()


def findings_of(claims: Sequence[Claim], policy: ReviewerPolicy) -> tuple[Finding, ...]:
    """The claims after their way through SARIF: findings that never deny, of the tool's own name.

    What a model calls high confidence is medium here: nothing has proved it.
    """
    return tuple(found for claim in claims for found in _finding(claim, policy))


def _finding(claim: Claim, policy: ReviewerPolicy) -> Iterator[Finding]:
    (run,) = read_sarif(log_of([claim], policy), "the reviewer's log")
    for found in run.findings:
        yield replace(
            found,
            rule=f"reviewer/cwe-{claim.cwe}",
            title=claim.title,
            remedy=f"{claim.remedy} {_ADVICE}".strip(),
            confidence=min(claim.confidence, Confidence.MEDIUM),
            # Some names are written in another way in an address.
            span=replace(found.span, path=claim.path),
            check=REVIEW,
            engines=(policy.tool,),
        )
