"""Reading `[jobs.NAME]` tables and their variants: each key by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from headgate.model import patterns
from headgate.model.job import Step, read_pattern
from headgate.model.job_matrix import matrix_variable
from headgate.model.job_table import JobTable, JobVariant, Matrix, Setting
from headgate.model.toml.names import check_name, check_names
from headgate.model.toml.reader import Table, outside

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_AXIS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
BACKTRACKING = re.compile(r"(?<!\\)(?:\\\\)*(?:\(\?(?:[=!>(]|<[=!]|P=)|\\[1-9])")
"""Look-around and references back: no engine with bounded time has them."""

_VALUE_LIMIT = 64
"""Characters of one value of a matrix: it is part of the job's name."""


def read_job(name: str, table: Table) -> JobTable:
    """A job as written. Raises BadInput for what is wrong with a key by itself."""
    extends = table.text("extends")
    if extends:
        check_name(table, extends, "job", "extends")
    job = JobTable(
        name=name,
        file=table.file,
        line=table.line,
        abstract=table.flag("abstract", False),
        extends=extends,
        extends_line=table.place("extends")[0],
        variants=tuple(_variant(one) for one in table.tables("variants")),
        settings=_settings(table),
    )
    table.done()
    return job


def _variant(table: Table) -> JobVariant:
    branches = table.texts("branches")
    if not branches:
        table.fail("", "has no `branches`.", 'Name those it is for, e.g. branches = ["stable/*"].')
    settings = _settings(table)
    table.done()
    if not settings:
        table.fail("", "changes nothing.", "Give a key of the job, or run = false.")
    return JobVariant(branches, settings)


def _settings(table: Table) -> Mapping[str, Setting]:
    found: dict[str, Setting] = {}
    for key, read in KEYS.items():
        # Asked for even when it is not there: that is how a table learns the keys it may have.
        value = read(table, key)
        if table.has(key):
            found[key] = Setting(value, *table.place(key))
    return found


# -- one key ---------------------------------------------------------------------------------


def _run(table: Table, key: str) -> Step | None:
    """A command, or None for `false` (and for an absent key)."""
    if table.is_false(key):
        table.flag(key, False)
        return None
    return _step(table, key)


def _step(table: Table, key: str) -> Step | None:
    if table.is_text(key):
        return Step(script=table.text(key))
    argv = table.texts(key)
    if not table.has(key):
        return None
    if not argv:
        table.fail(key, "is empty.", "Give a command, or take the key out.")
    if any("\0" in part for part in argv):
        table.fail(key, "holds a NUL character, which no command can.")
    return Step(argv=argv)


def _env(table: Table, key: str) -> Mapping[str, str]:
    env = table.mapping(key)
    for name, text in env.items():
        _check_variable(table, key, name)
        if "\0" in text:
            table.fail(key, f"{name}: holds a NUL character, which no variable can.")
    return env


def _check_variable(table: Table, key: str, name: str) -> None:
    if not _VARIABLE.fullmatch(name) or name.startswith("HEADGATE"):
        table.fail(
            key,
            f"`{name}` cannot be set.",
            "Use letters, digits and _; names that begin with HEADGATE are taken.",
        )


def _secrets(table: Table, key: str) -> Mapping[str, str]:
    secrets = table.mapping(key)
    for name, secret in secrets.items():
        _check_variable(table, key, name)
        check_name(table, secret, "secret", key)
    return secrets


def _caches(table: Table, key: str) -> Mapping[str, str]:
    caches = table.mapping(key)
    for name, path in caches.items():
        if why := outside(path):
            table.fail(key, f"{name}: `{path}` {why}.", "Name it from the project's root.")
    return caches


def _reads(table: Table, key: str) -> tuple[str, ...]:
    found = table.texts(key)
    if table.has(key) and not found:
        table.fail(key, "is empty.", "Name what the job reads, or take the key out for all of it.")
    for index, text in enumerate(found):
        if why := patterns.problem(read_pattern(text)[1]):
            table.fail(
                key,
                f"`{text}` cannot be used: {why}.",
                "Write a pattern, or PROJECT:pattern for one checked out beside.",
                index,
            )
    return found


def _expressions(table: Table, key: str) -> tuple[str, ...]:
    found = table.texts(key)
    for index, text in enumerate(found):
        try:
            re.compile(text)
        except (re.error, OverflowError, RecursionError) as error:
            table.fail(key, f"`{text[:60]}` is no regular expression: {error}.", "Mend it.", index)
        if BACKTRACKING.search(text):
            table.fail(
                key,
                f"`{text[:60]}` looks around or back, which is not supported.",
                "Match the line itself.",
                index,
            )
    return found


def _matrix(table: Table, key: str) -> Matrix | None:
    inner = table.table(key)
    if inner is None:
        return None
    axes: dict[str, tuple[str, ...]] = {}
    variables: dict[str, str] = {}
    for axis in inner.names():
        if axis == "exclude":
            continue
        if not _AXIS.fullmatch(axis):
            inner.fail(
                axis, "cannot be an axis.", "Use letters, digits, - and _, at most 32 of them."
            )
        variable = matrix_variable(axis)
        if variable in variables:
            inner.fail(axis, f"and {variables[variable]} are both ${variable}.", "Rename one.")
        variables[variable] = axis
        values = inner.texts(axis)
        if not values:
            inner.fail(axis, "has no values.", "Give some, or take the axis out.")
        for index, value in enumerate(values):
            if len(value) > _VALUE_LIMIT or not value.isprintable():
                inner.fail(axis, f"`{value[:40]}` is too long or not printable.", index=index)
            if value in values[:index]:
                inner.fail(axis, f"has `{value}` twice.", "Take one out.", index)
        axes[axis] = values
    if not axes:
        table.fail(key, "has no axes.", 'Give one, e.g. matrix = {python = ["3.11", "3.12"]}.')
    exclude = tuple(_exclusion(one, axes) for one in inner.tables("exclude"))
    return Matrix(tuple(axes.items()), exclude)


def _exclusion(table: Table, axes: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for axis in table.names():
        if axis not in axes:
            table.fail(axis, "is no axis of this matrix.", f"Its axes: {', '.join(axes)}.")
        found[axis] = table.text(axis)
        if found[axis] not in axes[axis]:
            table.fail(
                axis, f"`{found[axis]}` is no value of it.", f"Values: {', '.join(axes[axis])}."
            )
    if not found:
        table.fail("", "leaves everything out.", "Name the axes that it is about.")
    return found


def _nodes(table: Table, key: str) -> Mapping[str, str]:
    nodes = table.mapping(key) if table.is_table(key) else dict.fromkeys(table.texts(key), "")
    for name, label in nodes.items():
        check_name(table, name, "node", key)
        if label:
            check_name(table, label, "label", key)
    return nodes


def _names(what: str) -> Callable[[Table, str], tuple[str, ...]]:
    def read(table: Table, key: str) -> tuple[str, ...]:
        return check_names(table, key, what)

    return read


def _label(table: Table, key: str) -> str:
    return next(iter(check_names(table, key, "label")), "")


def _pipelines(table: Table, key: str) -> tuple[str, ...]:
    found = check_names(table, key, "pipeline")
    if table.has(key) and not found:
        table.fail(key, "is empty.", 'Name some, e.g. ["check", "gate"], or make it abstract.')
    return found


KEYS: Mapping[str, Callable[[Table, str], object]] = {
    "run": _run,
    "pre": _step,
    "post": _step,
    "files": Table.patterns,
    "irrelevant-files": Table.patterns,
    "reads": _reads,
    "needs": Table.texts,
    "after": Table.texts,
    "chooses": Table.texts,
    "fail-fast": lambda table, key: table.flag(key, True),
    "timeout": lambda table, key: table.seconds(key, 600.0),
    "pre-timeout": lambda table, key: table.seconds(key, 600.0),
    "post-timeout": lambda table, key: table.seconds(key, 600.0),
    "attempts": lambda table, key: table.integer(key, 1, 1, 10),
    "voting": lambda table, key: table.flag(key, True),
    "reuse": lambda table, key: table.flag(key, True),
    "required-projects": Table.texts,
    "environment": Table.text,
    "env": _env,
    "secrets": _secrets,
    "artifacts": Table.patterns,
    "provides": _names("artifact"),
    "requires": _names("artifact"),
    "caches": _caches,
    "network": lambda table, key: table.flag(key, False),
    "memory": lambda table, key: table.size(key, 2 << 30, 16 << 20),
    "semaphores": _names("semaphore"),
    "label": _label,
    "fail-on-output": _expressions,
    "pause": lambda table, key: table.flag(key, False),
    "pipelines": _pipelines,
    "matrix": _matrix,
    "compat": lambda table, key: table.choice(key, ("zuul",), "zuul"),
    "nodes": _nodes,
    "ansible": Table.paths,
}
"""Every key of a job but those that a variant cannot have."""
