"""From the runs that have not ended to what should be done with them next. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headgate.gate.pipelines.entrance import Standing, gaps
from headgate.model.change import ChangeState
from headgate.model.ids import PipelineRunId
from headgate.model.pipeline import Manager, PipelinePolicy, PipelineRun, Precedence, RunPhase

_RANK = {Precedence.HIGH: 0, Precedence.NORMAL: 1, Precedence.LOW: 2}


@dataclass(frozen=True, slots=True)
class Proposal:
    """The change of a run that tests one which has not landed."""

    state: ChangeState
    current: bool
    """Whether the run's revision is the newest."""
    standing: Standing


@dataclass(frozen=True, slots=True)
class RunView:
    """A run that has not ended."""

    run: PipelineRun
    pipeline: PipelinePolicy | None
    """None when the policy has it no more, or not for this project and branch."""
    proposal: Proposal | None = None
    due: float = 0.0
    """When it may be tried again, after trouble; seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is not decided yet."""

    runs: tuple[RunView, ...]
    """Oldest first."""
    now: float
    most: int
    """How many may be under test at once."""


@dataclass(frozen=True, slots=True)
class Start:
    """Make what is to be tested, and run its jobs."""

    run: PipelineRunId


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody needs it any more."""

    run: PipelineRunId
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """It is not its turn; the reason is for people."""

    run: PipelineRunId
    reason: str


Command = Start | Cancel | Wait


@dataclass(frozen=True, slots=True)
class Plan:
    """Commands in order, and when to look again though nothing happens."""

    commands: tuple[Command, ...]
    again: float | None = None


@dataclass(slots=True)
class _Draft:
    commands: list[Command] = field(default_factory=list[Command])
    ready: list[RunView] = field(default_factory=list[RunView])
    again: list[float] = field(default_factory=list[float])


_Lane = tuple[str, str, str, str]


def plan(snapshot: Snapshot) -> Plan:
    """What to do now. The same snapshot gives the same plan."""
    draft = _Draft()
    newest = _newest(snapshot.runs)
    building = 0
    for view in snapshot.runs:
        run = view.run
        if why := _obsolete(view, newest):
            draft.commands.append(Cancel(run.id, why))
        elif run.phase is RunPhase.BUILDING:
            building += 1
        elif why := _unready(view, snapshot.now, draft.again):
            draft.commands.append(Wait(run.id, why))
        else:
            draft.ready.append(view)
    _take_turns(snapshot, draft, building)
    return Plan(tuple(draft.commands), min(draft.again, default=None))


def _obsolete(view: RunView, newest: Mapping[object, PipelineRun]) -> str:
    """Why nobody needs a run any more; empty while somebody does."""
    run, pipeline, proposal = view.run, view.pipeline, view.proposal
    if pipeline is None:
        waiting = run.phase is RunPhase.WAITING
        return f"the policy has no pipeline {run.pipeline} for it any more" if waiting else ""
    if proposal is not None:
        if proposal.state is ChangeState.LANDED:
            return f"#{run.change} has landed"
        if proposal.state is ChangeState.ABANDONED:
            return f"#{run.change} is abandoned"
        if not proposal.current:
            return "a new revision was pushed"
        if proposal.state is ChangeState.DENIED and run.phase is RunPhase.BUILDING:
            return f"#{run.change} is denied"
        later = newest[run.pipeline, run.change]
        if later.id != run.id:
            return f"run {later.id} takes its place"
    if pipeline.manager is Manager.SUPERCEDENT and run.phase is RunPhase.WAITING:
        later = newest[_lane(run)]
        if later.id != run.id:
            return f"run {later.id}, which is newer, takes its place"
    return ""


def _newest(runs: Sequence[RunView]) -> Mapping[object, PipelineRun]:
    """The newest run of each lane, and of each change in a pipeline."""
    found: dict[object, PipelineRun] = {}
    for view in runs:
        found[_lane(view.run)] = view.run
        if view.proposal is not None:
            found[view.run.pipeline, view.run.change] = view.run
    return found


def _lane(run: PipelineRun) -> _Lane:
    return (run.pipeline, str(run.project), run.branch, run.tag)


def _unready(view: RunView, now: float, again: list[float]) -> str:
    """What a waiting run lacks itself, whatever the others do."""
    run, proposal = view.run, view.proposal
    if view.due > now:
        again.append(view.due)
        return run.reason or "will be tried again"
    if proposal is None or view.pipeline is None:
        return ""
    if proposal.state is ChangeState.CHECKING:
        return f"waits until #{run.change} is inspected"
    if proposal.state is ChangeState.DENIED:
        return f"waits: #{run.change} is denied"
    found = gaps(view.pipeline.require, proposal.standing, now)
    if found.again is not None:
        again.append(found.again)
    return f"#{run.change} {', and '.join(found.words)}" if found.words else ""


def _take_turns(snapshot: Snapshot, draft: _Draft, building: int) -> None:
    """Start what is ready, as far as its manager and the room allow."""
    busy: dict[object, PipelineRunId] = {}
    for view in snapshot.runs:
        if view.run.phase is RunPhase.BUILDING:
            busy.setdefault(_turn(view.run), view.run.id)
    room = snapshot.most - building
    order = sorted(draft.ready, key=lambda view: (_precedence(view), view.run.id))
    for view in order:
        run, pipeline = view.run, view.pipeline
        if pipeline is not None and pipeline.manager in (Manager.SERIAL, Manager.SUPERCEDENT):
            first = busy.get(_turn(run))
            if first is not None:
                draft.commands.append(Wait(run.id, f"waits for run {first}"))
                continue
        if room <= 0:
            draft.commands.append(Wait(run.id, "waits until fewer runs are under test"))
            continue
        draft.commands.append(Start(run.id))
        busy[_turn(run)] = run.id
        room -= 1


def _turn(run: PipelineRun) -> object:
    """What takes turns: a pipeline on a branch, or on all the tags of a project."""
    return (run.pipeline, run.project, run.branch)


def _precedence(view: RunView) -> int:
    return _RANK[view.pipeline.precedence if view.pipeline else Precedence.NORMAL]
