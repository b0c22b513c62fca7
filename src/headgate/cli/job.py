"""`headgate job`."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from headgate.cli.change_text import JOB_HEAD, job_row
from headgate.cli.client import Client, connect, segment
from headgate.cli.output import current, emit, json_option, moment, printable, table
from headgate.model.errors import ExitCode

POLL = 0.2
"""Seconds between two looks at a running job's log."""

FINAL = frozenset(
    {"passed", "failed", "timed out", "cancelled", "skipped", "lost", "infrastructure"}
)


@click.group()
def job() -> None:
    """Look at job runs and their logs; keep what failed ones leave."""


ID = click.argument("id", type=click.IntRange(1))

_SECONDS = {"m": 60, "h": 3600, "d": 86400}


class Span(click.ParamType[int]):
    """A time such as `30m`, `12h` or `1d`, as seconds."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        text = str(value)
        number, unit = text[:-1], text[-1:]
        if unit not in _SECONDS or not number.isdecimal() or len(number) > 6 or int(number) == 0:
            self.fail(f"{text!r} is no time such as 30m, 12h or 1d.", param, ctx)
        return int(number) * _SECONDS[unit]


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
        f"change    #{change['number']}  {printable(change['title'])}"
        if change
        else f"project   {answer['project']}",
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


@job.command()
@click.argument("project")
@click.argument("job_name", metavar="JOB")
@click.option("--expires", type=Span(), default="1d", show_default=True, help="For how long.")
@json_option
def hold(project: str, job_name: str, expires: int) -> None:
    """Keep the work area of the next failing run of JOB of PROJECT, to look at it."""
    body = {"job": job_name, "seconds": expires}
    answer = connect().post(f"/api/projects/{segment(project)}/holds", body)
    one = answer["hold"]
    emit(
        answer,
        f"Hold {one['id']}: the next failing run of {project}/{job_name} is kept until "
        f"{moment(one['expires'])}.",
        "See where: headgate job holds",
    )


@job.command()
@click.option("--project", help="Only jobs of this project.")
@json_option
def flaky(project: str | None) -> None:
    """List jobs that failed and passed on exactly the same content in the last 30 days."""
    answer = connect().get("/api/flaky-jobs")
    found = [one for one in answer["flaky"] if project in (None, one["project"])]
    rows = [
        (
            f"{one['project']}/{one['job']}",
            one["count"],
            moment(one["last_seen"]),
            one["failed"],
            one["passed"],
        )
        for one in found
    ]
    head = ("JOB", "TIMES", "LAST SEEN", "FAILED RUN", "PASSED RUN")
    none = "No job failed and passed on the same content in the last 30 days."
    emit({"flaky": found}, *(table(head, rows) if rows else [none]))


@job.command()
@json_option
def holds() -> None:
    """List work areas that are kept, or are to be."""
    answer = connect().get("/api/holds")
    rows = [
        (
            one["id"],
            f"{one['project']}/{one['job']}",
            one["run"] or "waiting",
            moment(one["expires"]),
            one["asked_by"],
            one["place"],
        )
        for one in answer["holds"]
    ]
    emit(answer, *table(("ID", "JOB", "RUN", "UNTIL", "ASKED BY", "PLACE"), rows))


@job.command()
@ID
@json_option
def release(id: int) -> None:
    """Remove a kept work area, by the number of its hold; or the wish for one."""
    emit(connect().post(f"/api/holds/{id}/release"), f"Hold {id} is released.")
