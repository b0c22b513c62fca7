"""The seam between what is to run and where it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from headgate.model.ids import Commit, JobRunId
from headgate.model.job import Checkout, EnvironmentDefinition, JobDefinition, RunState


class Exporter(Protocol):
    """Puts the files of a commit into a directory, without a `.git`."""

    async def export(
        self, repository: str, commit: Commit, directory: Path, patterns: tuple[str, ...] = ()
    ) -> None:
        """Fill an empty, existing directory, with matching paths only when there are patterns.

        Raises HeadgateError or OSError.
        """
        ...


class Phase(Enum):
    """A part of a run."""

    PRE = "pre"
    RUN = "run"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a job wrote to `$HEADGATE_RESULT`."""

    children: tuple[str, ...] | None = None
    """The only jobs that follow, of those that need it; None: all of them."""
    data: Mapping[str, object] = field(default_factory=dict[str, object])


class Pause(Protocol):
    """Called when `run` has passed and `post` is to wait."""

    async def __call__(self, returned: Returned) -> str:
        """Wait until the run may go on. Returns why what it returned cannot be; empty: it can.

        Artifacts have been collected by now; the slot has been given back.
        """
        ...


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One attempt at one job, with everything that it needs."""

    run: JobRunId
    job: JobDefinition
    project: str
    """Whose job it is; one of the checkouts, and the working directory."""
    checkouts: tuple[Checkout, ...]
    environment: EnvironmentDefinition | None
    network: bool
    """Wanted by the job and allowed by the policy."""
    variables: Mapping[str, str]
    log: Path
    """File that the log is written to."""
    artifacts: Path
    """Directory that artifacts are put into; made when there are any."""
    environment_changed: bool = False
    """The change altered the set-up script or its inputs: a set-up that fails is its fault."""
    priority: int = 0
    """Lower numbers get a free slot first; equal ones in order of arrival."""
    data: Mapping[str, object] | None = None
    """What the jobs that it needs returned; None when it needs none."""
    required: Mapping[str, tuple[Path, ...]] = field(default_factory=dict[str, tuple[Path, ...]])
    """Name of a required artifact → directories with the artifacts of runs that provide it."""
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Variable → value, for what the job may see of its secrets."""
    withheld: str = ""
    """Why it does not see its secrets; empty when it does, or has none."""
    pause: Pause | None = None


class Retry(Enum):
    """Whether running the same again can end differently."""

    MAY_HELP = "may help"
    USELESS = "useless"
    """Somebody has to do something first."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    state: RunState
    exit_code: int | None
    reason: str
    """One sentence; empty when it passed."""
    started: float | None
    """Seconds since the epoch; None when it never started."""
    finished: float
    artifacts: tuple[str, ...] = field(default=())
    """Paths below the artifacts directory."""
    retry: Retry = Retry.MAY_HELP
    phase: Phase = Phase.RUN
    """The phase that decided."""
    returned: Returned = field(default_factory=Returned)
    provides: tuple[str, ...] = ()
    """Names under which its artifacts are found; only of a run that passed."""


class Fate(Enum):
    """What became of a change that was tested."""

    LANDED = "landed"
    GONE = "gone"


class Dispatcher(Protocol):
    """Runs jobs, as many at once as it has slots."""

    @property
    def slots(self) -> int: ...

    async def run(self, request: RunRequest, on_start: Callable[[float], None]) -> RunResult:
        """Wait for a slot, run, and tell how it ended; `on_start` gets the time it started.

        Cancelling kills every process of the run and removes its work area before
        CancelledError is raised. The result never raises for what a job does.
        """
        ...

    async def settle(self, runs: Sequence[JobRunId], fate: Fate) -> None:
        """Tell what became of the change that these runs were for; their caches follow it."""
        ...

    async def close(self) -> None:
        """End all runs (as `lost`) and remove what they left."""
        ...
