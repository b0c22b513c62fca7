"""What a queue of lanes makes of an item, for people who ask why it does not get on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.model.ids import ItemId


@dataclass(frozen=True, slots=True)
class Standing:
    """An item among the others of its queue."""

    waits: str = ""
    """Why nothing is tested for it now; empty: something is, or it has its verdict."""
    beside: Mapping[ItemId, str] = field(default_factory=dict[ItemId, str])
    """Items that wait, too, and that it can affect or be affected by; in words, how."""
    expected: float = 0.0
    """Seconds that its jobs should take."""
