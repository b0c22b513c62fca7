"""Queues, their items, and the assumed futures that are tested for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from headgate.model.ids import (
    BuildId,
    ChangeNumber,
    Commit,
    ItemId,
    NodeId,
    ProjectId,
    QueueId,
    RevisionId,
    Tree,
    TrialId,
)


class MergeMode(StrEnum):
    MERGE = "merge"
    SQUASH = "squash"
    REBASE = "rebase"
    CHERRY_PICK = "cherry-pick"


class QueueState(StrEnum):
    ACTIVE = "active"
    FROZEN = "frozen"
    """Nothing lands until an operator thaws it; the reason says why."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Where changes to some branches of some projects wait to land."""

    id: QueueId
    name: str
    state: QueueState
    reason: str
    window: int
    """How many items at the front are tested at once."""


class ItemState(StrEnum):
    WAITING = "waiting"
    LANDING = "landing"
    """The landing is recorded and may be half done; recovery finishes it."""
    LANDED = "landed"
    EJECTED = "ejected"
    WITHDRAWN = "withdrawn"
    """Taken out: abandoned, dequeued, or replaced by a new revision."""

    @property
    def live(self) -> bool:
        return self in (ItemState.WAITING, ItemState.LANDING)


@dataclass(frozen=True, slots=True)
class Item:
    """One change waiting in a queue."""

    id: ItemId
    queue: QueueId
    change: ChangeNumber
    revision: RevisionId
    project: ProjectId
    branch: str
    state: ItemState
    position: int
    """Order of arrival, unique in the queue; never reused."""
    reason: str
    created: float
    finished: float | None = None
    priority: int = 0
    """Higher ones are tested and land before lower ones, whatever their positions."""
    held: bool = False
    """Keeps its place, but is neither tested nor landed until it is released."""


class NodeState(StrEnum):
    MERGED = "merged"
    """The future state exists as commits; no job runs yet."""
    CONFLICT = "conflict"
    BROKEN = "broken"
    """The future state's headgate.toml cannot be used."""
    BUILDING = "building"
    PASSED = "passed"
    FAILED = "failed"
    DROPPED = "dropped"
    """Its assumption no longer holds, or its item left."""


@dataclass(frozen=True, slots=True)
class BranchKey:
    """A branch of a project."""

    project: str
    branch: str

    def __str__(self) -> str:
        return f"{self.project}:{self.branch}"


@dataclass(frozen=True, slots=True)
class Node:
    """An item in one assumed future."""

    id: NodeId
    item: ItemId
    assumed: tuple[ItemId, ...]
    """The items ahead that this future takes as landed, in order."""
    base: Commit
    """Head of the item's branch before the item, in this future: what landing must find. In a
    unit, the commit of the member before it on the same branch, if there is one."""
    commit: Commit | None
    """What would land; None when it does not merge, or when another member of its unit does not."""
    tree: Tree | None
    """Of `commit`. In a unit only the last commit of each branch is tested and ever the head of
    that branch; the tree of an earlier member is on record, and was tested as a part of that."""
    future: Mapping[BranchKey, Commit]
    """Head of every branch of the queue in this future, the item and its whole unit included."""
    state: NodeState
    reason: str
    build: BuildId | None
    """Shared by all nodes of a unit."""
    created: float
    finished: float | None = None
    unit: tuple[ItemId, ...] = ()
    """Items merged and tested as one with this one, in order, itself among them, all of which
    land or none; empty for an item by itself. Their nodes have the same `assumed` and `future`,
    and change their states together."""
    trial: TrialId | None = None
    """In a queue of lanes, the trial that it is a part of: an item may then have several live
    nodes at once, and `unit` names all that were merged in the trial."""


@dataclass(frozen=True, slots=True)
class Landing:
    """The proof that what landed is what was tested.

    Members of a unit on one branch land with one move of it, to the commit of the last. For those
    before that, `commit` and both trees are those of their own merge: a commit within the history
    that landed, which was never the head of the branch, and whose tree was tested as a part of
    the unit's last one.
    """

    item: ItemId
    project: str
    branch: str
    change: ChangeNumber
    before: Commit
    commit: Commit
    tested_tree: Tree
    landed_tree: Tree
    time: float
    unit: tuple[ItemId, ...] = ()
    """Items that landed together with this one, itself among them; empty when by itself."""
