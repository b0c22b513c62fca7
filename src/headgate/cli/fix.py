"""`headgate fix`."""

from __future__ import annotations

import click

from headgate.cli.output import json_option


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="RULE",
    help="Only findings of this rule, e.g. python/sql-injection. May be given more than once.",
)
@click.option("--write", is_flag=True, help="Change the files; by default a patch is printed.")
@json_option
@click.pass_context
def fix(ctx: click.Context, paths: tuple[str, ...], rules: tuple[str, ...], write: bool) -> None:
    """Suggest changes that make findings go away.

    A change is suggested where one is safe and mechanical, and tried before it is told: the file
    still parses, and the finding is gone.
    Exit codes: 0 nothing is left to do, 1 something is, 2 wrong usage, 3 something could not run.
    """
    from headgate.cli.fixing import fix_paths

    ctx.exit(fix_paths(paths, rules, write=write))
