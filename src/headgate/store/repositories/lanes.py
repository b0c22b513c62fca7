"""What queues of lanes remember over a restart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, RowMapping, Table, delete, insert, select, update

from headgate.model.ids import ItemId, QueueId
from headgate.store.repositories.queues import LIVE
from headgate.store.tables.lanes import lane_conflicts, lane_marks, lane_witnesses, unsteady_jobs
from headgate.store.tables.queues import items, landings
from headgate.store.text import decode, encode
from headgate.store.types import Clock

Job = tuple[str, str]
"""Project and name."""

Landed = tuple[ItemId, tuple[ItemId, ...]]
"""An item, and all that landed with it as one unit."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What has happened to the unit whose first item this is."""

    most: int | None = None
    """The most units that it is tested with in one build; None: no limit."""
    proven: bool = False
    """It passed once, in a future that did not come about exactly."""
    asked_again: bool = False
    """It failed once, which may have been the job, not the item."""
    confirmed: int = 0
    """How often it was made once more because others had landed."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A landed unit whose own build had tested it together with one that waits."""

    landed: ItemId
    beside: frozenset[ItemId]
    near: frozenset[ItemId]
    epoch: int


@dataclass(frozen=True, slots=True)
class Remembered:
    """Of the items of one queue that wait."""

    marks: Mapping[ItemId, Mark] = field(default_factory=dict[ItemId, Mark])
    conflicts: Sequence[tuple[ItemId, ItemId, str]] = ()
    """One, the other, and why; both ways."""
    sightings: Mapping[ItemId, tuple[Sighting, ...]] = field(
        default_factory=dict[ItemId, tuple[Sighting, ...]]
    )
    unsteady: frozenset[Job] = frozenset()


class LaneMemory:
    """Written together with what it is about, and read after a restart."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def mark(self, item: ItemId, **values: int | bool) -> None:
        """Set some fields of the mark of a unit; see Mark."""
        known = select(lane_marks.c.item_id).where(lane_marks.c.item_id == item)
        if self._c.execute(known).first() is None:
            self._c.execute(insert(lane_marks).values(item_id=item, **values))
        else:
            self._c.execute(update(lane_marks).where(lane_marks.c.item_id == item).values(values))

    def conflict(self, one: ItemId, other: ItemId, why: str) -> None:
        """These two cannot land independently of each other; both ways."""
        for item, beside in ((one, other), (other, one)):
            where = (lane_conflicts.c.item_id == item, lane_conflicts.c.other_id == beside)
            self._c.execute(delete(lane_conflicts).where(*where))
            values = {"item_id": item, "other_id": beside, "why": encode(why)}
            self._c.execute(insert(lane_conflicts).values(values))

    def witness(self, item: ItemId, sighting: Sighting) -> None:
        """A landed unit was tested together with a waiting one."""
        self._c.execute(
            insert(lane_witnesses).values(
                item_id=item,
                landed_id=sighting.landed,
                beside=sorted(sighting.beside),
                near=sorted(sighting.near),
                epoch=sighting.epoch,
            )
        )

    def unsteady(self, queue: QueueId, jobs: Iterable[Job]) -> None:
        """These jobs returned something: no result of theirs may stand for another."""
        known = self._unsteady(queue)
        for project, job in sorted(set(jobs) - known):
            values = {"queue_id": queue, "project": project, "job": job}
            self._c.execute(insert(unsteady_jobs).values(values))

    def of(self, queue: QueueId) -> Remembered:
        """All that is known of the waiting items of a queue."""
        live = select(items.c.id).where(items.c.queue_id == queue, items.c.state.in_(LIVE))
        marks = self._c.execute(select(lane_marks).where(lane_marks.c.item_id.in_(live)))
        conflicts = self._c.execute(
            select(lane_conflicts).where(lane_conflicts.c.item_id.in_(live))
        )
        found = self._c.execute(
            select(lane_witnesses)
            .where(lane_witnesses.c.item_id.in_(live))
            .order_by(lane_witnesses.c.id)
        )
        sightings: dict[ItemId, tuple[Sighting, ...]] = {}
        for r in found.mappings():
            item = ItemId(r["item_id"])
            one = Sighting(
                ItemId(r["landed_id"]),
                frozenset(ItemId(i) for i in r["beside"]),
                frozenset(ItemId(i) for i in r["near"]),
                r["epoch"],
            )
            sightings[item] = (*sightings.get(item, ()), one)
        return Remembered(
            {
                ItemId(r["item_id"]): Mark(
                    r["most"], bool(r["proven"]), bool(r["asked_again"]), r["confirmed"]
                )
                for r in marks.mappings()
            },
            [
                (ItemId(r["item_id"]), ItemId(r["other_id"]), decode(r["why"]))
                for r in conflicts.mappings()
            ],
            sightings,
            self._unsteady(queue),
        )

    def landed(self, queue: QueueId, newest: int, named: Collection[ItemId]) -> list[Landed]:
        """The last so many items of a queue that landed, and those of `named` that did before
        them; oldest first."""
        query = (
            select(landings.c.item_id, landings.c.unit)
            .join(items, items.c.id == landings.c.item_id)
            .where(items.c.queue_id == queue)
            .order_by(landings.c.time.desc(), landings.c.item_id.desc())
        )
        last = [_landed(r) for r in self._c.execute(query.limit(newest)).mappings()]
        older = set(named).difference(item for item, _ in last)
        if older:
            query = query.where(landings.c.item_id.in_(older))
            last += [_landed(r) for r in self._c.execute(query).mappings()]
        return last[::-1]

    def forget_gone(self) -> None:
        """Whoever has its verdict needs nothing of this any more."""
        live = select(items.c.id).where(items.c.state.in_(LIVE))
        tables: tuple[Table, ...] = (lane_marks, lane_conflicts, lane_witnesses)
        for table in tables:
            self._c.execute(delete(table).where(table.c.item_id.not_in(live)))

    def _unsteady(self, queue: QueueId) -> frozenset[Job]:
        query = select(unsteady_jobs).where(unsteady_jobs.c.queue_id == queue)
        return frozenset((r["project"], r["job"]) for r in self._c.execute(query).mappings())


def _landed(r: RowMapping) -> Landed:
    item = ItemId(r["item_id"])
    return item, tuple(ItemId(i) for i in r["unit"]) or (item,)
