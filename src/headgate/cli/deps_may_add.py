"""`headgate deps may-add`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from headgate.cli.client import connect
from headgate.cli.output import emit, json_option, moment, printable
from headgate.model.purl import parse_purl

_CODES = {"allow": 0, "needs approval": 1, "deny": 1}


@click.command("may-add")
@click.argument("package", metavar="PURL")
@click.option("--project", default="", metavar="NAME", help="The project that would use it.")
@json_option
@click.pass_context
def may_add(ctx: click.Context, package: str, project: str) -> None:
    """Ask the server whether a package may be added: allow, needs approval or deny.

    PURL is like pkg:pypi/jinja2 or pkg:npm/%40scope/name@1.2.3; without a version the latest one is
    judged. Exit codes: 0 allow, 1 needs approval or deny, 2 no package URL, 3 no answer.
    """
    parse_purl(package)  # What is none is told without a server too.
    found = connect().get("/api/packages/may-add", {"package": package, "project": project})
    emit(found, *_lines(found))
    ctx.exit(_CODES.get(found["answer"], 1))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{printable(found['package'])}: {found['answer']}"
    for reason in found["reasons"]:
        yield f"  {printable(reason)}"
    if found["alternative"]:
        yield f"  instead: {printable(found['alternative'])}"
    if found["remedy"]:
        yield f"  {printable(found['remedy'])}"
    if found["known_at"]:
        yield f"  its index was asked {moment(found['known_at'])}"
