"""A small world to look at: real repositories and a real database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from headgate.authority.permissions import Permissions
from headgate.gate.trials.explain import Standing
from headgate.ledger.chain import seal
from headgate.model.config import Policy, ProjectConfig, QueuePolicy
from headgate.model.event import Json, NewEvent
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId, PrincipalId
from headgate.model.principal import Principal
from headgate.server.flow.configuration import project_config
from headgate.server.settings import Settings
from headgate.store.database import Database
from headgate.vcs.repository import Repository
from warm import lay_database

POLICY_DIGEST = "7f0c" + "ab12" * 15


@dataclass(frozen=True)
class Hands:
    authors: frozenset[PrincipalId]
    emails: frozenset[str]
    sponsors: frozenset[PrincipalId]


@dataclass
class World:
    """A house with a database and repositories of its own."""

    settings: Settings
    db: Database
    clock: Callable[[], float] = time.time
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    cedar: str = ""

    def __post_init__(self) -> None:
        self._permissions = Permissions(self.cedar)

    def policy(self) -> Policy:
        return Policy(
            digest=POLICY_DIGEST,
            groups={"security": ("ada",), "maintainers": ("ada", "bea")},
            queues=(QueuePolicy("main", ("markupsafe", "jinja"), ("main",)),),
        )

    def permissions(self) -> Permissions:
        return self._permissions

    def groups(self, principal: Principal) -> frozenset[str]:
        return frozenset(g for g, names in self.policy().groups.items() if principal.name in names)

    def standing(self, item: ItemId) -> Standing | None:
        return None

    def people(self, number: ChangeNumber) -> Hands:
        with self.db.read() as tx:
            owner = tx.principals.get(tx.changes.get(number).owner)
        sponsors = frozenset({owner.sponsor}) if owner.sponsor is not None else frozenset()
        return Hands(frozenset({owner.id}), frozenset({owner.email}), sponsors)

    def repository(self, name: str) -> Repository:
        return Repository(self.path(name))

    def path(self, name: str) -> Path:
        return self.settings.repositories / f"{name}.git"

    async def project_config(self, project: str, commit: Commit) -> ProjectConfig:
        return await project_config(self.repository(project), commit)

    def artifacts_path(self, run: JobRunId) -> Path:
        return self.settings.artifacts / str(run)

    def log_path(self, run: JobRunId) -> Path:
        return self.settings.logs / f"{run}.log"

    def event(self, kind: str, subject: str, actor: str = "headgate", **data: Json) -> None:
        with self.db.write() as tx:
            tx.events.append(NewEvent(kind, actor, subject, data))


def open_world(directory: Path, cedar: str = "") -> World:
    settings = Settings(data=directory, port=8417, slots=4)
    settings.repositories.mkdir(parents=True)
    settings.logs.mkdir()
    db = Database.open(lay_database(settings.database), seal=seal)
    return World(settings, db, cedar=cedar)
