"""Bring a database's schema up to the program's, by Alembic when there is something to do."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from headgate.model.errors import CouldNotRun

HEAD = "0001"
"""The newest revision below migrations/versions; a test holds it against the files."""

_VERSIONS = "alembic_version"
"""Where Alembic notes the schema's revision."""

_FOLDER = Path(__file__).with_name("migrations")


def bring_up(engine: Engine, path: Path) -> None:
    """Make or migrate the tables. Raises CouldNotRun for a file that is not, or not yet, ours."""
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
        now = ""
        if _VERSIONS in names:
            now = str(connection.scalar(text(f"SELECT version_num FROM {_VERSIONS}")) or "")
        if not now and names - {_VERSIONS}:
            raise CouldNotRun(
                f"{path} is a database, but not one of Headgate's.",
                "Choose another data directory with --data.",
            )
    if now == HEAD:
        return
    if now > HEAD:
        raise CouldNotRun(
            f"{path} was written by a newer Headgate (schema {now}; this one knows {HEAD}).",
            "Install that version or a newer one.",
        )
    _upgrade(engine)


def _upgrade(engine: Engine) -> None:
    # Imported here: it costs 12 MB, and a server that is up to date never needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
