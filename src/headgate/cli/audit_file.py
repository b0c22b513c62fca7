"""Verifies the log in a database file without a server, reading only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from headgate.ledger.chain import verify
from headgate.model.errors import CouldNotRun
from headgate.model.event import Event

T = TypeVar("T")
COLUMNS = "id, time, kind, actor, subject, data, previous, hash"


def verify_file(file: Path) -> dict[str, Any]:
    """Recompute the chain. Raises CouldNotRun when there is no database, or it cannot be read."""
    found = with_events(file, verify)
    return {
        "verified": not found.problem,
        "entries": found.entries,
        "head": found.head,
        "problem": found.problem,
    }


def with_events(file: Path, use: Callable[[Iterator[Event]], T]) -> T:
    """What `use` makes of all events of a database file, which is only read.

    Raises CouldNotRun when there is no database, or it cannot be read.
    """
    if not file.is_file():
        raise CouldNotRun(
            f"There is no Headgate database at {file}.", "Set HEADGATE_DATA to the data directory."
        )
    try:
        connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)
        try:
            return use(_events(connection))
        finally:
            connection.close()
    except (sqlite3.DatabaseError, ValueError, UnicodeDecodeError) as error:
        raise CouldNotRun(
            f"The log in {file} cannot be read: {error}.", "Restore the database from a copy."
        ) from None


def _events(connection: sqlite3.Connection) -> Iterator[Event]:
    for row in connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY id"):
        id, time, kind, actor, subject, data, previous, hash = row
        yield Event(id, int(time), kind, actor, subject, json.loads(data), previous, hash)
