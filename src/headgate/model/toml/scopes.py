"""The `[scopes]` of headgate.toml."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.model.cycles import strongly_connected
from headgate.model.scopes import Scope
from headgate.model.toml.names import check_name
from headgate.model.toml.reader import Table

SCOPES = 1000
"""Of one project."""


def read_scopes(table: Table) -> Mapping[str, Scope]:
    """Every scope by its name. Raises BadInput with file, line and key: for a scope without paths,
    one that needs what is not declared, and those that need each other."""
    names = table.names()
    if len(names) > SCOPES:
        table.fail("", f"declares {len(names)} scopes; at most {SCOPES} can be.")
    found: dict[str, Scope] = {}
    tables: dict[str, Table] = {}
    for name in names:
        check_name(table, name, "scope")
        inner = table.table(name) if table.is_table(name) else None
        if inner is None:
            found[name] = Scope(table.patterns(name))
        else:
            tables[name] = inner
            needs = tuple(dict.fromkeys(inner.texts("needs")))
            found[name] = Scope(inner.patterns("paths"), needs)
            inner.done()
        if not found[name].paths:
            where, key = (table, name) if inner is None else (inner, "paths")
            where.fail(key, "has no patterns.", 'Give some, e.g. ["api/**"].')
    for name, inner in tables.items():
        for need in found[name].needs:
            if need not in found:
                known = ", ".join(other for other in found if other != name) or "none besides it"
                inner.fail("needs", f"there is no scope `{need}`.", f"Declared: {known}.")
            if need == name:
                inner.fail("needs", f"the scope `{name}` needs itself.", "Take it out.")
    for cycle in strongly_connected({name: list(scope.needs) for name, scope in found.items()}):
        if len(cycle) > 1:
            first = min(cycle, key=list(found).index)
            listed = ", ".join(sorted(cycle))
            remedy = "Make them one scope, or take one of the needs out."
            tables[first].fail("needs", f"{listed} need each other.", remedy)
    return found
