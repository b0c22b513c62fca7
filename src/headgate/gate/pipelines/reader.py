"""Reads what the planner and the entrance want to know out of the store."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.gate.pipelines.entrance import Gaps, Standing, gaps
from headgate.gate.pipelines.planner import Proposal, RunView, Snapshot
from headgate.gate.pipelines.scope import covers, gate_of, named
from headgate.model.change import Change
from headgate.model.config import Policy
from headgate.model.ids import ChangeNumber, PipelineRunId
from headgate.model.pipeline import PipelineRun, RunPhase
from headgate.model.queue import BranchKey
from headgate.store.database import Transaction

MOST = 64
"""Runs under test at once; each holds a build, whose jobs wait for slots."""


def read_snapshot(
    tx: Transaction, policy: Policy, due: Mapping[PipelineRunId, float], now: float
) -> Snapshot:
    """All runs that have not ended."""
    projects = {project.id: project.name for project in tx.projects.all()}
    views: list[RunView] = []
    for run in tx.pipelines.live():
        pipeline = named(policy, run.pipeline)
        if pipeline is not None and not covers(pipeline, projects[run.project], run.branch):
            pipeline = None
        proposal = None
        if run.proposal and run.change is not None:
            change = tx.changes.get(run.change)
            revision = tx.changes.current_revision(run.change)
            key = BranchKey(projects[run.project], run.branch)
            proposal = Proposal(
                change.state, revision.id == run.revision, standing(tx, policy, key, change)
            )
        views.append(RunView(run, pipeline, proposal, due.get(run.id, 0.0)))
    return Snapshot(tuple(views), now, MOST)


def standing(tx: Transaction, policy: Policy, key: BranchKey, change: Change) -> Standing:
    """What the current revision of a change has to show."""
    revision = tx.changes.current_revision(change.number)
    approvers = {a.approver for a in tx.approvals.of(revision.id) if not a.void}
    return Standing(
        pushed=revision.created,
        approvals=sum(not tx.principals.get(id).disabled for id in approvers),
        checks=_checks(tx.pipelines.of_revision(revision.id)),
        covered=frozenset(p.name for p in policy.pipelines if covers(p, key.project, key.branch)),
    )


def _checks(runs: list[PipelineRun]) -> dict[str, RunPhase]:
    # The newest decides: a failure after a success takes the success back.
    return {run.pipeline: run.phase for run in runs}


def gate_gaps(tx: Transaction, policy: Policy, number: ChangeNumber, now: float) -> Gaps:
    """What keeps a change out of its gate, besides its verdict and its dependencies."""
    change = tx.changes.get(number)
    key = BranchKey(tx.projects.get(change.project).name, change.branch)
    gate = gate_of(policy, key)
    if gate is None or not gate.require.asks:
        return Gaps()
    return gaps(gate.require, standing(tx, policy, key, change), now)
