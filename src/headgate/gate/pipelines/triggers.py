"""From what happened to the runs that it causes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.gate.pipelines.scope import covers
from headgate.jobs.output import OutputWatch
from headgate.model.config import Policy
from headgate.model.cron import parse_cron
from headgate.model.ids import ChangeNumber, Commit, ProjectId, RevisionId
from headgate.model.pipeline import Manager, NewRun, PipelinePolicy, TriggerKind
from headgate.model.principal import GATE


@dataclass(frozen=True, slots=True)
class Target:
    """The project and branch that something happened to."""

    id: ProjectId
    project: str
    branch: str
    """Empty for a tag."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A revision is to be checked: it was pushed, or somebody asked for a re-check."""

    target: Target
    cause: str
    actor: str
    change: ChangeNumber
    revision: RevisionId


@dataclass(frozen=True, slots=True)
class Commented:
    """Somebody who may ask for runs wrote on a change."""

    target: Target
    cause: str
    actor: str
    change: ChangeNumber
    revision: RevisionId
    text: str


@dataclass(frozen=True, slots=True)
class Landed:
    """A branch moved to a tested commit."""

    target: Target
    cause: str
    actor: str
    change: ChangeNumber
    before: Commit
    commit: Commit


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag was pushed."""

    target: Target
    cause: str
    actor: str
    tag: str
    commit: Commit


CRON_MARK = "cron/"
"""How the marks of schedules begin."""

Happening = Proposed | Commented | Landed | Tagged


@dataclass(frozen=True, slots=True)
class Place:
    """A project as it is: what a run that no push causes may be about."""

    id: ProjectId
    name: str
    default: str
    """Its default branch."""
    heads: Mapping[str, Commit] = field(default_factory=dict[str, Commit])
    requires: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Branch → other projects that its jobs want beside them."""


def runs_for(happening: Happening, policy: Policy) -> tuple[NewRun, ...]:
    """The runs that something causes, in the order of the policy's pipelines."""
    target = happening.target
    found: list[NewRun] = []
    for pipeline in policy.pipelines:
        if pipeline.manager is Manager.DEPENDENT:
            continue  # The gate has its own entrance.
        if not covers(pipeline, target.project, target.branch):
            continue
        match happening:
            case Proposed() if pipeline.on(TriggerKind.PUSH):
                found.append(_proposal(happening, pipeline, TriggerKind.PUSH))
            case Commented() if asks(pipeline, happening.text):
                found.append(_proposal(happening, pipeline, TriggerKind.COMMENT))
            case Landed() if pipeline.on(TriggerKind.LANDED):
                found.append(
                    NewRun(
                        pipeline.name,
                        target.id,
                        target.branch,
                        TriggerKind.LANDED,
                        happening.cause,
                        happening.actor,
                        change=happening.change,
                        base=happening.before,
                        commit=happening.commit,
                    )
                )
            case Tagged() if pipeline.on(TriggerKind.TAG):
                found.append(
                    NewRun(
                        pipeline.name,
                        target.id,
                        "",
                        TriggerKind.TAG,
                        happening.cause,
                        happening.actor,
                        tag=happening.tag,
                        base=happening.commit,
                        commit=happening.commit,
                    )
                )
            case _:
                pass
    return tuple(found)


def asks(pipeline: PipelinePolicy, text: str) -> bool:
    """Whether a comment asks for a pipeline: an expression is found in one of its lines."""
    expressions = [t.argument for t in pipeline.triggers if t.kind is TriggerKind.COMMENT]
    lines = "".join(f"{line.strip()}\n" for line in text.splitlines())
    # In time proportional to the text: a comment must not be able to hold the server up.
    return OutputWatch(expressions).feed(lines.encode())


def runs_elsewhere(landed: Landed, places: Iterable[Place], policy: Policy) -> tuple[NewRun, ...]:
    """The runs of projects whose jobs want the one that something landed in."""
    there = landed.target
    found: list[NewRun] = []
    for pipeline in policy.pipelines:
        if pipeline.manager is Manager.DEPENDENT or not pipeline.on(TriggerKind.ELSEWHERE):
            continue
        for place in places:
            if place.id == there.id:
                continue
            found += [
                _standing(
                    pipeline, place, branch, TriggerKind.ELSEWHERE, landed.cause, landed.actor
                )
                for branch in _branches(pipeline, place)
                if there.project in place.requires.get(branch, frozenset())
            ]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule that has come."""

    pipeline: PipelinePolicy
    mark: str
    """Under which it is noted that it came."""
    time: float


def due(
    policy: Policy, marks: Mapping[str, float], now: float
) -> tuple[tuple[Due, ...], float | None]:
    """The schedules that have come since they were last noted, and when the next one comes.

    What came several times while nobody looked, with the server down say, counts once.
    """
    found: list[Due] = []
    later: list[float] = []
    for mark, (pipeline, schedule) in schedules(policy).items():
        cron = parse_cron(schedule)
        # One that was never noted counts from now on.
        comes = cron.next_after(marks.get(mark, now))
        if comes <= now:
            found.append(Due(pipeline, mark, comes))
            comes = cron.next_after(now)
        later.append(comes)
    return tuple(found), min(later, default=None)


def schedules(policy: Policy) -> Mapping[str, tuple[PipelinePolicy, str]]:
    """Every schedule, by the mark under which it is noted that it came."""
    return {
        f"{CRON_MARK}{pipeline.name}/{trigger.argument}": (pipeline, trigger.argument)
        for pipeline in policy.pipelines
        for trigger in pipeline.triggers
        if trigger.kind is TriggerKind.CRON
    }


def runs_due(one: Due, places: Sequence[Place]) -> tuple[NewRun, ...]:
    """The runs of a schedule: its branches of its projects, as they are."""
    cause = f"cron/{int(one.time)}"
    return tuple(
        _standing(one.pipeline, place, branch, TriggerKind.CRON, cause, GATE)
        for place in places
        for branch in _branches(one.pipeline, place)
    )


def _branches(pipeline: PipelinePolicy, place: Place) -> list[str]:
    wanted = sorted(place.heads) if pipeline.branches else [place.default]
    return [b for b in wanted if b in place.heads and covers(pipeline, place.name, b)]


def _standing(
    pipeline: PipelinePolicy,
    place: Place,
    branch: str,
    trigger: TriggerKind,
    cause: str,
    actor: str,
) -> NewRun:
    head = place.heads[branch]
    return NewRun(pipeline.name, place.id, branch, trigger, cause, actor, base=head, commit=head)


def _proposal(
    happening: Proposed | Commented, pipeline: PipelinePolicy, trigger: TriggerKind
) -> NewRun:
    return NewRun(
        pipeline.name,
        happening.target.id,
        happening.target.branch,
        trigger,
        happening.cause,
        happening.actor,
        change=happening.change,
        revision=happening.revision,
    )
