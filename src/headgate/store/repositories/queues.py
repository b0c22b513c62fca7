"""Queues and their items."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.ids import (
    ChangeNumber,
    ItemId,
    ProjectId,
    QueueId,
    RevisionId,
)
from headgate.model.queue import (
    Item,
    ItemState,
    Queue,
    QueueState,
)
from headgate.store.tables.queues import items, queues
from headgate.store.text import decode, encode
from headgate.store.types import Clock, new_id

LIVE = [s.value for s in ItemState if s.live]
"""States of items that are in their queue."""


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
            .where(items.c.queue_id == queue, items.c.state.in_(LIVE))
            .order_by(items.c.priority.desc(), items.c.position)
        )
        return [_item(r) for r in self._c.execute(query).mappings()]

    def live_of(self, change: ChangeNumber) -> Item | None:
        query = (
            select(items)
            .where(items.c.change == change, items.c.state.in_(LIVE))
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
            .where(items.c.queue_id == queue, items.c.state.not_in(LIVE))
            .order_by(items.c.finished.desc(), items.c.id.desc())
            .limit(limit)
        )
        return [_item(r) for r in self._c.execute(query).mappings()]


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
