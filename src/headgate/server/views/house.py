"""What the pages need of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from headgate.authority.permissions import Permissions
from headgate.deps.advise import Advice
from headgate.gate.trials.explain import Standing
from headgate.model.config import Policy, ProjectConfig
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId, PrincipalId
from headgate.model.principal import Principal
from headgate.server.settings import Settings
from headgate.store.database import Database
from headgate.vcs.repository import Repository


class Hands(Protocol):
    """Who had a hand in a change, and so cannot approve it."""

    @property
    def authors(self) -> frozenset[PrincipalId]: ...

    @property
    def emails(self) -> frozenset[str]: ...

    @property
    def sponsors(self) -> frozenset[PrincipalId]: ...


class House(Protocol):
    """The part of the server that pages read; they never change anything."""

    @property
    def db(self) -> Database: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    @property
    def closing(self) -> asyncio.Event:
        """Set when the server stops: open streams end."""
        ...

    def repository(self, name: str) -> Repository:
        """The repository of a project."""
        ...

    def policy(self) -> Policy:
        """The policy in force."""
        ...

    def permissions(self) -> Permissions: ...

    def groups(self, principal: Principal) -> frozenset[str]:
        """The groups that the policy in force puts a principal into."""
        ...

    def standing(self, item: ItemId) -> Standing | None:
        """What a queue of lanes makes of an item; None in a chain."""
        ...

    def people(self, number: ChangeNumber) -> Hands:
        """Who had a hand in the current revision of a change."""
        ...

    async def project_config(self, project: str, commit: Commit) -> ProjectConfig:
        """headgate.toml of a commit. Raises BadInput when it cannot be used."""
        ...

    async def project_config_or_default(self, project: str, commit: Commit) -> ProjectConfig:
        """headgate.toml of a commit; what cannot be used is as if it were not there."""
        ...

    def advice(self) -> Advice:
        """What advisories say."""
        ...

    def granted(self) -> frozenset[tuple[str, str]]:
        """Packages that approvers have approved: ecosystem and name."""
        ...

    def may_decide_packages(self, actor: Principal) -> str:
        """Why the actor may not approve packages at all; empty when it may."""
        ...

    def artifacts_path(self, run: JobRunId) -> Path:
        """Where the artifacts of a job run are; it may not exist."""
        ...

    def log_path(self, run: JobRunId) -> Path:
        """Where the log of a job run is; it may not exist yet."""
        ...
