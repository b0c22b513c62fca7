"""`headgate change`."""

from __future__ import annotations

from typing import Any

import click

from headgate.cli.change_text import change_lines, diff_lines
from headgate.cli.client import Client, connect
from headgate.cli.output import emit, json_option, printable, table
from headgate.model.errors import Conflict


@click.group()
def change() -> None:
    """Look at changes, approve, enqueue or abandon them."""


NUMBER = click.argument("number", type=click.IntRange(1))


@change.command("list")
@click.option("--project", default="", help="Only of this project.")
@click.option("--branch", default="", help="Only for this branch.")
@click.option("--state", default="", help="Only in this state; `open` for all that may still land.")
@click.option("--owner", default="", help="Only of this principal.")
@click.option("--text", default="", help="Only with this text in the title.")
@click.option("--before", type=click.IntRange(1), help="Only with a smaller number.")
@json_option
def list_(project: str, branch: str, state: str, owner: str, text: str, before: int | None) -> None:
    """List changes, newest first."""
    query = {
        "project": project,
        "branch": branch,
        "state": state,
        "owner": owner,
        "q": text,
        "before": before,
    }
    answer = connect().get("/changes.json", query)
    rows = [
        (
            f"#{c['number']}",
            c["state"],
            f"{c['project']}:{c['branch']}",
            c["owner"]["name"],
            c["origin"]["kind"],
            c["title"],
        )
        for c in answer["changes"]
    ]
    lines = table(("CHANGE", "STATE", "BRANCH", "OWNER", "ORIGIN", "TITLE"), rows)
    if answer["next"]:
        lines.append(f"More: --before {answer['next']}")
    emit(answer, *lines)


@change.command()
@NUMBER
@json_option
def show(number: int) -> None:
    """Show a change: verdict, what is missing, findings, approvals, jobs."""
    client = connect()
    answer = client.get(f"/changes/{number}.json")
    emit(answer, *change_lines(answer, client.target.url))


@change.command()
@NUMBER
@json_option
def diff(number: int) -> None:
    """Print the diff of the current revision, with the findings at their lines."""
    client = connect()
    answer = client.get(f"/changes/{number}/diff.json")
    found: dict[str, Any] = answer["diff"]
    while found["next"] is not None:
        more = client.get(f"/changes/{number}/diff.json", {"from": found["next"]})["diff"]
        found["files"] += more["files"]
        found["next"] = more["next"]
    emit(answer, *diff_lines(found))


@change.command()
@NUMBER
@click.option("-m", "--message", default="", help="Why, for the log.")
@click.option("--head", default="", help="The commit that you looked at.")
@json_option
def approve(number: int, message: str, head: str) -> None:
    """Approve the current revision, and only this one.

    Without --head it is the revision that is current when the command starts.
    """
    client = connect()
    current: str = client.get(f"/changes/{number}.json")["revision"]["head"]
    if head and not current.startswith(head.lower()):
        raise Conflict(
            f"The head of change {number} is {current[:12]}, not {head}.",
            "Look at the new revision first.",
        )
    body = {"comment": message or None, "head": current}
    _done(client, number, "approve", body, "is approved")


@change.command()
@NUMBER
@json_option
def enqueue(number: int) -> None:
    """Let a change enter its queue as soon as its verdict allows it."""
    _done(connect(), number, "enqueue", {}, "may enter its queue")


@change.command()
@NUMBER
@json_option
def hold(number: int) -> None:
    """Take a change out of its queue, or keep it from entering."""
    _done(connect(), number, "hold", {}, "is held back")


@change.command()
@NUMBER
@click.option("-m", "--message", default="", help="Why, for the log.")
@json_option
def abandon(number: int, message: str) -> None:
    """Give a change up."""
    _done(connect(), number, "abandon", {"reason": message or None}, "is abandoned")


@change.command()
@NUMBER
@json_option
def recheck(number: int) -> None:
    """Inspect the current revision again, and run its pipelines again."""
    _done(connect(), number, "recheck", {}, "is inspected again")


@change.command()
@NUMBER
@click.argument("address")
@click.option("-m", "--message", default="", help="Why, for the log.")
@json_option
def satisfy(number: int, address: str, message: str) -> None:
    """Say that what a change depends on outside of this server has landed.

    ADDRESS stands as in its Depends-On: footer. Only humans say so; it is in the audit log, and
    holds for later revisions of the change, too.
    """
    body = {"address": address, "comment": message or None}
    _done(connect(), number, "satisfy", body, "need not wait for that any more")


@change.command()
@NUMBER
@click.argument("text")
@json_option
def comment(number: int, text: str) -> None:
    """Write on a change. A comment may ask for pipelines, as the policy says."""
    client = connect()
    answer = client.post(f"/api/changes/{number}/comment", {"text": text})
    emit(answer, f"Said on change {number}.", f"{client.target.url}/changes/{number}")


def _done(client: Client, number: int, action: str, body: dict[str, Any], what: str) -> None:
    answer = client.post(f"/api/changes/{number}/{action}", body)
    found = answer["change"]
    reason = f": {printable(found['reason'])}" if found["reason"] else ""
    emit(
        answer,
        f"Change {number} {what}. It is {found['state']}{reason}",
        f"{client.target.url}/changes/{number}",
    )
