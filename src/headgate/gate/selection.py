"""Which jobs a future must pass, and what each of them finds when it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from headgate.gate.futures import Proposal
from headgate.gate.pipelines.scope import gate_of
from headgate.gate.ports import GatePorts
from headgate.gate.scope import beside
from headgate.jobs.build import BuildPlan, PlannedJob
from headgate.jobs.dispatch.interface import RunRequest
from headgate.jobs.results import Visible, environment_key
from headgate.jobs.select import select_jobs
from headgate.model.config import PROJECT_FILE, Policy, ProjectConfig
from headgate.model.errors import BadInput, CouldNotRun, HeadgateError
from headgate.model.ids import Commit, JobRunId
from headgate.model.job import Checkout, EnvironmentDefinition, JobDefinition, read_pattern
from headgate.model.patterns import matches, name_matches
from headgate.model.pipeline import GATE_PIPELINE
from headgate.model.queue import BranchKey, Node
from headgate.model.resolve import for_branch


class Unusable(HeadgateError):
    """The configuration of a project in this future cannot be used. `project` names whose."""

    def __init__(self, project: str, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.project = project


class Unmet(HeadgateError):
    """A job wants what this server does not have: not the change's fault, and no build helps."""


@dataclass(frozen=True, slots=True)
class Selected:
    """The jobs of a future, and the commits that they find."""

    plan: BuildPlan
    names: tuple[str, ...]
    """`project/job`, in the order in which they were chosen."""
    commits: Mapping[str, Commit] = field(default_factory=dict[str, Commit])
    """Project → commit, of every checkout."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the jobs are wanted."""

    pipelines: tuple[str, ...] = (GATE_PIPELINE,)
    """Those that name one of them."""
    names: tuple[str, ...] = ()
    """Instead: those with these names; patterns."""
    whatever: bool = False
    """Whether the files that they ask for do not matter."""


@dataclass(frozen=True, slots=True)
class _Future:
    """What the selection knows of one future."""

    ports: GatePorts
    proposal: Proposal
    node: Node
    commit: Commit
    defaults: Mapping[str, str]
    policy: Policy
    touched: tuple[str, ...]
    own_before: ProjectConfig

    @property
    def project(self) -> str:
        return self.proposal.key.project


async def select(
    ports: GatePorts,
    proposal: Proposal,
    node: Node,
    defaults: Mapping[str, str],
    choice: Choice | None = None,
) -> Selected:
    """The jobs that the item must pass in this future.

    Without a choice, those of the gate of its branch. `defaults` are the projects of the server
    with their default branches. Configurations are read from the future itself. Raises Unusable
    naming the project whose configuration is to blame, GitError when git cannot answer.
    """
    if node.commit is None:
        raise ValueError(f"node {node.id} does not merge, so it has no jobs")
    key = proposal.key
    choice = choice or of_the_gate(ports.policy(), key)
    repository = ports.repository(key.project)
    changed = await repository.changed(node.base, node.commit)
    touched = tuple(dict.fromkeys(path for f in changed for path in (f.path, f.old_path) if path))
    try:
        own_before = for_branch(await ports.project_config(key.project, node.base), key.branch)
    except BadInput:
        own_before = ProjectConfig()
    future = _Future(
        ports, proposal, node, node.commit, defaults, ports.policy(), touched, own_before
    )
    configs = await _configs(future)
    try:
        chosen = select_jobs(
            project=key.project,
            touched=touched,
            configs=configs,
            pipelines=choice.pipelines,
            names=choice.names,
            whatever=choice.whatever,
        )
    except ValueError as error:
        # Within one project its file was refused already: it takes two to wait in a circle.
        raise Unusable(key.project, f"{error}.", "Take one `requires` out.") from error
    return await _planned(future, chosen, configs)


def of_the_gate(policy: Policy, key: BranchKey) -> Choice:
    """The jobs that decide about landing on a branch."""
    gate = gate_of(policy, key)
    # Whatever a gate is called, jobs that say nothing about pipelines decide in it.
    return Choice() if gate is None else Choice((GATE_PIPELINE, gate.name), gate.jobs)


async def _configs(future: _Future) -> dict[str, ProjectConfig]:
    projects = sorted({key.project for key in future.node.future})
    commits = {p: c for p in projects if (c := _inside(future, p)) is not None}
    found = await asyncio.gather(*(_config(future, p, c) for p, c in commits.items()))
    return dict(zip(commits, found, strict=True))


def _inside(future: _Future, project: str) -> Commit | None:
    """A project of the queue in this future."""
    if project == future.project:
        return future.commit
    default = future.defaults.get(project, "")
    return beside(project, future.proposal.key.branch, default, future.node.future)


def _branch(future: _Future, project: str) -> str:
    """The branch that a project of the queue is on in this future."""
    branch = future.proposal.key.branch
    there = project == future.project or BranchKey(project, branch) in future.node.future
    return branch if there else future.defaults.get(project, branch)


async def _config(future: _Future, project: str, commit: Commit) -> ProjectConfig:
    try:
        config = await future.ports.project_config(project, commit)
        return for_branch(config, _branch(future, project))
    except BadInput as error:
        raise Unusable(
            project, f"{PROJECT_FILE} of {project} cannot be used: {error.message}", error.remedy
        ) from error


async def _planned(
    future: _Future,
    chosen: Sequence[tuple[str, JobDefinition]],
    configs: Mapping[str, ProjectConfig],
) -> Selected:
    jobs: list[PlannedJob] = []
    commits: dict[str, Commit] = {}
    for project, job in chosen:
        _check_labels(future, project, job)
        environment = _environment(future, project, job, configs[project])
        wanted = dict.fromkeys((project, *job.required_projects))
        _check_reads(project, job, wanted)
        checkouts = tuple([await _checkout(future, other, project, job) for other in wanted])
        # What the set-up of the environment reads is there too: it is made from this checkout.
        own = checkouts[0]
        if own.reads and environment is not None:
            own = replace(own, reads=(*own.reads, *environment.inputs))
            checkouts = (own, *checkouts[1:])
        commits |= {c.project: c.commit for c in checkouts}
        secrets = await _secrets(future, project, job, environment)
        jobs.append(_job(future, project, job, checkouts, environment, secrets))
    names = tuple(f"{project}/{job.name}" for project, job in chosen)
    return Selected(BuildPlan(tuple(jobs)), names, commits)


async def _checkout(future: _Future, wanted: str, project: str, job: JobDefinition) -> Checkout:
    """A project as the job finds it: in this future, or on its branch when that is not queued."""
    if wanted not in future.defaults:
        raise Unusable(
            project,
            f"{PROJECT_FILE} of {project}, line {job.line}: job {job.name} requires the project "
            f"{wanted}, which does not exist.",
            "Add the project, or take it out of required-projects.",
        )
    repository = future.ports.repository(wanted)
    commit = _inside(future, wanted)
    for branch in (future.proposal.key.branch, future.defaults[wanted]):
        commit = commit or await repository.resolve(f"refs/heads/{branch}")
    if commit is None:
        raise Unusable(
            project,
            f"job {job.name} of {project} requires {wanted}, which has neither the branch "
            f"{future.proposal.key.branch} nor {future.defaults[wanted]}.",
            f"Push a change to {wanted} first, or take it out of required-projects.",
        )
    return Checkout(wanted, str(repository.path), commit, job.shown(wanted, project))


def _check_reads(project: str, job: JobDefinition, there: Collection[str]) -> None:
    for text in job.reads:
        other, _ = read_pattern(text)
        if other and other not in there:
            raise Unusable(
                project,
                f"{PROJECT_FILE} of {project}, line {job.line}: job {job.name} reads `{text}`, "
                f"and does not require the project {other}.",
                f"Add {other} to required-projects, or take the pattern out.",
            )


def _check_labels(future: _Future, project: str, job: JobDefinition) -> None:
    wanted = {job.label, *job.nodes.values()} - {""}
    if missing := sorted(wanted - future.ports.labels):
        have = ", ".join(sorted(future.ports.labels)) or "none"
        raise Unmet(
            f"Job {job.name} of {project} needs a machine with the label {missing[0]}, and there "
            f"is none (labels: {have}).",
            f"Add {missing[0]} to the runner labels of server.toml, or change the job.",
        )


@dataclass(frozen=True, slots=True)
class _Given:
    """The secrets of one job in one future."""

    values: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variable → what tells its value from others."""
    withheld: str = ""


async def _secrets(
    future: _Future, project: str, job: JobDefinition, environment: EnvironmentDefinition | None
) -> _Given:
    if not job.secrets:
        return _Given()
    # Whatever is assumed ahead is in this future too: all of it has to be trusted.
    items = (*future.node.assumed, *(future.node.unit or (future.proposal.item.id,)))
    if not await _landed(future, project, job, environment) and not future.ports.vouched(items):
        return _Given(
            withheld="the job is not as the landed branch has it, and nobody has approved that"
        )
    values: dict[str, str] = {}
    versions: dict[str, str] = {}
    for variable, name in job.secrets.items():
        try:
            secret = future.ports.secret(project, name)
        except CouldNotRun as error:
            raise Unmet(error.message, error.remedy) from error
        if secret is None:
            raise Unmet(
                f"Job {job.name} of {project} wants the secret {name}, which is not stored.",
                f"Store it: headgate secret set {project} {name}",
            )
        values[variable] = secret.value
        versions[variable] = f"{project}/{name}/{secret.version}"
    return _Given(values, versions)


async def _landed(
    future: _Future, project: str, job: JobDefinition, environment: EnvironmentDefinition | None
) -> bool:
    """Whether the branch as it is defines exactly this job, with this environment."""
    branch = _branch(future, project)
    head = await future.ports.repository(project).resolve(f"refs/heads/{branch}")
    if head is None:
        return False
    try:
        config = for_branch(await future.ports.project_config(project, head), branch)
    except BadInput:
        return False
    landed = config.jobs.get(job.name)
    if landed is None or replace(landed, line=0) != replace(job, line=0):
        return False
    before = _find_environment(future, job, config)
    return _same(before, environment)


def _same(one: EnvironmentDefinition | None, other: EnvironmentDefinition | None) -> bool:
    if one is None or other is None:
        return one is other
    return replace(one, line=0) == replace(other, line=0)


def _job(
    future: _Future,
    project: str,
    job: JobDefinition,
    checkouts: tuple[Checkout, ...],
    environment: EnvironmentDefinition | None,
    secrets: _Given,
) -> PlannedJob:
    item = future.proposal.item
    variables = {
        "HEADGATE_BRANCH": item.branch,
        "HEADGATE_CHANGE": str(item.change),
        "HEADGATE_CHANGE_PROJECT": future.project,
        "HEADGATE_COMMIT": checkouts[0].commit,
    }
    names = {f"{project}/{name}" for name in (job.name, job.origin or job.name)}
    network = job.network and any(name_matches(n, future.policy.network_jobs) for n in names)
    altered = project == future.project and _altered(future, environment)

    def request_for(run: JobRunId, attempt: int) -> RunRequest:
        return RunRequest(
            run=run,
            job=job,
            project=project,
            checkouts=checkouts,
            environment=environment,
            network=network,
            variables={**variables, "HEADGATE_ATTEMPT": str(attempt)},
            log=future.ports.log_path(run),
            artifacts=future.ports.artifacts_path(run),
            environment_changed=altered,
            priority=item.position,
            secrets=secrets.values,
            withheld=secrets.withheld,
        )

    async def elsewhere(names: tuple[str, ...]) -> Mapping[str, tuple[Path, ...]]:
        return await future.ports.provided(
            names, {project, *job.required_projects}, future.node.assumed
        )

    async def visible() -> Visible:
        digests = future.ports.digests
        key = ""
        if environment is not None:
            own = digests(project)
            inputs = environment.inputs
            key = environment_key(
                environment, await own.digest(checkouts[0].commit, inputs) if inputs else ""
            )
        return Visible(
            project=project,
            trees={
                c.project: await digests(c.project).digest(c.commit, c.reads) for c in checkouts
            },
            environment=key,
            variables=variables,
            network=network,
            secrets=secrets.versions,
        )

    return PlannedJob(project, job, request_for, elsewhere if job.requires else None, visible)


def _environment(
    future: _Future, project: str, job: JobDefinition, config: ProjectConfig
) -> EnvironmentDefinition | None:
    if not job.environment:
        return None
    found = _find_environment(future, job, config)
    if found is None:
        raise Unusable(
            project,
            f"{PROJECT_FILE} of {project}, line {job.line}: job {job.name} wants the environment "
            f"{job.environment!r}, which neither the project nor the policy defines.",
            f"Define [environments.{job.environment}].",
        )
    return found


def _find_environment(
    future: _Future, job: JobDefinition, config: ProjectConfig
) -> EnvironmentDefinition | None:
    name = job.environment
    return config.environments.get(name) or future.policy.environments.get(name)


def _altered(future: _Future, environment: EnvironmentDefinition | None) -> bool:
    """Whether the item itself changes how the environment is set up."""
    if environment is None:
        return False
    before = future.own_before.environments.get(environment.name)
    defined = future.policy.environments.get(environment.name) != environment
    return any(matches(path, environment.inputs) for path in future.touched) or (
        defined and (before is None or before.setup != environment.setup)
    )
