"""What headgate.toml says about one project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headgate.model.dependency_policy import DependencyPolicy as DependencyPolicy
from headgate.model.files import PROJECT_FILE as PROJECT_FILE
from headgate.model.finding import Severity
from headgate.model.job import EnvironmentDefinition, JobDefinition
from headgate.model.job_table import JobTable
from headgate.model.pipeline import PipelinePolicy
from headgate.model.project import Context
from headgate.model.queue import MergeMode
from headgate.model.reviewer import ReviewerPolicy
from headgate.model.scopes import Scope
from headgate.model.suppression import Suppression


@dataclass(frozen=True, slots=True)
class PathClass:
    """A named set of paths, e.g. `critical.auth`."""

    name: str
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectConfig:
    """A parsed headgate.toml; the defaults are what a project without one gets."""

    context: Context = Context.PRODUCTION
    merge_mode: MergeMode = MergeMode.MERGE
    classes: tuple[PathClass, ...] = ()
    jobs: Mapping[str, JobDefinition] = field(default_factory=dict[str, JobDefinition])
    """As they are on a branch that no variant names; `model.resolve.for_branch` knows the rest."""
    environments: Mapping[str, EnvironmentDefinition] = field(
        default_factory=dict[str, EnvironmentDefinition]
    )
    exclude: tuple[str, ...] = ()
    """`[checks] exclude`: patterns of files that source checks leave out (secrets still look)."""
    tools: tuple[str, ...] = ()
    """`[checks] tools`: tools of others that the source check runs, too."""
    tool_files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tool → path of its rules or configuration in the project."""
    rules: tuple[str, ...] = ()
    """`[checks] rules`: paths of rule packs in the project, files or folders."""
    job_tables: Mapping[str, JobTable] = field(default_factory=dict[str, JobTable])
    """The `[jobs.NAME]` tables as written."""
    dependencies: DependencyPolicy | None = None
    """`[dependencies]`: what the project asks of packages beyond the policy."""
    fail_fast: bool = True
    """What jobs do that do not say `fail-fast` themselves."""
    scopes: Mapping[str, Scope] = field(default_factory=dict[str, Scope])
    """Parts of the project that belong together, for queues of lanes."""


class NewRevision(StrEnum):
    """What a new revision means for the one that is in the queue."""

    REPLACE = "replace"
    """It leaves the queue, and the new one is inspected."""
    FINISH = "finish"
    """It has its verdict first; the new one waits until then."""


class QueueMode(StrEnum):
    """How a queue decides what to test."""

    CHAIN = "chain"
    """One future for each item, on all those ahead of it, within a window."""
    LANES = "lanes"
    """Items that cannot affect each other do not wait for each other; each is tested in the
    futures that most probably decide about it."""


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """A `[queues.NAME]` table of policy.toml."""

    name: str
    projects: tuple[str, ...]
    branches: tuple[str, ...]
    window: int = 4
    window_floor: int = 2
    window_ceiling: int = 20
    new_revision: NewRevision = NewRevision.REPLACE
    mode: QueueMode = QueueMode.CHAIN
    slots: int = 4
    """Of lanes: how many builds run at once."""
    fuse: int = 1
    """Of lanes: the most items that are tested in one build."""
    source_window: int = 0
    """Of lanes: how many changes of one source are tested at once to begin with; 0: all."""


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """A `[[approvals]]` table: when every given condition holds, approvals are needed."""

    name: str
    count: int
    groups: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    """Patterns over path classes, e.g. `critical.*`; empty: any."""
    origins: tuple[str, ...] = ()
    """Kinds of origin; empty: any."""
    tier: str = ""
    """The least risk tier, a word of RiskTier; empty: any."""
    projects: tuple[str, ...] = ()
    """Patterns over project names; empty: any."""
    dependencies: bool = False
    """Holds when the change adds a dependency that nobody approved."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy in force: policy.toml and permissions.cedar of the policy project."""

    digest: str
    """SHA-256 over the files it was read from."""
    deny_from: Severity = Severity.HIGH
    """Introduced findings at or above this severity, of at least `deny_confidence`, deny."""
    deny_confidence: int = 2
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    queues: tuple[QueuePolicy, ...] = ()
    pipelines: tuple[PipelinePolicy, ...] = ()
    approvals: tuple[ApprovalRule, ...] = ()
    dependencies: DependencyPolicy = field(default_factory=DependencyPolicy)
    network_jobs: tuple[str, ...] = ()
    """`project/job` patterns that may have network."""
    approved_setups: tuple[str, ...] = ()
    """`sha256:…` of environment set-up scripts that may run."""
    environments: Mapping[str, EnvironmentDefinition] = field(
        default_factory=dict[str, EnvironmentDefinition]
    )
    """Named by the policy, for every project's jobs."""
    cedar: str = ""
    """Cedar text of permissions.cedar, appended to the shipped permissions."""
    semaphores: Mapping[str, int] = field(default_factory=dict[str, int])
    """Name → how many runs may hold it at once; one, for those that are not here."""
    large_change: int = 400
    """Changed lines from which a change counts as large."""
    suppressions: tuple[Suppression, ...] = ()
    """`[[suppress]]`: findings that are silenced in every project that they name."""
    reviewer: ReviewerPolicy | None = None
    """Who may be asked about changes; None: nobody, and nothing is sent."""
