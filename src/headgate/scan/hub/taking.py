"""What another tool found, as the result of a check of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from headgate.model.finding import CheckResult, Outcome
from headgate.scan.hub.sarif_in import ForeignRun
from headgate.scan.text import listed, plural, printable


def taken(run: ForeignRun, source: CheckResult, absent: Collection[str]) -> CheckResult:
    """What another tool found, as the result of a check of its own.

    `absent`: files that it names and the branch does not have.
    """
    check = f"tool {run.tool}"
    reasons = [run.reason, *run.refused]
    outcome = run.outcome
    if source.outcome is Outcome.NOT_RUN:
        outcome = Outcome.NOT_RUN
        reasons.append(source.reason)
    if absent:
        names = listed((printable(path) for path in sorted(absent)), 3)
        reasons.append(
            f"{plural(len(absent), 'file')} named that the branch does not have: {names}"
        )
    if outcome is Outcome.PASSED and (run.refused or absent):
        outcome = Outcome.UNKNOWN
    findings = tuple(replace(one, check=check) for one in source.findings)
    if outcome is Outcome.PASSED and findings:
        outcome = Outcome.FAILED
    reason = "; ".join(one for one in reasons if one)
    return CheckResult(check, outcome, reason, findings, source.seconds, run.skipped)
