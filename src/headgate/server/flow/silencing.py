"""Findings that humans have silenced, taken out of what is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from headgate.model.finding import CheckResult, Outcome
from headgate.model.tracked import FindingAct
from headgate.scan.text import plural


def without_silenced(
    checks: Iterable[CheckResult], acts: Mapping[str, FindingAct]
) -> tuple[CheckResult, ...]:
    """The checks without the findings that an act in force silences (by identity).

    A check that failed for nothing else has passed; one that did not run stays so.
    """
    return tuple(_without(check, acts) for check in checks)


def _without(check: CheckResult, acts: Mapping[str, FindingAct]) -> CheckResult:
    kept = tuple(f for f in check.findings if not f.identity or f.identity not in acts)
    silent = len(check.findings) - len(kept)
    if not silent:
        return check
    outcome, reason = check.outcome, f"{plural(silent, 'finding')} silenced by humans"
    if outcome is Outcome.FAILED and not kept:
        outcome = Outcome.PASSED
    elif check.reason and outcome is not Outcome.FAILED:
        reason = f"{check.reason}; {reason}"
    return replace(check, findings=kept, outcome=outcome, reason=reason)
