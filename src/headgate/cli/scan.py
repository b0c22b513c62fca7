"""`headgate scan`."""

from __future__ import annotations

import click

from headgate.cli.inspection_options import inspection_options, rules_option
from headgate.cli.output import json_option


@click.command()
@inspection_options
@rules_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    help="Processes that read files at once; the result is the same with any number.",
)
@click.option(
    "--no-cache",
    "cached",
    flag_value=False,
    default=True,
    help="Neither use nor keep what earlier runs worked out.",
)
@click.option(
    "--mode",
    type=click.Choice(("auto", "application", "library")),
    default="auto",
    help="Where data comes in: where frameworks hand it over (application), in the parameters of "
    "public functions as well (library), or, by default, in such parameters where a command, a "
    "query or code is put together from them.",
)
@json_option
@click.pass_context
def scan(
    ctx: click.Context,
    paths: tuple[str, ...],
    base: str,
    chosen: str,
    rules: tuple[str, ...],
    output: str,
    jobs: int,
    cached: bool,
    mode: str,
) -> None:
    """Scan source and secrets only, without a server.

    Like `headgate check`, without the configuration and the dependencies. Data is followed from
    where it comes in to where it does harm, over all Python, JavaScript and TypeScript files.
    Exit codes: 0 clean, 1 findings, 2 wrong usage, 3 something could not run.
    """
    from headgate.cli.where import Where

    where = Where(paths)  # Before the rest is imported: git works meanwhile.
    from headgate.cli.inspection import Effort, inspect

    how = Effort(mode=mode, jobs=jobs, cached=cached)
    ctx.exit(inspect(where, base, chosen, output, ("source", "secrets"), how, rules))
