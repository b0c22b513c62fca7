"""Which jobs a change must pass: those of its project that its files ask for, and those of every
project that requires it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from headgate.model.config import ProjectConfig
from headgate.model.job import JobDefinition
from headgate.model.patterns import matches, name_matches

GATE = "gate"
"""The pipeline in which jobs decide about landing."""

JobKey = tuple[str, str]
"""Project and job."""


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
    *,
    project: str,
    touched: Sequence[str],
    configs: Mapping[str, ProjectConfig],
    pipelines: Collection[str] = (GATE,),
    names: Sequence[str] = (),
    whatever: bool = False,
) -> tuple[tuple[str, JobDefinition], ...]:
    """Pairs of project and job, each job after those that it waits for.

    Without `names`, the jobs of these pipelines; else those, by patterns of their names, whatever
    they say themselves. With `whatever`, their files do not matter: nothing in particular was
    touched. `configs` holds the future headgate.toml of every project of the queue, with the jobs
    as they are for its branch there. A job needed by a chosen one is chosen too, whatever its own
    files and pipelines say; one that it only waits for, or whose artifacts it requires, is not.
    ValueError when jobs wait for each other in a circle or need one that is not there: parsing
    has excluded both within a project.
    """
    own = configs.get(project, ProjectConfig())

    def belongs(job: JobDefinition) -> bool:
        if names:
            return name_matches(job.name, names) or job.origin in names
        return any(name in job.pipelines for name in pipelines)

    asked = [
        (project, job)
        for job in own.jobs.values()
        if belongs(job) and (whatever or applies(job, touched))
    ]
    asked += [
        (name, job)
        for name in sorted(configs)
        if name != project
        for job in configs[name].jobs.values()
        if belongs(job) and project in job.required_projects
    ]
    chosen: dict[JobKey, JobDefinition] = {}
    look = list(reversed(asked))
    while look:
        name, job = look.pop()
        if (name, job.name) in chosen:
            continue
        chosen[name, job.name] = job
        for needed in reversed(job.needs):
            found = configs.get(name, ProjectConfig()).jobs.get(needed)
            if found is None:
                raise ValueError(f"job {job.name} of {name} needs {needed}, which is not there")
            look.append((name, found))
    return tuple((key[0], chosen[key]) for key in in_order(chosen))


def supplies(maker: JobKey, user: JobKey, job: JobDefinition) -> bool:
    """Whether a job may get artifacts of another: of its own project, or of one it requires.

    Whoever may see what a run wrote may see the projects that it required; artifacts of any other
    would carry content past that.
    """
    return maker != user and (maker[0] == user[0] or maker[0] in job.required_projects)


def waits(jobs: Mapping[JobKey, JobDefinition]) -> Mapping[JobKey, frozenset[JobKey]]:
    """What each of these jobs waits for among the others: needs, `after`, and providers."""
    provided: dict[str, set[JobKey]] = {}
    for key, job in jobs.items():
        for name in job.provides:
            provided.setdefault(name, set()).add(key)
    found: dict[JobKey, frozenset[JobKey]] = {}
    for key, job in jobs.items():
        wanted = {(key[0], name) for name in (*job.needs, *job.after)} & jobs.keys()
        for name in job.requires:
            wanted |= {maker for maker in provided.get(name, set()) if supplies(maker, key, job)}
        found[key] = frozenset(wanted - {key})
    return found


def in_order(jobs: Mapping[JobKey, JobDefinition]) -> list[JobKey]:
    """The jobs, each after those that it waits for, otherwise as given. ValueError for a circle."""
    edges = waits(jobs)
    position = {key: index for index, key in enumerate(jobs)}
    order: dict[JobKey, None] = {}
    under_way: dict[JobKey, None] = {}
    for start in jobs:
        stack: list[tuple[JobKey, bool]] = [(start, False)]
        while stack:
            key, leaving = stack.pop()
            if leaving:
                del under_way[key]
                order[key] = None
            elif key in under_way:
                way = list(under_way)
                circle = " → ".join("/".join(k) for k in (*way[way.index(key) :], key))
                raise ValueError(f"jobs wait for each other in a circle: {circle}")
            elif key not in order:
                under_way[key] = None
                stack.append((key, True))
                later = sorted(edges[key], key=position.__getitem__, reverse=True)
                stack.extend((one, False) for one in later)
    return list(order)
