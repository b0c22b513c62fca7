"""SARIF 2.1.0, as OASIS published it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from headgate.model.finding import (
    CheckResult,
    Finding,
    Outcome,
    Severity,
    Span,
    StepRole,
    TraceStep,
)
from headgate.scan.format.interface import Report
from headgate.scan.rank import rank
from headgate.scan.text import printable

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}
_SCORES = {
    Severity.INFO: "0.0",
    Severity.LOW: "3.0",
    Severity.MEDIUM: "5.5",
    Severity.HIGH: "8.0",
    Severity.CRITICAL: "9.5",
}
"""`security-severity`, which code hosts sort by: the middle of CVSS's bands."""


def render(report: Report) -> str:
    """One log with one run; a check that did not run makes the run unsuccessful."""
    return json.dumps(as_object(report), indent=2, ensure_ascii=False) + "\n"


def as_object(report: Report) -> dict[str, Any]:
    """The log as plain JSON values."""
    findings = [*report.findings(), *report.allowed()]
    rules: dict[str, Finding] = {}
    for finding in findings:
        rules.setdefault(finding.rule, finding)
    places = {rule: index for index, rule in enumerate(rules)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Headgate",
                        "version": report.version,
                        "semanticVersion": report.version,
                        "rules": [_rule(finding) for finding in rules.values()],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    "SRCROOT": {"description": {"text": "The root of the project."}}
                },
                "invocations": [_invocation(report)],
                "results": [_finding(finding, places) for finding in findings],
            }
        ],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    tags = ["security"]
    if finding.cwe:
        tags += [f"CWE-{finding.cwe}", f"external/cwe/cwe-{finding.cwe:03}"]
    rule: dict[str, Any] = {
        "id": finding.rule,
        "name": printable(finding.title) or finding.rule,
        "shortDescription": {"text": printable(finding.title) or finding.rule},
        "help": {"text": printable(finding.remedy) or printable(finding.message)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {"tags": tags, "security-severity": _SCORES[finding.severity]},
    }
    if finding.url:
        rule["helpUri"] = finding.url
    return rule


def _finding(finding: Finding, places: Mapping[str, int]) -> dict[str, Any]:
    message = printable(finding.message)
    if finding.remedy:
        message = f"{message} Remedy: {printable(finding.remedy)}"
    properties: dict[str, Any] = {
        "severity": finding.severity.word,
        "confidence": finding.confidence.word,
        "check": finding.check,
        "evidence": finding.evidence.value,
    }
    if finding.assumed:
        properties["assumed"] = [printable(one) for one in finding.assumed]
    if finding.engines:
        properties["engines"] = list(finding.engines)
    ranked = rank(finding)
    properties["factors"] = [f"{one.words}: {one.points}" for one in ranked.factors]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": places[finding.rule],
        "level": _LEVELS[finding.severity],
        "message": {"text": message or finding.rule},
        "locations": [_location(finding.span, finding.excerpt)],
        "rank": float(ranked.score),
        "properties": properties,
    }
    if finding.identity:
        result["partialFingerprints"] = {"headgate/v1": finding.identity}
    if finding.trace:
        # One for each way: any of them is enough.
        result["codeFlows"] = [
            {"threadFlows": [{"locations": [_step(step) for step in way]}]}
            for way in (finding.trace, *finding.ways)
        ]
    if finding.allowed:
        result["suppressions"] = [{"kind": "inSource", "justification": printable(finding.allowed)}]
    return result


def _step(step: TraceStep) -> dict[str, Any]:
    important = "essential" if step.role is not StepRole.STEP else "important"
    return {
        "location": _location(step.span, step.excerpt)
        | {"message": {"text": printable(step.text) or step.role.value}},
        "importance": important,
        "kinds": [step.role.value],
    }


def _location(span: Span, excerpt: str) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": max(1, span.line), "startColumn": max(1, span.column)}
    if span.end_line >= span.line > 0:
        region["endLine"] = span.end_line
        if span.end_column:
            region["endColumn"] = span.end_column
    if excerpt:
        region["snippet"] = {"text": printable(excerpt)}
    where = {"uri": uri(span.path), "uriBaseId": "SRCROOT"}
    return {"physicalLocation": {"artifactLocation": where, "region": region}}


def uri(path: str) -> str:
    """A path as a relative reference: its bytes, percent-encoded."""
    encoded = quote(path.encode("utf-8", "surrogateescape"), safe="/~")
    # A colon in the first part of a relative reference would be read as a scheme.
    return encoded or "."


def _invocation(report: Report) -> dict[str, Any]:
    bad = (Outcome.NOT_RUN, Outcome.UNKNOWN)
    ran = not any(result.outcome in bad for result in report.results)
    notes: list[dict[str, Any]] = []
    for result in report.results:
        if result.outcome in bad:
            notes.append(_note("error", f"{result.check} {result.outcome.value}", result))
        notes += [_coverage(one, "not-examined", "Not examined") for one in result.skipped]
        notes += [_coverage(one, "examined-in-part", "Examined in part") for one in result.reduced]
    return {"executionSuccessful": ran, "toolExecutionNotifications": notes}


def _note(level: str, what: str, result: CheckResult) -> dict[str, Any]:
    why = printable(result.reason)
    return {"level": level, "message": {"text": f"{what}: {why}" if why else what}}


def _coverage(entry: str, descriptor: str, what: str) -> dict[str, Any]:
    """Of one `path: reason` that was left out, wholly or in part."""
    path, _, _ = entry.rpartition(": ")
    note: dict[str, Any] = {
        "level": "warning",
        "descriptor": {"id": descriptor},
        "message": {"text": f"{what}: {printable(entry)}"},
    }
    if path:
        where = {"uri": uri(path), "uriBaseId": "SRCROOT"}
        note["locations"] = [{"physicalLocation": {"artifactLocation": where}}]
    return note
