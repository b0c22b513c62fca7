"""What an analysis is given, and what it comes to."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import Protocol

from headgate.model.record import record
from headgate.scan.flow.findings import Found
from headgate.scan.ir.nodes import Module


class Mode(StrEnum):
    """What the code is, which decides where data comes in."""

    AUTO = "auto"
    APPLICATION = "application"
    LIBRARY = "library"


@record(frozen=False)
class Outcome:
    """What the analysis of a project came to."""

    found: list[Found] = field(default_factory=list[Found])
    cut: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Path → functions whose analysis was cut off."""


class Source(Protocol):
    """A file that can be analysed."""

    @property
    def imports(self) -> tuple[str, ...]:
        """Modules that it imports."""
        ...

    @property
    def data(self) -> bytes:
        """Its text."""
        ...

    @property
    def digest(self) -> bytes:
        """SHA-256 of it."""
        ...

    @property
    def mentions(self) -> frozenset[str]:
        """Every name in it."""
        ...

    def module(self) -> Module:
        """Its tree."""
        ...
