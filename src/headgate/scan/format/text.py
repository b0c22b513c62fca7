"""Text for people: each finding with its line and remedy, then what was run and what was not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.scan.format.interface import Report
from headgate.scan.text import caret, listed, plural, printable

_WIDTH = 96
_SEVERITIES = ("critical", "high", "medium", "low", "info")


def render(report: Report) -> str:
    """`path:line:column: severity rule`, what is wrong, the line with a caret, the remedy."""
    lines: list[str] = []
    for finding in report.findings():
        lines += [*_finding(finding), ""]
    lines += _summary(report)
    return "\n".join(lines) + "\n"


def _finding(finding: Finding) -> Iterator[str]:
    span = finding.span
    sure = "" if finding.confidence.word == "high" else f", {finding.confidence.word} confidence"
    cwe = f" (CWE-{finding.cwe})" if finding.cwe else ""
    yield (
        f"{printable(span.path)}:{span.line}:{span.column}: {finding.severity.word} "
        f"[{finding.rule}]{cwe}{sure}"
    )
    yield from _wrapped(f"{finding.title}. {finding.message}".rstrip(), "  ")
    if finding.excerpt:
        number = str(span.line)
        start, length = caret(finding)
        yield f"  {number} | {finding.excerpt}"
        yield f"  {' ' * len(number)} | {' ' * start}{'^' * length}"
    if len(finding.trace) > 1:
        yield from _trace(finding)
    if finding.remedy:
        yield from _wrapped(f"Remedy: {finding.remedy}", "  ")


def _trace(finding: Finding) -> Iterator[str]:
    """How the data gets there: a line for each place, several steps at one joined."""
    yield "  How it gets there:"
    place, reasons = "", list[str]()
    for step in finding.trace:
        here = f"{printable(step.span.path)}:{step.span.line}"
        if here != place and reasons:
            yield from _wrapped(f"{place}: {', '.join(reasons)}", "    ")
            reasons = []
        place = here
        reasons.append(printable(step.reason))
    yield from _wrapped(f"{place}: {', '.join(reasons)}", "    ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        printable(text),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _summary(report: Report) -> Iterator[str]:
    counts = report.counts()
    total = counts.total()
    what = f"{plural(report.files, 'file')} examined"
    if report.base:
        what += f" against {printable(report.base)}"
    parts = [f"{counts[word]} {word}" for word in _SEVERITIES if counts[word]]
    said = f"{plural(total, 'finding')} ({', '.join(parts)})" if total else "no findings"
    checks = ", ".join(f"{result.check} {_outcome(result)}" for result in report.results)
    yield f"{what}: {said}. Checks: {checks}."
    for result in report.results:
        if result.outcome in (Outcome.NOT_RUN, Outcome.UNKNOWN):
            yield f"{result.check} {result.outcome.value}: {printable(result.reason)}"
    skipped = dict.fromkeys(path for result in report.results for path in result.skipped)
    if skipped:
        shown = listed((printable(path) for path in skipped), 5)
        yield f"Not examined, {plural(len(skipped), 'file')}: {shown}."
    reduced = dict.fromkeys(path for result in report.results for path in result.reduced)
    if reduced:
        shown = listed((printable(path) for path in reduced), 5)
        yield f"Examined in part, {plural(len(reduced), 'file')}: {shown}."


def _outcome(result: CheckResult) -> str:
    return "found something" if result.outcome is Outcome.FAILED else result.outcome.value
