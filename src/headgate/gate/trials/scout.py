"""Finds out what items touch and what their jobs are shown, before anything of them is merged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from posixpath import dirname

from headgate.gate.futures import Proposal
from headgate.gate.ports import GatePorts
from headgate.gate.scope import beside
from headgate.gate.selection import of_the_gate
from headgate.gate.trials.footprint import Footprint, Shown
from headgate.jobs.select import select_jobs
from headgate.model.config import PROJECT_FILE, Policy, ProjectConfig
from headgate.model.errors import BadInput, HeadgateError
from headgate.model.ids import Commit, RevisionId
from headgate.model.job import JobDefinition
from headgate.model.queue import BranchKey
from headgate.model.resolve import for_branch
from headgate.model.scopes import affected

_KEPT = 10_000

Configs = Mapping[str, ProjectConfig]
"""Project → its configuration, as items of one branch find it."""


@dataclass(frozen=True, slots=True)
class _Touched:
    paths: frozenset[str]
    moved: frozenset[str]


class Scout:
    """Footprints of the items of one queue; remembers what a push cannot change."""

    def __init__(self, ports: GatePorts) -> None:
        self._ports = ports
        self._touched: dict[RevisionId, _Touched] = {}
        self._parsed: dict[tuple[str, Commit], ProjectConfig | None] = {}
        self._configs: dict[str, tuple[Mapping[BranchKey, Commit], Configs | None]] = {}
        self._found: dict[RevisionId, tuple[Configs, Policy, Footprint]] = {}
        self.unsteady: set[tuple[str, str]] = set()
        """Jobs, by project and name, that return what no key can tell."""

    async def footprint(
        self, proposal: Proposal, heads: Mapping[BranchKey, Commit], defaults: Mapping[str, str]
    ) -> Footprint:
        """Of an item on the branches as they are; unclear when something cannot be read."""
        key = proposal.key
        try:
            touched = await self._paths(proposal)
            configs = await self._on(key.branch, heads, defaults)
        except HeadgateError as error:
            return Footprint(unclear=f"what it touches could not be read: {error.message}")
        moved = {key: touched.moved} if touched.moved else {}
        own = Footprint({key: touched.paths}, moved)
        if PROJECT_FILE in touched.paths:
            return own.and_(Footprint(unclear=f"it changes {PROJECT_FILE}"))
        if configs is None:
            return own.and_(Footprint(unclear="the configuration on the branch cannot be used"))
        policy = self._ports.policy()
        known = self._found.get(proposal.revision.id)
        if known is not None and known[0] is configs and known[1] is policy:
            return known[2]
        own_config = configs.get(key.project)
        if own_config is not None and own_config.scopes:
            own = replace(own, scopes={key: affected(own_config.scopes, touched.paths)})
        found = own.and_(self._looks(key, touched.paths, configs, policy, heads, defaults))
        if len(self._found) > _KEPT:
            self._found.clear()
        self._found[proposal.revision.id] = (configs, policy, found)
        return found

    def learn(self, jobs: Iterable[tuple[str, str]]) -> bool:
        """These jobs returned something: no result of theirs may stand for another. Whether that
        is new."""
        if new := set(jobs) - self.unsteady:
            self.unsteady |= new
            self._found.clear()
        return bool(new)

    def _looks(
        self,
        key: BranchKey,
        paths: Collection[str],
        configs: Configs,
        policy: Policy,
        heads: Mapping[BranchKey, Commit],
        defaults: Mapping[str, str],
    ) -> Footprint:
        """What the jobs of an item are shown."""
        choice = of_the_gate(policy, key)
        try:
            chosen = select_jobs(
                project=key.project,
                touched=sorted(paths),
                configs=configs,
                pipelines=choice.pipelines,
                names=choice.names,
                whatever=choice.whatever,
            )
        except ValueError as error:
            return Footprint(unclear=f"its jobs cannot be chosen: {error}")
        shown: list[Shown] = []
        made = {name for _, job in chosen for name in job.provides}
        solo = False
        unclear = ""
        for project, job in chosen:
            if why := self._unsteady(project, job):
                unclear = unclear or f"job {job.name} of {project} {why}"
            solo = solo or not made.issuperset(job.requires)
            shown += _shown(project, job, key.branch, configs[project], policy, heads, defaults)
        return Footprint(shown=tuple(shown), unclear=unclear, solo=solo)

    def _unsteady(self, project: str, job: JobDefinition) -> str:
        """Why a result of a job cannot stand for another run of it."""
        if job.network:
            return "uses the network"
        if job.pause:
            return "pauses"
        if job.provides or job.requires:
            return "passes artifacts on"
        if (project, job.name) in self.unsteady:
            return "returns data"
        return ""

    async def _paths(self, proposal: Proposal) -> _Touched:
        revision = proposal.revision
        found = self._touched.get(revision.id)
        if found is None:
            repository = self._ports.repository(proposal.key.project)
            changed = await repository.changed(revision.base, revision.head)
            found = _Touched(
                frozenset(path for f in changed for path in (f.path, f.old_path) if path),
                frozenset(dirname(f.old_path) for f in changed if f.old_path not in ("", f.path)),
            )
            if len(self._touched) > _KEPT:
                self._touched.clear()
            self._touched[revision.id] = found
        return found

    async def _on(
        self, branch: str, heads: Mapping[BranchKey, Commit], defaults: Mapping[str, str]
    ) -> Configs | None:
        """The configurations that items of a branch find; the same object while they are equal."""
        known = self._configs.get(branch)
        if known is not None and known[0] is heads:
            return known[1]
        found: dict[str, ProjectConfig] | None = {}
        for project in sorted({key.project for key in heads}):
            default = defaults.get(project, "")
            commit = beside(project, branch, default, heads)
            if commit is None:
                continue
            config = await self._config(project, commit)
            there = branch if BranchKey(project, branch) in heads else default
            try:
                found[project] = for_branch(config, there) if config else ProjectConfig()
            except BadInput:
                config = None
            if config is None:
                found = None
                break
        configs: Configs | None = found
        if known is not None and known[1] == found:
            configs = known[1]
        self._configs[branch] = (heads, configs)
        return configs

    async def _config(self, project: str, commit: Commit) -> ProjectConfig | None:
        if (project, commit) not in self._parsed:
            if len(self._parsed) > _KEPT:
                self._parsed.clear()
            try:
                config = await self._ports.project_config(project, commit)
            except BadInput:
                config = None
            self._parsed[project, commit] = config
        return self._parsed[project, commit]

    async def same_config(self, project: str, one: Commit | None, other: Commit | None) -> bool:
        """Whether two commits of a project say the same about its jobs."""
        if one is None or other is None:
            return one is other
        mine = await self._config(project, one)
        return mine is not None and mine == await self._config(project, other)


def _shown(
    project: str,
    job: JobDefinition,
    branch: str,
    config: ProjectConfig,
    policy: Policy,
    heads: Mapping[BranchKey, Commit],
    defaults: Mapping[str, str],
) -> list[Shown]:
    """What one job is shown of each project that it finds."""
    found: list[Shown] = []
    environment = config.environments.get(job.environment) or policy.environments.get(
        job.environment
    )
    for other in dict.fromkeys((project, *job.required_projects)):
        patterns = job.shown(other, project)
        if patterns and other == project and environment is not None:
            patterns = (*patterns, *environment.inputs)
        branches = {branch} if BranchKey(other, branch) in heads else {defaults.get(other, branch)}
        found.append(Shown(other, frozenset(branches), patterns, f"{project}/{job.name}"))
    return found
