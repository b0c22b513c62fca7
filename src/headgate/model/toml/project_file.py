"""headgate.toml: the jobs, path classes and environments of one project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from headgate.model.config import PROJECT_FILE, PathClass, ProjectConfig
from headgate.model.job import EnvironmentDefinition, JobDefinition
from headgate.model.project import Context
from headgate.model.queue import MergeMode
from headgate.model.toml.environments import read_environments
from headgate.model.toml.names import check_name
from headgate.model.toml.reader import Table, nearest, outside, read

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_project(text: str, file: str = PROJECT_FILE) -> ProjectConfig:
    """The configuration that a headgate.toml holds.

    Raises BadInput with file, line and key for broken TOML, unknown keys, values of the wrong
    type, unusable patterns, unknown needs and job cycles. An environment that is not defined here
    is accepted: the policy may define it.
    """
    root = read(text, file)
    context = Context(root.choice("context", tuple(Context), Context.PRODUCTION))
    merge = MergeMode(root.choice("merge", tuple(MergeMode), MergeMode.MERGE))
    classes = root.table("classes")
    checks = root.table("checks")
    exclude = checks.patterns("exclude") if checks else ()
    if checks:
        checks.done()
    jobs = _jobs(root)
    environments: Mapping[str, EnvironmentDefinition] = {}
    if table := root.table("environments"):
        environments = read_environments(table, table.names())
    root.done()
    found = tuple(_classes(classes, "")) if classes else ()
    return ProjectConfig(context, merge, found, jobs, environments, exclude)


def _classes(table: Table, prefix: str) -> Iterator[PathClass]:
    for key in table.names():
        check_name(table, key, "path class")
        name = f"{prefix}{key}"
        if table.is_table(key):
            inner = table.table(key)
            if inner is not None:
                yield from _classes(inner, f"{name}.")
            continue
        found = table.patterns(key)
        if not found:
            table.fail(key, "has no patterns.", 'Give some, e.g. ["src/auth/**"].')
        yield PathClass(name, found)


def _jobs(root: Table) -> Mapping[str, JobDefinition]:
    table = root.table("jobs")
    if table is None:
        return {}
    jobs: dict[str, JobDefinition] = {}
    tables: dict[str, Table] = {}
    for name in table.names():
        check_name(table, name, "job")
        one = table.table(name)
        if one is not None:
            tables[name] = one
            jobs[name] = _job(name, one)
    for name, job in jobs.items():
        for index, need in enumerate(job.needs):
            if need not in jobs:
                tables[name].fail(
                    "needs", f"there is no job `{need}`.", nearest(need, jobs), index=index
                )
    if circle := _circle(jobs):
        shown = " → ".join(circle)
        tables[circle[0]].fail(
            "needs", f"the jobs wait for each other in a circle: {shown}.", "Take one `needs` out."
        )
    return jobs


def _job(name: str, table: Table) -> JobDefinition:
    argv, script = _command(table)
    env = table.mapping("env")
    for key in env:
        if not _VARIABLE.fullmatch(key) or key.startswith("HEADGATE"):
            table.fail(
                "env",
                f"`{key}` cannot be set.",
                "Use letters, digits and _; names that begin with HEADGATE are taken.",
            )
    caches = table.mapping("caches")
    for key, path in caches.items():
        if why := outside(path):
            table.fail("caches", f"{key}: `{path}` {why}.", "Name it from the project's root.")
    job = JobDefinition(
        name=name,
        argv=argv,
        script=script,
        files=table.patterns("files"),
        irrelevant_files=table.patterns("irrelevant-files"),
        needs=table.texts("needs"),
        timeout=table.seconds("timeout", 600.0),
        attempts=table.integer("attempts", 1, 1, 10),
        voting=table.flag("voting", True),
        required_projects=table.texts("required-projects"),
        environment=table.text("environment"),
        env=env,
        artifacts=table.patterns("artifacts"),
        caches=caches,
        network=table.flag("network", False),
        memory=table.size("memory", 2 << 30, 16 << 20),
        line=table.line,
    )
    table.done()
    return job


def _command(table: Table) -> tuple[tuple[str, ...], str]:
    if not table.has("run"):
        table.fail(
            "",
            "has no `run`.",
            'Give a command, e.g. run = ["python3", "-m", "pytest"], or a script as one string.',
        )
    if table.is_text("run"):
        return (), table.text("run")
    argv = table.texts("run")
    if not argv:
        table.fail("run", "is empty.", "Give a command, or take the job out.")
    if any("\0" in part for part in argv):
        table.fail("run", "holds a NUL character, which no command can.")
    return argv, ""


def _circle(jobs: Mapping[str, JobDefinition]) -> tuple[str, ...]:
    """Jobs that wait for each other, the first one repeated at the end; empty when none do."""
    done: set[str] = set()
    for start in jobs:
        way: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                way.pop()
                done.add(name)
            elif name in way:
                return (*way[way.index(name) :], name)
            elif name not in done:
                way.append(name)
                stack.append((name, True))
                stack.extend((need, False) for need in jobs[name].needs)
    return ()
