"""Which jobs a change must pass: those of its project that its files ask for, and those of every
project that requires it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.model.config import ProjectConfig
from headgate.model.job import JobDefinition
from headgate.model.patterns import matches


def applies(job: JobDefinition, touched: Sequence[str]) -> bool:
    """Whether the files that a change touches ask for this job.

    With `files`, one of them must match; with `irrelevant-files`, not all of them may. A change
    that touches no file (an empty commit) gets the jobs that are not bound to files.
    """
    if job.files and not any(matches(path, job.files) for path in touched):
        return False
    if job.irrelevant_files and touched:
        return not all(matches(path, job.irrelevant_files) for path in touched)
    return True


def select_jobs(
    *, project: str, touched: Sequence[str], configs: Mapping[str, ProjectConfig]
) -> tuple[tuple[str, JobDefinition], ...]:
    """Pairs of project and job, own project first, each job after those that it needs.

    `configs` holds the future headgate.toml of every project of the queue. A job needed by a
    chosen one is chosen too, whatever its own files say. ValueError when needs form a cycle or
    name a job that is not there: parsing a headgate.toml has excluded both.
    """
    chosen: list[tuple[str, JobDefinition]] = []
    own = configs.get(project, ProjectConfig())
    chosen += _closed(project, own, [job for job in own.jobs.values() if applies(job, touched)])
    for name in sorted(configs):
        if name == project:
            continue
        config = configs[name]
        chosen += _closed(
            name, config, [job for job in config.jobs.values() if project in job.required_projects]
        )
    return tuple(chosen)


def _closed(
    project: str, config: ProjectConfig, wanted: Sequence[JobDefinition]
) -> list[tuple[str, JobDefinition]]:
    order: dict[str, JobDefinition] = {}
    under_way: list[str] = []

    def take(job: JobDefinition) -> None:
        if job.name in order:
            return
        if job.name in under_way:
            raise ValueError(f"jobs of {project} need each other: {' → '.join(under_way)}")
        under_way.append(job.name)
        for needed in job.needs:
            if needed not in config.jobs:
                raise ValueError(f"job {job.name} of {project} needs {needed}, which is not there")
            take(config.jobs[needed])
        under_way.pop()
        order[job.name] = job

    for job in wanted:
        take(job)
    return [(project, job) for job in order.values()]
