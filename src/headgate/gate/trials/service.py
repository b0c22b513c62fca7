"""Queues of lanes at work: does what the lanes planner says, on real branches with real jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

import structlog

from headgate.gate import records
from headgate.gate.commands import Eject
from headgate.gate.difficulties import Difficulties
from headgate.gate.futures import Proposal, node_ref
from headgate.gate.lanes.planner import plan
from headgate.gate.lanes.steps import Admit, Begin, Cancel, Reject
from headgate.gate.lanes.view import TrialState as ShownState
from headgate.gate.ports import GatePorts
from headgate.gate.reader import QueueReader
from headgate.gate.scope import declared
from headgate.gate.snapshot import Trouble
from headgate.gate.trials import records as trial_records
from headgate.gate.trials.explain import Standing
from headgate.gate.trials.landing import Lander
from headgate.gate.trials.lanes import Durations, Lanes
from headgate.gate.trials.maker import Made, Maker, Order
from headgate.gate.trials.reader import CHANCE, Reading, read
from headgate.gate.trials.runner import Runner
from headgate.gate.trials.scout import Scout
from headgate.gate.trials.windows import replay, source_of
from headgate.gate.units import Unit
from headgate.jobs.dispatch.interface import Fate
from headgate.model.config import QueuePolicy
from headgate.model.errors import HeadgateError
from headgate.model.ids import Commit, ItemId, NodeId, TrialId
from headgate.model.principal import GATE
from headgate.model.queue import BranchKey, ItemState, Node, NodeState, Queue
from headgate.model.trial import Trial, TrialPurpose, TrialState
from headgate.store.database import Database
from headgate.vcs.git import GitError

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
        self._poke_all = poke_all
        self._durations = Durations()
        self._lanes: dict[str, Lanes] = {}
        self._scouts: dict[str, Scout] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._landing: dict[ItemId, asyncio.Event] = {}
        self._runner = Runner(db, ports, self._durations, self.trouble, self._got_on, poke)
        self._maker = Maker(
            db, ports, reader, self._durations, self._runner, self.trouble, self._eject
        )
        self._lander = Lander(db, ports, reader, self._done)

    # -- beginning and end -------------------------------------------------------------------

    def recover(self) -> None:
        """After a restart: only a landing that was begun goes on; everything else is tried anew.

        That costs little, as results of jobs are kept.
        """
        with self._db.write() as tx:
            for queue in tx.queues.all():
                for trial in tx.trials.live(queue.id):
                    states = {tx.items.get(id).state for id in trial.members}
                    if states == {ItemState.LANDED} and trial.state is TrialState.PASSED:
                        tx.trials.set_state(trial.id, TrialState.LANDED, "")
                    elif ItemState.LANDING not in states:
                        trial_records.drop(tx, trial, "the server stopped")

    async def close(self) -> None:
        """Cut builds off and finish what is in the background."""
        await self._runner.close()
        while self._background:
            await asyncio.wait(self._background)

    async def settled(self, item: ItemId, patience: float) -> None:
        """Wait until no landing of this item is under way, at most `patience` seconds."""
        under_way = self._landing.get(item)
        if under_way is None:
            return
        try:
            async with asyncio.timeout(patience):
                await under_way.wait()
        except TimeoutError:
            return

    def forget(self, item: ItemId) -> None:
        """The item has left: nothing is tested for it any more."""
        with self._db.write() as tx:
            trial_records.part(tx, tx.items.get(item), "the item left the queue")

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
        """Give a trial up; False when it was already."""
        with self._db.write() as tx:
            trial = tx.trials.get(id)
            if trial.state in (TrialState.DROPPED, TrialState.LANDED):
                return False
            trial_records.drop(tx, trial, reason)
            nodes = tx.nodes.of_trial(id)
            projects = {
                n.item: self._reader.project(tx, tx.items.get(n.item).project) for n in nodes
            }
        self._runner.cancel(id)
        for node in nodes:
            if node.commit is not None:
                self._spawn(self._delete_refs(projects[node.item], [node]))
        return True

    def standing(self, queue: str, item: ItemId) -> Standing | None:
        """What is made of an item; None when its queue is not one of lanes, or not yet."""
        lanes = self._lanes.get(queue)
        if lanes is None:
            return None
        entry = lanes.entries.get(item)
        expected = 0.0 if entry is None else entry.duration
        return Standing(lanes.waits.get(item, ""), dict(lanes.conflicts(item)), expected)

    # -- one pass ----------------------------------------------------------------------------

    async def settle(
        self,
        name: str,
        settings: QueuePolicy,
        read_heads: Callable[[], Coroutine[Any, Any, Mapping[BranchKey, Commit]]],
    ) -> bool:
        """Plan and act until there is nothing to do; False when it was overtaken and should be
        looked at again soon."""
        lanes = self._lanes.get(name)
        if lanes is None:
            with self._db.read() as tx:
                queue = next((q for q in tx.queues.all() if q.name == name), None)
                if queue is None:
                    return True
                lanes = self._lanes[name] = Lanes(tx.landings.count(queue.id))
                if settings.source_window:
                    lanes.windows = replay(tx, queue, settings.source_window)
        scout = self._scouts.setdefault(name, Scout(self._ports))
        heads = await read_heads()
        while True:
            await self._look(name, lanes, scout, heads)
            lanes.waits.clear()
            reading = self._read(name, settings, heads, lanes)
            if reading.landing:
                if not await self._finish(reading, lanes):
                    return True  # It is tried again when the trouble is over.
                heads = await read_heads()
                continue
            acted = self._tidy(reading)
            made = plan(reading.view, lanes.memory)
            for id in made.refuted:
                acted |= self._refute(reading, id)
            admits = [step for step in made.steps if isinstance(step, Admit)]
            for step in made.steps:
                match step:
                    case Cancel():
                        acted |= self.drop(TrialId(abs(step.trial)), step.reason)
                    case Reject():
                        acted |= self._reject(reading, step)
                    case Begin():
                        acted |= await self._begin(reading, step, lanes, scout, heads)
                    case Admit():
                        pass
            if admits:
                await self._admit(reading, admits, lanes, scout, heads)
                acted = True
                heads = await read_heads()
            if not acted:
                _explain(reading, lanes)
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
                lambda _: CHANCE,
                self._ports.clock(),
            )

    def _tidy(self, reading: Reading) -> bool:
        """What is plain without a plan: verdicts of dependencies, trials that are useless."""
        acted = False
        for unit, verdict in reading.fates:
            if isinstance(verdict, Eject):
                acted |= self._eject(unit.ids, verdict.reason)
            else:
                acted |= self._withdraw(unit.ids, verdict.reason)
        for trial in reading.useless:
            acted |= self.drop(trial.id, "it says nothing about anybody any more")
        for unit, reason in reading.blocked:
            for id in unit.ids:
                with self._db.read() as tx:
                    item = tx.items.get(id)
                    told = item.held or item.reason == reason
                    if told and tx.nodes.current(id) is None:
                        continue
                with self._db.write() as tx:
                    trial_records.part(tx, item, reason)
                    records.hold(tx, item, "item.blocked", reason)
        return acted

    # -- steps -------------------------------------------------------------------------------

    async def _begin(
        self,
        reading: Reading,
        step: Begin,
        lanes: Lanes,
        scout: Scout,
        heads: Mapping[BranchKey, Commit],
    ) -> bool:
        ahead = [unit for id, unit in reading.units.items() if id in step.assumed]
        order = self._order(reading, TrialPurpose.SPECULATION, step.members, ahead, heads)
        return await self._make(order, lanes, scout) is not Made.LEFT

    def _order(
        self,
        reading: Reading,
        purpose: TrialPurpose,
        members: Sequence[ItemId],
        ahead: Sequence[Unit],
        heads: Mapping[BranchKey, Commit],
        *,
        room: bool = True,
    ) -> Order:
        return Order(
            reading.queue.id,
            reading.queue.name,
            purpose,
            tuple(reading.units[id].ids for id in members),
            tuple(unit.ids for unit in ahead),
            heads,
            room,
        )

    async def _make(self, order: Order, lanes: Lanes, scout: Scout) -> Made:
        """Make a trial; trouble in it is the items', for now."""
        try:
            return await self._maker.make(order, lanes, scout)
        except HeadgateError as error:
            log.warning("the gate met trouble", queue=order.name, error=str(error))
            self.trouble(order.items, str(error), 1)
        except Exception as error:
            log.exception("a trial could not be made", queue=order.name)
            words = f"an error of Headgate's own: {type(error).__name__}"
            self.trouble(order.items, words, 1)
        return Made.LEFT

    async def _admit(
        self,
        reading: Reading,
        admits: Sequence[Admit],
        lanes: Lanes,
        scout: Scout,
        heads: Mapping[BranchKey, Commit],
    ) -> None:
        """Land the first that can land, with those that were tested in the same build; confirm
        what cannot because others have landed since it was tested."""
        admitted = {id for step in admits for id in step.items}
        for step in admits:
            id = step.items[0]
            trial = await self._exact(reading, id, admitted, heads, scout)
            if trial is None:
                room = self._room(reading)
                self._outdate(reading, id, lanes)
                order = self._order(reading, TrialPurpose.CONFIRMATION, [id], [], heads, room=room)
                if await self._make(order, lanes, scout) is not Made.PASSED:
                    continue
                trial = await self._exact(reading, id, {id}, heads, scout)
            if trial is not None:
                await self._land(reading, trial, lanes)
                return  # What is behind it is looked at anew, on the branches as they are now.

    def _room(self, reading: Reading) -> bool:
        """Whether one more build may run."""
        with self._db.read() as tx:
            trials = tx.trials.live(reading.queue.id)
        running = sum(trial.state is TrialState.BUILDING for trial in trials)
        return running < reading.view.settings.slots

    async def _exact(
        self,
        reading: Reading,
        id: ItemId,
        admitted: Collection[ItemId],
        heads: Mapping[BranchKey, Commit],
        scout: Scout,
    ) -> Trial | None:
        """The trial by which a unit, and nobody who is not admitted, can land as it is."""
        with self._db.read() as tx:
            trials = tx.trials.live(reading.queue.id)
        for trial in sorted(trials, key=lambda t: -len(t.members)):
            units = {unit.first.id for unit in _units_of(reading, trial)}
            if (
                id in units
                and units.issubset(admitted)
                and self._lander.whole(trial)
                and await self._lander.exact(trial, heads, scout)
            ):
                return trial
        return None

    def _outdate(self, reading: Reading, id: ItemId, lanes: Lanes) -> None:
        """A unit passed in futures that did not come about exactly: those are no ground to land."""
        lanes.proven.add(id)
        lanes.confirmed[id] = lanes.confirmed.get(id, 0) + 1
        with self._db.write() as tx:
            for item in reading.units[id].ids:
                for node in tx.nodes.of_item(item):
                    if node.trial is None or node.state is NodeState.DROPPED:
                        continue
                    culprits = tx.trials.get(node.trial).culprits
                    innocent = node.state is NodeState.FAILED and item not in (culprits or (item,))
                    if node.state is NodeState.PASSED or innocent:
                        reason = "others have landed since; it is confirmed on top of them"
                        records.drop(tx, tx.items.get(item), node, reason)

    async def _land(self, reading: Reading, trial: Trial, lanes: Lanes) -> bool:
        done = asyncio.Event()
        self._landing.update(dict.fromkeys(trial.members, done))
        try:
            return await self._lander.land(
                reading.queue, trial, _units_of(reading, trial), lanes, reading.view
            )
        except HeadgateError as error:
            log.warning("the gate met trouble", queue=reading.queue.name, error=str(error))
            self.trouble(trial.members, str(error), 1)
            return False
        finally:
            done.set()
            for item in trial.members:
                self._landing.pop(item, None)

    async def _finish(self, reading: Reading, lanes: Lanes) -> bool:
        """Carry landings on that were begun; False when that has to wait."""
        for unit in reading.landing:
            if not unit.due:
                return False
            with self._db.read() as tx:
                node = tx.nodes.current(unit.first.id)
                trial = None
                if node is not None and node.trial is not None:
                    trial = tx.trials.get(node.trial)
            if trial is None:
                raise ValueError(f"nobody knows by what #{unit.first.change} was landing")
            with self._db.read() as tx:
                if tx.items.get(unit.first.id).state is not ItemState.LANDING:
                    continue  # It landed together with one before.
            if not await self._land(reading, trial, lanes):
                with self._db.read() as tx:
                    if tx.items.get(unit.first.id).state is ItemState.LANDING:
                        return False
        return True

    def _reject(self, reading: Reading, step: Reject) -> bool:
        unit = reading.units[step.item]
        return self._eject(unit.ids, step.reason, {abs(step.evidence)})

    def _refute(self, reading: Reading, id: NodeId) -> bool:
        """What a trial says about some of its members counts no more; about the others it may."""
        shown = next(one for one in reading.view.trials if one.id == id)
        acted = False
        with self._db.write() as tx:
            for unit in shown.members:
                for item in reading.units[unit].ids if unit in reading.units else ():
                    for node in tx.nodes.of_trial(TrialId(abs(id))):
                        if node.item == item and node.state is not NodeState.DROPPED:
                            acted = True
                            reason = "it says nothing about the item any more"
                            records.drop(tx, tx.items.get(item), node, reason)
        return acted

    def _eject(self, items: Sequence[ItemId], reason: str, keep: set[int] | None = None) -> bool:
        """The items failed; what was tested for them goes, but for the evidence."""
        done: list[ItemId] = []
        with self._db.write() as tx:
            for id in items:
                item = tx.items.get(id)
                if item.state is ItemState.WAITING:
                    trial_records.part(tx, item, "the item was ejected", keep or ())
                    records.eject(tx, item, reason, None)
                    done.append(id)
        for id in done:
            self._done(id, None)
        return bool(done)

    def _withdraw(self, items: Sequence[ItemId], reason: str) -> bool:
        done: list[ItemId] = []
        with self._db.write() as tx:
            for id in items:
                item = tx.items.get(id)
                if item.state is ItemState.WAITING:
                    trial_records.part(tx, item, "the item was withdrawn")
                    records.withdraw(tx, item, reason, GATE)
                    done.append(id)
        for id in done:
            self._done(id, None)
        return bool(done)

    # -- afterwards --------------------------------------------------------------------------

    def trouble(self, items: Sequence[ItemId], reason: str, rounds: int) -> None:
        """Something that is not their fault keeps items from getting on."""
        for id in items:
            held = self._difficulties.add(id, rounds=rounds) is Trouble.HELD
            words = f"held, not its fault: {reason}" if held else f"will be tried again: {reason}"
            with self._db.write() as tx:
                records.hold(tx, tx.items.get(id), "item.held" if held else "item.delayed", words)

    def _got_on(self, items: Sequence[ItemId]) -> None:
        for item in items:
            self._difficulties.clear(item)

    def _done(self, item: ItemId, landed: Node | None) -> None:
        """An item has its verdict."""
        self._difficulties.clear(item)
        with self._db.read() as tx:
            now = tx.items.get(item)
            queue = tx.queues.get(now.queue).name
            first = declared(self._ports.policy(), queue).source_window
            if first and queue in self._lanes:
                source = source_of(tx, now.change)
                self._lanes[queue].windows.learn(source, now.state, first)
            nodes = [node for node in tx.nodes.of_item(item) if node.commit is not None]
            project = self._reader.project(tx, tx.items.get(item).project)
        self._spawn(self._settle_runs(item, landed))
        self._spawn(self._delete_refs(project, nodes))
        self._poke_all()

    async def _settle_runs(self, item: ItemId, landed: Node | None) -> None:
        """Let what the runs of an item left behind follow its fate, unless others need them."""
        with self._db.read() as tx:
            kept = landed.build if landed is not None else None
            found: list[tuple[Fate, list[Any]]] = []
            for build in {node.build for node in tx.nodes.of_item(item)} - {None}:
                if build is None:
                    continue
                fate = Fate.LANDED if build == kept else Fate.GONE
                if fate is Fate.GONE and tx.nodes.wanted(build):
                    continue
                found.append((fate, [run.id for run in tx.builds.runs(build)]))
            if landed is not None and landed.trial is not None:
                reused = list(tx.trials.get(landed.trial).reused)
                found.append((Fate.LANDED, reused))
        for fate, runs in sorted(found, key=lambda one: one[0] is Fate.GONE):
            await self._ports.dispatcher.settle(runs, fate)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _delete_refs(self, project: str, nodes: Sequence[Node]) -> None:
        repository = self._ports.repository(project)
        for node in nodes:
            try:
                await repository.update_ref(node_ref(node.id), None, node.commit)
            except GitError as error:
                # The next start deletes it.
                log.warning("a ref of a past future stays", node=node.id, reason=str(error))


def _explain(reading: Reading, lanes: Lanes) -> None:
    """Say of whoever is ready, and has nothing under test, that it waits for its turn."""
    slots = reading.view.settings.slots
    running = [t for t in reading.view.trials if t.state is ShownState.RUNNING]
    tested = {unit for trial in reading.view.trials for unit in trial.members}
    for entry in reading.view.entries:
        if entry.ready and entry.id not in tested:
            own = reading.view.budgets.get(entry.source)
            if own is not None and len(running) < slots:
                words = (
                    f"of the changes of {entry.source}, {own} at once {_are(own)} tested for now"
                )
                lanes.waits[entry.id] = words
                continue
            builds = "the one build" if slots == 1 else f"one of the {slots} builds"
            words = f"{builds} that may run at once has to end first"
            lanes.waits.setdefault(entry.id, words)


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _units_of(reading: Reading, trial: Trial) -> list[Unit]:
    return [u for u in reading.units.values() if not set(u.ids).isdisjoint(trial.members)]
