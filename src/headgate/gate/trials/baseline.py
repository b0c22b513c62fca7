"""Asks the bare branch whether a job that failed fails there too: then nobody is to blame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from headgate.gate.builds import Recorder
from headgate.gate.case import Case
from headgate.gate.ports import GatePorts
from headgate.gate.selection import Choice, Unmet, Unusable, select
from headgate.gate.trials.lanes import Lanes
from headgate.gate.trials.reuse import Keeper, Rest, keys_of, only
from headgate.jobs.build import run_build
from headgate.jobs.dispatch.interface import Fate
from headgate.jobs.select import JobKey
from headgate.model.ids import BuildId, Commit, JobRunId, NodeId
from headgate.model.job import BuildState
from headgate.model.queue import BranchKey, Node, NodeState
from headgate.model.trial import Trial
from headgate.store.database import Database


@dataclass(frozen=True, slots=True)
class Bare:
    """What the bare branch says about jobs that failed in a future."""

    red: str = ""
    """Why nobody is to blame; empty: the jobs pass there, or are not there."""
    unknown: str = ""
    """Why it could not be asked; empty: it could."""


GREEN = Bare()


async def ask_bare(
    db: Database,
    ports: GatePorts,
    lanes: Lanes,
    trial: Trial,
    case: Case,
    failed: Collection[JobKey],
    defaults: Mapping[str, str],
    stopping: Callable[[], bool],
) -> Bare:
    """Whether the failed jobs of a trial pass on the branches as they were without any item.

    What is known is not asked again: results that were kept, and failures seen on the same files.
    Raises HeadgateError when git cannot answer, CancelledError when the trial is given up.
    """
    head = trial.heads.get(case.key)
    if head is None:
        return GREEN
    try:
        selected = await select(
            ports,
            case.proposal,
            await _bare_node(ports, trial, case, head),
            defaults,
            Choice(names=tuple(dict.fromkeys(name for _, name in failed)), whatever=True),
        )
    except Unusable:
        return GREEN  # The future was usable: whoever made it so has to answer for its jobs.
    except Unmet as error:
        return Bare(unknown=str(error))
    plan = only(selected.plan, failed)
    if not plan.jobs:
        return GREEN  # The item brings the job along.
    keys = await keys_of(plan)
    with db.read() as tx:
        known = tx.results.find(keys.values())
    asked = [job.key for job in plan.jobs if job.key in failed]
    for job in asked:
        run = lanes.red.find(memo(job, keys, trial), ports.clock())
        if run is not None and keys.get(job, "") not in known:
            return Bare(red=_words(job, case.key, run))
    if all(keys.get(job, "") in known for job in asked):
        return GREEN
    return await _run(db, ports, lanes, trial, case, Rest(plan, (), keys), asked, stopping)


async def _bare_node(ports: GatePorts, trial: Trial, case: Case, head: Commit) -> Node:
    tree = await ports.repository(case.key.project).tree_of(head)
    return Node(
        NodeId(0),
        case.item.id,
        (),
        head,
        head,
        tree,
        dict(trial.heads),
        NodeState.MERGED,
        "",
        None,
        trial.created,
        None,
        (case.item.id,),
    )


async def _run(
    db: Database,
    ports: GatePorts,
    lanes: Lanes,
    trial: Trial,
    case: Case,
    rest: Rest,
    asked: Collection[JobKey],
    stopping: Callable[[], bool],
) -> Bare:
    node = case.node.id if case.node is not None else NodeId(0)
    with db.write() as tx:
        build: BuildId = tx.builds.add()
        tx.trials.set_baseline(trial.id, build)
    recorder = Recorder(db, case.item.change, node, build, stopping)
    sink = Keeper(db, recorder, rest)
    try:
        result = await run_build(rest.plan, ports.dispatcher, sink, ports.clock, ports.semaphores)
    finally:
        await ports.dispatcher.settle(sorted(sink.runs.values()), Fate.GONE)
    with db.write() as tx:
        if tx.builds.get(build).state is BuildState.RUNNING:
            tx.builds.set_state(build, result.state, result.reason)
    for job in recorder.failed:
        lanes.red.add(memo(job, rest.keys, trial), sink.runs[job], ports.clock())
    for job in asked:
        if job in recorder.failed:
            return Bare(red=_words(job, case.key, sink.runs[job]))
    if result.state not in (BuildState.PASSED, BuildState.FAILED):
        return Bare(unknown=result.reason)
    if result.state is BuildState.FAILED and any(job not in sink.seconds for job in asked):
        return Bare(red=f"{result.reason.rstrip('.')}, without any change on {case.key.branch}")
    return GREEN


def memo(job: JobKey, keys: Mapping[JobKey, str], trial: Trial) -> str:
    """What a failure on the bare branches is known by. Of a job without a key, all that it may be
    shown: another project than its own can be why it failed."""
    if key := keys.get(job):
        return key
    heads = sorted(trial.heads.items(), key=lambda one: (one[0].project, one[0].branch))
    shown = ",".join(commit for key, commit in heads if key.project in trial.shown)
    return f"{job[0]}/{job[1]}@{shown}"


def _words(job: JobKey, key: BranchKey, run: JobRunId) -> str:
    return f"job {job[0]}/{job[1]} fails on {key.branch} without any change, too: see /jobs/{run}"
