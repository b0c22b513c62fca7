"""Runs the analyzers over files and joins what they say into the outcomes of the checks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.scan.analyzers.injection import Injection
from headgate.scan.analyzers.interface import Analysis, Analyzer, Hit, SourceFile
from headgate.scan.analyzers.ruff import Ruff
from headgate.scan.analyzers.secrets import Secrets
from headgate.scan.history import Past, in_history
from headgate.scan.identity import Anchor, anchor, identity
from headgate.scan.introduced import introduced
from headgate.scan.text import MAX_SIZE, Text, decode, listed, plural, printable, unreadable

__all__ = ["CHECKS", "MAX_SIZE", "Past", "Request", "analyzers", "examine"]

CHECKS = ("source", "secrets")
_SUPERSEDED: Mapping[str, frozenset[str]] = {
    "python/sql-string": frozenset({"python/sql-injection"}),
    "python/eval": frozenset({"python/code-injection"}),
    "python/exec": frozenset({"python/code-injection"}),
}
"""Rules that say less than another one at the same place."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to examine."""

    head: tuple[SourceFile, ...]
    base: tuple[SourceFile, ...] | None = None
    """What the same files were before; None: every finding counts, not only new ones."""
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path in the head → path in the base."""
    excluded: frozenset[str] = frozenset()
    """Paths that the source check leaves out."""
    history: tuple[Past, ...] = ()
    """What is searched for secrets only."""
    skipped: tuple[str, ...] = ()
    """`path: reason` of files that were left out before."""


def analyzers(key: bytes, cache: Path | None) -> tuple[Analyzer, ...]:
    """Those that Headgate ships. `key` and `cache` as `Secrets` takes them."""
    return (Ruff(), Injection(), Secrets(key, cache))


def examine(
    request: Request,
    tools: Sequence[Analyzer],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[CheckResult, ...]:
    """One result per check, in the order of `CHECKS`."""
    head = _Side(request.head, tools, request.excluded, clock)
    for check in CHECKS:
        head.run(check)
    base: _Side | None = None
    if request.base is not None:
        base = _Side(request.base, tools, frozenset(), clock)
        for check in CHECKS:
            if any(hit.finding.check == check for hit in head.hits(check)):
                # Old files that no longer hold a secret still have to be masked alike.
                base.run("secrets")
                base.run(check)
    results = [_result(check, head, base, request) for check in CHECKS]
    if request.history:
        seen = {hit.mark for hit in head.hits("secrets")}
        past = in_history(request.history, seen, base_files=request.base or (), tools=tools)
        results = [past.joined(one) if one.check == "secrets" else one for one in results]
    return tuple(results)


class _Side:
    """The files of one state, and what was found in them so far."""

    def __init__(
        self,
        files: Iterable[SourceFile],
        tools: Sequence[Analyzer],
        excluded: frozenset[str],
        clock: Callable[[], float],
    ) -> None:
        self._tools = tools
        self._excluded = excluded
        self._clock = clock
        self._files: list[SourceFile] = []
        self.unread: list[str] = []
        for file in files:
            why = unreadable(file.data)
            if why:
                self.unread.append(f"{file.path}: {why}")
            else:
                self._files.append(file)
        self._data = {file.path: file.data for file in self._files}
        self._texts: dict[str, Text] = {}
        self._analyses: dict[str, list[Analysis]] = {}
        self.seconds: dict[str, float] = {}

    def run(self, check: str) -> None:
        if check in self._analyses:
            return
        began = self._clock()
        done: list[Analysis] = []
        for tool in self._tools:
            if tool.check != check:
                continue
            wanted = [
                file
                for file in self._files
                if tool.wants(file.path, len(file.data))
                and not (check == "source" and file.path in self._excluded)
            ]
            done.append(tool.scan(wanted))
        self._analyses[check] = done
        for analysis in done:
            for span in analysis.hidden:
                self.text(span.path).hide(span)
        self.seconds[check] = self._clock() - began

    def text(self, path: str) -> Text:
        if path not in self._texts:
            self._texts[path] = Text(decode(self._data[path]))
        return self._texts[path]

    def outcome(self, check: str) -> Outcome:
        outcomes = {analysis.outcome for analysis in self._analyses.get(check, ())}
        return Outcome.PASSED if outcomes <= {Outcome.PASSED} else Outcome.NOT_RUN

    def reasons(self, check: str) -> list[str]:
        return [one.reason for one in self._analyses.get(check, ()) if one.reason]

    def skipped(self, check: str) -> list[str]:
        return [path for one in self._analyses.get(check, ()) for path in one.skipped]

    def hits(self, check: str) -> list[Hit]:
        """In the order of the files, what another finding says better left out."""
        hits = [hit for one in self._analyses.get(check, ()) for hit in one.hits]
        places: dict[tuple[str, str], list[Finding]] = {}
        for hit in hits:
            places.setdefault((hit.finding.rule, hit.finding.span.path), []).append(hit.finding)

        def superseded(finding: Finding) -> bool:
            return any(
                _overlap(finding, other)
                for rule in _SUPERSEDED.get(finding.rule, ())
                for other in places.get((rule, finding.span.path), ())
            )

        kept = {
            (hit.finding.rule, hit.finding.span): hit for hit in hits if not superseded(hit.finding)
        }
        return sorted(kept.values(), key=lambda hit: _order(hit.finding))

    def anchors(self, hits: Iterable[Hit]) -> list[Anchor]:
        return [anchor(hit.finding, self.text(hit.finding.span.path), hit.mark) for hit in hits]


def _overlap(one: Finding, other: Finding) -> bool:
    return one.span.line <= max(other.span.end_line, other.span.line) and other.span.line <= max(
        one.span.end_line, one.span.line
    )


def _order(finding: Finding) -> tuple[str, int, int, str]:
    span = finding.span
    return span.path, span.line, span.column, finding.rule


def _result(check: str, head: _Side, base: _Side | None, request: Request) -> CheckResult:
    hits = head.hits(check)
    anchors = head.anchors(hits)
    # While it is not known what is secret, nothing is shown.
    shown = head.outcome("secrets") is Outcome.PASSED
    counted: Counter[str] = Counter()
    findings: list[Finding] = []
    for hit, where in zip(hits, anchors, strict=True):
        key = identity(where, 0)
        excerpt = head.text(hit.finding.span.path).excerpt(hit.finding.span)
        findings.append(
            replace(
                hit.finding,
                excerpt=printable(excerpt.replace("\t", " ")) if shown else "",
                identity=identity(where, counted[key]),
            )
        )
        counted[key] += 1
    outcome, reasons = head.outcome(check), head.reasons(check)
    seconds = head.seconds[check]
    if base is not None and hits:
        seconds += base.seconds[check]
        if base.outcome(check) is Outcome.PASSED:
            old = base.hits(check)
            keep = introduced(anchors, base.anchors(old), request.renamed)
            findings = [findings[index] for index in keep]
        else:
            outcome = Outcome.NOT_RUN
            reasons += [f"the base could not be examined: {why}" for why in base.reasons(check)]
    if outcome is Outcome.PASSED and findings:
        outcome = Outcome.FAILED
        reasons = [plural(len(findings), "finding")]
    skipped = [*request.skipped, *head.unread, *head.skipped(check)]
    if skipped and outcome is not Outcome.NOT_RUN:
        reasons.append(f"{plural(len(skipped), 'file')} not examined: {listed(skipped)}")
    return CheckResult(
        check=check,
        outcome=outcome,
        reason=printable("; ".join(reasons)),
        findings=tuple(findings),
        seconds=seconds,
        skipped=tuple(dict.fromkeys(skipped)),
    )
