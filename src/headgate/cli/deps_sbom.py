"""`headgate deps sbom`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from headgate.cli.client import connect, segment
from headgate.cli.deps_list import tell_problems
from headgate.cli.deps_trees import state_of
from headgate.cli.output import emit, json_option
from headgate.cli.whole_file import write_whole
from headgate.deps.sbom import WRITERS
from headgate.model.errors import BadInput, ExitCode


@click.command()
@click.argument("path", default=".")
@click.option("--project", default="", help="A project of the server, instead of files here.")
@click.option("--commit", default="", help="A commit of that project; by default its branch.")
@click.option("--rev", default="", help="A revision of the repository here.")
@click.option(
    "--format",
    "chosen",
    type=click.Choice(sorted(WRITERS)),
    default="cyclonedx",
    show_default=True,
    help="CycloneDX 1.6 or SPDX 2.3, in JSON.",
)
@click.option("-o", "--output", default="", help="A file to write; by default standard output.")
@json_option
@click.pass_context
def sbom(
    ctx: click.Context, path: str, project: str, commit: str, rev: str, chosen: str, output: str
) -> None:
    """Write a bill of materials, CycloneDX or SPDX.

    PATH is a directory, or a document of the other format. The same state gives the same bytes.
    What could not be read is told in the document, and makes the exit code 3. With --json and
    --output, what was written is told as an object; without a file, the document is the object.
    """
    if commit and not project:
        raise BadInput("--commit is of a project of the server.", "Name it with --project.")
    if project:
        if rev or path != ".":
            raise BadInput("--project takes no path and no --rev.", "Use --commit.")
        answer = connect().get(
            f"/api/projects/{segment(project)}/sbom", {"commit": commit, "format": chosen}
        )
        _write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n", output, chosen)
        return
    state = state_of(path, rev)
    _write(WRITERS[chosen](state.inventory, state.subject), output, chosen)
    tell_problems(state.inventory.problems)
    if state.inventory.problems:
        ctx.exit(int(ExitCode.NOT_RUN))


def _write(text: str, output: str, chosen: str) -> None:
    if not output:
        sys.stdout.write(text)
        return
    write_whole(Path(output), text)
    emit({"output": output, "format": chosen, "bytes": len(text.encode())})
