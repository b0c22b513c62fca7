"""Units: what is tested as one and lands as one, a single item or the members of a cycle. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from headgate.gate.snapshot import DependencyView, ItemView, NodeView, Trouble
from headgate.model.ids import ChangeNumber, Commit, ItemId
from headgate.model.queue import BranchKey, ItemState, Node


@dataclass(frozen=True, slots=True)
class Unit:
    """One item, or items that need each other, in the order in which they are merged."""

    members: tuple[ItemView, ...]

    @property
    def ids(self) -> tuple[ItemId, ...]:
        return tuple(item.id for item in self.members)

    @property
    def first(self) -> ItemView:
        """By whose place the unit stands, and whose name its commands bear."""
        return self.members[0]

    @property
    def together(self) -> tuple[ItemId, ...]:
        """Its items when they are several, as its nodes have them."""
        return self.ids if len(self.members) > 1 else ()

    @property
    def landing(self) -> bool:
        return any(item.state is ItemState.LANDING for item in self.members)

    @property
    def due(self) -> bool:
        """Whether what met trouble may be tried again now."""
        return all(item.due for item in self.members)

    @property
    def held(self) -> bool:
        """Whether those behind do not wait for it."""
        return any(item.trouble is Trouble.HELD for item in self.members)

    @property
    def paused(self) -> bool:
        """Whether somebody holds a member in its place, and so all of it."""
        return any(item.held for item in self.members)

    @property
    def priority(self) -> int:
        """Promoting one member promotes all: none can land before the others."""
        return max(item.priority for item in self.members)

    @property
    def depends(self) -> tuple[DependencyView, ...]:
        """What its members depend on, themselves left out."""
        inside = self.ids
        return tuple(d for item in self.members for d in item.depends if d.item not in inside)

    @property
    def node(self) -> NodeView | None:
        """The future of all of it; None when there is none, or when it is not of exactly these.

        When a member is gone, what is left of the future must never be taken for one.
        """
        nodes = [item.node for item in self.members]
        node = nodes[0]
        alike = all(
            other is not None
            and node is not None
            and other.unit == self.together
            and (other.state, other.assumed) == (node.state, node.assumed)
            for other in nodes
        )
        return node if alike else None


def units_of(items: Sequence[ItemView]) -> list[Unit]:
    """Every item in its unit, units by their first members."""
    known = {item.id: item for item in items}
    units: list[Unit] = []
    for item in items:
        members = tuple(known[id] for id in item.cycle if id in known) or (item,)
        if members[0].id == item.id:
            units.append(Unit(members))
    return units


def before_unit(
    nodes: Sequence[tuple[BranchKey, Node]], future: Mapping[BranchKey, Commit]
) -> dict[BranchKey, Commit]:
    """Heads of the future without the unit, from its members' branches and nodes, in order."""
    before = dict(future)
    for key, node in reversed(nodes):
        before[key] = node.base
    return before


def last_commits(nodes: Sequence[tuple[BranchKey, Node]]) -> dict[BranchKey, Commit]:
    """Where the branches of a unit stand once it has landed; of nodes that merged."""
    return {key: node.commit for key, node in nodes if node.commit is not None}


def listed(numbers: Collection[ChangeNumber]) -> str:
    """`#1, #2 and #3`."""
    names = [f"#{number}" for number in numbers]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def only_together(numbers: Collection[ChangeNumber]) -> str:
    """`#1 and #2 can only land together`; empty for one by itself."""
    return f"{listed(numbers)} can only land together" if len(numbers) > 1 else ""
