"""An item with what belongs to it, read in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headgate.gate.futures import Proposal
from headgate.gate.reader import QueueReader
from headgate.model.ids import ChangeNumber, ItemId
from headgate.model.queue import BranchKey, Item, Node
from headgate.store.database import Database


@dataclass(frozen=True, slots=True)
class Case:
    """An item and its current node."""

    item: Item
    node: Node | None
    proposal: Proposal
    ahead: tuple[ChangeNumber, ...]
    """Changes of the items that the node assumes."""
    queue: str

    @property
    def key(self) -> BranchKey:
        return self.proposal.key


def read_unit(db: Database, reader: QueueReader, id: ItemId) -> tuple[Case, ...]:
    """An item with all that it is tested as one with in its current future, in order.

    By itself when it has none, or when those do not share it any more.
    """
    case = read_case(db, reader, id)
    if case.node is None or not case.node.unit:
        return (case,)
    cases = tuple(read_case(db, reader, member) for member in case.node.unit)
    whole = all(c.node is not None and c.node.unit == case.node.unit for c in cases)
    return cases if whole else (case,)


def shared(cases: Sequence[Case]) -> list[tuple[BranchKey, Node]]:
    """Branches and nodes of a unit's members."""
    return [(case.key, case.node) for case in cases if case.node is not None]


def read_case(db: Database, reader: QueueReader, id: ItemId) -> Case:
    """What is known of an item now. Raises NotFound."""
    with db.read() as tx:
        item = tx.items.get(id)
        node = tx.nodes.current(id)
        proposal = Proposal(
            item,
            reader.branch(tx, item),
            reader.revision(tx, item.revision),
            tx.changes.get(item.change).title,
        )
        assumed = node.assumed if node is not None else ()
        ahead = tuple(tx.items.get(other).change for other in assumed)
        return Case(item, node, proposal, ahead, tx.queues.get(item.queue).name)
