"""The database of advisories: one SQLite file, read by many and written by one sync at a time."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from headgate.deps.advisories.entries import unpacked
from headgate.deps.advisories.match import Statement
from headgate.model.errors import CouldNotRun

FORMAT = 2
"""Raised when tables or orderings of versions change: what is kept was made with them."""

_LOOK_UP = """
SELECT record.osv, record.aliases, record.severities, record.summary, affected.data
FROM affected JOIN record ON record.id = affected.record
WHERE affected.ecosystem = ? AND affected.name = ?
"""


@dataclass(frozen=True, slots=True)
class EcosystemState:
    """How an ecosystem's data stands."""

    id: int
    name: str
    synced: float | None
    """When it was last whole, in seconds since the epoch; None: never yet."""
    started: float | None
    """When a sync began that has not ended; None: none has."""
    source: str
    mark: str
    listed: float | None
    records: int


class AdvisoryStore:
    """An open database of advisories."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection

    @classmethod
    def read(cls, path: Path) -> AdvisoryStore:
        """Open for reading; raises CouldNotRun where there is none, or none of ours."""
        if not path.is_file():
            raise CouldNotRun(
                f"There is no database of advisories at {path}.",
                "Run `headgate deps sync`, or name one with --db.",
            )
        with told(path):
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
            )
            try:
                check_format(connection, path)
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ecosystems(self) -> dict[str, EcosystemState]:
        """The ecosystems that it knows of, by name."""
        with told(self.path):
            rows = self._db.execute(
                "SELECT id, name, synced, started, source, mark, listed, records FROM ecosystem "
                "ORDER BY name"
            ).fetchall()
        return {row[1]: EcosystemState(*row) for row in rows}

    def releases(self, ecosystem: int) -> frozenset[str]:
        """The releases of an ecosystem that records speak of; of some that is only ``."""
        with told(self.path):
            rows = self._db.execute("SELECT name FROM release WHERE ecosystem = ?", (ecosystem,))
            return frozenset(name for (name,) in rows)

    def about(self, ecosystem: int, name: str) -> list[Statement]:
        """The records that speak of a package; withdrawn ones speak of none."""
        try:
            return [
                Statement(osv, aliases, severities, summary, unpacked(data))
                for osv, aliases, severities, summary, data in self._db.execute(
                    _LOOK_UP, (ecosystem, name)
                )
            ]
        except (sqlite3.Error, zlib.error, ValueError, TypeError) as error:
            raise _unusable(self.path, error) from None

    def doubts(self) -> dict[tuple[str, str], str]:
        """Records that could not be read, by ecosystem and package; `` for any of them."""
        with told(self.path):
            rows = self._db.execute(
                "SELECT ecosystem, name, document FROM doubted "
                "WHERE document NOT IN (SELECT document FROM accepted)"
            ).fetchall()
        return {(ecosystem, name): document for ecosystem, name, document in rows}

    def quarantined(self) -> list[tuple[str, str]]:
        """Documents that are no readable record and were not accepted, and why."""
        with told(self.path):
            return self._db.execute(
                "SELECT document, reason FROM quarantine "
                "WHERE document NOT IN (SELECT document FROM accepted) ORDER BY document"
            ).fetchall()

    def knows_exploits(self) -> bool:
        """Whether anything is known of exploitation."""
        with told(self.path):
            (found,) = self._db.execute(
                "SELECT EXISTS (SELECT 1 FROM epss) OR EXISTS (SELECT 1 FROM kev)"
            ).fetchone()
        return bool(found)

    def exploited(self, cves: Iterable[str]) -> dict[str, tuple[float | None, bool]]:
        """(EPSS or None, whether known to be exploited) of CVEs of which something is known."""
        found: dict[str, tuple[float | None, bool]] = {}
        with told(self.path):
            for cve in cves:
                score = self._db.execute("SELECT score FROM epss WHERE cve = ?", (cve,)).fetchone()
                kev = self._db.execute("SELECT 1 FROM kev WHERE cve = ?", (cve,)).fetchone()
                if score or kev:
                    found[cve] = (score[0] / 100_000 if score else None, kev is not None)
        return found

    def modified(self, record: str, source: str) -> str:
        """When a record of a source was last changed; `` where it is not known."""
        with told(self.path):
            row = self._db.execute(
                "SELECT modified FROM record WHERE osv = ? AND source = ?", (record, source)
            ).fetchone()
        return row[0] if row else ""


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    try:
        row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        row = None
    if row is None or row[0] != str(FORMAT):
        raise CouldNotRun(
            f"{path} is no database of advisories that this version of Headgate reads.",
            "Remove it and run `headgate deps sync`, or name another with --db.",
        )


@contextmanager
def told(path: Path) -> Generator[None]:
    """Tell what SQLite and the disk say in one sentence."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: Exception) -> CouldNotRun:
    return CouldNotRun(
        f"The database of advisories {path} cannot be used: {error}.",
        "If it is damaged, remove it and run `headgate deps sync`.",
    )


def age_of(states: Iterable[EcosystemState], now: float | None = None) -> float | None:
    """Seconds since the oldest of the ecosystems was last whole; None where one never was."""
    moments = [state.synced for state in states]
    if not moments or any(moment is None for moment in moments):
        return None
    return (time.time() if now is None else now) - min(m for m in moments if m is not None)
