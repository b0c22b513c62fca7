"""Items in assumed futures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.ids import (
    BuildId,
    Commit,
    ItemId,
    NodeId,
    QueueId,
    Tree,
    TrialId,
)
from headgate.model.queue import (
    BranchKey,
    Node,
    NodeState,
)
from headgate.store.repositories.queues import LIVE
from headgate.store.tables.queues import items, nodes
from headgate.store.text import decode, encode
from headgate.store.types import Clock, new_id

_DECIDED = {
    NodeState.CONFLICT,
    NodeState.BROKEN,
    NodeState.PASSED,
    NodeState.FAILED,
    NodeState.DROPPED,
}


class Nodes:
    """Items in assumed futures."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self,
        item: ItemId,
        assumed: Sequence[ItemId],
        base: Commit,
        commit: Commit | None,
        tree: Tree | None,
        future: Mapping[BranchKey, Commit],
        state: NodeState,
        reason: str,
        unit: Sequence[ItemId] = (),
        trial: TrialId | None = None,
    ) -> Node:
        now = self._clock()
        done = self._c.execute(
            insert(nodes).values(
                item_id=item,
                assumed=list(assumed),
                base=base,
                commit=commit,
                tree=tree,
                future=[[k.project, encode(k.branch), c] for k, c in future.items()],
                state=state.value,
                reason=encode(reason),
                created=now,
                finished=now if state in _DECIDED else None,
                unit=list(unit),
                trial_id=trial,
            )
        )
        return self.get(NodeId(new_id(done)))

    def get(self, id: NodeId) -> Node:
        """Raises NotFound."""
        row = self._c.execute(select(nodes).where(nodes.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no node with the id {id}.")
        return _node(row)

    def current(self, item: ItemId) -> Node | None:
        """The newest that is not dropped."""
        query = (
            select(nodes)
            .where(nodes.c.item_id == item, nodes.c.state != NodeState.DROPPED.value)
            .order_by(nodes.c.id.desc())
            .limit(1)
        )
        row = self._c.execute(query).mappings().first()
        return _node(row) if row else None

    def of_item(self, item: ItemId) -> list[Node]:
        """Oldest first."""
        query = select(nodes).where(nodes.c.item_id == item).order_by(nodes.c.id)
        return [_node(r) for r in self._c.execute(query).mappings()]

    def live(self, queue: QueueId) -> list[Node]:
        """The current nodes of the queue's live items."""
        newest: dict[ItemId, Node] = {}
        for node in self.all_live(queue):
            newest[node.item] = node
        return list(newest.values())

    def of_trial(self, trial: TrialId) -> list[Node]:
        """Of all its members, in the order in which they were merged."""
        query = select(nodes).where(nodes.c.trial_id == trial).order_by(nodes.c.id)
        return [_node(r) for r in self._c.execute(query).mappings()]

    def all_live(self, queue: QueueId) -> list[Node]:
        """Every node of the queue's live items that is not dropped, oldest first."""
        query = (
            select(nodes)
            .join(items, items.c.id == nodes.c.item_id)
            .where(
                items.c.queue_id == queue,
                items.c.state.in_(LIVE),
                nodes.c.state != NodeState.DROPPED.value,
            )
            .order_by(nodes.c.id)
        )
        return [_node(r) for r in self._c.execute(query).mappings()]

    def set_state(self, id: NodeId, state: NodeState, reason: str) -> None:
        finished = self._clock() if state in _DECIDED else None
        self._c.execute(
            update(nodes)
            .where(nodes.c.id == id)
            .values(state=state.value, reason=encode(reason), finished=finished)
        )

    def set_build(self, id: NodeId, build: BuildId) -> None:
        self._c.execute(update(nodes).where(nodes.c.id == id).values(build_id=build))

    def wanted(self, build: BuildId) -> bool:
        """Whether a live item has a node with this build that is not dropped."""
        query = (
            select(nodes.c.id)
            .join(items, items.c.id == nodes.c.item_id)
            .where(
                nodes.c.build_id == build,
                nodes.c.state != NodeState.DROPPED.value,
                items.c.state.in_(LIVE),
            )
            .limit(1)
        )
        return self._c.execute(query).first() is not None

    def of_build(self, build: BuildId) -> Node:
        """The newest, of the nodes of a unit the last member's. Raises NotFound."""
        query = select(nodes).where(nodes.c.build_id == build).order_by(nodes.c.id.desc())
        row = self._c.execute(query).mappings().first()
        if row is None:
            raise NotFound(f"There is no node with the build {build}.")
        return _node(row)


def _node(r: RowMapping) -> Node:
    return Node(
        id=NodeId(r["id"]),
        item=ItemId(r["item_id"]),
        assumed=tuple(ItemId(i) for i in r["assumed"]),
        base=Commit(r["base"]),
        commit=Commit(r["commit"]) if r["commit"] else None,
        tree=Tree(r["tree"]) if r["tree"] else None,
        future={BranchKey(p, decode(b)): Commit(c) for p, b, c in r["future"]},
        state=NodeState(r["state"]),
        reason=decode(r["reason"]),
        build=None if r["build_id"] is None else BuildId(r["build_id"]),
        created=r["created"],
        finished=r["finished"],
        unit=tuple(ItemId(i) for i in r["unit"]),
        trial=None if r["trial_id"] is None else TrialId(r["trial_id"]),
    )
