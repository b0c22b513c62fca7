"""Writing the database of advisories: one sync at a time, while others read."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from headgate.deps.advisories.entries import Entry, entry_of, packed, unpacked
from headgate.deps.advisories.match import statement
from headgate.deps.advisories.record import Record
from headgate.deps.advisories.sources.listing import moment
from headgate.deps.advisories.store import FORMAT, AdvisoryStore, check_format, told
from headgate.model.errors import BadInput

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ecosystem (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  synced REAL,                      -- when its data was last whole; NULL: never yet
  started REAL,                     -- when a sync began that has not ended
  source TEXT NOT NULL DEFAULT '',  -- where its data came from
  mark TEXT NOT NULL DEFAULT '',    -- the newest change that is known, as the source dates it
  listed REAL,                      -- when what left the source was last looked for
  records INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS record (
  id INTEGER PRIMARY KEY,
  osv TEXT NOT NULL UNIQUE,
  modified TEXT NOT NULL,
  source TEXT NOT NULL,
  withdrawn INTEGER NOT NULL,
  aliases TEXT NOT NULL,            -- with spaces between
  severities TEXT NOT NULL,         -- one a line: type and vector, or `rating` and a word
  summary TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS affected (
  ecosystem INTEGER NOT NULL,
  name TEXT NOT NULL,
  record INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (ecosystem, name, record)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS affected_record ON affected (record);
CREATE TABLE IF NOT EXISTS release (
  ecosystem INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (ecosystem, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
  document TEXT PRIMARY KEY, source TEXT NOT NULL, ecosystem TEXT NOT NULL, reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS doubted (
  ecosystem TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,
  PRIMARY KEY (ecosystem, name, document)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accepted (document TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS epss (
  cve TEXT PRIMARY KEY, score INTEGER NOT NULL, percentile INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kev (cve TEXT PRIMARY KEY, added TEXT NOT NULL) WITHOUT ROWID;
"""


class AdvisoryWriter(AdvisoryStore):
    """An open database of advisories that may be changed."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open for writing, and make what is not there; raises CouldNotRun."""
        with told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, isolation_level=None, timeout=30)
            try:
                fresh = not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
                if not fresh:
                    check_format(connection, path)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA cache_size = -65536")
                connection.executescript(_TABLES)
                connection.execute(
                    "INSERT OR IGNORE INTO meta VALUES ('format', ?)", (str(FORMAT),)
                )
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def close(self) -> None:
        """Close it, and leave one file behind where nobody reads."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA optimize")
            self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All of it or nothing."""
        with told(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def begin(self, names: Iterable[str], now: float) -> None:
        """Note that a sync of these ecosystems has begun: until it ends they are not whole."""
        with self.transaction():
            for name in names:
                self._ecosystem(name)
                self._db.execute("UPDATE ecosystem SET started = ? WHERE name = ?", (now, name))

    def finish(self, name: str, now: float, source: str, *, mark: str, listed: bool) -> None:
        """Note that an ecosystem is whole, and with `listed` that nothing is in it that left."""
        number = self._ecosystem(name)
        self._db.execute(
            "UPDATE ecosystem SET started = NULL, synced = ?1, source = ?2, mark = ?3, "
            "listed = CASE WHEN ?4 THEN ?1 ELSE listed END, records = "
            "(SELECT count(DISTINCT record) FROM affected WHERE ecosystem = ?5) WHERE id = ?5",
            (now, source, mark, listed, number),
        )

    def put(self, record: Record, source: str, *, again: bool = False) -> None:
        """Write a record in the place of what was known of it.

        With `again` a record of this name was written by the same sync, as exports keep a record
        with each ecosystem it speaks of: should they differ, the later one counts, but what only
        one of them speaks of stays, and of one package what both say where neither is later.
        """
        found: dict[tuple[int, str], list[Entry]] = {}
        if not record.withdrawn:
            for one in record.affected:
                key = (self._ecosystem(one.ecosystem), one.name)
                found.setdefault(key, []).append(entry_of(one))
        if again:
            modified, withdrawn = self._db.execute(
                "SELECT modified, withdrawn FROM record WHERE osv = ?", (record.id,)
            ).fetchone()
            age = (moment(record.modified) or 0) - (moment(modified) or 0)
            if (age < 0 and withdrawn) or (age <= 0 and record.withdrawn):
                return
            if not record.withdrawn:
                for key, entries in self._entries(record.id).items():
                    if key not in found or age < 0:
                        found[key] = entries
                    elif age == 0:
                        found[key] += entries
        else:
            age = 0
        number = self._row(record, source, keep=age < 0)
        self._db.execute("DELETE FROM affected WHERE record = ?", (number,))
        for (ecosystem, name), entries in found.items():
            self._db.execute(
                "INSERT INTO affected VALUES (?, ?, ?, ?)",
                (ecosystem, name, number, packed(entries)),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO release VALUES (?, ?)",
                {(ecosystem, entry.release) for entry in entries},
            )

    def _row(self, record: Record, source: str, *, keep: bool) -> int:
        """The number of a record, written anew unless what is there is to be kept."""
        if keep:
            (number,) = self._db.execute(
                "SELECT id FROM record WHERE osv = ?", (record.id,)
            ).fetchone()
            return number
        said = statement(record, ())
        (number,) = self._db.execute(
            "INSERT INTO record (osv, modified, source, withdrawn, aliases, severities, summary) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (osv) DO UPDATE SET "
            "modified = excluded.modified, source = excluded.source, "
            "withdrawn = excluded.withdrawn, aliases = excluded.aliases, "
            "severities = excluded.severities, summary = excluded.summary RETURNING id",
            (
                record.id,
                record.modified,
                source,
                record.withdrawn,
                said.aliases,
                said.severities,
                said.summary,
            ),
        ).fetchone()
        return number

    def _entries(self, name: str) -> dict[tuple[int, str], list[Entry]]:
        """What is kept of a record, by the number of the ecosystem and the package."""
        rows = self._db.execute(
            "SELECT ecosystem, name, data FROM affected WHERE record = "
            "(SELECT id FROM record WHERE osv = ?)",
            (name,),
        )
        return {(ecosystem, package): unpacked(data) for ecosystem, package, data in rows}

    def drop(self, names: Iterable[str]) -> None:
        """Forget records by their identifiers."""
        for name in names:
            row = self._db.execute("SELECT id FROM record WHERE osv = ?", (name,)).fetchone()
            if row:
                self._db.execute("DELETE FROM affected WHERE record = ?", row)
                self._db.execute("DELETE FROM record WHERE id = ?", row)

    def known_to(self, ecosystem: str, source: str) -> set[str]:
        """Identifiers of the records of a source that speak of an ecosystem."""
        rows = self._db.execute(
            "SELECT DISTINCT osv FROM record JOIN affected ON affected.record = record.id "
            "WHERE affected.ecosystem = ? AND source = ?",
            (self._ecosystem(ecosystem), source),
        )
        return {osv for (osv,) in rows}

    def all_of(self, source: str) -> set[str]:
        """Identifiers of all records of a source."""
        rows = self._db.execute("SELECT osv FROM record WHERE source = ?", (source,))
        return {osv for (osv,) in rows}

    def fed_by(self, source: str) -> set[str]:
        """Ecosystems whose data came from a source."""
        rows = self._db.execute("SELECT name FROM ecosystem WHERE source = ?", (source,))
        return {name for (name,) in rows}

    def quarantine(
        self,
        document: str,
        source: str,
        ecosystem: str,
        reason: str,
        about: Iterable[tuple[str, str]],
    ) -> None:
        """Keep in mind a document that cannot be read, and the packages that it may be about.

        Where it names none, it may be about any of its ecosystem; without that, of any.
        """
        self._db.execute(
            "INSERT OR REPLACE INTO quarantine VALUES (?, ?, ?, ?)",
            (document, source, ecosystem, reason),
        )
        self._db.execute("DELETE FROM doubted WHERE document = ?", (document,))
        self._db.executemany(
            "INSERT OR IGNORE INTO doubted VALUES (?, ?, ?)",
            [(place, name, document) for place, name in about] or [(ecosystem, "", document)],
        )

    def accept(self, documents: Iterable[str]) -> None:
        """Do without documents that cannot be read; raises BadInput for one that is not such."""
        with self.transaction():
            for document in documents:
                if not self._db.execute(
                    "SELECT 1 FROM quarantine WHERE document = ?", (document,)
                ).fetchone():
                    raise BadInput(
                        f"{document!r} is no document that could not be read.",
                        "Name it as `headgate deps sync` does.",
                    )
                self._db.execute("INSERT OR IGNORE INTO accepted VALUES (?)", (document,))

    def release_from_quarantine(self, documents: Iterable[str]) -> None:
        """Forget that documents could not be read."""
        for document in documents:
            self._db.execute("DELETE FROM quarantine WHERE document = ?", (document,))
            self._db.execute("DELETE FROM doubted WHERE document = ?", (document,))

    def quarantined_of(self, source: str, ecosystem: str | None) -> set[str]:
        """Documents of a source, or of an ecosystem in it, that could not be read."""
        rows = self._db.execute(
            "SELECT document FROM quarantine WHERE source = ?1 AND (?2 IS NULL OR ecosystem = ?2)",
            (source, ecosystem),
        )
        return {document for (document,) in rows}

    def put_epss(self, scores: Mapping[str, tuple[float, float]]) -> None:
        """Put scores (probability, percentile) in the place of the ones before."""
        with self.transaction():
            self._db.execute("DELETE FROM epss")
            self._db.executemany(
                "INSERT INTO epss VALUES (?, ?, ?)",
                (
                    (cve, round(score * 100_000), round(percentile * 100_000))
                    for cve, (score, percentile) in scores.items()
                ),
            )

    def put_kev(self, added: Mapping[str, str]) -> None:
        """Put the CVEs known to be exploited, with since when, in the place of those before."""
        with self.transaction():
            self._db.execute("DELETE FROM kev")
            self._db.executemany("INSERT INTO kev VALUES (?, ?)", added.items())

    def _ecosystem(self, name: str) -> int:
        row = self._db.execute("SELECT id FROM ecosystem WHERE name = ?", (name,)).fetchone()
        if row is None:
            row = self._db.execute(
                "INSERT INTO ecosystem (name) VALUES (?) RETURNING id", (name,)
            ).fetchone()
        return row[0]
