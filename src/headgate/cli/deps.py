"""`headgate deps`: the group; each command is loaded when it is called."""

from __future__ import annotations

import click

from headgate.cli.main import Entry

COMMANDS: dict[str, Entry] = {
    "list": Entry("deps_list", "list_", "List what a project depends on."),
    "diff": Entry("deps_diff", "diff", "Show what changed in the packages between two states."),
    "sbom": Entry("deps_sbom", "sbom", "Write a bill of materials, CycloneDX or SPDX."),
}
"""In the order of the list."""


class DepsGroup(click.Group):
    """A group whose members are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        from importlib import import_module

        return getattr(import_module(f"headgate.cli.{entry.module}"), entry.attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=DepsGroup)
def deps() -> None:
    """Packages: what a project depends on, what of it is dangerous, what may be added."""
