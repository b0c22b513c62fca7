"""What the job tables of a project come to on one branch: extends, variants, matrix, needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from headgate.model.config import ProjectConfig
from headgate.model.job import JobDefinition
from headgate.model.job_matrix import combinations
from headgate.model.job_settings import settings_on
from headgate.model.job_table import JobTable, Setting, Settings, fail
from headgate.model.job_waits import circle_of, wait_for_each_other

JOBS = 1000
"""Jobs of one project, combinations counted one by one."""

_TRIED = 64
"""Branches that a file is tried out for when it is read."""

_EFFORT = 12_000
"""Jobs looked at, over all branches that are tried out; a few thousand take a tenth of a second."""

_EDGES_PER_JOB = 20
"""Edges that take about as long as one job."""


def for_branch(config: ProjectConfig, branch: str) -> ProjectConfig:
    """The same configuration with the jobs as they are for changes of a target branch.

    Raises BadInput naming file, line and key when they do not fit together there.
    """
    if not any(table.variants for table in config.job_tables.values()):
        return config
    return replace(config, jobs=resolve_jobs(config.job_tables, branch, config.fail_fast))


def try_branches(tables: Mapping[str, JobTable], fail_fast: bool) -> None:
    """Resolve the jobs for branches that stand for the variants, as far as that is cheap.

    Large files are tried out on fewer branches: what does not fit together on the others is told
    when a change for one of them comes. Raises BadInput as `resolve_jobs` does.
    """
    named = (
        pattern.replace("*", "x").replace("?", "x")
        for table in tables.values()
        for variant in table.variants
        for pattern in variant.branches
    )
    size = sum(1 + len(table.variants) for table in tables.values())
    effort = 0
    for branch in tuple(dict.fromkeys(named))[:_TRIED]:
        if effort >= _EFFORT:
            return
        jobs, edges = _resolve(tables, branch, fail_fast)
        effort += size + len(jobs) + edges // _EDGES_PER_JOB


def resolve_jobs(
    tables: Mapping[str, JobTable], branch: str, fail_fast: bool
) -> Mapping[str, JobDefinition]:
    """Job name → job on a branch; `branch` is empty for one that no variant names.

    Raises BadInput: unknown or circular bases and needs, a job without command, a matrix of which
    nothing is left, too many jobs, too many that wait for each other.
    """
    return _resolve(tables, branch, fail_fast)[0]


def _resolve(
    tables: Mapping[str, JobTable], branch: str, fail_fast: bool
) -> tuple[Mapping[str, JobDefinition], int]:
    """The jobs, and the number of edges between them."""
    jobs: dict[str, JobDefinition] = {}
    expanded: dict[str, list[str]] = {}
    settings_of: dict[str, Settings] = {}
    laid: dict[str, Settings] = {}
    for name, table in tables.items():
        settings = settings_on(tables, table, branch, laid)
        if table.abstract:
            continue
        run = settings.get("run")
        if run is not None and run.value is None:
            continue  # `run = false`.
        settings_of[name] = settings
        expanded[name] = []
        for job in combinations(table, settings, fail_fast):
            expanded[name].append(job.name)
            jobs[job.name] = job
            if len(jobs) > JOBS:
                at = Setting(None, table.line, f"jobs.{name}")
                fail(table, at, f"is one too many: at most {JOBS} jobs.", "Take some out.")
    edges = wait_for_each_other(tables, branch, jobs, expanded, settings_of)
    if circle := circle_of(edges):
        table = tables[jobs[circle[0]].origin]
        settings = settings_of[table.name]
        key = next(key for key in ("needs", "after", "requires") if key in settings)
        shown = " → ".join(circle)
        fail(
            table,
            settings[key],
            f"the jobs wait for each other in a circle: {shown}.",
            "Take one `needs`, `after` or `requires` out.",
        )
    return jobs, sum(map(len, edges.values()))
