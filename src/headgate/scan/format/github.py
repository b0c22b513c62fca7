"""Workflow commands of GitHub Actions, which put findings beside the lines of a pull request."""

from __future__ import annotations

from headgate.model.finding import Finding, Outcome, Severity
from headgate.scan.format.interface import Report
from headgate.scan.text import printable

_LEVELS = {
    Severity.INFO: "notice",
    Severity.LOW: "notice",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}


def render(report: Report) -> str:
    """One command per finding, and one per check that did not run."""
    lines = [_finding(finding) for finding in report.findings()]
    for result in report.results:
        if result.outcome in (Outcome.NOT_RUN, Outcome.UNKNOWN):
            title = _property(f"Headgate: {result.check} {result.outcome.value}")
            lines.append(f"::error title={title}::{_data(result.reason or 'no result')}")
    return "".join(f"{line}\n" for line in lines)


def _finding(finding: Finding) -> str:
    span = finding.span
    properties = {"file": _path(span.path), "line": str(span.line), "col": str(span.column)}
    if span.end_line:
        properties["endLine"] = str(span.end_line)
    if span.end_column and span.end_line == span.line:
        properties["endColumn"] = str(span.end_column)
    properties["title"] = printable(f"{finding.title} ({finding.rule})")
    given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    lines = [printable(finding.message)]
    lines += [
        f"{number}. {printable(step.span.path)}:{step.span.line} {printable(step.text)}"
        for number, step in enumerate(finding.trace, 1)
    ]
    text = "\n".join([*lines, f"Remedy: {printable(finding.remedy)}"])
    return f"::{_LEVELS[finding.severity]} {given}::{_escape(text)}"


def _path(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _data(text: str) -> str:
    return _escape(printable(text))


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
