"""Reads a queue out of the store, as the planner wants to see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from headgate.gate.entry import outdated
from headgate.gate.scope import with_head
from headgate.gate.snapshot import (
    DependencyState,
    DependencyView,
    ItemView,
    NodeView,
    Snapshot,
    Trouble,
    Window,
)
from headgate.gate.units import before_unit
from headgate.model.change import ChangeState, Dependency, Revision
from headgate.model.config import QueuePolicy
from headgate.model.cycles import strongly_connected
from headgate.model.ids import ChangeNumber, Commit, ItemId, ProjectId, RevisionId
from headgate.model.queue import BranchKey, Item, ItemState, Node, Queue
from headgate.store.database import Transaction

Difficulty = tuple[Trouble, bool]
"""What an item met, and whether it may be tried again now."""

_KEPT = 10_000


class QueueReader:
    """Makes snapshots; remembers what never changes: names of projects, revisions."""

    def __init__(self) -> None:
        self._projects: dict[ProjectId, str] = {}
        self._revisions: dict[RevisionId, Revision] = {}

    def project(self, tx: Transaction, id: ProjectId) -> str:
        """Name of a project."""
        found = self._projects.get(id)
        if found is None:
            found = self._projects[id] = tx.projects.get(id).name
        return found

    def revision(self, tx: Transaction, id: RevisionId) -> Revision:
        """A revision, which once pushed never changes."""
        found = self._revisions.get(id)
        if found is None:
            if len(self._revisions) > _KEPT:
                self._revisions.clear()
            found = self._revisions[id] = tx.changes.revision(id)
        return found

    def branch(self, tx: Transaction, item: Item) -> BranchKey:
        """The branch that an item is for."""
        return BranchKey(self.project(tx, item.project), item.branch)

    def snapshot(
        self,
        tx: Transaction,
        queue: Queue,
        settings: QueuePolicy,
        heads: Mapping[BranchKey, Commit],
        difficulty: Callable[[ItemId], Difficulty],
    ) -> Snapshot:
        """The queue as it is in this transaction, on these heads."""
        items = tx.items.live(queue.id)
        nodes = {node.item: node for node in tx.nodes.live(queue.id)}
        ids = {item.id for item in items}
        assumed = {id for node in nodes.values() for id in node.assumed} - ids
        landed = {id for id in assumed if tx.items.get(id).state is ItemState.LANDED}
        views = [self._item(tx, item, nodes.get(item.id), difficulty(item.id)) for item in items]
        return Snapshot(
            queue.name,
            queue.state,
            Window(queue.window, settings.window_floor, settings.window_ceiling),
            heads,
            _with_units(_with_cycles(views), nodes),
            frozenset(landed),
        )

    def _item(
        self, tx: Transaction, item: Item, node: Node | None, difficulty: Difficulty
    ) -> ItemView:
        key = self.branch(tx, item)
        trouble, due = difficulty
        depends = self.revision(tx, item.revision).depends_on
        return ItemView(
            item.id,
            item.change,
            key,
            item.position,
            item.state,
            None if node is None else view_of(node, key),
            # What is outside was there before the item entered: see entry.
            tuple(_dependency(tx, item, d, d.change) for d in depends if d.change is not None),
            trouble,
            due,
            priority=item.priority,
            held=item.held,
        )


def view_of(node: Node, key: BranchKey) -> NodeView:
    """A stored node as the planner sees it; `key` is its item's branch."""
    before = with_head(node.future, key, node.base)
    return NodeView(node.id, node.state, node.assumed, before, node.future, node.reason, node.unit)


def _with_units(items: Sequence[ItemView], nodes: Mapping[ItemId, Node]) -> tuple[ItemView, ...]:
    """What was before a unit's future takes all of its nodes to tell."""
    known = {item.id: item for item in items}
    found: list[ItemView] = []
    for item in items:
        view = item.node
        if view is not None and view.unit and all(id in nodes and id in known for id in view.unit):
            members = [(known[id].branch, nodes[id]) for id in view.unit]
            before = before_unit(members, nodes[item.id].future)
            item = replace(item, node=replace(view, before=before))
        found.append(item)
    return tuple(found)


def _with_cycles(items: Sequence[ItemView]) -> tuple[ItemView, ...]:
    needs = {item.id: [d.item for d in item.depends if d.item is not None] for item in items}
    if not any(needs.values()):
        return tuple(items)
    cycles = {id: cycle for cycle in strongly_connected(needs) for id in cycle}
    return tuple(replace(i, cycle=cycles[i.id]) if i.id in cycles else i for i in items)


def _dependency(
    tx: Transaction, item: Item, dependency: Dependency, number: ChangeNumber
) -> DependencyView:
    change = tx.changes.get(number)
    if outdated(dependency, change):
        words = (
            f"its revision {dependency.revision}, on which this stands, was replaced by "
            f"revision {change.revision}"
        )
        return DependencyView(number, DependencyState.ABSENT, None, words)
    match change.state:
        case ChangeState.LANDED:
            return DependencyView(number, DependencyState.LANDED)
        case ChangeState.EJECTED:
            return DependencyView(number, DependencyState.EJECTED, None, change.reason)
        case ChangeState.ABANDONED:
            reason = change.reason or "it was abandoned"
            return DependencyView(number, DependencyState.EJECTED, None, reason)
        case _:
            pass
    other = tx.items.live_of(number)
    if other is None:
        words = f"it is {change.state.value}"
        reason = f"{words} ({change.reason})" if change.reason else words
        return DependencyView(number, DependencyState.ABSENT, None, reason)
    if other.queue == item.queue:
        return DependencyView(number, DependencyState.HERE, other.id)
    name = tx.queues.get(other.queue).name
    return DependencyView(number, DependencyState.ELSEWHERE, None, f"it is in the queue {name}")
