"""JUnit's XML, which every build server shows: a suite per check, a failure per finding."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.scan.format.interface import Report
from headgate.scan.text import printable

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def render(report: Report) -> str:
    """A test case per finding, and one per check: an error when it did not run."""
    suites = [_suite(result) for result in report.results]
    findings = sum(report.counts().values())
    errors = sum(_failed_to_run(result) for result in report.results)
    tests = sum(1 + len(result.findings) for result in report.results)
    head = f'<testsuites name="Headgate" tests="{tests}" failures="{findings}" errors="{errors}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *suites, "</testsuites>", ""])


def _failed_to_run(result: CheckResult) -> bool:
    return result.outcome in (Outcome.NOT_RUN, Outcome.UNKNOWN)


def _suite(result: CheckResult) -> str:
    failures = sum(not finding.allowed for finding in result.findings)
    lines = [
        f"  <testsuite name={_attribute(result.check)} tests="
        f'"{1 + len(result.findings)}" failures="{failures}" '
        f'errors="{int(_failed_to_run(result))}" time="{result.seconds:.3f}">'
    ]
    case = f"    <testcase classname={_attribute(result.check)} name="
    if _failed_to_run(result):
        why = _attribute(result.reason or "no result")
        kind = _attribute(result.outcome.value)
        lines.append(f'{case}"ran"><error type={kind} message={why}/></testcase>')
    else:
        lines.append(f'{case}"ran"/>')
    lines += [_case(case, finding) for finding in result.findings]
    lines += [
        f"    <system-out>{_text(f'Not examined: {skipped}')}</system-out>"
        for skipped in result.skipped[:1]
    ]
    if len(result.skipped) > 1:
        rest = "\n".join(f"Not examined: {one}" for one in result.skipped)
        lines[-1] = f"    <system-out>{_text(rest)}</system-out>"
    return "\n".join([*lines, "  </testsuite>"])


def _case(case: str, finding: Finding) -> str:
    span = finding.span
    place = f"{printable(span.path)}:{span.line}"
    named = f"{case}{_attribute(f'{finding.rule} {place}')} file={_attribute(span.path)}"
    named += f' line="{max(1, span.line)}">'
    if finding.allowed:
        return f"{named}<skipped message={_attribute(finding.allowed)}/></testcase>"
    told = [f"{place}:{span.column}: {finding.message}", finding.excerpt]
    told += [f"{step.span.path}:{step.span.line}: {step.text}" for step in finding.trace]
    told.append(f"Remedy: {finding.remedy}")
    text = "\n".join(line for line in told if line)
    kind = _attribute(finding.severity.word)
    message = _attribute(finding.title or finding.rule)
    return f"{named}<failure type={kind} message={message}>{_text(text)}</failure></testcase>"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", "\n".join(map(printable, text.split("\n"))))


def _text(text: str) -> str:
    return escape(_clean(text))


def _attribute(text: str) -> str:
    return quoteattr(_clean(text).replace("\n", " "))
