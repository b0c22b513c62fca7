"""`headgate deps …`: one module per command below it, `deps_NAME.py`."""

from __future__ import annotations

from typing import ClassVar

import click

from headgate.cli.main import Entry, LazyGroup

MEMBERS: dict[str, Entry] = {
    "compare": Entry("deps_compare", "compare", "Say which of two versions comes first."),
}
"""In the order of the list."""


class DepsGroup(LazyGroup):
    """The commands about packages."""

    members: ClassVar[dict[str, Entry]] = MEMBERS


@click.group(cls=DepsGroup)
def deps() -> None:
    """Packages: known advisories, and which versions they concern."""
