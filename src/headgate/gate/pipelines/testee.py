"""Makes what a run tests: a change merged onto its branch, or a commit as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from headgate.gate.futures import Proposal, make_futures
from headgate.gate.pipelines.ports import PipelinePorts
from headgate.gate.scope import branches_of, queue_of, read_heads
from headgate.gate.selection import Choice, Selected, select
from headgate.jobs.build import BuildPlan, PlannedJob
from headgate.jobs.dispatch.interface import RunRequest
from headgate.model.change import Change, ChangeState, Revision
from headgate.model.ids import (
    ChangeNumber,
    Commit,
    ItemId,
    JobRunId,
    NodeId,
    PrincipalId,
    ProjectId,
    QueueId,
    RevisionId,
    Tree,
)
from headgate.model.pipeline import PipelinePolicy, PipelineRun, Precedence, TriggerKind
from headgate.model.queue import BranchKey, Item, ItemState, Node, NodeState
from headgate.store.database import Database, Transaction

_PLACES: Mapping[Precedence, int] = {
    Precedence.HIGH: -(1 << 40),
    Precedence.NORMAL: 1 << 40,
    Precedence.LOW: 1 << 41,
}
"""Added to the number of a run: the gate's own places are small positive numbers."""

_WHATEVER = frozenset({TriggerKind.TAG, TriggerKind.CRON, TriggerKind.ELSEWHERE})
"""What no particular files cause."""


@dataclass(frozen=True, slots=True)
class Testee:
    """What is tested, and which jobs do it."""

    base: Commit
    commit: Commit
    tree: Tree
    future: Mapping[BranchKey, Commit]
    selected: Selected


@dataclass(frozen=True, slots=True)
class Unfit:
    """It cannot be tested, by its own fault."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A change that has not landed, to be merged."""

    change: Change
    revision: Revision
    key: BranchKey


async def make_testee(
    db: Database, ports: PipelinePorts, run: PipelineRun, pipeline: PipelinePolicy
) -> Testee | Unfit:
    """Merge, and choose the jobs. Raises Unusable for a configuration, GitError."""
    with db.read() as tx:
        projects = {project.id: project for project in tx.projects.all()}
        parts = _parts(tx, run)
    if isinstance(parts, Unfit):
        return parts
    project = projects[run.project]
    key = BranchKey(project.name, run.branch or project.default_branch)
    policy = ports.policy()
    names = [p.name for p in projects.values()]
    keys = branches_of(policy, queue_of(policy, key), names, {key, *(p.key for p in parts)})
    heads = await read_heads(ports, keys)
    if run.proposal:
        merged = await _merged(ports, run, key, parts, heads)
        if isinstance(merged, Unfit):
            return merged
        base, commit, tree, future = merged
    else:
        if run.commit is None or run.base is None:
            raise ValueError(f"run {run.id} has no commit to test")
        base, commit = run.base, run.commit
        tree = await ports.repository(project.name).tree_of(commit)
        future = {**heads, key: commit}
    node = Node(
        NodeId(0), ItemId(0), (), base, commit, tree, future, NodeState.MERGED, "", None, 0.0
    )
    mine = parts[-1].revision if parts else _no_revision(commit, base)
    proposal = Proposal(_item(run, pipeline, mine.created), key, mine, "")
    choice = Choice((run.pipeline,), pipeline.jobs, run.trigger in _WHATEVER)
    defaults = {p.name: p.default_branch for p in projects.values()}
    selected = await select(ports, proposal, node, defaults, choice)
    # Whatever is merged runs, what it depends on too: all of it has to be trusted.
    trusted = all(ports.trusted(part.revision.id) for part in parts)
    return Testee(base, commit, tree, future, _marked(selected, run, trusted))


def _parts(tx: Transaction, run: PipelineRun) -> list[_Part] | Unfit:
    """The change with all that it depends on and that has not landed, in the order of merging."""
    if not run.proposal or run.change is None:
        return []
    order: dict[ChangeNumber, _Part] = {}
    stack: list[tuple[ChangeNumber, bool]] = [(run.change, False)]
    under_way: set[ChangeNumber] = set()
    while stack:
        number, leaving = stack.pop()
        change = tx.changes.get(number)
        if leaving:
            key = BranchKey(tx.projects.get(change.project).name, change.branch)
            order[number] = _Part(change, tx.changes.current_revision(number), key)
            continue
        if number in under_way or change.state is ChangeState.LANDED:
            continue
        if number != run.change and change.state in (ChangeState.ABANDONED, ChangeState.DENIED):
            return Unfit(f"it depends on #{number}, which is {change.state.value}")
        under_way.add(number)
        stack.append((number, True))
        for needed in tx.changes.current_revision(number).needs:
            stack.append((needed, False))
    return list(order.values())


async def _merged(
    ports: PipelinePorts,
    run: PipelineRun,
    key: BranchKey,
    parts: list[_Part],
    heads: Mapping[BranchKey, Commit],
) -> tuple[Commit, Commit, Tree, Mapping[BranchKey, Commit]] | Unfit:
    future = None
    before = heads
    for part in parts:
        if part.key not in before:
            return Unfit(f"the branch {part.key.branch} of {part.key.project} does not exist")
        item = _bare_item(part.change.number, part.revision, part.key.branch)
        title = part.change.title
        proposal = Proposal(item, part.key, part.revision, title)
        (future,) = await make_futures(ports, [proposal], (), (), before, before)
        if future.commit is None or future.tree is None:
            mine = part.change.number == run.change
            return Unfit(future.reason if mine else f"#{part.change.number}: {future.reason}")
        before = future.heads
    if future is None or future.commit is None or future.tree is None:
        return Unfit("it has landed meanwhile")
    return future.base, future.commit, future.tree, future.heads


def _item(run: PipelineRun, pipeline: PipelinePolicy, created: float) -> Item:
    return Item(
        id=ItemId(0),
        queue=QueueId(0),
        change=run.change or ChangeNumber(0),
        revision=run.revision or RevisionId(0),
        project=run.project,
        branch=run.branch,
        state=ItemState.WAITING,
        position=_PLACES[pipeline.precedence] + int(run.id),
        reason="",
        created=created,
    )


def _bare_item(number: ChangeNumber, revision: Revision, branch: str) -> Item:
    # Made of what never changes, so that the same merge always is the same commit.
    return Item(
        id=ItemId(0),
        queue=QueueId(0),
        change=number,
        revision=revision.id,
        project=ProjectId(0),
        branch=branch,
        state=ItemState.WAITING,
        position=0,
        reason="",
        created=revision.created,
    )


def _no_revision(commit: Commit, base: Commit) -> Revision:
    return Revision(
        RevisionId(0), ChangeNumber(0), 0, commit, base, "", PrincipalId(0), (), created=0.0
    )


def _marked(selected: Selected, run: PipelineRun, trusted: bool) -> Selected:
    """The same jobs, which also learn what they run for.

    What no verdict has allowed yet gets neither network nor secrets.
    """
    variables = {
        "HEADGATE_PIPELINE": run.pipeline,
        "HEADGATE_TRIGGER": run.trigger.value,
        "HEADGATE_TAG": run.tag,
    }
    if run.change is None:
        variables["HEADGATE_CHANGE"] = ""
    jobs = tuple(_marked_job(job, variables, run, trusted) for job in selected.plan.jobs)
    return replace(selected, plan=BuildPlan(jobs))


def _marked_job(
    planned: PlannedJob, variables: Mapping[str, str], run: PipelineRun, trusted: bool
) -> PlannedJob:
    def request_for(id: JobRunId, attempt: int) -> RunRequest:
        request = planned.request_for(id, attempt)
        given = {**request.variables, **variables}
        if trusted or not (request.network or request.secrets):
            return replace(request, variables=given)
        why = request.withheld or "no verdict has allowed the change yet"
        withheld = why if planned.job.secrets else ""
        return replace(request, variables=given, network=False, secrets={}, withheld=withheld)

    return replace(planned, request_for=request_for)
