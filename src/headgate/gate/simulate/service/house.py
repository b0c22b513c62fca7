"""As much of a server as the queue service needs: real git, a real database, simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from headgate.gate.ports import Secret
from headgate.gate.simulate.service.loop import SimulatedLoop
from headgate.jobs.dispatch.interface import Dispatcher
from headgate.jobs.semaphores import Semaphores
from headgate.ledger.chain import seal
from headgate.model.config import PROJECT_FILE, Policy, ProjectConfig
from headgate.model.errors import NotFound
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId
from headgate.model.queue import MergeMode
from headgate.model.toml.project_file import parse_project
from headgate.store.database import Database, Durability
from headgate.vcs.batch import ObjectReader
from headgate.vcs.merge import MergeMessage, Merger, MergeResult
from headgate.vcs.reading import ReadDigests
from headgate.vcs.repository import Repository

EPOCH = 1_700_000_000.0
"""What the clock of the simulation shows at its beginning, in seconds since the epoch."""


def clock(loop: SimulatedLoop) -> Callable[[], float]:
    """The clock of the simulation, in seconds since the epoch."""
    return lambda: EPOCH + loop.time()


def open_database(place: Path, loop: SimulatedLoop) -> Database:
    """A database in a directory that is thrown away."""
    return Database.open(
        place / "headgate.db", seal=seal, clock=clock(loop), durability=Durability.NOTHING
    )


class House:
    """One project, its queue, and a place for jobs to run; see GatePorts."""

    def __init__(
        self,
        place: Path,
        loop: SimulatedLoop,
        policy: Policy,
        dispatcher: Dispatcher,
    ) -> None:
        """`place` is a directory of which nothing is needed afterwards, with the repository."""
        self.place = place
        self.loop = loop
        self.semaphores = Semaphores()
        self.labels: frozenset[str] = frozenset()
        self._policy = policy
        self._dispatcher = dispatcher
        self._repositories: dict[str, _Repository] = {}
        self._mergers: dict[str, _Merger] = {}
        self._digests: dict[str, ReadDigests] = {}
        self._configs: dict[tuple[str, str], ProjectConfig] = {}

    @property
    def clock(self) -> Callable[[], float]:
        """See GatePorts; simulated."""
        return clock(self.loop)

    @property
    def dispatcher(self) -> Dispatcher:
        return self._dispatcher

    def repository(self, name: str) -> Repository:
        """See GatePorts."""
        found = self._repositories.get(name)
        if found is None:
            found = self._repositories[name] = _Repository(self.place / f"{name}.git", self.loop)
        return found

    def merger(self, name: str) -> Merger:
        """See GatePorts."""
        found = self._mergers.get(name)
        if found is None:
            found = self._mergers[name] = _Merger(self.repository(name), self.loop)
        return found

    def digests(self, project: str) -> ReadDigests:
        """See GatePorts."""
        found = self._digests.get(project)
        if found is None:
            found = self._digests[project] = ReadDigests(self.repository(project))
        return found

    async def project_config(self, project: str, commit: Commit) -> ProjectConfig:
        """See GatePorts. Read once for each content of the file."""
        content = await self.digests(project).digest(commit, (f"/{PROJECT_FILE}",))
        known = self._configs.get((project, content))
        if known is None:
            data = await self.repository(project).file(commit, PROJECT_FILE)
            known = ProjectConfig() if data is None else parse_project(data.decode("utf-8"))
            self._configs[project, content] = known
        return known

    def policy(self) -> Policy:
        """See GatePorts."""
        return self._policy

    async def permits(self, number: ChangeNumber) -> str:
        """See GatePorts: everything may land."""
        return ""

    def secret(self, project: str, name: str) -> Secret | None:
        """See GatePorts: there is none."""
        return None

    def vouched(self, items: Sequence[ItemId]) -> bool:
        """See GatePorts."""
        return False

    async def provided(
        self, names: Sequence[str], projects: Collection[str], ahead: Sequence[ItemId]
    ) -> Mapping[str, tuple[Path, ...]]:
        """See GatePorts: no job provides anything."""
        return {}

    def log_path(self, run: JobRunId) -> Path:
        """See GatePorts."""
        return self.place / "logs" / f"{run}.log"

    def artifacts_path(self, run: JobRunId) -> Path:
        """See GatePorts."""
        return self.place / "artifacts" / str(run)

    async def close(self) -> None:
        """End every program; the directory stays."""
        for merger in self._mergers.values():
            await merger.close()
        for repository in self._repositories.values():
            await repository.close()


class _Repository(Repository):
    """The repository, read by one git that lives long instead of by one for each question."""

    def __init__(self, path: Path, loop: SimulatedLoop) -> None:
        super().__init__(path)
        self._simulated = loop
        self._reader = ObjectReader(path)
        self._turn = asyncio.Lock()

    async def _objects(self, ids: Iterable[str], kind: str) -> dict[str, bytes]:
        wanted = list(dict.fromkeys(ids))
        with self._simulated.working():
            async with self._turn:
                try:
                    found = await self._reader.read(wanted)
                except NotFound:
                    return await super()._objects(wanted, kind)
        return {id: one.data for id, one in zip(wanted, found, strict=True) if one.type == kind}

    async def close(self) -> None:
        """End the git."""
        with self._simulated.working():
            await self._reader.close()


class _Merger(Merger):
    """The merge service; the clock stands while it asks the programs that it keeps."""

    def __init__(self, repository: Repository, loop: SimulatedLoop) -> None:
        super().__init__(repository)
        self._simulated = loop

    async def merge(
        self, onto: Commit, head: Commit, mode: MergeMode, message: MergeMessage
    ) -> MergeResult:
        with self._simulated.working():
            return await super().merge(onto, head, mode, message)

    async def close(self) -> None:
        with self._simulated.working():
            await super().close()
