"""The jobs that a matrix makes of one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from headgate.model.job import JobDefinition
from headgate.model.job_settings import definition
from headgate.model.job_table import JobTable, Matrix, Settings, fail

COMBINATIONS = 256
"""The largest matrix."""

LONGEST = 250
"""Characters of a job's name with its combination."""


def combinations(table: JobTable, settings: Settings, fail_fast: bool) -> Iterator[JobDefinition]:
    """The job, or one for each combination of its matrix. Raises BadInput."""
    plain = definition(table, settings, fail_fast)
    setting = settings.get("matrix")
    if setting is None:
        yield plain
        return
    matrix = cast("Matrix", setting.value)
    sizes = 1
    for _, values in matrix.axes:
        sizes *= len(values)
    if sizes > COMBINATIONS:
        fail(
            table,
            setting,
            f"has {sizes} combinations, more than {COMBINATIONS}.",
            "Take values out, or make several jobs of it.",
        )
    left = [one for one in _product(matrix) if not _excluded(one, matrix.exclude)]
    if not left:
        fail(table, setting, "everything is excluded.", "Leave at least one combination.")
    for one in left:
        given = {matrix_variable(axis): value for axis, value in one.items()}
        if taken := sorted(given.keys() & (plain.env.keys() | plain.secrets.keys())):
            fail(table, setting, f"and `env` both give ${taken[0]}.", "Rename one.")
        name = f"{plain.name} ({', '.join(one.values())})"
        if len(name) > LONGEST:
            what = f"makes the name `{name[:40]}…`, longer than {LONGEST} characters."
            fail(table, setting, what, "Use fewer axes or shorter values.")
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
