"""`headgate deps compare`."""

from __future__ import annotations

import click

from headgate.cli.output import emit, json_option
from headgate.model.errors import BadInput


@click.command()
@click.argument("ecosystem")
@click.argument("a")
@click.argument("b")
@json_option
def compare(ecosystem: str, a: str, b: str) -> None:
    """Say which of two versions comes first.

    Prints `<`, `=` or `>`, as the tools of the ECOSYSTEM order A and B. Ecosystems are named as
    OSV names them (`PyPI`, `Debian:12`). Exit codes: 0 told, 2 not a version or no such ecosystem.
    """
    from headgate.deps.advisories.names import ecosystem_and_release
    from headgate.deps.advisories.ranges import order_name
    from headgate.deps.versions import compare as order
    from headgate.deps.versions import ordering_of

    ordering = ordering_of(order_name(*ecosystem_and_release(ecosystem)))
    if ordering is None:
        raise BadInput(
            f"{ecosystem!r} has no order of versions.", "Name an ecosystem as OSV does, like PyPI."
        )
    sign = "<=>"[order(ordering, a, b) + 1]
    emit({"ecosystem": ecosystem, "a": a, "b": b, "order": sign}, sign)
