"""The schema that migrations make is the schema that the program expects."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from headgate.store import schema
from headgate.store.database import Database
from headgate.store.tables.base import metadata


def schema_of(path: Path) -> list[tuple[str, str, list[str]]]:
    """Every table and index with its definition's words, whose order means nothing here."""
    # Columns that a migration adds stand behind everything else, the last parenthesis too.
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT type, name, sql FROM sqlite_master"
            " WHERE name NOT LIKE 'sqlite_%' AND name != 'alembic_version' ORDER BY 1, 2"
        ).fetchall()
    connection.close()
    # A table that a migration has rewritten has quotes around its name.
    return [
        (type, name, sorted(re.findall(r"[^\s(),]+|[()]", sql.replace('"', ""))))
        for type, name, sql in rows
    ]


def test_migrations_make_what_tables_say(db: Database, tmp_path: Path) -> None:
    """When this fails, tables.py was changed: write the next revision, and raise schema.HEAD."""
    engine = create_engine(f"sqlite:///{tmp_path / 'headgate.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    fresh = create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    metadata.create_all(fresh)
    fresh.dispose()
    assert schema_of(tmp_path / "headgate.db") == schema_of(tmp_path / "fresh.db")


def test_the_program_knows_the_newest_revision() -> None:
    config = Config()
    folder = Path(schema.__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]
