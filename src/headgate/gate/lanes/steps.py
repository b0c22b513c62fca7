"""What the lanes planner asks for."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.gate.lanes.view import Trial
from headgate.model.ids import ItemId, NodeId


@dataclass(frozen=True, slots=True)
class Begin:
    """Test items together, in this order, with others taken as landed."""

    members: tuple[ItemId, ...]
    assumed: frozenset[ItemId]
    chance: float
    """That this very future is the one that decides."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a build whose answer is not needed any more."""

    trial: NodeId
    reason: str


@dataclass(frozen=True, slots=True)
class Admit:
    """Let items land together, on the evidence of builds that passed."""

    items: tuple[ItemId, ...]
    evidence: tuple[NodeId, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """An item fails on what is sure to be there."""

    item: ItemId
    evidence: NodeId
    beside: frozenset[ItemId]
    """Landed items that it was tested with; empty: it fails on the branch alone."""
    reason: str


Step = Begin | Cancel | Admit | Reject


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an item is not tested now."""

    item: ItemId
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they are to be taken."""

    steps: tuple[Step, ...] = ()
    waits: tuple[Wait, ...] = ()
    refuted: frozenset[NodeId] = frozenset()
    """Trials that say nothing about any live item any more."""


def refutes(trial: Trial) -> str:
    """Why a build is stopped, in words."""
    count = len(trial.members)
    return f"its future will not come ({count} item{'s' if count > 1 else ''})"
