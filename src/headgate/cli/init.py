"""`headgate init`."""

from __future__ import annotations

import click

from headgate.cli.output import json_option


@click.command()
@click.argument("directory", default=".", metavar="[DIRECTORY]")
@json_option
def init(directory: str) -> None:
    """Write a headgate.toml that fits this repository.

    Looks for tests and build files, proposes jobs for what it finds, and never overwrites. The
    file is short and commented; read it before the first push.
    """
    from headgate.cli.init_file import write
    from headgate.cli.output import emit, printable

    path, found = write(directory)
    lines = [f"Written: {printable(str(path))}"]
    lines += [f"  job {job}: {printable(why)}" for job, why in found.items()]
    if not found:
        lines.append("  No tests or build files were found; add jobs where the comments say.")
    lines.append("Next: `headgate check`, then `headgate project add` on the server.")
    emit({"path": printable(str(path)), "jobs": found}, *lines)
