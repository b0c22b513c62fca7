"""Findings of branches, what people said of them, and the scans of branches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.finding import Finding, Outcome
from headgate.model.ids import ActId, PrincipalId, ProjectId, TrackedId
from headgate.model.tracked import (
    ActKind,
    BranchScan,
    FindingAct,
    FindingState,
    Owner,
    RuleRecord,
    ScanCounts,
    TrackedFinding,
)
from headgate.store import codec
from headgate.store.tables.findings import branch_scans, finding_acts
from headgate.store.tables.findings import tracked_findings as t
from headgate.store.text import decode, encode
from headgate.store.types import Clock, new_id


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which findings to list; empty fields leave nothing out."""

    projects: Collection[ProjectId] | None = None
    branch: str = ""
    states: Collection[FindingState] | None = None
    rule: str = ""
    severity: int = 0
    """The least."""
    owner: str = ""
    text: str = ""
    """In the path."""
    limit: int = 100
    offset: int = 0


class TrackedFindings:
    """What the branches have and had."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self,
        project: ProjectId,
        branch: str,
        finding: Finding,
        commit: str,
        state: FindingState,
        reason: str,
        owner: Owner,
        rank: int,
    ) -> TrackedId:
        """A finding that the branch did not have."""
        now = self._clock()
        done = self._c.execute(
            insert(t).values(
                project_id=project,
                branch=encode(branch),
                identity=finding.identity,
                first_seen=now,
                first_commit=commit,
                owner=encode(owner.name),
                owner_source=owner.source,
                **self._seen(finding, commit, state, reason, rank, now),
            )
        )
        return TrackedId(new_id(done))

    def see(
        self,
        id: TrackedId,
        finding: Finding,
        commit: str,
        state: FindingState,
        reason: str,
        rank: int,
    ) -> None:
        """It is there, as this finding; its identity stays what it was."""
        values = self._seen(finding, commit, state, reason, rank, self._clock())
        self._c.execute(update(t).where(t.c.id == id).values(**values))

    def set_state(self, id: TrackedId, state: FindingState, reason: str = "") -> None:
        fixed = self._clock() if state is FindingState.FIXED else None
        values = {"state": state.value, "reason": encode(reason), "fixed": fixed}
        self._c.execute(update(t).where(t.c.id == id).values(**values))

    def _seen(
        self,
        finding: Finding,
        commit: str,
        state: FindingState,
        reason: str,
        rank: int,
        now: float,
    ) -> dict[str, Any]:
        return {
            "rule": finding.rule,
            "check_name": finding.check,
            "severity": int(finding.severity),
            "confidence": int(finding.confidence),
            "path": encode(finding.span.path),
            "line": finding.span.line,
            "state": state.value,
            "reason": encode(reason),
            "last_seen": now,
            "last_commit": commit,
            "fixed": None,
            "rank": rank,
            "body": codec.dump(finding),
        }

    def get(self, id: TrackedId) -> TrackedFinding:
        """Raises NotFound."""
        row = self._c.execute(select(t).where(t.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no finding {id}.", "See `headgate findings list`.")
        return _tracked(row)

    def of_identity(self, identity: str) -> list[TrackedFinding]:
        """On every branch, by its identity or the beginning of it (at least 8 digits)."""
        if len(identity) < 8:
            return []
        query = select(t).where(t.c.identity.startswith(identity, autoescape=True)).order_by(t.c.id)
        return [_tracked(r) for r in self._c.execute(query).mappings()]

    def of_branch(self, project: ProjectId, branch: str) -> list[TrackedFinding]:
        """All of a branch, fixed ones included, in the order in which they were first seen."""
        query = select(t).where(t.c.project_id == project, t.c.branch == encode(branch))
        return [_tracked(r) for r in self._c.execute(query.order_by(t.c.id)).mappings()]

    def select(self, wanted: Wanted) -> tuple[list[TrackedFinding], int]:
        """One page by rank, and how many there are in all."""
        query = select(t)
        if wanted.projects is not None:
            query = query.where(t.c.project_id.in_(list(wanted.projects)))
        if wanted.branch:
            query = query.where(t.c.branch == encode(wanted.branch))
        if wanted.states is not None:
            query = query.where(t.c.state.in_([state.value for state in wanted.states]))
        if wanted.rule:
            query = query.where(t.c.rule == wanted.rule)
        if wanted.severity:
            query = query.where(t.c.severity >= wanted.severity)
        if wanted.owner:
            query = query.where(t.c.owner == encode(wanted.owner))
        if wanted.text:
            query = query.where(t.c.path.contains(encode(wanted.text), autoescape=True))
        total = self._c.execute(select(func.count()).select_from(query.subquery())).scalar_one()
        query = query.order_by(t.c.rank.desc(), t.c.severity.desc(), t.c.id)
        query = query.limit(wanted.limit).offset(wanted.offset)
        return [_tracked(r) for r in self._c.execute(query).mappings()], int(total)

    def rules(self, projects: Collection[ProjectId]) -> list[str]:
        """Every rule that has findings in these projects."""
        query = select(t.c.rule).where(t.c.project_id.in_(list(projects))).distinct()
        return sorted(r[0] for r in self._c.execute(query))

    def records(self, projects: Collection[ProjectId] | None = None) -> dict[str, RuleRecord]:
        """What became of every rule's findings; a finding counts once however many branches
        have it, in its best known state."""
        query = select(t.c.rule, t.c.identity, t.c.state)
        acts = select(finding_acts.c.rule, finding_acts.c.identity).where(
            finding_acts.c.kind == ActKind.DISPUTE.value,
            finding_acts.c.silences,
            finding_acts.c.ended.is_(None),
        )
        if projects is not None:
            query = query.where(t.c.project_id.in_(list(projects)))
            acts = acts.where(finding_acts.c.project_id.in_(list(projects)))
        disputed = {(r[0], r[1]) for r in self._c.execute(acts)}
        states: dict[tuple[str, str], set[FindingState]] = defaultdict(set)
        for rule, identity, state in self._c.execute(query):
            states[rule, identity].add(FindingState(state))
        counted: dict[str, Counter[str]] = defaultdict(Counter)
        for rule, identity in states.keys() | disputed:
            counted[rule][_fate((rule, identity) in disputed, states[rule, identity])] += 1
        return {rule: RuleRecord(rule, **counts) for rule, counts in counted.items()}


def _fate(disputed: bool, states: Collection[FindingState]) -> str:
    if disputed:
        return "disputed"
    for state in (FindingState.ACCEPTED, FindingState.SUPPRESSED):
        if state in states:
            return state.value
    return "fixed" if set(states) == {FindingState.FIXED} else "open"


def _tracked(r: RowMapping) -> TrackedFinding:
    finding = codec.finding(r["body"])
    return TrackedFinding(
        id=TrackedId(r["id"]),
        project=ProjectId(r["project_id"]),
        branch=decode(r["branch"]),
        finding=replace(finding, identity=r["identity"]),
        state=FindingState(r["state"]),
        reason=decode(r["reason"]),
        first_seen=r["first_seen"],
        first_commit=r["first_commit"],
        last_seen=r["last_seen"],
        last_commit=r["last_commit"],
        fixed=r["fixed"],
        owner=Owner(decode(r["owner"]), r["owner_source"]),
        rank=r["rank"],
    )


class FindingActs:
    """Suppressions, accepted risks and disputes; ended ones are kept."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self,
        project: ProjectId,
        identity: str,
        rule: str,
        kind: ActKind,
        by: PrincipalId,
        *,
        silences: bool,
        reason: str,
        expires: float | None,
    ) -> FindingAct:
        created = self._clock()
        done = self._c.execute(
            insert(finding_acts).values(
                project_id=project,
                identity=identity,
                rule=rule,
                kind=kind.value,
                principal_id=by,
                silences=silences,
                reason=encode(reason),
                expires=expires,
                created=created,
            )
        )
        id = ActId(new_id(done))
        return FindingAct(id, project, identity, rule, kind, by, silences, reason, expires, created)

    def of(self, project: ProjectId, identity: str) -> list[FindingAct]:
        """Oldest first, ended and expired ones included."""
        query = select(finding_acts).where(
            finding_acts.c.project_id == project, finding_acts.c.identity == identity
        )
        rows = self._c.execute(query.order_by(finding_acts.c.id)).mappings()
        return [_act(r) for r in rows]

    def silencing(self, project: ProjectId, now: float) -> Mapping[str, FindingAct]:
        """Identity → the act that silences it now, the latest when there are several."""
        query = select(finding_acts).where(
            finding_acts.c.project_id == project,
            finding_acts.c.silences,
            finding_acts.c.ended.is_(None),
        )
        rows = self._c.execute(query.order_by(finding_acts.c.id)).mappings()
        acts = (_act(r) for r in rows)
        return {act.identity: act for act in acts if act.holds(now)}

    def end(self, project: ProjectId, identity: str) -> int:
        """End everything that silences this finding; how many acts that were."""
        done = self._c.execute(
            update(finding_acts)
            .where(
                finding_acts.c.project_id == project,
                finding_acts.c.identity == identity,
                finding_acts.c.ended.is_(None),
            )
            .values(ended=self._clock())
        )
        return done.rowcount


def _act(r: RowMapping) -> FindingAct:
    return FindingAct(
        id=ActId(r["id"]),
        project=ProjectId(r["project_id"]),
        identity=r["identity"],
        rule=r["rule"],
        kind=ActKind(r["kind"]),
        by=PrincipalId(r["principal_id"]),
        silences=r["silences"],
        reason=decode(r["reason"]),
        expires=r["expires"],
        created=r["created"],
        ended=r["ended"],
    )


class BranchScans:
    """Every scan of a branch, for its trend and for where the next one begins."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self,
        project: ProjectId,
        branch: str,
        commit: str,
        outcome: Outcome,
        reason: str,
        counts: ScanCounts,
    ) -> None:
        self._c.execute(
            insert(branch_scans).values(
                project_id=project,
                branch=encode(branch),
                commit=commit,
                created=self._clock(),
                outcome=outcome.value,
                reason=encode(reason),
                counts=asdict(counts),
            )
        )

    def latest(
        self, project: ProjectId, branch: str, limit: int = 1, complete: bool = False
    ) -> list[BranchScan]:
        """The newest first; with `complete` only those whose checks ran."""
        query = select(branch_scans).where(
            branch_scans.c.project_id == project, branch_scans.c.branch == encode(branch)
        )
        if complete:
            query = query.where(branch_scans.c.outcome != Outcome.NOT_RUN.value)
        query = query.order_by(branch_scans.c.id.desc()).limit(limit)
        return [_scan(r) for r in self._c.execute(query).mappings()]

    def branches(self, project: ProjectId) -> list[str]:
        """Every branch that was ever scanned."""
        query = select(branch_scans.c.branch).where(branch_scans.c.project_id == project).distinct()
        return sorted(decode(r[0]) for r in self._c.execute(query))


def _scan(r: RowMapping) -> BranchScan:
    return BranchScan(
        project=ProjectId(r["project_id"]),
        branch=decode(r["branch"]),
        commit=r["commit"],
        created=r["created"],
        outcome=Outcome(r["outcome"]),
        reason=decode(r["reason"]),
        counts=ScanCounts(**r["counts"]),
    )
