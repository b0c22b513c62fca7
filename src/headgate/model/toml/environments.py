"""The `[environments.NAME]` tables, which both files may hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from headgate.model.job import EnvironmentDefinition
from headgate.model.toml.names import check_name
from headgate.model.toml.reader import Table


def read_environments(table: Table, names: Iterable[str]) -> Mapping[str, EnvironmentDefinition]:
    """The environments of those names. Raises BadInput."""
    found: dict[str, EnvironmentDefinition] = {}
    for name in names:
        check_name(table, name, "environment")
        one = table.table(name)
        if one is None:
            continue
        setup = one.text("setup")
        if not setup:
            one.fail(
                "",
                "has no `setup`.",
                "Give the script that fills $HEADGATE_ENV, e.g. "
                'setup = "python3 -m venv $HEADGATE_ENV".',
            )
        found[name] = EnvironmentDefinition(
            name=name,
            setup=setup,
            inputs=one.paths("inputs"),
            timeout=one.seconds("timeout", 900.0),
            line=one.line,
        )
        one.done()
    return found
