"""Jobs as projects define them, and their runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headgate.model.ids import BuildId, Commit, JobRunId


@dataclass(frozen=True, slots=True)
class Step:
    """A command before or after the job proper; exactly one of `argv` and `script` is set."""

    argv: tuple[str, ...] = ()
    script: str = ""
    """Run by `/bin/sh -eu`."""


@dataclass(frozen=True, slots=True)
class JobDefinition:
    """A job of a project's headgate.toml as it runs for one branch: what it extends, the variants
    of the branch and its combination of the matrix are worked in."""

    name: str
    """`NAME`, or `NAME (3.11, pg)` for one combination of a matrix."""
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
    after: tuple[str, ...] = ()
    """Jobs that this one waits for when they run at all, whatever they end as."""
    chooses: tuple[str, ...] = ()
    """Jobs that need it, and that its result may leave out."""
    fail_fast: bool = True
    """Whether its failure, when it votes, cancels the rest of the build."""
    pre: Step | None = None
    """Makes ready; its failure is not the job's, and is tried again."""
    post: Step | None = None
    """Runs after `pre` and `run`, however they ended."""
    pre_timeout: float = 600.0
    """Seconds."""
    post_timeout: float = 600.0
    """Seconds."""
    reads: tuple[str, ...] = ()
    """Patterns of the paths that it is shown, see `shown`; none: everything."""
    provides: tuple[str, ...] = ()
    """Names under which its artifacts are found by jobs that require them."""
    requires: tuple[str, ...] = ()
    semaphores: tuple[str, ...] = ()
    """Held while it runs; counted over all projects."""
    label: str = ""
    """The kind of machine that it needs; empty: any."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variable → name of a stored secret of its project."""
    fail_on_output: tuple[str, ...] = ()
    """Regular expressions; a line of output that one is found in fails the run at once."""
    reuse: bool = True
    """Whether a result may stand for another run that would see the same."""
    pause: bool = False
    """After `run` has passed, `post` waits for the end of every job that needs this one."""
    pipelines: tuple[str, ...] = ("gate",)
    """Names of the pipelines that it runs in."""
    compat: str = ""
    """`zuul`: it finds variables and directories as Zuul gives them."""
    nodes: Mapping[str, str] = field(default_factory=dict[str, str])
    """For playbooks: host name → label of the machine; an empty label is any."""
    playbooks: tuple[str, ...] = ()
    """Paths in the project of what `ansible-playbook` runs, instead of a command of its own."""
    origin: str = ""
    """The table that it comes from; differs from `name` for a combination of a matrix."""
    matrix: Mapping[str, str] = field(default_factory=dict[str, str])
    """Axis → value of this combination."""

    def shown(self, project: str, own: str) -> tuple[str, ...]:
        """Patterns of what it is shown of a project's checkout, `own` being the one that defines
        it; empty: everything. Those for other projects are written `PROJECT:pattern`."""
        pairs = [read_pattern(text) for text in self.reads]
        return tuple(pattern for name, pattern in pairs if (name or own) == project)


_PROJECT_PREFIX = re.compile(r"([a-z0-9][a-z0-9._-]{0,62}):(.*)", re.DOTALL)


def read_pattern(text: str) -> tuple[str, str]:
    """(project, pattern) of an entry of `reads`; no project for the job's own."""
    match = _PROJECT_PREFIX.fullmatch(text)
    return (match[1], match[2]) if match else ("", text)


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
    reads: tuple[str, ...] = ()
    """Patterns of the paths that the job is shown; none: all of them."""


@dataclass(frozen=True, slots=True)
class Build:
    """The jobs run for a node."""

    id: BuildId
    state: BuildState
    reason: str
    created: float
    finished: float | None = None
