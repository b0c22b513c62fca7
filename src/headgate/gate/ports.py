"""What the gate needs of the rest of the house."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from headgate.jobs.dispatch.interface import Dispatcher
from headgate.jobs.semaphores import Semaphores
from headgate.model.config import Policy, ProjectConfig
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId
from headgate.vcs.merge import Merger
from headgate.vcs.reading import ReadDigests
from headgate.vcs.repository import Repository


@dataclass(frozen=True, slots=True)
class Secret:
    """The value of a stored secret."""

    value: str = field(repr=False)
    version: str
    """Another one whenever the value was set."""


class GatePorts(Protocol):
    """Repositories, configuration, policy, and a place for jobs to run."""

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds since the epoch."""
        ...

    @property
    def dispatcher(self) -> Dispatcher: ...

    def repository(self, name: str) -> Repository:
        """The bare repository of a project."""
        ...

    def merger(self, name: str) -> Merger:
        """The merge service of a project."""
        ...

    def digests(self, project: str) -> ReadDigests:
        """What commits of a project hold below some patterns."""
        ...

    async def project_config(self, project: str, commit: Commit) -> ProjectConfig:
        """headgate.toml of a commit; the defaults when there is none. Raises BadInput."""
        ...

    def policy(self) -> Policy:
        """The policy in force."""
        ...

    async def permits(self, number: ChangeNumber) -> str:
        """Why the change may not land after all; empty while it may. Asked before landing."""
        ...

    @property
    def semaphores(self) -> Semaphores:
        """Those of all builds of the server."""
        ...

    @property
    def labels(self) -> frozenset[str]:
        """What the machines that run jobs are."""
        ...

    def secret(self, project: str, name: str) -> Secret | None:
        """A stored secret of a project. Raises CouldNotRun when it cannot be opened."""
        ...

    def vouched(self, items: Sequence[ItemId]) -> bool:
        """Whether a human has approved the change of every one of these items, as it is."""
        ...

    async def provided(
        self, names: Sequence[str], projects: Collection[str], ahead: Sequence[ItemId]
    ) -> Mapping[str, tuple[Path, ...]]:
        """See `provisions.provided`."""
        ...

    def log_path(self, run: JobRunId) -> Path:
        """Where the log of a job run goes."""
        ...

    def artifacts_path(self, run: JobRunId) -> Path:
        """Directory for the artifacts of a job run."""
        ...
