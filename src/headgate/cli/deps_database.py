"""The option --db, and where the database of advisories is without it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

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


def database(given: Path | None) -> Path:
    """The database that was named, or the one of this machine."""
    if given is not None:
        return given
    from headgate.cli.client import data_directory

    return data_directory(os.environ) / "advisories.db"
