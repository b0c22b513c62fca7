"""Bring a database's schema up to the program's, by Alembic when there is something to do."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine, inspect, text

from headgate.model.errors import CouldNotRun, HeadgateError

HEAD = "0011"
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


def bring_up_apart(path: Path) -> None:
    """The same in a process of its own, so that the memory of Alembic does not stay in ours.

    Raises CouldNotRun with what the other process said. Starts none for a schema that is up to
    date.
    """
    if _is_current(path):
        return
    command = [sys.executable, "-m", "headgate.store.schema", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message, _, remedy = done.stderr.strip().partition("\n")
        raise CouldNotRun(message or f"{path} could not be brought up to date.", remedy)


def _is_current(path: Path) -> bool:
    """False also when it cannot be told: whoever opens the database says what is wrong with it."""
    if not path.is_file():
        return False
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            row = connection.execute(f"SELECT version_num FROM {_VERSIONS}").fetchone()
    except sqlite3.Error:
        return False
    return row is not None and row[0] == HEAD


def _main(path: Path) -> int:
    from headgate.store.database import Database

    def unused(*_: object) -> tuple[str, str]:
        raise AssertionError("making the schema records no event")

    try:
        Database.open(path, seal=unused).close()
    except HeadgateError as error:
        print(error.message, error.remedy, sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
