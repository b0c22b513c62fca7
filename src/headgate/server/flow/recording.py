"""What a scan of a branch means for the findings that are kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headgate.model.finding import CheckResult, Finding, Outcome
from headgate.model.ids import Commit, ProjectId
from headgate.model.suppression import Central
from headgate.model.tracked import (
    OPEN_FINDINGS,
    SILENT_FINDINGS,
    ActKind,
    FindingAct,
    FindingState,
    Owner,
    RuleRecord,
    ScanCounts,
    TrackedFinding,
)
from headgate.scan.findings.follow import Followed, follow
from headgate.scan.rank import Facts, Record, rank

if TYPE_CHECKING:
    from headgate.store.database import Transaction

_RANKS = (Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_RUN)
_UNSURE = (Outcome.NOT_RUN, Outcome.UNKNOWN)


class Writer:
    """Writes what a scan says, in one transaction."""

    def __init__(
        self,
        tx: Transaction,
        project: ProjectId,
        branch: str,
        commit: Commit,
        acts: Mapping[str, FindingAct],
        records: Mapping[str, RuleRecord],
        production: bool,
        central: Central,
    ) -> None:
        self._tx = tx
        self._central = central
        self._where = project, branch, commit
        self._acts = acts
        self._records = records
        self._production = production

    def write(
        self, followed: Followed, new: Sequence[Finding], whose: Sequence[Owner], missed: int
    ) -> ScanCounts:
        project, branch, commit = self._where
        states: list[FindingState] = []
        reopened = 0
        for one, finding in followed.seen:
            state, reason = self._state(finding, one.state)
            reopened += state is FindingState.REOPENED and one.state is not FindingState.REOPENED
            self._tx.tracked.see(
                one.id, finding, commit, state, reason, self._rank(finding, new=False)
            )
            states.append(state)
        for one, finding in followed.returned:
            state, reason = self._state(finding, FindingState.REOPENED)
            reopened += state is FindingState.REOPENED
            self._tx.tracked.see(
                one.id, finding, commit, state, reason, self._rank(finding, new=True)
            )
            states.append(state)
        for finding, owner in zip(new, whose, strict=True):
            state, reason = self._state(finding, None)
            self._tx.tracked.add(
                project, branch, finding, commit, state, reason, owner,
                self._rank(finding, new=True),
            )  # fmt: skip
            states.append(state)
        for one in followed.fixed:
            self._tx.tracked.set_state(one.id, FindingState.FIXED)
        for one in followed.untouched:
            state, reason = self._state(one.finding, one.state)
            if (state, reason) != (one.state, one.reason):
                self._tx.tracked.set_state(one.id, state, reason)
                reopened += state is FindingState.REOPENED
            states.append(state)
        return ScanCounts(
            open=sum(state in OPEN_FINDINGS for state in states),
            new=sum(state is FindingState.NEW for state in states),
            fixed=len(followed.fixed),
            reopened=reopened,
            silent=sum(state in SILENT_FINDINGS for state in states),
            missed=missed,
        )

    def _state(self, finding: Finding, before: FindingState | None) -> tuple[FindingState, str]:
        return next_state(finding, before, self._acts.get(finding.identity), self._central)

    def _rank(self, finding: Finding, *, new: bool) -> int:
        record = self._records.get(finding.rule)
        facts = Facts(
            record=Record(record.confirmed, record.disputed) if record else Record(),
            production=self._production,
            new=new,
        )
        return rank(finding, facts).score


def next_state(
    finding: Finding, before: FindingState | None, act: FindingAct | None, central: Central
) -> tuple[FindingState, str]:
    """The state of a finding that is there, and why it is silent; `before`: None when new."""
    if act is not None:
        accepted = act.kind is ActKind.ACCEPT
        return (FindingState.ACCEPTED if accepted else FindingState.SUPPRESSED), act.reason
    if finding.allowed:
        return FindingState.SUPPRESSED, finding.allowed
    silenced = central.silences(finding)
    if silenced is not None:
        return FindingState.SUPPRESSED, silenced.words
    if before is None:
        return FindingState.NEW, ""
    if before in SILENT_FINDINGS or before is FindingState.FIXED:
        return FindingState.REOPENED, ""
    return (FindingState.OPEN if before is FindingState.NEW else before), ""


def inherited(new: Sequence[Finding], elsewhere: Sequence[TrackedFinding]) -> list[Finding]:
    """With the identities that the same findings have on another branch."""
    if not elsewhere:
        return list(new)
    results = (CheckResult("", Outcome.FAILED, findings=tuple(new)),)
    found = follow(elsewhere, results, lambda path: True, {}, lambda path: None, lambda path: None)
    names = {finding.anchor: finding.identity for _, finding in (*found.seen, *found.returned)}
    return [replace(one, identity=names.get(one.anchor, one.identity)) for one in new]


def joined(one: CheckResult, other: CheckResult) -> CheckResult:
    reasons = [r.reason for r in (one, other) if r.outcome in _UNSURE and r.reason]
    return replace(
        one,
        outcome=max(one.outcome, other.outcome, key=_RANKS.index),
        reason="; ".join(dict.fromkeys(reasons)),
        findings=(*one.findings, *other.findings),
        seconds=one.seconds + other.seconds,
        skipped=(*one.skipped, *other.skipped),
    )


def verdict(results: Sequence[CheckResult]) -> tuple[Outcome, str]:
    outcome = max((r.outcome for r in results), key=_RANKS.index)
    reasons = [f"{r.check}: {r.reason}" for r in results if r.outcome in _UNSURE]
    return outcome, "; ".join(reasons)


def missed(results: Sequence[CheckResult]) -> int:
    return len({entry.rpartition(": ")[0] for result in results for entry in result.skipped})
