"""The chain planner: from a snapshot of a queue to what should be done next. Pure.

Items are looked at in order: dependencies first, then priority, then arrival. Each is tested on
the *nearest item ahead that is not failing*, whose future contains everything it assumes itself. So
the futures of a healthy queue form a chain, and one failure moves those behind it onto the item
before it.

Items of a cycle need each other, so they make one *unit*: it stands where its first member does,
behind everything that any member depends on, has one future with all members merged, and one
verdict. Everything said of an item here holds of a unit.

An item whose future failed is set aside at once: nobody behind it assumes it any more. It is
ejected as soon as it is certain that those it was tested with are not the cause, that is when
each of them has landed or is sure to (passed, with everything below it); when one of them leaves
instead, the failure proves nothing and the item is tested again. A failure is thus never blamed
on an innocent.

The plan is made anew after every event, and each pass asks for at most one merge per queue, the
first that is missing: what follows depends on its outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from headgate.gate.commands import Command, Drop, Eject, Land, Speculate, StartBuild, Withdraw
from headgate.gate.snapshot import DependencyState, DependencyView, NodeView, Snapshot
from headgate.gate.units import Unit, units_of
from headgate.model.ids import Commit, ItemId
from headgate.model.queue import BranchKey, NodeState, QueueState

HELD = "held in its place until somebody releases it"

DRAGGED = "it depends on #"
"""How the reason of an item begins that leaves because of another."""

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

    def extend(self, unit: Unit, node: NodeView) -> None:
        self.heads = node.after
        self.assumed = (*self.assumed, *unit.ids)
        self.certain = self.certain and (node.state is NodeState.PASSED or unit.landing)


@dataclass(slots=True)
class _Draft:
    commands: list[Command] = field(default_factory=list[Command])
    blocked: list[Blocked] = field(default_factory=list[Blocked])
    aside: set[ItemId] = field(default_factory=set[ItemId])
    """Items that nobody behind them assumes."""

    def block(self, unit: Unit, reason: str, refuted: set[ItemId]) -> None:
        self.aside.update(unit.ids)
        self.blocked.extend(Blocked(item.id, reason) for item in unit.members)
        if unit.first.id not in refuted:
            self.drop(unit, reason)

    def drop(self, unit: Unit, reason: str) -> None:
        for item in unit.members:
            if item.node is not None:
                self.commands.append(Drop(item.id, item.node.id, reason))

    def eject(self, unit: Unit, reason: str, window: int | None = None) -> None:
        self.aside.update(unit.ids)
        for item in unit.members:
            self.commands.append(Eject(item.id, reason, window))

    def withdraw(self, unit: Unit, reason: str) -> None:
        self.aside.update(unit.ids)
        for item in unit.members:
            self.commands.append(Withdraw(item.id, reason))


def plan(snapshot: Snapshot) -> Plan:
    """What to do now. The same snapshot gives the same plan."""
    draft = _Draft()
    order = ordered(snapshot)
    refuted = _drop_refuted(order, snapshot, draft)
    window = snapshot.window
    chain = _Chain(snapshot.heads)
    live = {id for unit in order for id in unit.ids}
    # Builds of held items are outside the window, and yet never more than the ceiling run.
    room = snapshot.window.ceiling - sum(
        unit.node is not None and unit.node.state is NodeState.BUILDING for unit in order
    )
    for unit in order:
        item = unit.first
        node = None if item.id in refuted else unit.node
        if unit.landing and node is not None:
            if unit.due:
                window = window.of(window.grown())
                draft.commands.append(Land(item.id, node.id, window.size))
            chain.extend(unit, node)
            continue
        if _sealed(unit, draft, refuted):
            continue
        if node is not None and not _holds(node, chain, snapshot, live):
            draft.drop(unit, "those ahead of it have changed")
            node = None
        elif node is None and item.id not in refuted:
            draft.drop(unit, "it is not tested with all that it lands together with")
        if node is None:
            if not unit.due:
                draft.aside.update(unit.ids)  # It could not be merged, by no fault of its own.
                continue
            if chain.used < window.current:
                draft.commands.append(Speculate(item.id, chain.assumed, chain.heads, unit.together))
                # Whether those behind assume this item depends on how the merge goes.
                break
            # Beyond the window nothing is begun. Those further behind can only be refuted.
            chain.used += 1
            chain.certain = False
            chain.assumed = (*chain.assumed, *unit.ids)
            continue
        if node.state in FAILING:
            draft.aside.update(unit.ids)
            if chain.certain or _fails_alone(node, snapshot):
                if node.state is NodeState.FAILED:
                    window = window.of(window.halved())
                    draft.eject(unit, node.reason, window.size)
                else:
                    draft.eject(unit, node.reason)
            continue
        lands = (
            node.state is NodeState.PASSED
            and unit.due
            and not chain.assumed
            and snapshot.state is QueueState.ACTIVE
        )
        if lands:
            window = window.of(window.grown())
            draft.commands.append(Land(item.id, node.id, window.size))
        wanted = node.state is NodeState.MERGED and unit.due and room > 0
        if unit.held:
            draft.aside.update(unit.ids)
            if wanted:
                draft.commands.append(StartBuild(item.id, node.id))
                room -= 1
            continue
        if wanted and chain.used < window.current:
            draft.commands.append(StartBuild(item.id, node.id))
            room -= 1
        chain.used += 1
        chain.extend(unit, node)
    return Plan(tuple(draft.commands), tuple(draft.blocked))


def _sealed(unit: Unit, draft: _Draft, refuted: set[ItemId]) -> bool:
    """Whether what it depends on decides about it for now, and does so."""
    match fate(unit, draft.aside):
        case Eject() as verdict:
            draft.eject(unit, verdict.reason)
        case Withdraw() as verdict:
            draft.withdraw(unit, verdict.reason)
        case "" if unit.paused:
            draft.block(unit, HELD, refuted)
        case "":
            return False
        case reason:
            draft.block(unit, reason, refuted)
    return True


def _holds(node: NodeView, chain: _Chain, snapshot: Snapshot, live: set[ItemId]) -> bool:
    """Whether a future is still the one to test."""
    if node.state is NodeState.CONFLICT and _fails_alone(node, snapshot):
        return True
    assumed = tuple(id for id in node.assumed if id in live)
    return assumed == chain.assumed and node.before == chain.heads


def _fails_alone(node: NodeView, snapshot: Snapshot) -> bool:
    """Whether it fails on the branches as they are, whatever those ahead do."""
    return not node.assumed and node.before == snapshot.heads


def _drop_refuted(order: list[Unit], snapshot: Snapshot, draft: _Draft) -> set[ItemId]:
    """Stop what is tested for a future with an item that left: it can never come true."""
    live = {id for unit in order for id in unit.ids}
    refuted: set[ItemId] = set()
    for unit in order:
        if unit.landing:
            continue
        assumed = {id for item in unit.members if item.node for id in item.node.assumed}
        if any(id not in live and id not in snapshot.landed for id in assumed):
            refuted.add(unit.first.id)
            draft.drop(unit, "an item ahead of it left the queue")
    return refuted


def fate(unit: Unit, aside: Collection[ItemId]) -> Eject | Withdraw | str:
    """What a unit's dependencies mean for it; a text says what it waits for, empty: nothing."""
    waits = ""
    for dependency in unit.depends:
        match dependency.state:
            case DependencyState.LANDED:
                continue
            case DependencyState.EJECTED:
                return Eject(unit.first.id, _left(dependency))
            case DependencyState.ABSENT:
                return Withdraw(unit.first.id, _left(dependency))
            case DependencyState.ELSEWHERE:
                waits = waits or (
                    f"waits until #{dependency.change} has landed ({dependency.reason})"
                )
            case DependencyState.HERE:
                if dependency.item in aside:
                    waits = waits or f"waits for #{dependency.change}, which is set aside"
    return waits


def _left(dependency: DependencyView) -> str:
    why = f": {dependency.reason}" if dependency.reason else ""
    return f"{DRAGGED}{dependency.change}, which is not going to land{why}"


def ordered(snapshot: Snapshot) -> list[Unit]:
    """Units so that each stands behind those it depends on, by priority and arrival otherwise."""
    units = units_of(sorted(snapshot.items, key=lambda item: item.position))
    units.sort(key=lambda unit: (not unit.landing, -unit.priority, unit.first.position))
    known = {id for unit in units for id in unit.ids}
    pending = {
        unit.first.id: {d.item for d in unit.depends if d.item is not None} & known
        for unit in units
    }
    order: list[Unit] = []
    placed: set[ItemId] = set()
    while units:
        # A unit that was held up goes to the first place where its dependencies are all ahead.
        # With cycles in one there is always one that is ready; were there none, all would wait.
        ready = next((unit for unit in units if pending[unit.first.id] <= placed), None)
        if ready is None:
            break
        units.remove(ready)
        placed.update(ready.ids)
        order.append(ready)
    return order
