"""One simulation of the queue service, from the first arrival to the last verdict."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from headgate.gate.service import GateService
from headgate.gate.simulate.oracle import truth
from headgate.gate.simulate.result import Result
from headgate.gate.simulate.service.areas import Areas, areas
from headgate.gate.simulate.service.ground import WARM, Ground, Looker, make_ground
from headgate.gate.simulate.service.house import House, clock, open_database
from headgate.gate.simulate.service.loop import DAY, SimulatedLoop, Stalled
from headgate.gate.simulate.service.machines import Machines
from headgate.gate.simulate.service.onlooker import Onlooker
from headgate.gate.simulate.world import Arrival, World
from headgate.gate.trials.forecast import REPLAYED
from headgate.model.change import ChangeState, Entry
from headgate.model.config import Policy, QueueMode, QueuePolicy
from headgate.model.ids import ChangeNumber, Commit
from headgate.model.principal import GATE, PrincipalKind
from headgate.model.queue import ItemState
from headgate.store.database import Transaction

PROJECT, QUEUE = "simulated", "main"
KNOWN, STRANGE = "known", "strange"
"""Owners of changes that look sound beforehand, and of those that do not."""

_PATIENCE = 30 * DAY
"""Simulated seconds without work to come, after which the service counts as stuck."""


def run(world: World, histories: Sequence[World], *, slots: int, fuse: int) -> Result:
    """The queue service on one world, with earlier work of the same kind behind it.

    Raises Stalled when the service waits for nothing, CouldNotRun without git.
    """
    loop = SimulatedLoop()
    try:
        with tempfile.TemporaryDirectory(prefix="headgate-simulated-") as place:
            return loop.run_until_complete(
                _Drive(Path(place), loop, world, slots, fuse).run(histories)
            )
    finally:
        loop.close()


class _Drive:
    def __init__(
        self, place: Path, loop: SimulatedLoop, world: World, slots: int, fuse: int
    ) -> None:
        self._world = world
        self._areas: Areas = areas(world)
        self._machines = Machines(world, clock(loop))
        queue = QueuePolicy(
            QUEUE, (PROJECT,), ("main",), mode=QueueMode.LANES, slots=slots, fuse=fuse
        )
        count = len(self._areas.members)
        changes: Mapping[int, Sequence[int]] = {WARM: range(count), **self._areas.of}
        self._ground: Ground = make_ground(place / f"{PROJECT}.git", count, changes)
        policy = Policy("simulated", queues=(queue,))
        self._db = open_database(place, loop)
        self._house = House(place, loop, policy, self._machines)
        self._numbers: dict[object, int] = {}

    async def run(self, histories: Sequence[World]) -> Result:
        begun = time.perf_counter()
        looker = Looker(self._ground.path)
        machines, house = self._machines, self._house
        machines.looker, machines.numbers = looker, self._numbers
        onlooker = Onlooker(self._world, self._areas, machines, looker, self._numbers)
        with self._db.write() as tx:
            _people(tx)
            _lived_through(tx, histories, self._ground.start)
        self._db.subscribe(machines.watch)
        self._db.subscribe(onlooker.watch)
        service = GateService(self._db, house)
        await service.start()
        try:
            await self._arrive(service, WARM, KNOWN)
            await _until(onlooker, 1)
            start, builds, used = house.clock(), machines.begun, len(machines.usage)
            for one in self._world.arrivals:
                await asyncio.sleep(max(0.0, start + one.time - house.clock()))
                await self._arrive(service, one.number, _owner(one))
            await _until(onlooker, 1 + len(self._world.arrivals))
        finally:
            await service.stop()
            await house.close()
            self._db.close()
            looker.close()
        result = Result("service", builds=machines.begun - builds)
        result.landed = [number for number in onlooker.landed if number != WARM]
        arrivals = self._world.arrivals
        result.decided = {
            number: second - start - arrivals[number - 1].time
            for number, second in onlooker.decided.items()
            if number != WARM
        }
        result.untested, result.broken = onlooker.untested, onlooker.broken
        result.usage = [(second - start, using) for second, using in machines.usage[used:]]
        result.seconds = time.perf_counter() - begun
        return result

    async def _arrive(self, service: GateService, number: int, owner: str) -> None:
        head = self._ground.heads[number]
        with self._db.write() as tx:
            change = _change(tx, owner, f"Change {number}", head, self._ground.start)
            tx.changes.set_state(change, ChangeState.READY, "allowed")
        self._numbers[change] = number
        await service.enqueue(change, owner)


async def _until(onlooker: Onlooker, count: int) -> None:
    """Until so many changes have their verdict. Raises Stalled when that never comes."""
    try:
        async with asyncio.timeout(_PATIENCE):
            while len(onlooker.decided) < count:
                onlooker.news.clear()
                await onlooker.news.wait()
    except TimeoutError:
        missing = count - len(onlooker.decided)
        raise Stalled(f"{missing} changes have no verdict, and get none") from None


def _owner(one: Arrival) -> str:
    return KNOWN if one.signal else STRANGE


def _people(tx: Transaction) -> None:
    tx.principals.add(GATE, PrincipalKind.SERVICE, "Headgate", "", None)
    for name in (KNOWN, STRANGE):
        tx.principals.add(name, PrincipalKind.HUMAN, name, f"{name}@localhost", None)
    tx.projects.add(PROJECT, "main", "")


def _change(tx: Transaction, owner: str, title: str, head: Commit, base: Commit) -> ChangeNumber:
    who = tx.principals.by_name(owner)
    project = tx.projects.by_name(PROJECT)
    change = tx.changes.add(project.id, "main", "", who.id, title, Entry.AUTOMATIC)
    tx.changes.add_revision(change.number, head, base, title, who.id, (), (), ())
    return change.number


def _lived_through(tx: Transaction, histories: Sequence[World], commit: Commit) -> None:
    """Verdicts of earlier work, from which the service learns at its start whom to trust."""
    queue = tx.queues.ensure(QUEUE, 4)
    project = tx.projects.by_name(PROJECT)
    earlier = [(one, lands) for world in histories for one, lands in _fates(world)]
    for one, lands in earlier[-REPLAYED:]:
        change = _change(tx, _owner(one), "Earlier", commit, commit)
        revision = tx.changes.current_revision(change)
        item = tx.items.add(queue.id, change, revision.id, project.id, "main")
        tx.changes.set_state(change, ChangeState.READY, "")
        tx.changes.set_state(change, ChangeState.QUEUED, "")
        if lands:
            tx.items.set_state(item.id, ItemState.LANDED, "")
            tx.changes.set_state(change, ChangeState.LANDED, "landed")
        else:
            tx.items.set_state(item.id, ItemState.EJECTED, "a job failed")
            tx.changes.set_state(change, ChangeState.EJECTED, "a job failed")


def _fates(world: World) -> list[tuple[Arrival, bool]]:
    lands = truth(world)
    return [(one, lands[one.number]) for one in world.arrivals]
