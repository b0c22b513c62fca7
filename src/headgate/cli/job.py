"""`headgate job`."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from headgate.cli.change_text import JOB_HEAD, job_row
from headgate.cli.client import Client, connect
from headgate.cli.output import current, emit, json_option, moment, printable, table
from headgate.model.errors import ExitCode

POLL = 0.2
"""Seconds between two looks at a running job's log."""

FINAL = frozenset(
    {"passed", "failed", "timed out", "cancelled", "skipped", "lost", "infrastructure"}
)


@click.group()
def job() -> None:
    """Look at job runs and their logs."""


ID = click.argument("id", type=click.IntRange(1))


@job.command("list")
@click.option("--change", "number", required=True, type=click.IntRange(1), help="Of this change.")
@json_option
def list_(number: int) -> None:
    """List the job runs of a change, the newest future first."""
    answer = connect().get(f"/changes/{number}.json")
    jobs: list[dict[str, Any]] = [job for node in answer["builds"]["nodes"] for job in node["jobs"]]
    emit({"change": number, "jobs": jobs}, *table(JOB_HEAD, [job_row(job) for job in jobs]))


@job.command()
@ID
@json_option
def show(id: int) -> None:
    """Show a job run: where it belongs and what became of it."""
    answer = connect().get(f"/jobs/{id}.json")
    run, change, node = answer["job"], answer["change"], answer["node"]
    code = "" if run["exit_code"] is None else f", exit code {run['exit_code']}"
    why = f": {printable(run['reason'])}" if run["reason"] else ""
    lines = [
        f"run {run['id']}  {run['project']}/{run['job']}, attempt {run['attempt']}",
        f"state     {run['state']}{code}{why}",
        f"change    #{change['number']}  {printable(change['title'])}",
        f"future    {printable(node['assumed'])}",
        f"started   {moment(run['started']) or 'not yet'}",
        f"log       headgate job log {run['id']}",
    ]
    emit(answer, *lines)


@job.command()
@ID
@click.option("-f", "--follow", is_flag=True, help="Go on while the job runs.")
@json_option
def log(id: int, follow: bool) -> None:
    """Print the log of a job run; on a terminal or with --follow live while it runs.

    With --follow the exit code is 1 when the job did not pass.
    """
    client = connect()
    run = client.get(f"/jobs/{id}.json")["job"]
    live = follow or (run["state"] not in FINAL and sys.stdout.isatty())
    parts: list[str] = []
    offset = 0
    while True:
        final = run["state"] in FINAL
        offset = _copy(client, id, offset, parts)
        if final or not live:
            break
        time.sleep(POLL)
        run = client.get(f"/jobs/{id}.json")["job"]
    if current().json:
        emit({"job": run, "log": "".join(parts)})
    if live:
        why = f": {printable(run['reason'])}" if run["reason"] else ""
        print(f"headgate: run {id} {run['state']}{why}", file=sys.stderr)
        if run["state"] != "passed":
            click.get_current_context().exit(int(ExitCode.FINDINGS))


def _copy(client: Client, id: int, offset: int, parts: list[str]) -> int:
    """Print the log from an offset in bytes on; returns where it ends now."""
    with client.stream(f"/jobs/{id}/log?from={offset}") as response:
        while True:
            chunk = response.read1(65536)
            if not chunk:
                return offset
            offset += len(chunk)
            if current().json:
                parts.append(chunk.decode("utf-8", "replace"))
            else:
                _write(chunk)


def _write(chunk: bytes) -> None:
    if not sys.stdout.isatty():
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    text = "".join(c for c in chunk.decode("utf-8", "replace") if c.isprintable() or c in "\n\t")
    sys.stdout.write(text)
    sys.stdout.flush()
