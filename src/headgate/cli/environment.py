"""`headgate environment`."""

from __future__ import annotations

import click

from headgate.cli.client import connect
from headgate.cli.output import emit, json_option, moment, table


@click.group()
def environment() -> None:
    """Approve set-up scripts of environments."""


@environment.command()
@click.argument("digest")
@click.option("-m", "--message", default="", help="Why, for the log.")
@json_option
def approve(digest: str, message: str) -> None:
    """Let the set-up script with this DIGEST run, with network, in the sandbox."""
    body = {"digest": digest, "note": message or None}
    emit(connect().post("/api/environments/approve", body), f"{digest} may run.")


@environment.command("list")
@json_option
def list_() -> None:
    """List approved set-up scripts."""
    answer = connect().get("/api/environments")
    rows = [
        (s["digest"], s["approved_by"], moment(s["created"]), s["note"]) for s in answer["approved"]
    ]
    rows += [(digest, "policy", "", "") for digest in answer["by_policy"]]
    emit(answer, *table(("DIGEST", "APPROVED BY", "WHEN", "NOTE"), rows))
