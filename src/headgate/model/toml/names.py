"""Which names a user may give to jobs, environments, queues and groups."""

from __future__ import annotations

import re

from headgate.model.toml.reader import Table

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def check_name(table: Table, name: str, what: str) -> None:
    """Raise BadInput for a key that cannot be the name of a `what`."""
    if not _NAME.fullmatch(name):
        table.fail(
            name,
            f"cannot be the name of a{'n' if what[0] in 'aeiou' else ''} {what}.",
            "Use letters, digits, `.`, `_` and `-`, beginning with a letter or digit, at most 63.",
        )
