"""One queue at one moment: everything that the planner may know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headgate.model.ids import ChangeNumber, Commit, ItemId, NodeId
from headgate.model.queue import BranchKey, ItemState, NodeState, QueueState


class Trouble(StrEnum):
    """What Headgate's own side does to the tests of an item; never the item's fault."""

    NONE = "none"
    RETRY = "retry"
    """A build could not be run and waits for its next round; the item keeps its place."""
    HELD = "held"
    """Several rounds could not be run: those behind no longer wait for it. It is tried again
    from time to time, and at once when the branches move."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """The future in which an item is tested."""

    id: NodeId
    state: NodeState
    assumed: tuple[ItemId, ...]
    """Items taken as landed, in order, some of which may have landed since."""
    before: Mapping[BranchKey, Commit]
    """Head of every branch in this future, without the item."""
    after: Mapping[BranchKey, Commit]
    """The same with the item; equal to `before` when it does not merge."""
    reason: str = ""
    """Why the state is what it is, for a failure the words of the ejection."""
    unit: tuple[ItemId, ...] = ()
    """Items that are tested as one in this future, itself among them, in order; empty when by
    itself. `before` is then without, `after` with all of them."""


class DependencyState(StrEnum):
    """Where a change stands that another one depends on."""

    LANDED = "landed"
    HERE = "here"
    """A live item of the same queue."""
    ELSEWHERE = "elsewhere"
    """A live item of another queue."""
    EJECTED = "ejected"
    """It failed, or was given up."""
    ABSENT = "absent"
    """Open, and in no queue: held back, denied, being inspected again."""


@dataclass(frozen=True, slots=True)
class DependencyView:
    """One change that an item's change depends on."""

    change: ChangeNumber
    state: DependencyState
    item: ItemId | None = None
    """Its item, when it is in this queue."""
    reason: str = ""
    """Which queue it is in, or why it left."""


@dataclass(frozen=True, slots=True)
class ItemView:
    """An item that has no verdict yet."""

    id: ItemId
    change: ChangeNumber
    branch: BranchKey
    position: int
    state: ItemState = ItemState.WAITING
    node: NodeView | None = None
    depends: tuple[DependencyView, ...] = ()
    trouble: Trouble = Trouble.NONE
    due: bool = True
    """Whether what met trouble may be tried again now."""
    cycle: tuple[ItemId, ...] = ()
    """The items of this queue that need each other and so land together, this one among them, by
    position; empty when nobody that it needs needs it."""
    priority: int = 0
    """Higher ones stand before lower ones, whatever their positions."""
    held: bool = False
    """Keeps its place, and is neither tested nor landed."""


@dataclass(frozen=True, slots=True)
class Window:
    """How many items are tested at once, and the bounds of that number."""

    size: int = 4
    floor: int = 2
    ceiling: int = 20

    @property
    def current(self) -> int:
        """The size within its bounds, at least one."""
        return max(1, self.floor, min(self.size, self.ceiling))

    def grown(self) -> int:
        """After a success."""
        return max(1, self.floor, min(self.current + 1, self.ceiling))

    def of(self, size: int) -> Window:
        """Another size within the same bounds."""
        return Window(size, self.floor, self.ceiling)

    def halved(self) -> int:
        """After a failure."""
        return max(1, self.floor, self.current // 2)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A queue with its live items, and the branches as they are."""

    queue: str
    state: QueueState
    window: Window
    heads: Mapping[BranchKey, Commit]
    items: tuple[ItemView, ...]
    """Live items in order."""
    landed: frozenset[ItemId] = field(default_factory=frozenset[ItemId])
    """Those that landed, of all that the futures assume."""
