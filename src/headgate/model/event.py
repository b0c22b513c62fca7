"""What happened: one entry of the append-only log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Scalar = str | int | bool | None
Json = Scalar | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event about to be recorded."""

    kind: str
    """`noun.verb`, e.g. `change.created`, `item.ejected`, `branch.landed`."""
    actor: str
    """Name of the principal."""
    subject: str
    """What it is about: `change/12`, `queue/main`, `project/jinja`, `principal/ada`, `job/77`."""
    data: Mapping[str, Json]
    """No floats: the canonical form must be the same everywhere."""


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded event, chained to the one before it."""

    id: int
    """Counted from 1 without gaps."""
    time: int
    """Microseconds since the epoch."""
    kind: str
    actor: str
    subject: str
    data: Mapping[str, Json]
    previous: str
    """Hash of the entry before; 64 zeros for the first."""
    hash: str
    """SHA-256 of this entry's canonical JSON (RFC 8785), `previous` included."""
