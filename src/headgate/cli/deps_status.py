"""`headgate deps status`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from headgate.cli.deps_database import Contents, database, database_option, max_age_option
from headgate.cli.output import duration, emit, json_option


@click.command()
@max_age_option("How old the advisories may be for anything to be called clean.")
@database_option
@json_option
@click.pass_context
def status(ctx: click.Context, max_age: float, db: Path | None) -> None:
    """Say what the database of advisories holds.

    Which ecosystems, how many records of each, how old they are, and what could not be read. Exit
    codes: 0 all of it is whole and fresh, 3 something is not: what it is about is unknown.
    """
    from headgate.deps.advisories.store import AdvisoryStore

    with AdvisoryStore.read(database(db)) as store:
        contents = Contents.of(store, time.time())
    old = [
        one.name
        for one in contents.ecosystems
        if (age := contents.age(one)) is None or age > max_age * 86_400
    ]
    lines = contents.table() or ["It holds nothing: run `headgate deps sync`."]
    if old:
        limit = duration(max_age * 86_400)
        lines += ["", f"NOT whole, or older than {limit}: {', '.join(old)}."]
        lines.append("Nothing of these is called clean: run `headgate deps sync`.")
    emit(contents.object() | {"not_fresh": old}, *lines, *contents.unread())
    if old or contents.quarantined or not contents.ecosystems:
        ctx.exit(3)
