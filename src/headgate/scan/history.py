"""Secrets that came and went between base and head: removed, yet in the history that lands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.record import record, replace
from headgate.scan.analyzers.interface import Analysis, Analyzer, SourceFile
from headgate.scan.identity import anchor, identity
from headgate.scan.notes import is_names, masks, names_note
from headgate.scan.text import Text, decode, plural, printable

_REMEDY = (
    "Take it out of that commit too (`git rebase -i`, or squash the commits), and replace it where "
    "it is valid."
)


@record
class Past:
    """A file as a commit between base and head had it, and neither of them has."""

    commit: str
    file: SourceFile


@record
class Found:
    """What the commits in between hold."""

    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    """Why some of them could not be searched."""
    masks: dict[str, str] = field(default_factory=dict[str, str])
    """Path as it is printed → masked, of the names that hold a secret."""

    def joined(self, result: CheckResult) -> CheckResult:
        """The result of the secrets check with these findings added to its own."""
        findings = (*result.findings, *self.findings)
        outcome, reason = result.outcome, result.reason
        if self.problems:
            outcome, reason = Outcome.NOT_RUN, "; ".join(self.problems)
        elif self.findings and outcome not in (Outcome.NOT_RUN, Outcome.UNKNOWN):
            outcome, reason = Outcome.FAILED, plural(len(findings), "finding")
        return replace(result, findings=findings, outcome=outcome, reason=reason)


def in_history(
    history: Sequence[Past],
    seen: set[str],
    *,
    base_files: Sequence[SourceFile],
    tools: Sequence[Analyzer],
) -> Found:
    """Secrets of these states that `seen` (marks of the head's) and the base do not have."""
    seekers = [tool for tool in tools if tool.check == "secrets"]
    found: list[tuple[Past, Analysis]] = []
    for past in history:
        found += [(past, tool.scan([past.file])) for tool in seekers]
    if any(analysis.hits for _, analysis in found):
        old = [*base_files, names_note(file.path for file in base_files)]
        seen = seen | {hit.mark for tool in seekers for hit in tool.scan(old).hits}
    findings: list[Finding] = []
    counted: Counter[str] = Counter()
    hidden: dict[str, str] = {}
    for past, analysis in found:
        text = Text(decode(past.file.data))
        for span in analysis.hidden:
            text.hide(span)
        if is_names(past.file.path):
            hidden |= masks(text)
        for hit in analysis.hits:
            if hit.mark in seen:
                continue
            seen = seen | {hit.mark}
            where = anchor(hit.finding, text)
            key = identity(where, 0)
            findings.append(
                replace(
                    hit.finding,
                    message=f"{hit.finding.message} It is in commit {past.commit[:10]}, and stays "
                    "in the history that would land, though a later commit takes it out.",
                    remedy=_REMEDY,
                    excerpt=printable(text.excerpt(hit.finding.span).replace("\t", " ")),
                    identity=identity(where, counted[key]),
                )
            )
            counted[key] += 1
    problems = {analysis.reason for _, analysis in found if analysis.outcome is Outcome.NOT_RUN}
    return Found(tuple(findings), tuple(sorted(problems)), hidden)
