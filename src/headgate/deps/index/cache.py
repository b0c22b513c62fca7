"""Facts about packages, kept with the time at which they were asked for."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from headgate.deps.index.interface import (
    Answer,
    Existence,
    PackageFacts,
    PackageIndex,
    Release,
)
from headgate.model.errors import CouldNotRun

FRESH = 6 * 3600.0
"""Seconds for which facts are taken as they are."""
ABSENT = 600.0
"""Seconds for which a name that does not exist is believed not to."""
NEAR = 128
"""Packages whose facts are kept in memory."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (
  ecosystem TEXT NOT NULL, address TEXT NOT NULL, name TEXT NOT NULL,
  asked REAL NOT NULL, existence TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (ecosystem, address, name)
) WITHOUT ROWID
"""


class FactsCache:
    """A file of facts. May be used from several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Raises CouldNotRun when the file cannot be used."""
        self._path = path
        self._lock = threading.Lock()
        self._near: OrderedDict[tuple[str, str, str], PackageFacts] = OrderedDict()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, check_same_thread=False, timeout=10.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise CouldNotRun(
                f"The cache of facts about packages, {path}, cannot be used: {error}.",
                "Remove the file; it is filled again.",
            ) from None

    def get(self, ecosystem: str, address: str, name: str) -> PackageFacts | None:
        """What was last known, whatever its age."""
        key = (ecosystem, address, name)
        with self._lock:
            if key in self._near:
                self._near.move_to_end(key)
                return self._near[key]
        found = self._read(key)
        if found is not None:
            self._remember(key, found)
        return found

    def _read(self, key: tuple[str, str, str]) -> PackageFacts | None:
        query = "SELECT body FROM facts WHERE ecosystem = ? AND address = ? AND name = ?"
        with self._lock, contextlib.suppress(sqlite3.Error, ValueError, TypeError, KeyError):
            row = self._db.execute(query, key).fetchone()
            return _decoded(json.loads(row[0])) if row else None
        return None  # Damaged: as if it had never been asked.

    def _remember(self, key: tuple[str, str, str], facts: PackageFacts) -> None:
        # Some packages have thousands of releases, which take a while to read.
        with self._lock:
            self._near[key] = facts
            self._near.move_to_end(key)
            while len(self._near) > NEAR:
                self._near.popitem(last=False)

    def put(self, ecosystem: str, facts: PackageFacts) -> None:
        """Keep what an index said; raises CouldNotRun when the disk does not take it."""
        body = json.dumps(asdict(facts), separators=(",", ":"))
        row = (ecosystem, facts.address, facts.name, facts.asked, facts.existence.value, body)
        try:
            with self._lock, self._db:
                self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise CouldNotRun(
                f"The cache of facts about packages, {self._path}, cannot be written: {error}.",
                "Check the disk, or remove the file; it is filled again.",
            ) from None
        self._remember((ecosystem, facts.address, facts.name), facts)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


class CachedIndex:
    """An index whose answers are kept. What it could not say is asked again each time."""

    def __init__(
        self, ecosystem: str, index: PackageIndex, cache: FactsCache, clock: Callable[[], float]
    ) -> None:
        self._ecosystem = ecosystem
        self._index = index
        self._cache = cache
        self._clock = clock

    @property
    def address(self) -> str:
        return self._index.address

    async def look_up(self, names: Iterable[str]) -> Mapping[str, Answer]:
        """Whether packages exist; facts that are kept answer, too."""
        return {
            name: Answer(facts.existence, facts.detail)
            for name, facts in (await self.facts(names)).items()
        }

    async def facts(self, names: Iterable[str]) -> Mapping[str, PackageFacts]:
        """What is known of packages; each says when it was asked."""
        now = self._clock()
        found: dict[str, PackageFacts] = {}
        old: dict[str, PackageFacts] = {}
        for name in dict.fromkeys(names):
            kept = self._cache.get(self._ecosystem, self.address, name)
            if kept is not None and self._fresh(kept, now):
                found[name] = kept
            else:
                found[name] = PackageFacts(name, Existence.UNKNOWN)
                if kept is not None:
                    old[name] = kept
        missing = [name for name, facts in found.items() if facts.existence is Existence.UNKNOWN]
        if missing:
            for name, facts in (await self._index.facts(missing)).items():
                found[name] = self._kept(replace(facts, asked=now), old.get(name))
        return found

    def _fresh(self, kept: PackageFacts, now: float) -> bool:
        longest = ABSENT if kept.existence is Existence.MISSING else FRESH
        return kept.existence is not Existence.UNKNOWN and 0 <= now - kept.asked < longest

    def _kept(self, facts: PackageFacts, old: PackageFacts | None) -> PackageFacts:
        if facts.existence is Existence.UNKNOWN:
            return facts
        if old is not None and facts.maintainers and old.maintainers:
            differ = old.maintainers != facts.maintainers
            facts = replace(facts, before=old.maintainers if differ else old.before)
        self._cache.put(self._ecosystem, facts)
        return facts


def _decoded(body: dict[str, Any]) -> PackageFacts:
    releases = {version: _release(one) for version, one in body["releases"].items()}
    fields: dict[str, Any] = {
        **body,
        **{key: tuple(body[key]) for key in ("maintainers", "before", "doubts")},
        "releases": releases,
        "existence": Existence(body["existence"]),
    }
    return PackageFacts(**fields)


def _release(body: dict[str, Any]) -> Release:
    scripts = body["scripts"]
    fields: dict[str, Any] = {**body, "scripts": None if scripts is None else tuple(scripts)}
    return Release(**fields)
