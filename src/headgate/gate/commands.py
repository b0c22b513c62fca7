"""What the planner asks for; the service carries each out in a transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.model.ids import Commit, ItemId, NodeId
from headgate.model.queue import BranchKey


@dataclass(frozen=True, slots=True)
class Eject:
    """The item failed and leaves the queue."""

    item: ItemId
    reason: str
    window: int | None = None
    """The window's new size, when this failure changes it."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The item cannot stay, by no fault of its own; its change waits to be queued again."""

    item: ItemId
    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A future will not come: stop testing it."""

    item: ItemId
    node: NodeId
    reason: str


@dataclass(frozen=True, slots=True)
class Speculate:
    """Merge the item, or each item of the unit that it leads on top of the one before, onto a
    future."""

    item: ItemId
    assumed: tuple[ItemId, ...]
    """Items ahead that this future takes as landed, none of which has landed yet."""
    before: Mapping[BranchKey, Commit]
    """Head of every branch in that future."""
    unit: tuple[ItemId, ...] = ()
    """All items that are merged as one, the item first; empty when it is by itself."""


@dataclass(frozen=True, slots=True)
class StartBuild:
    """Run the jobs of a future; of a unit's future, `node` is its first member's."""

    item: ItemId
    node: NodeId


@dataclass(frozen=True, slots=True)
class Land:
    """Move the branch to the tested commit, or finish doing so; all branches of a unit, whose
    first member's `node` is."""

    item: ItemId
    node: NodeId
    window: int
    """The window's size after this success."""


Command = Eject | Withdraw | Drop | Speculate | StartBuild | Land
