"""Jobs: their secrets, and the work areas of failed runs that somebody wants to look at."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from headgate.authority.permissions import Action, Resource
from headgate.authority.sealing import Sealer
from headgate.gate.ports import Secret
from headgate.gate.provisions import provided
from headgate.gate.trials.flakes import FLAKY_FOR
from headgate.jobs.dispatch.interface import RunRequest
from headgate.jobs.redact import LEAST
from headgate.model.errors import BadInput, HeadgateError, NotFound
from headgate.model.event import Json, NewEvent
from headgate.model.ids import ItemId
from headgate.model.principal import GATE, Principal
from headgate.server.core import Core
from headgate.store.database import Transaction
from headgate.store.repositories.flakes import FlakyJob
from headgate.store.repositories.jobs import Hold

LARGEST_SECRET = 16 << 10
"""Bytes."""

LONGEST_HOLD = 30 * 86400.0
"""Seconds."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SWEEP_SECONDS = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ListedSecret:
    """What may be told of a secret."""

    name: str
    set_by: str
    created: float


class JobCases(Core):
    """What people ask about jobs, and what the gate needs for them."""

    # -- secrets -----------------------------------------------------------------------------

    async def set_secret(self, actor: Principal, project: str, name: str, value: str) -> None:
        """Store a secret of a project, in place of one of the same name.

        Raises BadInput for a name or value that cannot be one, CouldNotRun without a usable key.
        """
        self.require(actor, Action.ADMINISTER, Resource(project=project))
        if not _NAME.fullmatch(name):
            raise BadInput(
                f"{name!r} is not usable as the name of a secret.",
                "Use letters, digits, `.`, `_` and `-`, at most 63.",
            )
        if len(value) < LEAST:
            raise BadInput(
                f"The secret {name} has less than {LEAST} characters.",
                "Use a longer one: a short one cannot be kept out of logs.",
            )
        if "\0" in value or len(value.encode("utf-8", "surrogateescape")) > LARGEST_SECRET:
            raise BadInput(
                f"The secret {name} is larger than {LARGEST_SECRET >> 10} KiB, or holds a NUL.",
                "Give a text that fits into a variable.",
            )
        with self.db.read() as tx:
            tx.projects.by_name(project)
        sealed = self._sealer.seal(value, f"{project}/{name}")
        with self.db.write() as tx:
            tx.secrets.set(tx.projects.by_name(project).id, name, sealed, actor.id)
            tx.events.append(_about_secret("secret.set", actor, project, name))

    async def remove_secret(self, actor: Principal, project: str, name: str) -> None:
        """Raises NotFound."""
        self.require(actor, Action.ADMINISTER, Resource(project=project))
        with self.db.write() as tx:
            tx.secrets.remove(tx.projects.by_name(project).id, name)
            tx.events.append(_about_secret("secret.removed", actor, project, name))

    async def secrets_of(self, actor: Principal, project: str) -> Sequence[ListedSecret]:
        """The names of a project's secrets; never their values. Raises NotFound."""
        self.require(actor, Action.ADMINISTER, Resource(project=project))
        with self.db.read() as tx:
            return [
                ListedSecret(one.name, tx.principals.get(one.set_by).name, one.created)
                for one in tx.secrets.of(tx.projects.by_name(project).id)
            ]

    @property
    def _sealer(self) -> Sealer:
        return Sealer(self.settings.secrets_key, self.random)

    # -- what the gate asks ------------------------------------------------------------------

    @property
    def labels(self) -> frozenset[str]:
        """See GatePorts."""
        return frozenset(self.settings.runner.labels)

    def secret(self, project: str, name: str) -> Secret | None:
        """See GatePorts."""
        with self.db.read() as tx:
            stored = tx.secrets.find(tx.projects.by_name(project).id, name)
        if stored is None:
            return None
        return Secret(self._sealer.open(stored.sealed, f"{project}/{name}"), str(stored.id))

    async def provided(
        self, names: Sequence[str], projects: Collection[str], ahead: Sequence[ItemId]
    ) -> Mapping[str, tuple[Path, ...]]:
        """See GatePorts."""
        return await provided(self.db, self.artifacts_path, names, projects, ahead)

    # -- work areas that are kept ------------------------------------------------------------

    async def hold_job(self, actor: Principal, project: str, job: str, seconds: float) -> Hold:
        """Keep the work area of the next failing run of a job, for so long from now on.

        Raises BadInput for a time that is too long, NotFound for a job that nobody knows.
        """
        self.require(actor, Action.ADMINISTER, Resource(project=project))
        if not 0 < seconds <= LONGEST_HOLD:
            raise BadInput(
                f"{seconds:.0f} seconds is not more than 0 and at most "
                f"{LONGEST_HOLD / 86400:.0f} days.",
                "Ask for less.",
            )
        if not await self._known(project, job):
            raise NotFound(
                f"There is no job {job!r} of {project}, and none ever ran.",
                "See the [jobs] of its headgate.toml; one of a matrix is named `JOB (VALUE)`.",
            )
        with self.db.write() as tx:
            hold = tx.holds.add(project, job, actor.id, self.clock() + seconds)
            tx.events.append(_about_hold("hold.asked", actor.name, hold))
        return hold

    async def _known(self, project: str, job: str) -> bool:
        with self.db.read() as tx:
            branch = tx.projects.by_name(project).default_branch
            if tx.builds.recent_runs(project, job, 1):
                return True
        head = await self.repository(project).resolve(f"refs/heads/{branch}")
        if head is None:
            return False
        try:
            config = await self.project_config(project, head)
        except HeadgateError:
            return False
        return job in config.jobs or job in config.job_tables

    def flaky_jobs(self, actor: Principal) -> Sequence[FlakyJob]:
        """Jobs whose outcomes contradicted each other lately, of projects the actor may read."""
        permissions, groups = self.permissions(), self.groups(actor)
        with self.db.read() as tx:
            found = tx.failures.flaky(self.clock() - FLAKY_FOR)
        may = {
            project: permissions.decide(
                actor, groups, Action.READ, Resource(project=project)
            ).allowed
            for project in {one.project for one in found}
        }
        return [one for one in found if may[one.project]]

    async def holds(self, actor: Principal) -> Sequence[tuple[Hold, str]]:
        """Every wish to keep an area, and who asked; only of projects the actor administers."""
        permissions, groups = self.permissions(), self.groups(actor)
        with self.db.read() as tx:
            return [
                (hold, tx.principals.get(hold.asked_by).name)
                for hold in tx.holds.all()
                if permissions.decide(
                    actor, groups, Action.ADMINISTER, Resource(project=hold.project)
                ).allowed
            ]

    async def release_hold(self, actor: Principal, id: int) -> None:
        """Withdraw a wish, and remove the area that was kept for it. Raises NotFound."""
        with self.db.read() as tx:
            hold = tx.holds.get(id)
        self.require(actor, Action.ADMINISTER, Resource(project=hold.project))
        await self._end_hold(hold, "hold.released", actor.name)

    def keep_area(self, request: RunRequest, place: Path) -> bool:
        """Whether somebody wants the area of this failed run, which would be at `place`."""
        names = (request.job.name, request.job.origin or request.job.name)
        with self.db.read() as tx:
            if tx.holds.open_for(request.project, names) is None:
                return False
        with self.db.write() as tx:
            hold = tx.holds.open_for(request.project, names)
            if hold is None:
                return False
            tx.holds.meet(hold.id, request.run, str(place))
            tx.events.append(_about_hold("hold.met", GATE, tx.holds.get(hold.id)))
        return True

    async def end_expired_holds(self) -> None:
        """Remove what has been kept for long enough, now and for ever after."""
        while True:
            with self.db.read() as tx:
                expired = tx.holds.expired()
            for hold in expired:
                try:
                    await self._end_hold(hold, "hold.expired", GATE)
                except OSError as error:
                    log.warning("a kept work area cannot be removed", hold=hold.id, why=str(error))
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _end_hold(self, hold: Hold, kind: str, who: str) -> None:
        if hold.place:
            await self.dispatcher.let_go(Path(hold.place))
        with self.db.write() as tx:
            if self._there(tx, hold):
                tx.holds.remove(hold.id)
                tx.events.append(_about_hold(kind, who, hold))

    @staticmethod
    def _there(tx: Transaction, hold: Hold) -> bool:
        return any(one.id == hold.id for one in tx.holds.all())


def _about_secret(kind: str, actor: Principal, project: str, name: str) -> NewEvent:
    about: dict[str, Json] = {"project": project, "secret": name}
    return NewEvent(kind, actor.name, f"project/{project}", about)


def _about_hold(kind: str, who: str, hold: Hold) -> NewEvent:
    about: dict[str, Json] = {
        "hold": hold.id,
        "project": hold.project,
        "job": hold.job,
        "run": hold.run,
        "expires": int(hold.expires),
    }
    return NewEvent(kind, who, f"project/{hold.project}", about)
