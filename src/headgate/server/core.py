"""The parts of one server, joined: what the use-cases and the flow stand on."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from headgate.authority.permissions import Action, Permissions, Resource
from headgate.authority.policy import groups_of
from headgate.authority.tokens import TokenVerifier
from headgate.deps.advise import Advice
from headgate.deps.index.interface import PackageIndex
from headgate.forge.own import OwnForge
from headgate.jobs.dispatch.local import LocalDispatcher
from headgate.jobs.sandbox.interface import Sandbox
from headgate.jobs.semaphores import Semaphores
from headgate.ledger.chain import seal
from headgate.model.change import Signature
from headgate.model.config import Policy, ProjectConfig
from headgate.model.errors import BadInput, CouldNotRun, Denied
from headgate.model.finding import CheckResult
from headgate.model.ids import Commit, JobRunId
from headgate.model.principal import GATE, Principal, PrincipalKind
from headgate.model.project import POLICY_PROJECT
from headgate.scan.change import ScanRunner
from headgate.scan.rules.central import check_rules
from headgate.server.flow.configuration import project_config
from headgate.server.flow.policy import read_policy
from headgate.server.settings import Settings
from headgate.store.database import Database
from headgate.vcs.merge import Merger
from headgate.vcs.reading import ReadDigests
from headgate.vcs.repository import Repository

if TYPE_CHECKING:
    from headgate.deps.index.cache import FactsCache

log = structlog.get_logger()


class Core:
    """The parts, and the questions that need several of them."""

    def __init__(
        self,
        settings: Settings,
        sandbox: Sandbox,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.random = random
        for directory in (
            settings.repositories,
            settings.logs,
            settings.artifacts,
            settings.run,
            settings.data / "cache" / "rules",
        ):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.db = Database.open(settings.database, seal=seal, clock=clock)
        self.forge = OwnForge(settings.url)
        self.semaphores = Semaphores(lambda name: self.policy().semaphores.get(name, 1))
        self.tokens = TokenVerifier()
        self.pushes: dict[str, tuple[str, Principal]] = {}
        """Pushes under way: nonce given to the hooks → project and who pushes."""
        self.scan_runner = ScanRunner(cache=settings.data / "cache" / "rules")
        self.dispatcher = LocalDispatcher(
            settings.data, settings.job_slots, sandbox, self.setup_approved, clock
        )
        self._repositories: dict[str, Repository] = {}
        self._mergers: dict[str, Merger] = {}
        self._digests: dict[str, ReadDigests] = {}
        self._configs: dict[tuple[str, Commit], ProjectConfig | BadInput] = {}
        self._landings_checked: dict[
            tuple[Commit, str, frozenset[tuple[str, str]]], tuple[CheckResult, ...]
        ] = {}
        self._facts: FactsCache | None = None
        self._advice: Advice | None = None
        self._policy: Policy | None = None
        self._permissions: Permissions | None = None
        self._locks: dict[int, asyncio.Lock] = {}

    # -- repositories ------------------------------------------------------------------------

    def repository_path(self, name: str) -> Path:
        return self.settings.repositories / f"{name}.git"

    def repository(self, name: str) -> Repository:
        """The bare repository of a project."""
        found = self._repositories.get(name)
        if found is None:
            found = self._repositories[name] = Repository(self.repository_path(name))
        return found

    def merger(self, name: str) -> Merger:
        """The merge service of a project; started on first use."""
        found = self._mergers.get(name)
        if found is None:
            found = self._mergers[name] = Merger(self.repository(name))
        return found

    def digests(self, project: str) -> ReadDigests:
        """What commits of a project hold below some patterns."""
        found = self._digests.get(project)
        if found is None:
            found = self._digests[project] = ReadDigests(self.repository(project))
        return found

    async def project_config(self, project: str, commit: Commit) -> ProjectConfig:
        """headgate.toml of a commit. Raises BadInput when it cannot be used."""
        key = (project, commit)
        found = self._configs.get(key)
        if found is None:
            try:
                found = await project_config(self.repository(project), commit)
            except BadInput as error:
                found = error  # A commit stays as it is, and so does what is wrong with it.
            if len(self._configs) > 2000:
                self._configs.clear()
            self._configs[key] = found
        if isinstance(found, BadInput):
            raise BadInput(found.message, found.remedy)
        return found

    # -- policy ------------------------------------------------------------------------------

    def policy(self) -> Policy:
        """The policy in force: what the landed branch of the policy project says."""
        if self._policy is None:
            raise CouldNotRun("The policy has not been read yet.", "Wait for the server to start.")
        return self._policy

    def permissions(self) -> Permissions:
        if self._permissions is None:
            raise CouldNotRun("The policy has not been read yet.", "Wait for the server to start.")
        return self._permissions

    def validate_policy(self, policy: Policy) -> None:
        """Raises BadInput when the Cedar text of a policy does not fit the schema, or when it
        silences a rule that does not exist."""
        Permissions(policy.cedar)
        check_rules(policy.suppressions)

    async def load_policy(self) -> bool:
        """Read the policy again; true when it differs. Raises BadInput; the old one stays."""
        repository = self.repository(POLICY_PROJECT)
        head = await repository.resolve(f"refs/heads/{await repository.default_branch()}")
        if head is None:
            raise CouldNotRun(
                "The policy project has no landed branch.",
                "Restore its repository from a copy.",
            )
        return self._take_policy(await read_policy(repository, head))

    async def load_last_valid_policy(self) -> None:
        """At a start: the newest landed policy that can be used, loudly when it is not the last.

        Raises CouldNotRun when there never was one.
        """
        try:
            await self.load_policy()
            return
        except BadInput as error:
            log.error("the landed policy cannot be used; an older one is in force", why=str(error))
        repository = self.repository(POLICY_PROJECT)
        head = await repository.resolve(f"refs/heads/{await repository.default_branch()}")
        commits = await repository.commits(None, head) if head else []
        for info in reversed(commits):
            try:
                self._take_policy(await read_policy(repository, info.commit))
            except BadInput:
                continue
            log.error("the policy in force", commit=info.commit, subject=info.subject)
            return
        raise CouldNotRun(
            "No landed policy can be used.", "Import one: headgate policy import DIRECTORY."
        )

    def _take_policy(self, policy: Policy) -> bool:
        permissions = Permissions(policy.cedar)
        changed = self._policy is None or self._policy.digest != policy.digest
        self._policy, self._permissions = policy, permissions
        return changed

    def groups(self, principal: Principal) -> frozenset[str]:
        """The groups that the policy in force puts a principal into."""
        return groups_of(self.policy(), principal.name)

    def indexes(self) -> Mapping[str, PackageIndex]:
        """The package indexes that the policy names, per ecosystem, with what they said before."""
        policy = self.policy().dependencies
        return {
            name: self._index(name, url, policy.downloads.get(name, ""))
            for name, url in policy.index.items()
        }

    def registries(self) -> Mapping[str, PackageIndex]:
        """The policy's own registries, by name."""
        named = self.policy().dependencies.registries
        return {one.name: self._index(one.ecosystem, one.address) for one in named}

    def _index(self, ecosystem: str, url: str, downloads: str = "") -> PackageIndex:
        # Imported here: an HTTP client costs memory that a server without an index never needs.
        from headgate.deps.index.cache import CachedIndex, FactsCache
        from headgate.deps.index.npm import NpmIndex
        from headgate.deps.index.pypi import PypiIndex

        if self._facts is None:
            self._facts = FactsCache(self.settings.data / "cache" / "packages.db")
        kind = NpmIndex if ecosystem == "npm" else PypiIndex
        index = kind(url, downloads=downloads)
        return CachedIndex(ecosystem, index, self._facts, self.clock)

    def advice(self) -> Advice:
        """What advisories say, by the database that `headgate deps sync` keeps."""
        if self._advice is None:
            self._advice = Advice(
                self.settings.advisories,
                self.clock,
                lambda: self.policy().dependencies.vulnerabilities.stale,
            )
        return self._advice

    def close_packages(self) -> None:
        """Give back what is kept about packages."""
        if self._facts is not None:
            self._facts.close()
        if self._advice is not None:
            self._advice.close()

    def granted(self) -> frozenset[tuple[str, str]]:
        """Packages that approvers have approved: ecosystem and name."""
        with self.db.read() as tx:
            return tx.package_requests.granted()

    async def project_config_or_default(self, project: str, commit: Commit) -> ProjectConfig:
        """headgate.toml of a commit; what cannot be used is as if it were not there."""
        try:
            return await self.project_config(project, commit)
        except BadInput:
            return ProjectConfig()

    def setup_approved(self, digest: str) -> bool:
        """Whether an environment's set-up script may run."""
        if self._policy is not None and digest in self._policy.approved_setups:
            return True
        with self.db.read() as tx:
            return tx.setups.approved(digest)

    # -- who may what ------------------------------------------------------------------------

    def require(self, actor: Principal, action: Action, resource: Resource) -> None:
        """Raises Denied with the reason unless the actor may do this."""
        decision = self.permissions().decide(actor, self.groups(actor), action, resource)
        if not decision.allowed:
            raise Denied(f"{actor.name} may not {action.value}: {decision.reason}")

    def ensure_service(self, name: str, display: str) -> Principal:
        """A service principal of our own, made on first use."""
        with self.db.write() as tx:
            found = tx.principals.find(name)
            if found is None:
                found = tx.principals.add(name, PrincipalKind.SERVICE, display, "", None)
        return found

    @property
    def gate_principal(self) -> Principal:
        with self.db.read() as tx:
            return tx.principals.by_name(GATE)

    # -- files -------------------------------------------------------------------------------

    def log_path(self, run: JobRunId) -> Path:
        return self.settings.logs / f"{run}.log"

    def artifacts_path(self, run: JobRunId) -> Path:
        return self.settings.artifacts / str(run)

    def lock(self, change: int) -> asyncio.Lock:
        """One thing at a time happens to one change."""
        return self._locks.setdefault(change, asyncio.Lock())

    def gate_signature(self) -> Signature:
        """Who Headgate's own commits are by."""
        return Signature("Headgate", "headgate@localhost", int(self.clock()))
