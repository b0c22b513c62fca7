"""`headgate deps request`, `approve`, `decline` and `requests`."""

from __future__ import annotations

from typing import Any

import click

from headgate.cli.client import connect
from headgate.cli.output import emit, json_option, moment, printable, table

_PACKAGE = click.argument("package", metavar="PURL")


@click.command()
@_PACKAGE
@click.option("--project", default="", metavar="NAME", help="The project that needs it.")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is needed.")
@json_option
def request(package: str, project: str, reason: str) -> None:
    """Ask the approvers for a package."""
    body = {"package": package, "project": project, "reason": reason}
    found = connect().post("/api/packages/request", body)
    emit(found, f"Asked for {printable(found['request']['package'])}.")


@click.command()
@_PACKAGE
@click.option("--comment", default="", metavar="TEXT", help="Why, for the log.")
@json_option
def approve(package: str, comment: str) -> None:
    """Approve a package for everybody; changes that waited for it are inspected again."""
    found = connect().post("/api/packages/approve", {"package": package, "comment": comment})
    again = ", ".join(f"#{number}" for number in found["inspected_again"])
    more = f" Inspected again: {again}." if again else ""
    emit(found, f"Approved {printable(package)}.{more}")


@click.command()
@_PACKAGE
@click.option("--comment", required=True, metavar="TEXT", help="Why, for everybody to read.")
@json_option
def decline(package: str, comment: str) -> None:
    """Decline a package, or take its approval back."""
    found = connect().post("/api/packages/decline", {"package": package, "comment": comment})
    emit(found, f"Declined {printable(package)}.")


@click.command()
@json_option
def requests() -> None:
    """List the packages that somebody asked for, and what approvers said."""
    found = connect().get("/api/packages/requests")
    emit(found, *_lines(found))


def _lines(found: dict[str, Any]) -> list[str]:
    rows = [
        (
            one["package"],
            one["state"],
            one["requested_by"],
            moment(one["created"]),
            f"#{one['change']}" if one["change"] else one["project"] or "",
            one["comment"] or one["reason"],
        )
        for one in (*found["open"], *found["decided"])
    ]
    if not rows:
        return ["Nobody has asked for a package."]
    return table(("PACKAGE", "STATE", "ASKED BY", "WHEN", "FOR", "WORDS"), rows)
