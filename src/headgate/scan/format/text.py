"""Text for people: each finding with its line and remedy, then what was run and what was not."""

from __future__ import annotations

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
    yield from _trace(finding)
    for way in finding.ways:
        first, steps = way[0], plural(len(way), "step")
        where = f"{printable(first.span.path)}:{first.span.line}"
        yield from _wrapped(f"Another way, of {steps}, from {where}: {first.text}.", "  ")
    for one in finding.assumed:
        yield from _wrapped(f"Assumed: {one}", "  ")
    if len(finding.engines) > 1:
        yield f"  {len(finding.engines)} analyzers agree: {', '.join(finding.engines)}."
    if finding.remedy:
        yield from _wrapped(f"Remedy: {finding.remedy}", "  ")


def _trace(finding: Finding) -> Iterator[str]:
    if not finding.trace:
        return
    yield "  The way of the data:"
    for number, step in enumerate(finding.trace, 1):
        span = step.span
        where = f"{printable(span.path)}:{span.line}"
        yield from _wrapped(f"{number}. {where}: {step.text} ({step.role.value})", "    ")
        if step.excerpt:
            yield f"       {span.line} | {step.excerpt}"


def _wrapped(text: str, indent: str) -> list[str]:
    import textwrap  # Where nothing is found, nothing is wrapped.

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
    allowed = list(report.allowed())
    if allowed:
        yield f"Allowed by comments, {plural(len(allowed), 'finding')}:"
        for one in allowed:
            where = f"{printable(one.span.path)}:{one.span.line}"
            yield from _wrapped(f"{where}: [{one.rule}] because {one.allowed}", "  ")
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
