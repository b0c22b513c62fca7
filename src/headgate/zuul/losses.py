"""What an import could not carry over, or carried over with another meaning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Kind(StrEnum):
    """How much of a construct is left."""

    LOST = "not carried"
    DIFFERS = "differs"
    """Carried, but it does not mean quite the same."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One construct, why it is not there any more, and what to do instead."""

    place: Place
    kind: Kind
    construct: str
    """As the user writes it, e.g. `job docs: final`."""
    reason: str
    instead: str


class Losses:
    """Collects losses; one that is met again, through another project or branch, counts once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str], Loss] = {}

    def lost(self, place: Place, construct: str, reason: str, instead: str = "") -> None:
        self._add(Loss(place, Kind.LOST, construct, reason, instead))

    def differs(self, place: Place, construct: str, reason: str, instead: str = "") -> None:
        self._add(Loss(place, Kind.DIFFERS, construct, reason, instead))

    def _add(self, loss: Loss) -> None:
        self._found.setdefault((loss.place, loss.construct), loss)

    def all(self) -> tuple[Loss, ...]:
        """In the order of the files."""
        return tuple(sorted(self._found.values(), key=lambda loss: (loss.place, loss.construct)))
