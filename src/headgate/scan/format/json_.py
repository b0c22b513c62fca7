"""JSON: one object, with every check, what became of it and all of its findings."""

from __future__ import annotations

import json
from typing import Any

from headgate.model.finding import CheckResult, Finding, TraceStep
from headgate.scan.format.interface import Report
from headgate.scan.rank import rank
from headgate.scan.text import printable


def render(report: Report) -> str:
    """The object of `as_object`, indented."""
    return json.dumps(as_object(report), indent=2, ensure_ascii=False) + "\n"


def as_object(report: Report) -> dict[str, Any]:
    """`{"ok", "exit_code", "version", "root", "base", "files", "findings", "checks": […]}`.

    Bytes of paths that are not UTF-8 are written as `\\xNN`.
    """
    return {
        "ok": report.exit_code == 0,
        "exit_code": int(report.exit_code),
        "version": report.version,
        "root": printable(report.root),
        "base": printable(report.base),
        "files": report.files,
        "findings": dict(report.counts()),
        "checks": [_result(result) for result in report.results],
    }


def _result(result: CheckResult) -> dict[str, Any]:
    return {
        "check": result.check,
        "outcome": result.outcome.value,
        "reason": printable(result.reason),
        "seconds": round(result.seconds, 3),
        "skipped": [printable(path) for path in result.skipped],
        "reduced": [printable(path) for path in result.reduced],
        "findings": [_finding(finding) for finding in result.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    span = finding.span
    return {
        "rule": finding.rule,
        "title": printable(finding.title),
        "message": printable(finding.message),
        "remedy": printable(finding.remedy),
        "severity": finding.severity.word,
        "confidence": finding.confidence.word,
        "cwe": finding.cwe,
        "path": printable(span.path),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "excerpt": printable(finding.excerpt),
        "identity": finding.identity,
        "url": finding.url,
        "trace": [_step(step) for step in finding.trace],
        "ways": [[_step(step) for step in way] for way in finding.ways],
        "evidence": finding.evidence.value,
        "assumed": [printable(one) for one in finding.assumed],
        "engines": list(finding.engines),
        "allowed": printable(finding.allowed),
        "rank": _rank(finding),
    }


def _step(step: TraceStep) -> dict[str, Any]:
    return {
        "role": step.role.value,
        "text": printable(step.text),
        "path": printable(step.span.path),
        "line": step.span.line,
        "column": step.span.column,
        "excerpt": printable(step.excerpt),
    }


def _rank(finding: Finding) -> dict[str, Any]:
    found = rank(finding)
    factors = [{"name": one.name, "points": one.points, "why": one.words} for one in found.factors]
    return {"score": found.score, "factors": factors}
