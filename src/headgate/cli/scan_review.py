"""`headgate scan review`."""

from __future__ import annotations

import click

from headgate.cli.inspection_options import inspection_options
from headgate.cli.output import json_option


@click.command()
@inspection_options
@click.option(
    "--policy",
    "policy_file",
    default="",
    metavar="FILE",
    help="A policy.toml whose [reviewer] counts; by default that of the policy in force.",
)
@click.option(
    "--project",
    default="",
    metavar="NAME",
    help="What the policy calls this project; by default the name of its directory.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be sent, and send nothing.")
@json_option
@click.pass_context
def review(
    ctx: click.Context,
    paths: tuple[str, ...],
    base: str,
    chosen: str,
    output: str,
    policy_file: str,
    project: str,
    dry_run: bool,
) -> None:
    """Have a language model review a change.

    The endpoint, and what may be sent to it, are what [reviewer] in policy.toml says; without one
    nothing is ever sent. Reviewed is what the work tree has beyond --base (HEAD by default), or a
    range A..B. Secrets are masked before anything leaves. What the model finds only advises. With
    --dry-run every byte is shown instead. Exit codes: 0 clean, 1 findings, 2 wrong usage or not
    switched on, 3 it could not run, or not all of the change could be shown.
    """
    from headgate.cli.reviewing import Wanted, review_here, show_question

    wanted = Wanted(paths, base or "HEAD", policy_file, project)
    if dry_run:
        ctx.exit(show_question(wanted, output))
    ctx.exit(review_here(wanted, chosen, output))
