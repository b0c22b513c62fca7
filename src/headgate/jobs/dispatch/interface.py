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

    async def export(self, repository: str, commit: Commit, directory: Path) -> None:
        """Fill an empty, existing directory. Raises HeadgateError or OSError."""
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
