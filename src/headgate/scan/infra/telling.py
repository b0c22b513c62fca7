"""How the analyzers of configuration files tell what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from headgate.model.finding import Confidence, Finding, Outcome, Severity, Span
from headgate.scan.analyzers.interface import Analysis, Hit, SourceFile
from headgate.scan.rules.table import Rule, load
from headgate.scan.text import decode, is_test

LEAST = Severity.MEDIUM
"""What is reported unless asked otherwise; below it are suggestions to harden."""


class Unreadable(Exception):
    """A file of a kind that an analyzer knows, which cannot be read as one; says why."""


class Teller:
    """Collects what is found in one file."""

    def __init__(self, path: str, rules: Mapping[str, Rule]) -> None:
        self.path = path
        self._rules = rules
        self.findings: list[Finding] = []

    def using(self, table: str) -> Teller:
        """One that tells by another table into the same list."""
        other = Teller(self.path, load(table))
        other.findings = self.findings
        return other

    def say(
        self,
        code: str,
        span: Span,
        more: str = "",
        *,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
    ) -> None:
        """Report the rule at a place; `more` follows its message, the rest overrides it."""
        rule = self._rules[code]
        self.findings.append(
            Finding(
                rule=rule.rule,
                title=rule.title,
                message=f"{rule.message} {more}".rstrip(),
                remedy=rule.remedy,
                severity=rule.severity if severity is None else severity,
                confidence=rule.confidence if confidence is None else confidence,
                span=replace(span, path=self.path),
                cwe=rule.cwe or None,
                check="source",
            )
        )


def scan_each(
    files: Sequence[SourceFile],
    table: str,
    judge: Callable[[str, Teller], None],
    least: Severity,
) -> Analysis:
    """What `judge` says of the text of every file, at or above `least`, one hit per place."""
    rules = load(table)
    hits: list[Hit] = []
    skipped: list[str] = []
    for file in files:
        teller = Teller(file.path, rules)
        try:
            judge(decode(file.data), teller)
        except Unreadable as error:
            skipped.append(f"{file.path}: {error}")
        floor = max(least, Severity.HIGH) if is_test(file.path) and least > Severity.INFO else least
        # Of tests only what may deny is told: their paths are free to choose.
        hits += [Hit(one) for one in _once(teller.findings) if one.severity >= floor]
    return Analysis(Outcome.PASSED, "", tuple(hits), tuple(skipped))


def _once(findings: Iterable[Finding]) -> Iterable[Finding]:
    """The worst finding of each rule at each place."""
    kept: dict[tuple[str, int, int], Finding] = {}
    for one in findings:
        key = (one.rule, one.span.line, one.span.column)
        if key not in kept or one.severity > kept[key].severity:
            kept[key] = one
    return kept.values()
