"""`headgate audit`."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from headgate.cli.client import Client, connect, data_directory, local_server
from headgate.cli.main import Run
from headgate.cli.output import emit, json_option, moment, printable, table
from headgate.model.errors import CouldNotRun, ExitCode


@click.group()
def audit() -> None:
    """Read and verify the log of events."""


@audit.command()
@click.option("--kind", default="", help="Only events whose kind begins so, e.g. `change.`.")
@click.option("--subject", default="", help="Only about this, e.g. `change/12`.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=30, show_default=True)
@json_option
def show(kind: str, subject: str, limit: int) -> None:
    """Show the newest events, the newest last."""
    client = connect()
    events: list[dict[str, Any]] = []
    before: int | None = None
    while len(events) < limit:
        page = client.get("/events.json", {"kind": kind, "subject": subject, "before": before})
        events += page["events"]
        before = page["next"]
        if before is None:
            break
    events = events[:limit]
    rows = [
        (e["id"], moment(e["time"]), e["kind"], e["actor"], e["subject"], _data(e["data"]))
        for e in reversed(events)
    ]
    lines = list(table(("ENTRY", "WHEN", "KIND", "ACTOR", "SUBJECT", "DATA"), rows))
    if not rows and (kind or subject):
        lines = ["The log has no such entry. Without --kind and --subject, all of it is shown."]
    emit({"events": events}, *lines)


def _data(data: dict[str, Any]) -> str:
    return printable(json.dumps(data, ensure_ascii=False))[:120]


@audit.command()
@json_option
@click.pass_context
def verify(ctx: click.Context) -> None:
    """Recompute the chain of the whole log.

    By the server when there is one, else on the data directory itself, which is only read.
    The exit code is 1 when the log was changed.
    """
    found = _by_server() or _by_file()
    if found["verified"]:
        lines = [f"The log is whole: {found['entries']} entries, head {found['head']}."]
    else:
        lines = [f"The log is NOT whole: {found['problem']}"]
    emit(found, *lines)
    if not found["verified"]:
        ctx.exit(int(ExitCode.FINDINGS))


def _by_server() -> dict[str, Any] | None:
    """What the server finds; None when none runs on this data directory."""
    operator = click.get_current_context().ensure_object(Run).operator
    local = not os.environ.get("HEADGATE_URL")
    if local and (operator or os.environ.get("HEADGATE_DATA")):
        target = local_server(data_directory(os.environ))
        if target is None or not _alive(Client(target)):
            return None
        return Client(target).post("/api/audit/verify")
    try:
        client = connect()
    except CouldNotRun:
        return None
    return client.post("/api/audit/verify") if _alive(client) or not local else None


def _alive(client: Client) -> bool:
    try:
        client.get("/healthz")
    except CouldNotRun:
        return False
    return True


def _by_file() -> dict[str, Any]:
    from headgate.cli.audit_file import verify_file

    return verify_file(data_directory(os.environ) / "headgate.db")
