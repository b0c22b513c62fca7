"""`headgate deps rematch`."""

from __future__ import annotations

import click

from headgate.cli.client import connect
from headgate.cli.output import emit, json_option, moment, printable
from headgate.model.errors import ExitCode


@click.command()
@json_option
@click.pass_context
def rematch(ctx: click.Context) -> None:
    """Compare everything that has landed with the advisories now; the server does so nightly.

    Exit codes: 0 all went well, 3 the advisories are missing or too old to call anything clean.
    """
    answer = connect().post("/api/packages/rematch")
    run = answer["run"]
    lines = [
        f"{run['packages']} packages compared: {run['opened']} findings opened, "
        f"{run['closed']} closed, {run['unknown']} packages unknown.",
        f"The advisories are as of {moment(run['data_as_of']) or 'never'}.",
    ]
    if run["problem"]:
        lines.append(printable(run["problem"]))
    lines += [f"Unused exception: {printable(place)}" for place in run["unused"]]
    emit(answer, *lines)
    if run["problem"]:
        ctx.exit(int(ExitCode.NOT_RUN))
