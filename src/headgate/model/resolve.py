"""What the job tables of a project come to on one branch: extends, variants, matrix, needs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import NoReturn, cast

from headgate.model.config import ProjectConfig
from headgate.model.errors import BadInput
from headgate.model.job import JobDefinition, Step
from headgate.model.job_table import JobTable, Matrix, Setting
from headgate.model.patterns import name_matches

COMBINATIONS = 256
"""The largest matrix."""

JOBS = 1000
"""Jobs of one project, combinations counted one by one."""

LONGEST = 250
"""Characters of a job's name with its combination."""

EDGES = 20_000
"""Pairs of jobs of one project of which one waits for the other, combinations counted."""

DEPTH = 32
"""Jobs in a chain of `extends`."""

_TRIED = 64
"""Branches that a file is tried out for when it is read."""

_EFFORT = 12_000
"""Jobs looked at, over all branches that are tried out; a few thousand take a tenth of a second."""

_EDGES_PER_JOB = 20
"""Edges that take about as long as one job."""

_MERGED = frozenset({"env", "caches", "secrets"})
"""Keys whose tables are laid over each other; every other value is replaced as a whole."""

_ELSEWHERE = "on branches that no variant names"

Settings = Mapping[str, Setting]


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
        settings = _settings(tables, table, branch, laid)
        if table.abstract:
            continue
        run = settings.get("run")
        if run is not None and run.value is None:
            continue  # `run = false`.
        settings_of[name] = settings
        expanded[name] = []
        for job in _combinations(table, settings, fail_fast):
            expanded[name].append(job.name)
            jobs[job.name] = job
            if len(jobs) > JOBS:
                at = Setting(None, table.line, f"jobs.{name}")
                _fail(table, at, f"is one too many: at most {JOBS} jobs.", "Take some out.")
    edges = _wait(tables, branch, jobs, expanded, settings_of)
    if circle := _circle(edges):
        table = tables[jobs[circle[0]].origin]
        settings = settings_of[table.name]
        key = next(key for key in ("needs", "after", "requires") if key in settings)
        shown = " → ".join(circle)
        _fail(
            table,
            settings[key],
            f"the jobs wait for each other in a circle: {shown}.",
            "Take one `needs`, `after` or `requires` out.",
        )
    return jobs, sum(map(len, edges.values()))


# -- extends and variants ------------------------------------------------------------------


def _settings(
    tables: Mapping[str, JobTable], table: JobTable, branch: str, laid: dict[str, Settings]
) -> Settings:
    """What a job comes to with everything that it extends, base first.

    `laid` keeps what was found, for those that extend the same.
    """
    found: dict[str, Setting] = {}
    for one in reversed(_bases(tables, table)):
        if one.name in laid:
            found = dict(laid[one.name])
            continue
        _lay(found, one.settings)
        for variant in one.variants:
            if branch and name_matches(branch, variant.branches):
                _lay(found, variant.settings)
        laid[one.name] = dict(found)
    return found


def _bases(tables: Mapping[str, JobTable], table: JobTable) -> list[JobTable]:
    """The job and what it extends, nearest first."""
    chain = [table]
    while chain[-1].extends:
        last = chain[-1]
        at = Setting(None, last.extends_line, f"jobs.{last.name}.extends")
        base = tables.get(last.extends)
        if base is None:
            _fail(last, at, f"there is no job `{last.extends}`.", _near(last.extends, tables))
        if base in chain:
            shown = " → ".join(one.name for one in (*chain, base))
            _fail(last, at, f"the jobs extend each other: {shown}.", "Take one `extends` out.")
        chain.append(base)
        if len(chain) > DEPTH:
            _fail(table, at, f"leads through more than {DEPTH} jobs.", "Make the chain shorter.")
    return chain


def _lay(found: dict[str, Setting], over: Settings) -> None:
    for key, setting in over.items():
        below = found.get(key)
        if key in _MERGED and below is not None:
            merged = {
                **cast("Mapping[str, str]", below.value),
                **cast("Mapping[str, str]", setting.value),
            }
            found[key] = replace(setting, value=merged)
        else:
            found[key] = setting
    # The command is one thing, however it is written.
    if "run" in over and "ansible" not in over:
        found.pop("ansible", None)
    if "ansible" in over and "run" not in over:
        found.pop("run", None)


# -- the matrix ----------------------------------------------------------------------------


def _combinations(table: JobTable, settings: Settings, fail_fast: bool) -> Iterator[JobDefinition]:
    plain = _definition(table, settings, fail_fast)
    setting = settings.get("matrix")
    if setting is None:
        yield plain
        return
    matrix = cast("Matrix", setting.value)
    sizes = 1
    for _, values in matrix.axes:
        sizes *= len(values)
    if sizes > COMBINATIONS:
        _fail(
            table,
            setting,
            f"has {sizes} combinations, more than {COMBINATIONS}.",
            "Take values out, or make several jobs of it.",
        )
    left = [one for one in _product(matrix) if not _excluded(one, matrix.exclude)]
    if not left:
        _fail(table, setting, "everything is excluded.", "Leave at least one combination.")
    for one in left:
        given = {matrix_variable(axis): value for axis, value in one.items()}
        if taken := sorted(given.keys() & (plain.env.keys() | plain.secrets.keys())):
            _fail(table, setting, f"and `env` both give ${taken[0]}.", "Rename one.")
        name = f"{plain.name} ({', '.join(one.values())})"
        if len(name) > LONGEST:
            what = f"makes the name `{name[:40]}…`, longer than {LONGEST} characters."
            _fail(table, setting, what, "Use fewer axes or shorter values.")
        yield replace(
            plain,
            name=name,
            env={**plain.env, **given},
            matrix=one,
        )


def matrix_variable(axis: str) -> str:
    """The variable in which a job finds the value of an axis."""
    return f"MATRIX_{axis.upper().replace('-', '_')}"


def _product(matrix: Matrix) -> Iterator[Mapping[str, str]]:
    names = [axis for axis, _ in matrix.axes]
    for values in itertools.product(*(values for _, values in matrix.axes)):
        yield dict(zip(names, values, strict=True))


def _excluded(one: Mapping[str, str], exclude: Sequence[Mapping[str, str]]) -> bool:
    return any(all(one[axis] == value for axis, value in out.items()) for out in exclude)


# -- one job -------------------------------------------------------------------------------


def _definition(table: JobTable, settings: Settings, fail_fast: bool) -> JobDefinition:
    def texts(key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        return cast("tuple[str, ...]", settings[key].value) if key in settings else default

    def pairs(key: str) -> Mapping[str, str]:
        return cast("Mapping[str, str]", settings[key].value) if key in settings else {}

    def flag(key: str, default: bool) -> bool:
        return cast("bool", settings[key].value) if key in settings else default

    def number(key: str, default: float) -> float:
        return cast("float", settings[key].value) if key in settings else default

    def text(key: str) -> str:
        return cast("str", settings[key].value) if key in settings else ""

    def step(key: str) -> Step | None:
        return cast("Step | None", settings[key].value) if key in settings else None

    run, playbooks = step("run"), texts("ansible")
    if run is not None and playbooks:
        _fail(table, settings["ansible"], "and `run` are both given.", "Keep one of them.")
    if run is None and not playbooks:
        where = Setting(None, table.line, f"jobs.{table.name}")
        _fail(
            table,
            where,
            "has no `run`.",
            'Give a command, e.g. run = ["python3", "-m", "pytest"], or a script as one string; '
            "or say abstract = true when it is only a base for others.",
        )
    both = sorted(pairs("env").keys() & pairs("secrets").keys())
    if both:
        _fail(table, settings["secrets"], f"`{both[0]}` is in `env` too.", "Keep one of them.")
    if run is None:
        # With `compat` there is an inventory.
        own = () if text("compat") else ("-i", "localhost,", "-c", "local")
        run = Step(("ansible-playbook", *own, *playbooks))
    timeout = number("timeout", 600.0)
    return JobDefinition(
        name=table.name,
        argv=run.argv,
        script=run.script,
        files=texts("files"),
        irrelevant_files=texts("irrelevant-files"),
        needs=texts("needs"),
        timeout=timeout,
        attempts=int(number("attempts", 1)),
        voting=flag("voting", True),
        reuse=flag("reuse", True),
        required_projects=texts("required-projects"),
        environment=text("environment"),
        env=pairs("env"),
        artifacts=texts("artifacts"),
        caches=pairs("caches"),
        network=flag("network", False),
        memory=int(number("memory", 2 << 30)),
        line=table.line,
        after=texts("after"),
        chooses=texts("chooses"),
        fail_fast=flag("fail-fast", fail_fast),
        pre=step("pre"),
        post=step("post"),
        pre_timeout=number("pre-timeout", timeout),
        post_timeout=number("post-timeout", timeout),
        reads=texts("reads"),
        provides=texts("provides"),
        requires=texts("requires"),
        semaphores=tuple(sorted(texts("semaphores"))),
        label=text("label"),
        secrets=pairs("secrets"),
        fail_on_output=texts("fail-on-output"),
        pause=flag("pause", False),
        pipelines=texts("pipelines", ("gate",)),
        compat=text("compat"),
        nodes=pairs("nodes"),
        playbooks=playbooks,
        origin=table.name,
    )


# -- what waits for what -------------------------------------------------------------------


def _wait(
    tables: Mapping[str, JobTable],
    branch: str,
    jobs: dict[str, JobDefinition],
    expanded: Mapping[str, Sequence[str]],
    settings_of: Mapping[str, Settings],
) -> Mapping[str, Sequence[str]]:
    """Put the names of jobs that run into `needs`, `after` and `chooses`.

    Returns for every job those that must have ended before it starts, providers of what it
    requires included.
    """
    known = _Known(tables, expanded, frozenset(jobs), branch)
    providers: dict[str, list[str]] = {}
    for job in jobs.values():
        for artifact in job.provides:
            providers.setdefault(artifact, []).append(job.name)
    edges: dict[str, Sequence[str]] = {}
    count = 0
    for origin, names in expanded.items():
        # All combinations of a matrix wait for the same.
        first, table, settings = jobs[names[0]], tables[origin], settings_of[origin]
        needs = known.names("needs", first.needs, table, settings)
        after = known.names("after", first.after, table, settings)
        chooses = known.names("chooses", first.chooses, table, settings)
        provided = dict.fromkeys(one for what in first.requires for one in providers.get(what, ()))
        count += len(names) * len({*needs, *after, *provided})
        if count > EDGES:
            _fail(
                table,
                Setting(None, table.line, f"jobs.{origin}"),
                f"waits for too many jobs: at most {EDGES} pairs of jobs of a project may wait "
                "for each other, the combinations of a matrix counted one by one.",
                "Put a job without a matrix between them, which waits for all and is waited for.",
            )
        for name in names:
            jobs[name] = replace(jobs[name], needs=needs, after=after, chooses=chooses)
            others = (other for other in provided if other != name)
            edges[name] = tuple(dict.fromkeys((*needs, *after, *others)))
    return edges


@dataclass(frozen=True, slots=True)
class _Known:
    """What `needs`, `after` and `chooses` may name."""

    tables: Mapping[str, JobTable]
    expanded: Mapping[str, Sequence[str]]
    """Name of a table → names of its combinations."""
    single: frozenset[str]
    """Names of all combinations."""
    branch: str

    def names(
        self, key: str, wanted: Iterable[str], table: JobTable, settings: Settings
    ) -> tuple[str, ...]:
        """Names of jobs that run, a matrix as all its combinations."""
        found: dict[str, None] = {}
        for name in dict.fromkeys(wanted):
            if name in self.expanded:
                found.update(dict.fromkeys(self.expanded[name]))
            elif name in self.single:
                found[name] = None
            elif name not in self.tables:
                near = _near(name, {*self.tables, *self.single})
                _fail(table, settings[key], f"there is no job `{name}`.", near)
            elif self.tables[name].abstract:
                _fail(table, settings[key], f"`{name}` is abstract and never runs.", "Take it out.")
            elif key == "needs":
                at = f"on branch {self.branch}" if self.branch else _ELSEWHERE
                _fail(
                    table,
                    settings[key],
                    f"`{name}` is switched off {at}.",
                    "Switch this job off there too, or wait for it with `after`.",
                )
        return tuple(found)


def _circle(edges: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Jobs that wait for each other, the first one repeated at the end; empty when none do."""
    done: set[str] = set()
    for start in edges:
        way: dict[str, None] = {}
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                way.popitem()
                done.add(name)
            elif name in way:
                passed = [*way]
                return (*passed[passed.index(name) :], name)
            elif name not in done:
                way[name] = None
                stack.append((name, True))
                stack.extend((need, False) for need in edges[name])
    return ()


# -- errors --------------------------------------------------------------------------------


def _fail(table: JobTable, at: Setting, what: str, remedy: str) -> NoReturn:
    raise BadInput(f"{table.file}:{at.line}: {at.where}: {what}", remedy)


def _near(word: str, words: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(words), n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else ""
