"""Jobs as projects define them, and their runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headgate.model.ids import BuildId, Commit, JobRunId


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A `[jobs.NAME]` table of a project's headgate.toml."""

    name: str
    argv: tuple[str, ...] = ()
    """Exactly one of `argv` and `script` is set."""
    script: str = ""
    """Run by `/bin/sh -eu`."""
    files: tuple[str, ...] = ()
    """Patterns; when set, the job runs only for a change that touches one of them."""
    irrelevant_files: tuple[str, ...] = ()
    """Patterns; when every touched file matches one, the job does not run."""
    needs: tuple[str, ...] = ()
    """Jobs that must pass before this one starts."""
    timeout: float = 600.0
    """Seconds."""
    attempts: int = 1
    """How often a failing run is tried in all."""
    voting: bool = True
    required_projects: tuple[str, ...] = ()
    environment: str = ""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    artifacts: tuple[str, ...] = ()
    """Patterns below the project's checkout, kept after the run."""
    caches: Mapping[str, str] = field(default_factory=dict[str, str])
    """Cache name → directory below the project's checkout, kept between runs of this job."""
    network: bool = False
    memory: int = 2 << 30
    """Bytes."""
    line: int = 0
    """Where it is defined in headgate.toml."""


@dataclass(frozen=True, slots=True)
class EnvironmentDefinition:
    """An `[environments.NAME]` table: what jobs find mounted read-only at `/env`."""

    name: str
    setup: str
    """Run by `/bin/sh -eu` in the project's checkout with `$HEADGATE_ENV` the directory to fill."""
    inputs: tuple[str, ...] = ()
    """Files of the project whose content, with the script, is the cache key."""
    timeout: float = 900.0
    line: int = 0


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """A job that it needs did not pass."""
    LOST = "lost"
    """The server stopped while it ran; it runs again."""
    INFRASTRUCTURE = "infrastructure"
    """Headgate's fault or the machine's, never the change's."""

    @property
    def final(self) -> bool:
        return self not in (RunState.QUEUED, RunState.RUNNING)


class BuildState(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INFRASTRUCTURE = "infrastructure"
    """Could not be run even after retries: not the change's fault."""


@dataclass(frozen=True, slots=True)
class JobRun:
    """One attempt at one job of one build."""

    id: JobRunId
    build: BuildId
    project: str
    """The project that defines the job."""
    job: str
    attempt: int
    state: RunState
    voting: bool
    reason: str = ""
    exit_code: int | None = None
    created: float = 0.0
    started: float | None = None
    finished: float | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """A project at one commit, for a job to find under `src/NAME`."""

    project: str
    repository: str
    """Path of the bare repository."""
    commit: Commit


@dataclass(frozen=True, slots=True)
class Build:
    """The jobs run for a node."""

    id: BuildId
    state: BuildState
    reason: str
    created: float
    finished: float | None = None
