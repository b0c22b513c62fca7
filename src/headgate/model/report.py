"""What a forge is told about a commit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from headgate.model.ids import Commit


class StatusState(StrEnum):
    """How a commit fares."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"
    """It could not be tested; the commit is not to blame."""


@dataclass(frozen=True, slots=True)
class Status:
    """The newest word of one context on a commit; it replaces the older ones."""

    commit: Commit
    context: str
    """Who says it, e.g. `check`."""
    state: StatusState
    description: str
    """One line."""
    url: str
