"""headgate.toml: the jobs, path classes and environments of one project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from headgate.model.config import PROJECT_FILE, PathClass, ProjectConfig
from headgate.model.job import EnvironmentDefinition
from headgate.model.job_table import JobTable
from headgate.model.project import Context
from headgate.model.queue import MergeMode
from headgate.model.resolve import resolve_jobs, try_branches
from headgate.model.scopes import Scope
from headgate.model.toml.dependency_policy import read_tightening
from headgate.model.toml.environments import read_environments
from headgate.model.toml.job_tables import read_job
from headgate.model.toml.names import check_name
from headgate.model.toml.reader import Table, outside, read
from headgate.model.toml.scopes import read_scopes


def parse_project(text: str, file: str = PROJECT_FILE) -> ProjectConfig:
    """The configuration that a headgate.toml holds.

    Raises BadInput with file, line and key for broken TOML, unknown keys, values of the wrong
    type, unusable patterns, and jobs that do not fit together, on branches that variants name too.
    An environment that is not defined here is accepted: the policy may define it.
    """
    root = read(text, file)
    context = Context(root.choice("context", tuple(Context), Context.PRODUCTION))
    merge = MergeMode(root.choice("merge", tuple(MergeMode), MergeMode.MERGE))
    classes = root.table("classes")
    checks = root.table("checks")
    exclude = checks.patterns("exclude") if checks else ()
    tools: tuple[str, ...] = ()
    tool_files: Mapping[str, str] = {}
    rules: tuple[str, ...] = ()
    if checks:
        tools, tool_files = _tools(checks)
        rules = _rules(checks)
    if checks:
        checks.done()
    tables = _jobs(root)
    fail_fast = root.flag("fail-fast", True)
    environments: Mapping[str, EnvironmentDefinition] = {}
    if table := root.table("environments"):
        environments = read_environments(table, table.names())
    areas = root.table("scopes")
    scopes: Mapping[str, Scope] = read_scopes(areas) if areas else {}
    packages = root.table("dependencies")
    dependencies = None if packages is None else read_tightening(packages)
    root.done()
    found = tuple(_classes(classes, "")) if classes else ()
    jobs = resolve_jobs(tables, "", fail_fast)
    try_branches(tables, fail_fast)
    return ProjectConfig(
        context=context,
        merge_mode=merge,
        classes=found,
        jobs=jobs,
        environments=environments,
        exclude=exclude,
        tools=tools,
        tool_files=tool_files,
        rules=rules,
        job_tables=tables,
        dependencies=dependencies,
        fail_fast=fail_fast,
        scopes=scopes,
    )


TOOLS = ("bandit", "checkov", "eslint", "hadolint", "semgrep", "zizmor")
"""What `[checks] tools` may name."""
_TOOL_FILES = {"semgrep": "semgrep-rules", "eslint": "eslint-config"}


def _tools(checks: Table) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The tools of others, and the files that some of them need."""
    named = checks.texts("tools")
    for name in named:
        if name not in TOOLS:
            known = ", ".join(TOOLS)
            checks.fail("tools", f"`{name}` is no tool that can be run.", f"Known: {known}.")
    files: dict[str, str] = {}
    for tool, key in _TOOL_FILES.items():
        path = checks.text(key, "")
        if tool in named and not path:
            checks.fail("tools", f"{tool} needs `{key}`.", f'Add {key} = "PATH" to [checks].')
        if path and (why := outside(path)):
            checks.fail(key, why, "Give the path from the root of the project.")
        if path:
            files[tool] = path
    return tuple(dict.fromkeys(named)), files


def _rules(checks: Table) -> tuple[str, ...]:
    """Where rule packs of the project's own are."""
    paths = checks.texts("rules")
    for path in paths:
        if why := outside(path):
            checks.fail("rules", why, "Give paths from the root of the project.")
    return tuple(dict.fromkeys(path.rstrip("/") for path in paths))


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


def _jobs(root: Table) -> Mapping[str, JobTable]:
    table = root.table("jobs")
    if table is None:
        return {}
    jobs: dict[str, JobTable] = {}
    for name in table.names():
        check_name(table, name, "job")
        one = table.table(name)
        if one is not None:
            jobs[name] = read_job(name, one)
    return jobs
