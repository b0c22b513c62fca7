"""`headgate deps exceptions`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from headgate.cli.client import connect
from headgate.cli.output import emit, json_option, printable, table

_DIRECTORY = click.option(
    "--policy",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="A policy in a directory, instead of the server's.",
)


@click.group()
def exceptions() -> None:
    """What the policy lives with for a while: list it, export it as VEX."""


@exceptions.command("list")
@_DIRECTORY
@json_option
@click.pass_context
def list_(ctx: click.Context, directory: Path | None) -> None:
    """List exceptions with owner and end. Exit code 1 when one has expired or is not needed."""
    if directory is None:
        found = connect().get("/api/packages/exceptions")
    else:
        from headgate.cli.deps_policy import exceptions_in
        from headgate.deps.vex import as_object

        now = time.time()
        found = {
            "exceptions": [
                as_object(one, now) | {"unused": False} for one in exceptions_in(directory)
            ]
        }
    emit(found, *_lines(found["exceptions"]))
    if any(one["term"] == "expired" or one["unused"] for one in found["exceptions"]):
        ctx.exit(1)


@exceptions.command()
@_DIRECTORY
@click.option(
    "--format",
    "chosen",
    type=click.Choice(["openvex", "cyclonedx"]),
    default="openvex",
    show_default=True,
    help="The kind of VEX document.",
)
@json_option
def export(directory: Path | None, chosen: str) -> None:
    """Print the exceptions that run as a VEX document."""
    if directory is None:
        document = connect().get("/api/packages/exceptions", {"format": chosen})
    else:
        from headgate.cli.deps_policy import exceptions_in
        from headgate.deps.vex import cyclonedx, openvex

        given, now = exceptions_in(directory), time.time()
        document = openvex(given, "headgate", now) if chosen == "openvex" else cyclonedx(given, now)
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def _lines(found: list[dict[str, Any]]) -> list[str]:
    if not found:
        return ["The policy makes no exception."]
    rows = [
        (
            one["package"],
            ", ".join((*one["advisories"], *one["rules"])),
            "not needed" if one["unused"] else one["term"],
            one["expires"],
            one["owner"],
            printable(one["reason"])[:60],
        )
        for one in found
    ]
    return table(("PACKAGE", "ABOUT", "TERM", "UNTIL", "OWNER", "REASON"), rows)
