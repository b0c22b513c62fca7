"""`headgate zuul …`."""

from __future__ import annotations

import click

from headgate.cli.output import json_option


@click.group()
def zuul() -> None:
    """Come over from Zuul."""


@zuul.command("import")
@click.argument("paths", nargs=-1, metavar="[[NAME=]PATH]...")
@click.option("--tenant", default="", metavar="FILE", help="The tenant file, for the projects.")
@click.option("--tenant-name", default="", metavar="NAME", help="Which tenant of the file.")
@click.option(
    "--into",
    default="headgate-import",
    show_default=True,
    metavar="DIR",
    help="Where the files are written.",
)
@click.option("--host", default="", metavar="NAME", help="Canonical host name of the projects.")
@click.option("--with-base", is_flag=True, help="Keep the playbooks of base jobs.")
@click.option("--force", is_flag=True, help="Overwrite what an earlier import wrote.")
@json_option
@click.pass_context
def import_(
    ctx: click.Context,
    paths: tuple[str, ...],
    tenant: str,
    tenant_name: str,
    into: str,
    host: str,
    with_base: bool,
    force: bool,
) -> None:
    """Write the configuration of Zuul's projects as Headgate's.

    Each PATH is the root of a project with `zuul.yaml` or `zuul.d`, the one that defines pipelines
    first; the current directory without any. What cannot be carried over is listed with file,
    line, reason and what to do instead. Exit codes: 0 everything is carried, 1 something is not,
    2 bad input.
    """
    from headgate.cli.zuul_import import Wanted, import_zuul

    wanted = Wanted(paths or (".",), tenant, tenant_name, into, host, with_base, force)
    ctx.exit(import_zuul(wanted))
