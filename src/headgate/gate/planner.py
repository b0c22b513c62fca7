"""The chain planner: from a snapshot of a queue to what should be done next. Pure.

Items are looked at in order: dependencies first, then arrival. Each is tested on the *nearest
item ahead that is not failing*, whose future contains everything it assumes itself. So the futures
of a healthy queue form a chain, and one failure moves those behind it onto the item before it.

An item whose future failed is set aside at once: nobody behind it assumes it any more. It is
ejected as soon as it is certain that those it was tested with are not the cause, that is when
each of them has landed or is sure to (passed, with everything below it); when one of them leaves
instead, the failure proves nothing and the item is tested again. A failure is thus never blamed
on an innocent.

The plan is made anew after every event, and each pass asks for at most one merge per queue, the
first that is missing: what follows depends on its outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.gate.commands import Command, Drop, Eject, Land, Speculate, StartBuild, Withdraw
from headgate.gate.snapshot import (
    DependencyState,
    DependencyView,
    ItemView,
    NodeView,
    Snapshot,
    Trouble,
)
from headgate.model.ids import Commit, ItemId
from headgate.model.queue import BranchKey, ItemState, NodeState, QueueState

FAILING = frozenset({NodeState.CONFLICT, NodeState.BROKEN, NodeState.FAILED})


@dataclass(frozen=True, slots=True)
class Blocked:
    """An item that is not tested for now, and why."""

    item: ItemId
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Commands in the order in which they are to be carried out; empty: nothing to do now."""

    commands: tuple[Command, ...]
    blocked: tuple[Blocked, ...] = ()


@dataclass(slots=True)
class _Chain:
    """The futures assumed so far, going from the front of the queue to its end."""

    heads: Mapping[BranchKey, Commit]
    assumed: tuple[ItemId, ...] = ()
    certain: bool = True
    """Whether everything assumed is sure to land."""
    used: int = 0
    """How much of the window is taken."""

    def extend(self, item: ItemView, node: NodeView) -> None:
        self.heads = node.after
        self.assumed = (*self.assumed, item.id)
        self.certain = self.certain and _sure(item, node)


@dataclass(slots=True)
class _Draft:
    commands: list[Command] = field(default_factory=list[Command])
    blocked: list[Blocked] = field(default_factory=list[Blocked])
    aside: set[ItemId] = field(default_factory=set[ItemId])
    """Items that nobody behind them assumes."""

    def block(self, item: ItemView, node: NodeView | None, reason: str) -> None:
        self.aside.add(item.id)
        self.blocked.append(Blocked(item.id, reason))
        if node is not None:
            self.commands.append(Drop(item.id, node.id, reason))


def plan(snapshot: Snapshot) -> Plan:
    """What to do now. The same snapshot gives the same plan."""
    draft = _Draft()
    order, cyclic = _ordered(snapshot.items)
    for item, way in cyclic:
        draft.commands.append(Eject(item.id, f"it depends on itself: {way}"))
    refuted = _drop_refuted(order, snapshot, draft)
    window = snapshot.window
    chain = _Chain(snapshot.heads)
    live = {item.id for item in order}
    # Builds of held items are outside the window, and yet never more than the ceiling run.
    room = snapshot.window.ceiling - sum(
        item.node is not None and item.node.state is NodeState.BUILDING for item in order
    )
    for item in order:
        node = None if item.id in refuted else item.node
        if item.state is ItemState.LANDING and node is not None:
            if item.due:
                window = window.of(window.grown())
                draft.commands.append(Land(item.id, node.id, window.size))
            chain.extend(item, node)
            continue
        fate = _fate(item, draft)
        if isinstance(fate, Eject | Withdraw):
            draft.commands.append(fate)
            draft.aside.add(item.id)
            continue
        if fate:
            draft.block(item, node, fate)
            continue
        if node is not None and not _holds(node, chain, snapshot, live):
            draft.commands.append(Drop(item.id, node.id, "those ahead of it have changed"))
            node = None
        if node is None:
            if not item.due:
                draft.aside.add(item.id)  # It could not be merged, by no fault of its own.
                continue
            if chain.used < window.current:
                draft.commands.append(Speculate(item.id, chain.assumed, chain.heads))
                # Whether those behind assume this item depends on how the merge goes.
                break
            # Beyond the window nothing is begun. Those further behind can only be refuted.
            chain.used += 1
            chain.certain = False
            chain.assumed = (*chain.assumed, item.id)
            continue
        if node.state in FAILING:
            draft.aside.add(item.id)
            if chain.certain or _fails_alone(node, snapshot):
                if node.state is NodeState.FAILED:
                    window = window.of(window.halved())
                    draft.commands.append(Eject(item.id, node.reason, window.size))
                else:
                    draft.commands.append(Eject(item.id, node.reason))
            continue
        lands = (
            node.state is NodeState.PASSED
            and item.due
            and not chain.assumed
            and snapshot.state is QueueState.ACTIVE
        )
        if lands:
            window = window.of(window.grown())
            draft.commands.append(Land(item.id, node.id, window.size))
        if item.trouble is Trouble.HELD:
            draft.aside.add(item.id)
            if node.state is NodeState.MERGED and item.due and room > 0:
                draft.commands.append(StartBuild(item.id, node.id))
                room -= 1
            continue
        wanted = node.state is NodeState.MERGED and item.due
        if wanted and chain.used < window.current and room > 0:
            draft.commands.append(StartBuild(item.id, node.id))
            room -= 1
        chain.used += 1
        chain.extend(item, node)
    return Plan(tuple(draft.commands), tuple(draft.blocked))


def _sure(item: ItemView, node: NodeView) -> bool:
    return node.state is NodeState.PASSED or item.state is ItemState.LANDING


def _holds(node: NodeView, chain: _Chain, snapshot: Snapshot, live: set[ItemId]) -> bool:
    """Whether a future is still the one to test."""
    if node.state is NodeState.CONFLICT and _fails_alone(node, snapshot):
        return True
    assumed = tuple(id for id in node.assumed if id in live)
    return assumed == chain.assumed and node.before == chain.heads


def _fails_alone(node: NodeView, snapshot: Snapshot) -> bool:
    """Whether it fails on the branches as they are, whatever those ahead do."""
    return not node.assumed and node.before == snapshot.heads


def _drop_refuted(order: list[ItemView], snapshot: Snapshot, draft: _Draft) -> set[ItemId]:
    """Stop what is tested for a future with an item that left: it can never come true."""
    live = {item.id for item in order}
    refuted: set[ItemId] = set()
    for item in order:
        if item.node is None or item.state is ItemState.LANDING:
            continue
        gone = [id for id in item.node.assumed if id not in live and id not in snapshot.landed]
        if gone:
            refuted.add(item.id)
            draft.commands.append(Drop(item.id, item.node.id, "an item ahead of it left the queue"))
    return refuted


def _fate(item: ItemView, draft: _Draft) -> Eject | Withdraw | str:
    """What an item's dependencies mean for it; a text says what it waits for, empty: nothing."""
    waits = ""
    for dependency in item.depends:
        match dependency.state:
            case DependencyState.LANDED:
                continue
            case DependencyState.EJECTED:
                return Eject(item.id, _left(dependency))
            case DependencyState.ABSENT:
                return Withdraw(item.id, _left(dependency))
            case DependencyState.ELSEWHERE:
                waits = waits or (
                    f"waits until #{dependency.change} has landed ({dependency.reason})"
                )
            case DependencyState.HERE:
                if dependency.item in draft.aside:
                    waits = waits or f"waits for #{dependency.change}, which is set aside"
    return waits


def _left(dependency: DependencyView) -> str:
    why = f": {dependency.reason}" if dependency.reason else ""
    return f"it depends on #{dependency.change}, which is not going to land{why}"


def _ordered(
    items: tuple[ItemView, ...],
) -> tuple[list[ItemView], list[tuple[ItemView, str]]]:
    """Items so that each stands behind those it depends on, by arrival otherwise; and cycles.

    An item that only depends on a cycle is in neither list: it has its turn once the cycle's
    members are gone.
    """
    known = {item.id: item for item in items}
    pending = {
        item.id: [d.item for d in item.depends if d.item in known and d.item is not None]
        for item in items
    }
    order: list[ItemView] = []
    placed: set[ItemId] = set()
    waiting = sorted(items, key=lambda item: item.position)
    while waiting:
        # An item that was held up goes to the first place where its dependencies are all ahead.
        ready = next(
            (item for item in waiting if all(id in placed for id in pending[item.id])), None
        )
        if ready is None:
            break
        waiting.remove(ready)
        placed.add(ready.id)
        order.append(ready)
    return order, _cyclic(waiting, pending)


def _cyclic(
    stuck: list[ItemView], pending: Mapping[ItemId, list[ItemId]]
) -> list[tuple[ItemView, str]]:
    names = {item.id: f"#{item.change}" for item in stuck}
    found: list[tuple[ItemView, str]] = []
    for item in stuck:
        way = _way_back(item.id, pending, names)
        if way:
            found.append((item, " → ".join(names[id] for id in way)))
    return found


def _way_back(
    start: ItemId, pending: Mapping[ItemId, list[ItemId]], stuck: Mapping[ItemId, str]
) -> list[ItemId]:
    paths = [[start]]
    seen: set[ItemId] = set()
    while paths:
        path = paths.pop(0)
        for next_id in pending[path[-1]]:
            if next_id == start:
                return [*path, start]
            if next_id in stuck and next_id not in seen:
                seen.add(next_id)
                paths.append([*path, next_id])
    return []
