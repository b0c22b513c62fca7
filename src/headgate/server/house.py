"""The house: every part of one server, its beginning and its end."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from headgate.authority.policy import default_policy_files
from headgate.gate.pipelines.service import PipelineService
from headgate.gate.service import GateService
from headgate.jobs.sandbox.interface import Sandbox
from headgate.model.event import NewEvent
from headgate.model.principal import GATE, OPERATOR
from headgate.model.project import POLICY_PROJECT
from headgate.server.cases.findings import FindingCases
from headgate.server.cases.inventory import InventoryCases
from headgate.server.cases.jobs import JobCases
from headgate.server.cases.packages import PackageCases
from headgate.server.cases.pipelines import PipelineCases
from headgate.server.cases.policy import PolicyCases
from headgate.server.cases.principals import PrincipalCases
from headgate.server.cases.projects import ProjectCases
from headgate.server.flow.packages import Landed
from headgate.server.flow.reviewing import Reviews
from headgate.server.settings import Settings
from headgate.vcs.hosting.hook_server import HookServer
from headgate.vcs.hosting.install import install_hooks
from headgate.vcs.repository import Repository
from headgate.vcs.stale_locks import remove_stale_locks

log = structlog.get_logger()


class Headgate(
    FindingCases,
    PackageCases,
    PipelineCases,
    JobCases,
    InventoryCases,
    PolicyCases,
    PrincipalCases,
    ProjectCases,
):
    """One server: everything that pages, API and git can ask of it."""

    def __init__(
        self,
        settings: Settings,
        sandbox: Sandbox,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        super().__init__(settings, sandbox, clock, random)
        self.closing = asyncio.Event()
        """Set when the server stops: open streams end."""
        self.hook_socket = settings.run / "hook.sock"
        self._hooks: HookServer | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._sweepers: list[asyncio.Task[None]] = []
        self.landed = Landed(self)
        self.dispatcher.wanted = self.keep_area
        self._join(GateService(self.db, self), Reviews(self, self.secret))
        self.pipelines = PipelineService(self.db, self)

    async def start(self, hook_socket: Path) -> None:
        """Make what is missing, recover what was cut off, and begin to work."""
        self.hook_socket = hook_socket
        # Before anything else is asked of git: a lock that nobody holds would stop it.
        await remove_stale_locks(self.settings.repositories.glob("*.git"))
        self.operator = self.ensure_service(OPERATOR, "Operator")
        self.ensure_service(GATE, "Headgate")
        await self._ensure_policy_project()
        with self.db.read() as tx:
            projects = [project.name for project in tx.projects.all()]
        for name in projects:
            # Again at every start: the interpreter that runs them may have moved.
            await install_hooks(self.repository_path(name), max_input=self.settings.largest_push)
        await self.load_last_valid_policy()
        self._unsubscribe = self.db.subscribe(self.on_events)
        self._hooks = HookServer(hook_socket, self.receiver)
        await self._hooks.start()
        await self.gate.start()
        await self.settle_tags()
        await self.pipelines.start()
        await self.recover_changes()
        await self.branches.catch_up()
        self._sweepers = [
            asyncio.create_task(self.end_expired_holds()),
            asyncio.create_task(self.landed.nightly()),
            asyncio.create_task(self.branches.end_expired()),
        ]

    async def stop(self) -> None:
        """End all work; what was under way is taken up again by the next start."""
        self._unsubscribe()
        for sweeper in self._sweepers:
            sweeper.cancel()
        await asyncio.gather(*self._sweepers, return_exceptions=True)
        await self.stop_flow()
        await self.pipelines.stop()
        await self.gate.stop()
        await self.dispatcher.close()
        if self._hooks is not None:
            await self._hooks.stop()
        await self.scan_runner.close()
        for merger in self._mergers.values():
            await merger.close()
        self.close_packages()
        self.db.close()

    async def _ensure_policy_project(self) -> None:
        path = self.repository_path(POLICY_PROJECT)
        with self.db.read() as tx:
            known = tx.projects.find(POLICY_PROJECT)
        if known is not None:
            return
        # Every step can be repeated: a crash in between leaves nothing that hinders the next try.
        repository = Repository(path) if path.exists() else await Repository.create(path, "main")
        if await repository.resolve("refs/heads/main") is None:
            await repository.commit_files(
                "main", default_policy_files(), "Begin the policy", self.gate_signature(), None
            )
        await install_hooks(path, max_input=self.settings.largest_push)
        with self.db.write() as tx:
            tx.projects.add(POLICY_PROJECT, "main", "")
            tx.events.append(
                NewEvent(
                    "project.added",
                    GATE,
                    f"project/{POLICY_PROJECT}",
                    {"project": POLICY_PROJECT, "branch": "main", "source": ""},
                )
            )
