"""A real database in a temporary directory, and a small world to fill it with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_world import World

from headgate.ledger.chain import seal
from headgate.store.database import Database
from warm import lay_database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(lay_database(tmp_path / "headgate.db"), seal=seal)
    yield database
    database.close()


@pytest.fixture
def world(db: Database) -> World:
    return World(db)
