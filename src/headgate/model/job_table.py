"""A `[jobs.NAME]` table as it is written, before branch and matrix decide what runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from headgate.model.errors import BadInput

Settings = Mapping[str, "Setting"]
"""Key → value."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of one key, read and checked by itself, and where it stands."""

    value: object
    line: int
    where: str
    """Dotted name of the key in its file, e.g. `jobs.tests.needs`."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """The combinations of `matrix`."""

    axes: tuple[tuple[str, tuple[str, ...]], ...]
    """Name and values of each axis, in the order in which they are written."""
    exclude: tuple[Mapping[str, str], ...] = ()
    """What is left out: every combination that agrees with one of these."""


@dataclass(frozen=True, slots=True)
class JobVariant:
    """A `[[jobs.NAME.variants]]` table."""

    branches: tuple[str, ...]
    """Patterns over the names of target branches."""
    settings: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class JobTable:
    """One job as written: only the keys that it sets itself."""

    name: str
    file: str
    line: int
    abstract: bool
    extends: str
    """Empty: nothing."""
    extends_line: int
    settings: Mapping[str, Setting]
    variants: tuple[JobVariant, ...]


def fail(table: JobTable, at: Setting, what: str, remedy: str) -> NoReturn:
    """Raise BadInput for a setting, naming file, line and key."""
    raise BadInput(f"{table.file}:{at.line}: {at.where}: {what}", remedy)
