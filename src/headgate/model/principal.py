"""Who acts: humans, agents bound to a sponsor, and services."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from headgate.model.ids import PrincipalId


class PrincipalKind(StrEnum):
    """Where rights come from; set when the principal is created, never guessed from a name."""

    HUMAN = "human"
    AGENT = "agent"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone or something that can act on Headgate."""

    id: PrincipalId
    name: str
    """Unique; `[a-z0-9][a-z0-9._-]{0,62}`."""
    kind: PrincipalKind
    display: str
    email: str
    sponsor: PrincipalId | None
    """The human answerable for an agent; None for humans and services."""
    disabled: bool = False

    @property
    def is_human(self) -> bool:
        return self.kind is PrincipalKind.HUMAN


OPERATOR = "operator"
"""The service principal that acts for whoever owns the data directory, through its socket."""

GATE = "headgate"
"""The service principal that lands changes and records what the gate does by itself."""
