"""`headgate check`."""

from __future__ import annotations

import click

from headgate.cli.inspection_options import inspection_options, rules_option
from headgate.cli.output import json_option


@click.command()
@inspection_options
@rules_option
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    paths: tuple[str, ...],
    base: str,
    chosen: str,
    rules: tuple[str, ...],
    output: str,
) -> None:
    """Inspect files or a range of commits, without a server.

    Looks for defects in the source, for secrets in everything, for new dependencies, and for
    mistakes in headgate.toml. Without --base the whole work tree counts; with it, only what is
    new: `--base origin/main` for the work tree with its uncommitted files, `--base A..B` for
    commits. Exit codes: 0 clean, 1 findings, 2 wrong usage, 3 something could not run.
    """
    from headgate.cli.where import Where

    where = Where(paths)  # Before the rest is imported: git works meanwhile.
    from headgate.cli.inspection import inspect

    checks = ("configuration", "source", "secrets", "dependencies")
    ctx.exit(inspect(where, base, chosen, output, checks, rules=rules))
