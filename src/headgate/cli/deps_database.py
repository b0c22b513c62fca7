"""The database of advisories on the command line: which one it is, and how it stands."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headgate.cli.output import duration, printable, table

if TYPE_CHECKING:
    from headgate.deps.advisories.store import AdvisoryStore, EcosystemState

F = TypeVar("F", bound=Callable[..., Any])


def database_option(command: F) -> F:
    """The option `--db`, given to the command as `db`."""
    return click.option(
        "--db",
        type=click.Path(dir_okay=False, path_type=Path),
        default=None,
        metavar="FILE",
        help="The database of advisories; by default advisories.db in the data directory.",
    )(command)


def max_age_option(what: str) -> Callable[[F], F]:
    """The option `--max-age` in days, given to the command as `max_age`; `what` is its help."""
    return click.option(
        "--max-age",
        type=click.FloatRange(0, 3650),
        default=7,
        show_default=True,
        metavar="DAYS",
        help=what,
    )


def database(given: Path | None) -> Path:
    """The database that was named, or the one of this machine."""
    if given is not None:
        return given
    from headgate.cli.client import data_directory

    return data_directory(os.environ) / "advisories.db"


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a database, and how old it is."""

    path: Path
    ecosystems: tuple[EcosystemState, ...]
    quarantined: tuple[tuple[str, str], ...]
    """Documents that are no record, and why."""
    now: float

    @classmethod
    def of(cls, store: AdvisoryStore, now: float) -> Contents:
        """What is in it now; raises CouldNotRun."""
        states = store.ecosystems().values()
        # Others are only mentioned, by records that speak of several.
        wanted = (one for one in states if one.synced is not None or one.started is not None)
        return cls(store.path, tuple(wanted), tuple(store.quarantined()), now)

    def age(self, state: EcosystemState) -> float | None:
        """Seconds since an ecosystem was last whole; None where it never was."""
        return None if state.synced is None else self.now - state.synced

    def object(self) -> dict[str, Any]:
        """All of it, for --json."""
        return {
            "database": str(self.path),
            "bytes": self.path.stat().st_size,
            "ecosystems": [
                {
                    "ecosystem": one.name,
                    "records": one.records,
                    "age_seconds": None if (age := self.age(one)) is None else round(age),
                    "source": one.source,
                }
                for one in self.ecosystems
            ],
            "quarantined": [{"document": d, "reason": r} for d, r in self.quarantined],
        }

    def table(self) -> list[str]:
        """The ecosystems, a line each."""
        rows = [
            (
                one.name,
                one.records,
                "never whole" if one.synced is None else duration(self.age(one)),
            )
            for one in self.ecosystems
        ]
        return table(("ECOSYSTEM", "RECORDS", "AGE"), rows) if rows else []

    def unread(self) -> list[str]:
        """What could not be read, and what to do about it."""
        shown = self.quarantined[:10]
        lines = [f"NOT a record: {printable(d)}: {printable(r)}" for d, r in shown]
        if len(self.quarantined) > 10:
            lines.append(f"and {len(self.quarantined) - 10} more documents are none.")
        if lines:
            lines.append("What they may be about is unknown; `--accept DOCUMENT` does without one.")
        return lines
