"""`headgate pipeline`."""

from __future__ import annotations

from typing import Any

import click

from headgate.cli.change_text import JOB_HEAD, job_row
from headgate.cli.client import connect, segment
from headgate.cli.output import emit, json_option, moment, printable, table
from headgate.model.errors import NotFound

HEAD = ("PIPELINE", "MANAGER", "ON", "LAST RUN")
RUN_HEAD = ("RUN", "STATE", "WHAT", "CAUSE", "WHEN", "REASON")


@click.group()
def pipeline() -> None:
    """Look at pipelines and their runs."""


@pipeline.command("list")
@json_option
def list_() -> None:
    """List the pipelines of the policy in force, and those that ran before."""
    answer = connect().get("/pipelines.json")
    rows = [
        (
            one["name"],
            one["manager"] or "(gone from the policy)",
            ", ".join(printable(trigger) for trigger in one["on"]),
            _last(one),
        )
        for one in answer["pipelines"]
    ]
    lines = table(HEAD, rows) if rows else ["The policy has no pipelines beside the gate."]
    emit(answer, *lines)


@pipeline.command()
@click.argument("name")
@click.option("--run", "number", type=click.IntRange(1), help="Only this run, with its jobs.")
@json_option
def show(name: str, number: int | None) -> None:
    """Show a pipeline and its newest runs."""
    answer = connect().get(f"/pipelines/{segment(name)}.json")
    if number is not None:
        answer["runs"] = [run for run in answer["runs"] if run["id"] == number]
        if not answer["runs"]:
            raise NotFound(
                f"Run {number} is not among the newest runs of the pipeline {name}.",
                f"See `headgate pipeline show {name}`.",
            )
    one = answer["pipeline"]
    lines = [f"{one['name']}  {one['manager'] or 'gone from the policy'}"]
    if one["declared"]:
        lines += list(_definition(one))
    if answer["runs"]:
        lines += ["", *table(RUN_HEAD, [_row(r) for r in answer["runs"]])]
    elif one["manager"] == "dependent":
        lines += ["", "Its runs are the futures of the queues: see `headgate queue`."]
    else:
        lines += ["", "It has not run yet."]
    if number is not None:
        lines += table(JOB_HEAD, [job_row(job) for run in answer["runs"] for job in run["jobs"]])
    emit(answer, *lines)


def _definition(one: dict[str, Any]) -> list[str]:
    required = one["require"]
    needs = [
        f"{required['approvals']} approvals" if required["approvals"] else "",
        f"passed: {', '.join(required['checks'])}" if required["checks"] else "",
        f"age {required['age']:.0f} s" if required["age"] else "",
    ]
    wanted = ", ".join(word for word in needs if word)
    return [
        f"on        {', '.join(printable(trigger) for trigger in one['on'])}",
        f"projects  {', '.join(printable(name) for name in one['projects'])}",
        f"branches  {', '.join(printable(name) for name in one['branches']) or 'any'}",
        f"jobs      {', '.join(printable(name) for name in one['jobs']) or 'those that name it'}",
        f"requires  {wanted or 'nothing'}",
        f"reports   {', '.join(one['report']) or 'nowhere'}",
    ]


def _last(one: dict[str, Any]) -> str:
    runs = one["runs"]
    if one["manager"] == "dependent":
        return "see `headgate queue`"
    return f"{runs[0]['state']} {moment(runs[0]['created'])}" if runs else "never"


def _row(run: dict[str, Any]) -> tuple[object, ...]:
    change = f"#{run['change']['number']} " if run["change"] else ""
    return (
        run["id"],
        run["state"],
        f"{run['project']} {change}{printable(run['what'])}",
        f"{run['trigger']} by {printable(run['actor'])}",
        moment(run["created"]),
        printable(run["reason"]),
    )
