"""What is asked of a package index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Existence(StrEnum):
    """Whether an index knows a package."""

    EXISTS = "exists"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """The index did not say; never taken for either of the others."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an index says of one name."""

    existence: Existence
    detail: str = ""
    """For an unknown: what happened, e.g. `answered 503`."""


class PackageIndex(Protocol):
    """An index of packages."""

    @property
    def address(self) -> str:
        """Where it is, for people: without credentials."""
        ...

    async def look_up(self, names: Iterable[str]) -> Mapping[str, Answer]:
        """Whether packages of these names exist. Never raises for what the network does."""
        ...
