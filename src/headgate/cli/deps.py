"""`headgate deps …`: one module per command below it, `deps_NAME.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from headgate.cli.main import Entry, LazyGroup

MEMBERS: Mapping[str, Entry] = {
    "list": Entry("deps_list", "list_", "List what a project depends on."),
    "diff": Entry("deps_diff", "diff", "Show which packages changed between two states."),
    "sbom": Entry("deps_sbom", "sbom", "Write a bill of materials, CycloneDX or SPDX."),
    "fix": Entry("deps_fix", "fix", "Propose the smallest versions without known advisories."),
    "sync": Entry("deps_sync", "sync", "Bring the database of advisories up to date."),
    "status": Entry("deps_status", "status", "Say what the database of advisories holds."),
    "match": Entry("deps_match", "match", "Say which advisories concern a version of a package."),
    "compare": Entry("deps_compare", "compare", "Say which of two versions comes first."),
    "may-add": Entry("deps_may_add", "may_add", "Ask whether a package may be added."),
    "request": Entry("deps_approvals", "request", "Ask the approvers for a package."),
    "requests": Entry("deps_approvals", "requests", "List what was asked for, and the answers."),
    "approve": Entry("deps_approvals", "approve", "Approve a package for everybody."),
    "decline": Entry("deps_approvals", "decline", "Decline a package, or take approval back."),
    "policy": Entry("deps_policy", "policy", "Check what a policy says about packages."),
    "exceptions": Entry("deps_exceptions", "exceptions", "List exceptions, export them as VEX."),
    "import": Entry("deps_import", "import_", "Take over the ignore file of another tool."),
    "rematch": Entry("deps_rematch", "rematch", "Compare all that landed with the advisories."),
}
"""In the order of the list."""


class DepsGroup(LazyGroup):
    """The commands about packages."""

    members: ClassVar[Mapping[str, Entry]] = MEMBERS


@click.group(cls=DepsGroup)
def deps() -> None:
    """Packages: what a project uses, and what is known of it."""
