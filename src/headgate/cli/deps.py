"""`headgate deps …`: one module per command below it, `deps_NAME.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from headgate.cli.main import Entry, LazyGroup

MEMBERS: Mapping[str, Entry] = {
    "sync": Entry("deps_sync", "sync", "Bring the database of advisories up to date."),
    "match": Entry("deps_match", "match", "Say which advisories concern a version of a package."),
    "compare": Entry("deps_compare", "compare", "Say which of two versions comes first."),
}
"""In the order of the list."""


class DepsGroup(LazyGroup):
    """The commands about packages."""

    members: ClassVar[Mapping[str, Entry]] = MEMBERS


@click.group(cls=DepsGroup)
def deps() -> None:
    """Packages: known advisories, and which versions they concern."""
