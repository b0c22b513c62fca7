"""`headgate scan`."""

from __future__ import annotations

import click

from headgate.cli.inspection_options import inspection_options
from headgate.cli.output import json_option


@click.command()
@inspection_options
@json_option
@click.pass_context
def scan(
    ctx: click.Context,
    paths: tuple[str, ...],
    base: str,
    chosen: str,
    rules: tuple[str, ...],
    output: str,
) -> None:
    """Scan source and secrets only, without a server.

    Like `headgate check`, without the configuration and the dependencies. Exit codes: 0 clean,
    1 findings, 2 wrong usage, 3 something could not run.
    """
    from headgate.cli.inspection import inspect

    ctx.exit(inspect(paths, base, chosen, output, ("source", "secrets"), rules))
