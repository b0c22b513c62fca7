"""The proofs that what landed is what was tested."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, func, insert, select

from headgate.model.ids import (
    ChangeNumber,
    Commit,
    ItemId,
    QueueId,
    Tree,
)
from headgate.model.queue import (
    Landing,
)
from headgate.store.tables.queues import items, landings
from headgate.store.text import decode, encode
from headgate.store.types import Clock


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
