"""As much of a server as the queue service needs: real git, a real database, simulated time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from headgate.gate.ports import Secret
from headgate.gate.simulate.service.loop import SimulatedLoop
from headgate.jobs.dispatch.interface import Dispatcher
from headgate.jobs.semaphores import Semaphores
from headgate.ledger.chain import seal
from headgate.model.config import PROJECT_FILE, Policy, ProjectConfig
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId
from headgate.model.queue import MergeMode
from headgate.model.toml.project_file import parse_project
from headgate.store.database import Database, Durability
from headgate.vcs.merge import MergeMessage, Merger, MergeResult
from headgate.vcs.reading import ReadDigests
from headgate.vcs.repository import Repository

EPOCH = 1_700_000_000.0
"""What the clock of the simulation shows at its beginning, in seconds since the epoch."""


class House:
    """One project, its queue, and a place for jobs to run; see GatePorts."""

    def __init__(
        self,
        place: Path,
        loop: SimulatedLoop,
        policy: Policy,
        dispatcher: Dispatcher,
    ) -> None:
        """`place` is a directory of which nothing is needed afterwards."""
        self.place = place
        self.loop = loop
        self.db = Database.open(
            place / "headgate.db", seal=seal, clock=self._now, durability=Durability.NOTHING
        )
        self.semaphores = Semaphores()
        self.labels: frozenset[str] = frozenset()
        self._policy = policy
        self._dispatcher = dispatcher
        self._repositories: dict[str, Repository] = {}
        self._mergers: dict[str, _Merger] = {}
        self._digests: dict[str, ReadDigests] = {}
        self._configs: dict[tuple[str, str], ProjectConfig] = {}

    def _now(self) -> float:
        return EPOCH + self.loop.time()

    @property
    def clock(self) -> Callable[[], float]:
        """See GatePorts; simulated."""
        return self._now

    @property
    def dispatcher(self) -> Dispatcher:
        return self._dispatcher

    def repository(self, name: str) -> Repository:
        """See GatePorts."""
        found = self._repositories.get(name)
        if found is None:
            found = self._repositories[name] = Repository(self.place / f"{name}.git")
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
        """End every program and close the database; the directory stays."""
        for merger in self._mergers.values():
            await merger.close()
        self.db.close()


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
