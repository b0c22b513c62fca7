"""Pipelines: what is run when, beside the gate; and their runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headgate.model.ids import (
    BuildId,
    ChangeNumber,
    Commit,
    PipelineRunId,
    ProjectId,
    RevisionId,
    Tree,
)
from headgate.model.queue import BranchKey

GATE_PIPELINE = "gate"
"""The pipeline of jobs that name none."""


class Manager(StrEnum):
    """How the runs of a pipeline stand to each other."""

    INDEPENDENT = "independent"
    """Each by itself, all at once."""
    DEPENDENT = "dependent"
    """The gate: each in the future in which those ahead of it have landed."""
    SERIAL = "serial"
    """One after the other, for each project and branch."""
    SUPERCEDENT = "supercedent"
    """One at a time for each project and branch, and only the newest of those that wait."""


class TriggerKind(StrEnum):
    """What makes a pipeline run."""

    PUSH = "push"
    """A new revision of a change, or a re-check of one."""
    LANDED = "landed"
    TAG = "tag"
    COMMENT = "comment"
    CRON = "cron"
    ELSEWHERE = "landed-elsewhere"
    """Something landed in a project that the jobs of this one require."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One entry of `on`."""

    kind: TriggerKind
    argument: str = ""
    """The expression of a comment, the schedule of a cron."""

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.argument}" if self.argument else self.kind.value


class Report(StrEnum):
    """Where the outcome of a run is told, beside its own page."""

    MESSAGE = "message"
    """On the change."""
    STATUS = "status"
    """On the commit, by the forge."""


class Precedence(StrEnum):
    """Whose jobs get a free slot first."""

    HIGH = "high"
    """Before the gate."""
    NORMAL = "normal"
    """After the gate."""
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Entrance:
    """`require`: what a change must have before a pipeline takes it."""

    approvals: int = 0
    checks: tuple[str, ...] = ()
    """Pipelines that must have passed for the current revision."""
    age: float = 0.0
    """Seconds since the current revision was pushed."""

    @property
    def asks(self) -> bool:
        return bool(self.approvals or self.checks or self.age)


@dataclass(frozen=True, slots=True)
class PipelinePolicy:
    """A `[pipelines.NAME]` table of policy.toml."""

    name: str
    manager: Manager
    triggers: tuple[Trigger, ...]
    projects: tuple[str, ...]
    """Patterns."""
    branches: tuple[str, ...] = ()
    """Patterns; empty: any branch, and for what no branch causes the default one."""
    jobs: tuple[str, ...] = ()
    """Names; empty: those whose `pipelines` name this one."""
    require: Entrance = field(default_factory=Entrance)
    report: tuple[Report, ...] = (Report.MESSAGE, Report.STATUS)
    precedence: Precedence = Precedence.NORMAL

    def on(self, kind: TriggerKind) -> bool:
        """Whether a trigger of this kind is among `on`."""
        return any(trigger.kind is kind for trigger in self.triggers)


class RunPhase(StrEnum):
    """Where a run of a pipeline stands."""

    WAITING = "waiting"
    """For what its pipeline requires, for its turn, or to be tried again."""
    BUILDING = "building"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Something newer took its place, or there is nothing left to test."""
    INFRASTRUCTURE = "infrastructure"
    """Could not be run, for no fault of what it tests."""

    @property
    def live(self) -> bool:
        return self in (RunPhase.WAITING, RunPhase.BUILDING)


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run about to be recorded."""

    pipeline: str
    project: ProjectId
    branch: str
    """Empty for a tag."""
    trigger: TriggerKind
    cause: str
    """What caused it, `event/12` or `cron/…`: the same cause makes one run, however often told."""
    actor: str
    tag: str = ""
    change: ChangeNumber | None = None
    """The change that is tested, or that landed."""
    revision: RevisionId | None = None
    """Set when the change is to be merged onto its branch; else `commit` is tested."""
    base: Commit | None = None
    commit: Commit | None = None


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """One run of one pipeline."""

    id: PipelineRunId
    pipeline: str
    project: ProjectId
    branch: str
    tag: str
    trigger: TriggerKind
    cause: str
    actor: str
    change: ChangeNumber | None
    revision: RevisionId | None
    phase: RunPhase
    reason: str
    base: Commit | None
    commit: Commit | None
    """What is tested; None until a change was merged."""
    tree: Tree | None
    future: Mapping[BranchKey, Commit]
    build: BuildId | None
    rounds: int
    """How often it could not be run."""
    reported: bool
    created: float
    started: float | None = None
    finished: float | None = None

    @property
    def proposal(self) -> bool:
        """Whether it tests a change that has not landed."""
        return self.revision is not None
