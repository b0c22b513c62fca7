"""`headgate deps sync`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headgate.cli.deps_database import Contents, database, database_option
from headgate.cli.output import emit, json_option

if TYPE_CHECKING:
    from headgate.deps.advisories.sync import Synced


@click.command()
@click.option(
    "--from",
    "source",
    default="",
    metavar="DIR|ZIP|URL",
    help="Where records are; by default where the OSV project publishes them.",
)
@click.option(
    "--ecosystem",
    "wanted",
    multiple=True,
    metavar="NAME",
    help="Only this one, as OSV names it; can be repeated. By default all.",
)
@click.option(
    "--epss",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="FIRST's scores of exploitation, epss_scores-….csv or .csv.gz.",
)
@click.option(
    "--kev",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="CISA's catalogue, known_exploited_vulnerabilities.json.",
)
@click.option(
    "--accept",
    multiple=True,
    metavar="DOCUMENT",
    help="Do without this document, which cannot be read; can be repeated.",
)
@database_option
@json_option
@click.pass_context
def sync(
    ctx: click.Context,
    source: str,
    wanted: tuple[str, ...],
    epss: Path | None,
    kev: Path | None,
    accept: tuple[str, ...],
    db: Path | None,
) -> None:
    """Bring the database of advisories up to date.

    Reads records of the OSV schema: from a copy of OSV's export (`PyPI/all.zip` and so on, as a
    directory or an address), from a zip, or from a directory with `*.json` at any depth. Where the
    source lists what changed, only that is read. Each ecosystem is written wholly or not at all;
    a sync that was interrupted goes on where it was. With --epss or --kev and without --from,
    only those files are read.

    Exit codes: 0 all is up to date, 2 bad input, 3 an ecosystem could not be read, or a document
    is no record: what it may be about is unknown until it can be read or is accepted.
    """
    from headgate.deps.advisories.exploits import read_epss, read_kev
    from headgate.deps.advisories.sources import OSV, open_source
    from headgate.deps.advisories.sync import sync as bring_up_to_date
    from headgate.deps.advisories.writer import AdvisoryWriter

    path, now = database(db), time.time()
    scores = read_epss(epss) if epss else None
    exploited = read_kev(kev) if kev else None
    synced: list[Synced] = []
    with AdvisoryWriter.open(path) as store:
        if scores is not None:
            store.put_epss(scores)
        if exploited is not None:
            store.put_kev(exploited)
        if source or not (epss or kev or accept):
            with open_source(source or OSV, path.with_name(f"{path.name}.download")) as opened:
                synced = bring_up_to_date(store, opened, now, wanted, _progress)
        store.accept(accept)
        contents = Contents.of(store, now)
    failed = [one for one in synced if one.how == "failed"]
    emit(
        contents.object() | {"synced": [_outcome(one) for one in synced]},
        *_lines(synced, contents),
    )
    if failed or contents.quarantined:
        ctx.exit(3)


def _progress(ecosystem: str, count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{ecosystem or 'records'}: {count}\x1b[K", end="", file=sys.stderr, flush=True)


def _outcome(one: Synced) -> dict[str, Any]:
    return {
        "ecosystem": one.ecosystem or None,
        "how": one.how,
        "records": one.changed,
        "left": one.left,
        "problem": one.problem,
    }


def _lines(synced: list[Synced], contents: Contents) -> list[str]:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    read = sum(one.changed for one in synced)
    left = sum(one.left for one in synced)
    told = ["", f"{read} records read, {left} left."] if synced else []
    told += [f"NOT read: {one.ecosystem}: {one.problem}" for one in synced if one.problem]
    return [*contents.table(), *told, *contents.unread()]
