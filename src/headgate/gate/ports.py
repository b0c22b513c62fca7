"""What the gate needs of the rest of the house."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from headgate.jobs.dispatch.interface import Dispatcher
from headgate.model.config import Policy, ProjectConfig
from headgate.model.ids import ChangeNumber, Commit, JobRunId
from headgate.vcs.merge import Merger
from headgate.vcs.repository import Repository


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

    async def project_config(self, project: str, commit: Commit) -> ProjectConfig:
        """headgate.toml of a commit; the defaults when there is none. Raises BadInput."""
        ...

    def policy(self) -> Policy:
        """The policy in force."""
        ...

    async def permits(self, number: ChangeNumber) -> str:
        """Why the change may not land after all; empty while it may. Asked before landing."""
        ...

    def log_path(self, run: JobRunId) -> Path:
        """Where the log of a job run goes."""
        ...

    def artifacts_path(self, run: JobRunId) -> Path:
        """Directory for the artifacts of a job run."""
        ...
