"""A database of advisories, and exports that are copied into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from advisory_records import fixed, introduced, osv

from headgate.deps.advisories.matcher import Matcher
from headgate.deps.advisories.sources import open_source
from headgate.deps.advisories.store import AdvisoryStore
from headgate.deps.advisories.sync import Synced, sync
from headgate.deps.advisories.verdict import Answer, Package
from headgate.deps.advisories.writer import AdvisoryWriter


def garbled(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE affected SET data = ?", (b"[[1]]",))


NOW = 1_800_000_000.0
DAY = 86_400.0


class Desk:
    """A database and its source, asked as at a time."""

    def __init__(self, place: Path) -> None:
        self.source = place / "source"
        self.db = place / "kept" / "advisories.db"
        self.now = NOW

    def sync(self, *wanted: str, source: Path | None = None) -> list[Synced]:
        with (
            AdvisoryWriter.open(self.db) as store,
            open_source(str(source or self.source), self.db.with_suffix(".download")) as opened,
        ):
            return sync(store, opened, self.now, wanted)

    def ask(self, version: str, name: str = "lib", ecosystem: str = "PyPI") -> Answer:
        with AdvisoryStore.read(self.db) as store:
            return Matcher(store, self.now).match(Package(ecosystem, name, version))

    def count(self) -> dict[str, int]:
        with AdvisoryStore.read(self.db) as store:
            return {name: state.records for name, state in store.ecosystems().items()}


def hows(found: Sequence[Synced]) -> list[tuple[str, str, int, int]]:
    return [(one.ecosystem, one.how, one.changed, one.left) for one in found]


LIB = osv("A-1", "lib", introduced(), fixed("1.5"), summary="Bad")
NEW = osv("A-2", "lib", introduced("2.0"), fixed("2.1"), modified="2026-01-05T00:00:00Z")
