"""`headgate doctor`."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from headgate.cli.output import emit, json_option, printable
from headgate.model.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    """What was found, one sentence."""
    remedy: str = ""


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data directory; by default $HEADGATE_DATA or ~/.local/share/headgate.",
)
@json_option
@click.pass_context
def doctor(ctx: click.Context, data: Path | None) -> None:
    """Say whether this machine can run Headgate: exit code 0 when it can, 3 when not."""
    from headgate.cli.client import data_directory
    from headgate.cli.doctor_checks import CHECKS

    directory = (data.expanduser() if data else data_directory(os.environ)).absolute()
    looked = [check(directory) for check in CHECKS]
    found = [replace(each, remedy="") if each.ok else each for each in looked]
    ok = all(each.ok for each in found)
    lines: list[str] = []
    for each in found:
        lines.append(f"{'ok ' if each.ok else 'NOT'}  {each.name:<16} {printable(each.found)}")
        if each.remedy:
            lines.append(f"     {'':<16} {printable(each.remedy)}")
    lines.append("This machine can run Headgate." if ok else "Something is missing; see NOT.")
    emit({"ok": ok, "checks": [asdict(each) for each in found]}, *lines)
    if not ok:
        ctx.exit(int(ExitCode.NOT_RUN))
