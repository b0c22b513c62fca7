"""Which names a user may give to jobs, environments, queues and groups."""

from __future__ import annotations

import re

from headgate.model.toml.reader import Table

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def check_name(table: Table, name: str, what: str, key: str = "") -> None:
    """Raise BadInput for what cannot be the name of a `what`: a key of the table, or what stands
    under `key`."""
    if not _NAME.fullmatch(name):
        shown = f"`{name[:64]}` " if key else ""
        table.fail(
            key or name,
            f"{shown}cannot be the name of a{'n' if what[0] in 'aeiou' else ''} {what}.",
            "Use letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most 63.",
        )


def check_names(table: Table, key: str, what: str) -> tuple[str, ...]:
    """A list of names. Raises BadInput."""
    found = table.texts(key)
    for name in found:
        check_name(table, name, what, key)
    return tuple(dict.fromkeys(found))
