"""`headgate scan import`."""

from __future__ import annotations

import click

from headgate.cli.inspection_options import FORMATS
from headgate.cli.output import json_option


@click.command("import")
@click.argument("file", type=click.Path(path_type=str))
@click.option(
    "--format", "chosen", type=click.Choice(FORMATS), default="text", help="Of the result."
)
@click.option("-o", "--output", default="", metavar="FILE", help="Write the result to a file.")
@click.option("--project", default="", help="Record it on the server, for this project.")
@click.option("--branch", default="", help="Of the project; by default its own.")
@json_option
@click.pass_context
def import_(
    ctx: click.Context, file: str, chosen: str, output: str, project: str, branch: str
) -> None:
    """Take in what another tool found, from SARIF 2.1.0.

    Findings get Headgate's identity, severity, rank and masks; they never deny by themselves. What
    cannot be taken, e.g. results about files outside of the project, is counted and said. With
    --project they are recorded on the server, where they stay until the tool no longer tells of
    them. Exit codes: 0 clean, 1 findings, 2 bad input, 3 the tool did not run to its end, or some
    of what it says could not be taken.
    """
    from headgate.cli.importing import import_here, import_there

    if project:
        ctx.exit(import_there(file, project, branch))
    if branch:
        raise click.UsageError("--branch is for --project.", ctx)
    ctx.exit(import_here(file, chosen, output))
