"""JSON: one object, with every check, what became of it and all of its findings."""

from __future__ import annotations

import json
from typing import Any

from headgate.model.finding import CheckResult, Finding
from headgate.scan.format.interface import Report
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
        "trace": [
            {
                "path": printable(step.span.path),
                "line": step.span.line,
                "column": step.span.column,
                "end_line": step.span.end_line,
                "end_column": step.span.end_column,
                "reason": printable(step.reason),
            }
            for step in finding.trace
        ],
    }
