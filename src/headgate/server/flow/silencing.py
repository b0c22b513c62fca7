"""Findings that humans have silenced, taken out of what is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.suppression import Central
from headgate.model.tracked import FindingAct
from headgate.scan.text import plural, printable

NOTHING = Central((), "", 0)
"""Where the policy silences nothing."""


def without_silenced(
    checks: Iterable[CheckResult],
    acts: Mapping[str, FindingAct],
    central: Central = NOTHING,
) -> tuple[CheckResult, ...]:
    """The checks without the findings that an act in force (by identity), or the policy, silences.

    A check that failed for nothing else has passed; one that did not run stays so. A suppression
    of the policy that has ended silences nothing, and is told.
    """
    return tuple(_told(_without(check, acts, central), central) for check in checks)


def _told(check: CheckResult, central: Central) -> CheckResult:
    """With what has ended."""
    lapsed = {one for f in check.findings if (one := central.lapsed(f)) is not None}
    if not lapsed:
        return check
    ended = "; ".join(
        f"the suppression at {one.place} has ended, its owner is {printable(one.owner)}"
        for one in sorted(lapsed, key=lambda one: one.line)
    )
    return replace(check, reason=f"{check.reason}; {ended}" if check.reason else ended)


def _without(check: CheckResult, acts: Mapping[str, FindingAct], central: Central) -> CheckResult:
    by_act: list[Finding] = []
    by_policy: list[Finding] = []
    left: list[Finding] = []
    for one in check.findings:
        if one.identity and one.identity in acts:
            by_act.append(one)
        else:
            (left if central.silences(one) is None else by_policy).append(one)
    kept = tuple(left)
    silent = [
        f"{plural(len(found), 'finding')} silenced by {whom}"
        for found, whom in ((by_act, "humans"), (by_policy, "the policy"))
        if found
    ]
    if not silent:
        return check
    outcome, reason = check.outcome, "; ".join(silent)
    if outcome is Outcome.FAILED and not kept:
        outcome = Outcome.PASSED
    elif check.reason and outcome is not Outcome.FAILED:
        reason = f"{check.reason}; {reason}"
    return replace(check, findings=kept, outcome=outcome, reason=reason)
