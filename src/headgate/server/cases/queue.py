"""What people do with a change that is in its queue: promote it, hold it in its place, take it
out."""

from __future__ import annotations

from headgate.authority.permissions import Action
from headgate.gate import records
from headgate.model.change import Change, ChangeState
from headgate.model.errors import BadInput, Conflict
from headgate.model.ids import ChangeNumber
from headgate.model.principal import Principal
from headgate.model.queue import Item, ItemState
from headgate.server.cases.changes import ChangeCases
from headgate.store.database import Transaction

LONGEST_REASON = 500


class QueueCases(ChangeCases):
    """Acts on the item of a change. Each raises Conflict when the change is in no queue."""

    async def promote(self, actor: Principal, number: int) -> Change:
        """Put a change before all others of its queue, those that are landing excepted."""
        async with self.lock(number):
            change = self._permitted(actor, number, Action.PROMOTE)
            with self.db.write() as tx:
                item = _waiting(tx, change)
                ahead = [i for i in tx.items.live(item.queue) if i.id != item.id]
                priority = max((i.priority for i in ahead), default=-1) + 1
                if item.priority < priority:
                    records.promote(tx, item, priority, actor.name)
                queue = tx.queues.get(item.queue).name
        self.gate.wake(queue)
        return self._again(number)

    async def pause(self, actor: Principal, number: int, reason: str = "") -> Change:
        """Let a change keep its place in the queue, neither tested nor landed."""
        if len(reason) > LONGEST_REASON:
            raise BadInput(f"A reason holds at most {LONGEST_REASON} characters.", "Shorten it.")
        async with self.lock(number):
            change = self._permitted(actor, number, Action.HOLD)
            words = f"held in its place by {actor.name}" + (f": {reason}" if reason else "")
            with self.db.write() as tx:
                item = _waiting(tx, change)
                if item.held:
                    raise Conflict(f"Change #{number} is held in its place already.")
                records.pause(tx, item, words, actor.name)
                queue = tx.queues.get(item.queue).name
        self.gate.wake(queue)
        return self._again(number)

    async def resume(self, actor: Principal, number: int) -> Change:
        """Let a change that is held in its place go on."""
        async with self.lock(number):
            change = self._permitted(actor, number, Action.HOLD)
            with self.db.write() as tx:
                item = _waiting(tx, change)
                if not item.held:
                    raise Conflict(f"Change #{number} is not held in its place.")
                records.resume(tx, item, actor.name)
                queue = tx.queues.get(item.queue).name
        self.gate.wake(queue)
        return self._again(number)

    async def dequeue(self, actor: Principal, number: int) -> Change:
        """Take a change out of its queue; it stays out until somebody enqueues it."""
        with self.db.read() as tx:
            change = tx.changes.get(ChangeNumber(number))
        if change.state is not ChangeState.QUEUED:
            self._permitted(actor, number, Action.HOLD)
            raise Conflict(
                f"Change #{number} is {change.state.value}: it is in no queue.",
                f"`headgate change hold {number}` keeps it out.",
            )
        return await self.hold(actor, number)


def _waiting(tx: Transaction, change: Change) -> Item:
    item = tx.items.live_of(change.number)
    if item is None:
        now = tx.changes.get(change.number)
        raise Conflict(
            f"Change #{change.number} is {now.state.value}: it is in no queue.",
            f"Enqueue it first: headgate change enqueue {change.number}.",
        )
    if item.state is ItemState.LANDING:
        raise Conflict(f"Change #{change.number} is landing.")
    return item
