"""`headgate scan secrets`."""

from __future__ import annotations

import click

from headgate.cli.inspection_options import inspection_options
from headgate.cli.output import json_option


@click.command()
@inspection_options
@click.option("--history", is_flag=True, help="Every commit of every branch and tag, too.")
@json_option
@click.pass_context
def secrets(
    ctx: click.Context,
    paths: tuple[str, ...],
    base: str,
    chosen: str,
    output: str,
    history: bool,
) -> None:
    """Look for credentials only.

    Tokens of known formats, passwords and keys in code and configuration, headers, command lines
    and addresses. What is found is never printed: only its place and kind. With --history every
    file of every commit is looked at, and what a later commit took out is told with the commit
    that has it. Exit codes: 0 clean, 1 findings, 2 wrong usage, 3 something could not run.
    """
    if history and base:
        raise click.UsageError("--history looks at every commit: leave --base out.", ctx)
    from headgate.cli.where import Where

    where = Where(paths)  # Before the rest is imported: git works meanwhile.
    from headgate.cli.inspection import inspect, inspect_history

    if history:
        ctx.exit(inspect_history(where, chosen, output))
    ctx.exit(inspect(where, base, chosen, output, ("secrets",)))
