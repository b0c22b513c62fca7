"""Queues of lanes at work: does what the lanes planner says, on real branches with real jobs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog

from headgate.gate.difficulties import Difficulties
from headgate.gate.futures import Proposal
from headgate.gate.lanes.planner import plan
from headgate.gate.lanes.steps import Admit, Begin, Cancel, Reject
from headgate.gate.ports import GatePorts
from headgate.gate.reader import QueueReader
from headgate.gate.scope import declared
from headgate.gate.trials import records as trial_records
from headgate.gate.trials.acting import Steps
from headgate.gate.trials.endings import Endings
from headgate.gate.trials.explain import Standing, say_what_waits
from headgate.gate.trials.forecast import replay as relearn
from headgate.gate.trials.landing import Lander
from headgate.gate.trials.lanes import Durations, Lanes
from headgate.gate.trials.maker import Maker
from headgate.gate.trials.order import Made
from headgate.gate.trials.reader import Reading, read
from headgate.gate.trials.restore import relearn_durations, restore, take_up
from headgate.gate.trials.rules import Rules
from headgate.gate.trials.runner import Runner
from headgate.gate.trials.scout import Scout
from headgate.gate.trials.windows import replay, source_of
from headgate.model.config import QueuePolicy
from headgate.model.ids import Commit, ItemId, TrialId
from headgate.model.queue import BranchKey, Item, ItemState, Queue
from headgate.model.trial import TrialState
from headgate.store.database import Database, Transaction

log = structlog.get_logger()


class LanesService:
    """Every queue of lanes; the gate calls `settle` when something may have changed for one."""

    def __init__(
        self,
        db: Database,
        ports: GatePorts,
        reader: QueueReader,
        difficulties: Difficulties,
        poke: Callable[[str], None],
        poke_all: Callable[[], None],
    ) -> None:
        self._db = db
        self._ports = ports
        self._reader = reader
        self._difficulties = difficulties
        self._durations = Durations()
        self._lanes: dict[str, Lanes] = {}
        self._scouts: dict[str, Scout] = {}
        self._endings = Endings(db, ports, reader, difficulties, self._told, poke_all)
        trouble = self._endings.trouble
        self._runner = Runner(db, ports, self._durations, trouble, self._endings.got_on, poke)
        self._rules = rules = Rules(ports)
        eject = self._endings.eject
        self._steps = Steps(
            db,
            Maker(db, ports, reader, self._durations, self._runner, trouble, eject, rules),
            Lander(db, ports, reader, self._endings.done, rules),
            self._endings,
            self.drop,
        )

    # -- beginning and end -------------------------------------------------------------------

    async def recover(self) -> None:
        """After a restart: what was running is lost, and everything else goes on."""
        await take_up(self._db, self._ports)
        with self._db.read() as tx:
            relearn_durations(tx, self._durations)

    async def close(self) -> None:
        """Cut builds off and finish what is in the background."""
        await self._runner.close()
        await self._endings.close()

    async def settled(self, item: ItemId, patience: float) -> None:
        """Wait until no landing of this item is under way, at most `patience` seconds."""
        await self._steps.settled(item, patience)

    def forget(self, item: ItemId) -> None:
        """The item has left: nothing is tested for it any more."""
        with self._db.write() as tx:
            trial_records.part(tx, tx.items.get(item), "the item left the queue")
        self._endings.left(item)

    def leave(self, queue: Queue) -> None:
        """The queue is a chain now: what was tested in lanes goes."""
        with self._db.read() as tx:
            trials = [
                trial
                for trial in tx.trials.live(queue.id)
                if all(tx.items.get(id).state is not ItemState.LANDING for id in trial.members)
            ]
        for trial in trials:
            self.drop(trial.id, "the queue is a chain now")
        self._lanes.pop(queue.name, None)

    def drop(self, id: TrialId, reason: str) -> bool:
        """Give a trial up; False when it was already, or lands."""
        with self._db.write() as tx:
            trial = tx.trials.get(id)
            if trial.state in (TrialState.DROPPED, TrialState.LANDED):
                return False
            if any(tx.items.get(one).state is ItemState.LANDING for one in trial.members):
                return False  # A landing is carried on by what it was begun with.
            trial_records.drop(tx, trial, reason)
            nodes = tx.nodes.of_trial(id)
            projects = {
                n.item: self._reader.project(tx, tx.items.get(n.item).project) for n in nodes
            }
        self._runner.cancel(id)
        for node in nodes:
            self._endings.let_go(projects[node.item], [node])
        return True

    def standing(self, queue: str, item: ItemId) -> Standing | None:
        """What is made of an item; None when its queue is not one of lanes, or not yet."""
        lanes = self._lanes.get(queue)
        if lanes is None:
            return None
        entry = lanes.entries.get(item)
        if entry is None:
            return Standing()
        return Standing(
            lanes.waits.get(item, ""),
            dict(lanes.conflicts(item)),
            entry.duration,
            entry.chance,
            lanes.forecast.explain(item),
        )

    # -- one pass ----------------------------------------------------------------------------

    async def settle(
        self,
        name: str,
        settings: QueuePolicy,
        read_heads: Callable[[], Coroutine[Any, Any, Mapping[BranchKey, Commit]]],
    ) -> bool:
        """Plan and act until there is nothing to do; False when it was overtaken and should be
        looked at again soon."""
        heads = await read_heads()
        scout = self._scouts.setdefault(name, Scout(self._ports))
        lanes = self._lanes.get(name)
        if lanes is None:
            with self._db.read() as tx:
                queue = next((q for q in tx.queues.all() if q.name == name), None)
                if queue is None:
                    return True
                defaults = {p.name: p.default_branch for p in tx.projects.all()}
            lanes = await restore(self._db, self._reader, queue, scout, heads, defaults)
            with self._db.read() as tx:
                lanes.forecast = relearn(tx, queue)
                if settings.source_window:
                    lanes.windows = replay(tx, queue, settings.source_window)
            self._lanes[name] = lanes
        while True:
            await self._look(name, lanes, scout, heads)
            lanes.waits.clear()
            reading = self._read(name, settings, heads, lanes)
            if reading.landing:
                if not await self._steps.finish(reading, lanes):
                    return True  # It is tried again when the trouble is over.
                heads = await read_heads()
                continue
            acted = self._steps.tidy(reading)
            made = plan(reading.view, lanes.memory)
            for id in made.refuted:
                acted |= self._steps.refute(reading, id)
            admits = [step for step in made.steps if isinstance(step, Admit)]
            failed = False
            for step in made.steps:
                match step:
                    case Cancel():
                        acted |= self.drop(TrialId(abs(step.trial)), step.reason)
                    case Reject():
                        acted |= self._steps.reject(reading, step, lanes)
                    case Begin():
                        if failed:
                            continue  # More is known than what this was planned on.
                        begun = await self._steps.begin(reading, step, lanes, scout, heads)
                        acted |= begun is not Made.LEFT
                        failed = begun is Made.FAILED
                    case Admit():
                        pass
            if admits:
                await self._steps.admit(reading, admits, lanes, scout, heads)
                acted = True
                heads = await read_heads()
            if not acted:
                say_what_waits(reading.view, lanes)
                return not made.steps

    async def _look(
        self, name: str, lanes: Lanes, scout: Scout, heads: Mapping[BranchKey, Commit]
    ) -> None:
        """Bring the footprints of all items up to date."""
        proposals: dict[ItemId, Proposal] = {}
        with self._db.read() as tx:
            queue = tx.queues.by_name(name)
            defaults = {p.name: p.default_branch for p in tx.projects.all()}
            items = tx.items.live(queue.id)
            snapshot = self._reader.snapshot(
                tx, queue, QueuePolicy(name, (), ()), heads, self._difficulties.of
            )
            for item in items:
                proposals[item.id] = Proposal(
                    item,
                    self._reader.branch(tx, item),
                    self._reader.revision(tx, item.revision),
                    "",
                )
        cycles = {view.id: view.cycle or (view.id,) for view in snapshot.items}
        for id, cycle in cycles.items():
            if id != cycle[0]:
                continue
            found = [await scout.footprint(proposals[i], heads, defaults) for i in cycle]
            whole = found[0]
            for other in found[1:]:
                whole = whole.and_(other)
            lanes.place(id, whole)

    def _read(
        self,
        name: str,
        settings: QueuePolicy,
        heads: Mapping[BranchKey, Commit],
        lanes: Lanes,
    ) -> Reading:
        with self._db.read() as tx:
            return read(
                tx,
                tx.queues.by_name(name),
                settings,
                heads,
                self._reader,
                self._difficulties.of,
                lanes,
                self._durations,
                self._rules,
                self._ports.clock(),
            )

    def _told(self, tx: Transaction, queue: str, item: Item) -> None:
        """An item has its verdict: what follows from that for others."""
        lanes = self._lanes.get(queue)
        if lanes is None:
            return
        lanes.forecast.learn(tx, item)
        first = declared(self._ports.policy(), queue).source_window
        if first:
            lanes.windows.learn(source_of(tx, item.change), item, first)
