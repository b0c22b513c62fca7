"""`modified_id.csv` of OSV's exports: when each record was last changed, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from headgate.deps.advisories.sources.interface import Listed
from headgate.model.errors import BadInput


def read_listing(lines: Iterable[str], shown: str) -> Iterator[Listed]:
    """The lines of a listing; raises BadInput with the number of a line that is none."""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        modified, comma, name = text.partition(",")
        if not comma or not name or moment(modified) is None:
            raise BadInput(
                f"{shown}, line {number}: {text[:60]!r} is not a time and an identifier.",
                "Fetch it again.",
            )
        yield Listed(modified, name.rpartition("/")[2])


def moment(text: str) -> float | None:
    """A time of RFC 3339 in seconds since the epoch; None for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
