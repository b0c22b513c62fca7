"""Queues, their items, nodes and landings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from headgate.model.errors import NotFound
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
from headgate.model.queue import (
    BranchKey,
    Item,
    ItemState,
    Landing,
    Node,
    NodeState,
    Queue,
    QueueState,
)
from headgate.store.tables import items, landings, nodes, queues
from headgate.store.text import decode, encode
from headgate.store.types import Clock, new_id

_LIVE = [s.value for s in ItemState if s.live]
_DECIDED = {
    NodeState.CONFLICT,
    NodeState.BROKEN,
    NodeState.PASSED,
    NodeState.FAILED,
    NodeState.DROPPED,
}


class Queues:
    """Where changes wait."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def ensure(self, name: str, window: int) -> Queue:
        """The queue of that name; made with this window if it does not exist."""
        row = self._c.execute(select(queues).where(queues.c.name == name)).mappings().first()
        if row is not None:
            return _queue(row)
        state = QueueState.ACTIVE
        values = {"name": name, "state": state.value, "reason": "", "window": window}
        done = self._c.execute(insert(queues).values(**values))
        return Queue(QueueId(new_id(done)), name, state, "", window)

    def by_name(self, name: str) -> Queue:
        """Raises NotFound."""
        row = self._c.execute(select(queues).where(queues.c.name == name)).mappings().first()
        if row is None:
            raise NotFound(f"There is no queue {name!r}.", "See `headgate queue`.")
        return _queue(row)

    def get(self, id: QueueId) -> Queue:
        """Raises NotFound."""
        row = self._c.execute(select(queues).where(queues.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no queue with the id {id}.")
        return _queue(row)

    def all(self) -> list[Queue]:
        """By name."""
        return [
            _queue(r) for r in self._c.execute(select(queues).order_by(queues.c.name)).mappings()
        ]

    def set_window(self, id: QueueId, window: int) -> None:
        self._c.execute(update(queues).where(queues.c.id == id).values(window=window))

    def set_state(self, id: QueueId, state: QueueState, reason: str) -> None:
        values = {"state": state.value, "reason": encode(reason)}
        self._c.execute(update(queues).where(queues.c.id == id).values(**values))


class Items:
    """Changes in queues."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self,
        queue: QueueId,
        change: ChangeNumber,
        revision: RevisionId,
        project: ProjectId,
        branch: str,
    ) -> Item:
        """At the end of the queue."""
        last = self._c.execute(
            select(func.max(items.c.position)).where(items.c.queue_id == queue)
        ).scalar()
        done = self._c.execute(
            insert(items).values(
                queue_id=queue,
                change=change,
                revision_id=revision,
                project_id=project,
                branch=encode(branch),
                state=ItemState.WAITING.value,
                position=(last or 0) + 1,
                reason="",
                created=self._clock(),
            )
        )
        return self.get(ItemId(new_id(done)))

    def get(self, id: ItemId) -> Item:
        """Raises NotFound."""
        row = self._c.execute(select(items).where(items.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no item with the id {id}.")
        return _item(row)

    def live(self, queue: QueueId) -> list[Item]:
        """Those that wait or land, in order: promoted ones first, then by arrival."""
        query = (
            select(items)
            .where(items.c.queue_id == queue, items.c.state.in_(_LIVE))
            .order_by(items.c.priority.desc(), items.c.position)
        )
        return [_item(r) for r in self._c.execute(query).mappings()]

    def live_of(self, change: ChangeNumber) -> Item | None:
        query = (
            select(items)
            .where(items.c.change == change, items.c.state.in_(_LIVE))
            .order_by(items.c.id.desc())
        )
        row = self._c.execute(query).mappings().first()
        return _item(row) if row else None

    def latest_of(self, change: ChangeNumber) -> Item | None:
        query = select(items).where(items.c.change == change).order_by(items.c.id.desc())
        row = self._c.execute(query).mappings().first()
        return _item(row) if row else None

    def of_change(self, change: ChangeNumber) -> list[Item]:
        """Oldest first."""
        query = select(items).where(items.c.change == change).order_by(items.c.id)
        return [_item(r) for r in self._c.execute(query).mappings()]

    def set_state(self, id: ItemId, state: ItemState, reason: str) -> None:
        finished = None if state.live else self._clock()
        self._c.execute(
            update(items)
            .where(items.c.id == id)
            .values(state=state.value, reason=encode(reason), finished=finished)
        )

    def set_priority(self, id: ItemId, priority: int) -> None:
        self._c.execute(update(items).where(items.c.id == id).values(priority=priority))

    def set_held(self, id: ItemId, held: bool) -> None:
        self._c.execute(update(items).where(items.c.id == id).values(held=held))

    def finished(self, queue: QueueId, limit: int) -> list[Item]:
        """Newest first."""
        query = (
            select(items)
            .where(items.c.queue_id == queue, items.c.state.not_in(_LIVE))
            .order_by(items.c.finished.desc(), items.c.id.desc())
            .limit(limit)
        )
        return [_item(r) for r in self._c.execute(query).mappings()]


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
        query = (
            select(nodes)
            .join(items, items.c.id == nodes.c.item_id)
            .where(
                items.c.queue_id == queue,
                items.c.state.in_(_LIVE),
                nodes.c.state != NodeState.DROPPED.value,
            )
            .order_by(nodes.c.id)
        )
        newest: dict[ItemId, Node] = {}
        for r in self._c.execute(query).mappings():
            node = _node(r)
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
                items.c.state.in_(_LIVE),
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
                items.c.state.in_(_LIVE),
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


class Landings:
    """The proofs that what landed is what was tested."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(self, landing: Landing) -> None:
        self._c.execute(
            insert(landings).values(
                item_id=landing.item,
                project=landing.project,
                branch=encode(landing.branch),
                change=landing.change,
                before=landing.before,
                commit=landing.commit,
                tested_tree=landing.tested_tree,
                landed_tree=landing.landed_tree,
                time=landing.time,
                unit=list(landing.unit),
            )
        )

    def of_change(self, number: ChangeNumber) -> Landing | None:
        row = (
            self._c.execute(select(landings).where(landings.c.change == number)).mappings().first()
        )
        return _landing(row) if row else None

    def count(self, queue: QueueId) -> int:
        """How many items of a queue have landed."""
        query = (
            select(func.count())
            .select_from(landings)
            .join(items, items.c.id == landings.c.item_id)
            .where(items.c.queue_id == queue)
        )
        return int(self._c.execute(query).scalar() or 0)

    def all(self) -> list[Landing]:
        """In order."""
        query = select(landings).order_by(landings.c.time, landings.c.item_id)
        return [_landing(r) for r in self._c.execute(query).mappings()]


def _queue(r: RowMapping) -> Queue:
    return Queue(
        QueueId(r["id"]), r["name"], QueueState(r["state"]), decode(r["reason"]), r["window"]
    )


def _item(r: RowMapping) -> Item:
    return Item(
        id=ItemId(r["id"]),
        queue=QueueId(r["queue_id"]),
        change=ChangeNumber(r["change"]),
        revision=RevisionId(r["revision_id"]),
        project=ProjectId(r["project_id"]),
        branch=decode(r["branch"]),
        state=ItemState(r["state"]),
        position=r["position"],
        reason=decode(r["reason"]),
        created=r["created"],
        finished=r["finished"],
        priority=r["priority"],
        held=bool(r["held"]),
    )


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


def _landing(r: RowMapping) -> Landing:
    return Landing(
        item=ItemId(r["item_id"]),
        project=r["project"],
        branch=decode(r["branch"]),
        change=ChangeNumber(r["change"]),
        before=Commit(r["before"]),
        commit=Commit(r["commit"]),
        tested_tree=Tree(r["tested_tree"]),
        landed_tree=Tree(r["landed_tree"]),
        time=r["time"],
        unit=tuple(ItemId(i) for i in r["unit"]),
    )
