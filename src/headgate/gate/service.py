"""The gate at work: one loop for each queue, woken by events, that does what the planner says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from headgate.gate import records
from headgate.gate.builds import lose_runs
from headgate.gate.commands import Command, Drop, Eject, Land, Speculate, StartBuild, Withdraw
from headgate.gate.difficulties import Difficulties
from headgate.gate.entry import enter
from headgate.gate.executor import Executor
from headgate.gate.futures import node_ref
from headgate.gate.planner import Blocked, plan
from headgate.gate.ports import GatePorts
from headgate.gate.reader import QueueReader
from headgate.gate.scope import branches_of, declared, read_heads
from headgate.gate.snapshot import Snapshot
from headgate.gate.trials.explain import Standing
from headgate.gate.trials.service import LanesService
from headgate.model.config import QueueMode, QueuePolicy
from headgate.model.errors import Conflict, HeadgateError
from headgate.model.event import Event
from headgate.model.ids import ChangeNumber, Commit, ItemId, NodeId
from headgate.model.queue import BranchKey, Item, ItemState, NodeState
from headgate.store.database import Database

log = structlog.get_logger()

PATIENCE = 15.0
"""Seconds that a withdrawal waits for a landing under way."""

_AGAIN = (0.5, 2.0, 10.0, 30.0)
"""Seconds until a queue whose pass went wrong is looked at again."""

_CLEARS = frozenset(
    {"setup.approved", "policy.loaded", "queue.thawed", "project.added", "secret.set"}
)
"""Events after which what could not be run may run."""


@dataclass(slots=True)
class _Queue:
    """One queue's loop."""

    name: str
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    heads: Mapping[BranchKey, Commit] = field(default_factory=dict[BranchKey, Commit])
    stumbles: int = 0


class GateService:
    """Lets changes into queues, and carries each to its verdict."""

    def __init__(self, db: Database, ports: GatePorts) -> None:
        self._db = db
        self._ports = ports
        self._queues: dict[str, _Queue] = {}
        self._reader = QueueReader()
        self._difficulties = Difficulties(ports.clock)
        self._executor = Executor(db, ports, self._reader, self._difficulties, self._poke)
        self._lanes = LanesService(
            db, ports, self._reader, self._difficulties, self._poke, self._poke_all
        )
        self._running = False
        self._unsubscribe = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None

    # -- beginning and end -------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what an earlier process left, and begin to work.

        Runs that were cut off run again, landings that were begun are finished or refused.
        """
        self._loop = asyncio.get_running_loop()
        lose_runs(self._db)
        await self._lanes.recover()
        with self._db.write() as tx:
            for queue in tx.queues.all():
                items = {item.id: item for item in tx.items.live(queue.id)}
                for node in tx.nodes.live(queue.id):
                    if node.state is NodeState.BUILDING:
                        records.drop(tx, items[node.item], node, "the server stopped")
        await self._mend_refs()
        self._running = True
        self._unsubscribe = self._db.subscribe(self._on_events)
        with self._db.read() as tx:
            names = [queue.name for queue in tx.queues.all()]
        for name in names:
            self._poke(name)

    async def stop(self) -> None:
        """End all work; builds under way are cut off and run again after the next start."""
        self._running = False
        self._unsubscribe()
        tasks = [queue.task for queue in self._queues.values() if queue.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._lanes.close()
        await self._executor.close()
        self._queues.clear()

    async def _mend_refs(self) -> None:
        """Every future of a live item has its ref, and no other future has."""
        wanted: dict[str, dict[str, Commit]] = {}
        with self._db.read() as tx:
            projects = {project.id: project.name for project in tx.projects.all()}
            for queue in tx.queues.all():
                items = {item.id: item for item in tx.items.live(queue.id)}
                for node in tx.nodes.all_live(queue.id):
                    if node.commit is not None:
                        project = projects[items[node.item].project]
                        wanted.setdefault(project, {})[node_ref(node.id)] = node.commit
        for project in projects.values():
            repository = self._ports.repository(project)
            expected = wanted.get(project, {})
            found = await repository.refs(node_ref(NodeId(0)).removesuffix("0"))
            for ref in found.keys() - expected.keys():
                await repository.update_ref(ref, None, found[ref])
            for ref in expected.keys() - found.keys():
                await repository.update_ref(ref, expected[ref], None)

    # -- what people and the flow ask for ----------------------------------------------------

    def wake(self, queue: str) -> None:
        """Look at a queue now; what could not be run for our own fault is tried again."""
        self._difficulties.retry_all()
        self._poke(queue)

    async def enqueue(self, number: ChangeNumber, actor: str) -> Item:
        """Put a change at the end of its queue; its item, when it is in one already.

        Raises Conflict when its state, its branch or its dependencies do not allow it, BadInput
        when it depends on itself.
        """
        (item,) = await self.enqueue_together((number,), actor)
        return item

    async def enqueue_together(
        self, numbers: Sequence[ChangeNumber], actor: str
    ) -> tuple[Item, ...]:
        """The same for changes that need each other: all enter in one transaction, or none."""
        with self._db.read() as tx:
            changes = [tx.changes.get(number) for number in numbers]
            keys = [BranchKey(tx.projects.get(c.project).name, c.branch) for c in changes]
        for number, key in zip(numbers, keys, strict=True):
            exists = await self._ports.repository(key.project).resolve(f"refs/heads/{key.branch}")
            if exists is None:
                raise Conflict(
                    f"Change #{number} is for {key.branch} of {key.project}, which does not exist.",
                    "Push it to a branch that does.",
                )
        with self._db.write() as tx:
            items = enter(tx, numbers, self._ports.policy(), actor)
            names = {tx.queues.get(item.queue).name for item in items}
        for name in names:
            self._poke(name)
        return items

    async def withdraw(self, number: ChangeNumber, why: str, actor: str) -> Item | None:
        """Take a change out of its queue; None when it is in none. It then waits.

        Raises Conflict when it has just landed, or is landing and that takes long.
        """
        with self._db.read() as tx:
            item = tx.items.live_of(number)
        if item is None:
            return None
        await self._executor.settled(item.id, PATIENCE)
        await self._lanes.settled(item.id, PATIENCE)
        with self._db.write() as tx:
            now = tx.items.get(item.id)
            if now.state is ItemState.LANDED:
                raise Conflict(f"Change #{number} has just landed.")
            if now.state is ItemState.LANDING:
                raise Conflict(
                    f"Change #{number} is landing, and can no longer be taken back.",
                    "Propose another change that reverts it.",
                )
            if not now.state.live:
                return None
            records.withdraw(tx, now, why, actor)
            name = tx.queues.get(now.queue).name
        self._lanes.forget(item.id)
        self._executor.forget(item.id)
        self._poke_all(name)
        return now

    def retest(self, item: ItemId, node: NodeId, reason: str) -> bool:
        """Test an item anew, when this future is still the one it was tested in."""
        with self._db.read() as tx:
            trial = tx.nodes.get(node).trial
        if trial is not None:
            dropped = self._lanes.drop(trial, reason)
        else:
            dropped = self._executor.drop(Drop(item, node, reason))
        if not dropped:
            return False
        with self._db.read() as tx:
            name = tx.queues.get(tx.items.get(item).queue).name
        self._poke(name)
        return True

    def standing(self, id: ItemId) -> Standing | None:
        """What a queue of lanes makes of an item; None in a chain."""
        with self._db.read() as tx:
            item = tx.items.get(id)
            name = tx.queues.get(item.queue).name
        return self._lanes.standing(name, id)

    # -- the loops ---------------------------------------------------------------------------

    def _on_events(self, events: Sequence[Event]) -> None:
        if self._loop is None or not any(event.kind in _CLEARS for event in events):
            return
        self._loop.call_soon_threadsafe(self._clear)

    def _clear(self) -> None:
        self._difficulties.retry_all()
        self._executor.look_again()
        self._poke_all()

    def _poke_all(self, also: str = "") -> None:
        for name in {*self._queues, *([also] if also else [])}:
            self._poke(name)

    def _poke(self, name: str) -> None:
        if not self._running:
            return
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _Queue(name)
            queue.task = asyncio.create_task(self._work(queue))
        queue.wake.set()

    async def _work(self, queue: _Queue) -> None:
        """Until the gate stops: wait, look, do. Nothing that goes wrong ends it."""
        due: float | None = None
        while True:
            await self._woken(queue, due)
            queue.wake.clear()
            due = self._due()
            try:
                await self._settle(queue)
                queue.stumbles = 0
            except Exception as error:
                log.exception("a pass over a queue went wrong", queue=queue.name, error=str(error))
                pause = _AGAIN[min(queue.stumbles, len(_AGAIN) - 1)]
                queue.stumbles += 1
                self._poke_later(queue.name, pause)

    def _due(self) -> float | None:
        """When something may be tried again next, by the clock of the loop."""
        pause = self._difficulties.next_in()
        return None if pause is None else asyncio.get_running_loop().time() + pause

    async def _woken(self, queue: _Queue, due: float | None) -> None:
        """Until something happened, or may be tried again. What came `due` during the last pass
        may have been looked at before it was."""
        times = [time for time in (due, self._due()) if time is not None]
        if not times:
            await queue.wake.wait()
            return
        try:
            async with asyncio.timeout_at(min(times)):
                await queue.wake.wait()
        except TimeoutError:
            return

    def _poke_later(self, name: str, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._poke, name)

    async def _settle(self, queue: _Queue) -> None:
        """Plan and act until there is nothing to do; reads the branches anew when they move."""
        settings = declared(self._ports.policy(), queue.name)
        if settings.mode is QueueMode.LANES:
            await self._settle_lanes(queue, settings)
            return
        self._leave_lanes(queue)
        heads: Mapping[BranchKey, Commit] | None = None
        while True:
            if heads is None:
                heads = await self._heads(queue)
            snapshot = self._snapshot(queue.name, heads)
            if snapshot is None:
                return
            made = plan(snapshot)
            self._tell_blocked(made.blocked)
            done = 0
            for command in made.commands:
                done += await self._carry_out(queue, snapshot, command)
                if isinstance(command, Land):
                    heads = None
            if not made.commands:
                return
            if not done and heads is not None:
                # What was planned was overtaken meanwhile; whoever did that has woken us again.
                self._poke_later(queue.name, _AGAIN[0])
                return

    async def _settle_lanes(self, queue: _Queue, settings: QueuePolicy) -> None:
        """The same for a queue of lanes."""
        with self._db.read() as tx:
            found = next((q for q in tx.queues.all() if q.name == queue.name), None)
            nodes = [] if found is None else tx.nodes.live(found.id)
            old = [(tx.items.get(node.item), node) for node in nodes if node.trial is None]
        for item, node in old:  # It was a chain until now.
            if item.state is not ItemState.LANDING:
                self._executor.drop(Drop(item.id, node.id, "the queue has lanes now"))
            elif found is not None:
                await self._executor.land(Land(item.id, node.id, found.window), queue.name)
        if not await self._lanes.settle(queue.name, settings, lambda: self._heads(queue)):
            self._poke_later(queue.name, _AGAIN[0])

    def _leave_lanes(self, queue: _Queue) -> None:
        with self._db.read() as tx:
            found = next((q for q in tx.queues.all() if q.name == queue.name), None)
        if found is not None:
            self._lanes.leave(found)

    async def _carry_out(self, queue: _Queue, snapshot: Snapshot, command: Command) -> bool:
        """Do one thing; a failure of ours puts the item off, and never ends the loop."""
        run = self._executor
        try:
            match command:
                case Eject():
                    done = run.eject(command)
                    self._poke_all()
                    return done
                case Withdraw():
                    done = run.withdraw(command)
                    self._poke_all()
                    return done
                case Drop():
                    return run.drop(command)
                case Speculate():
                    return await run.speculate(command, snapshot.heads)
                case StartBuild():
                    return await run.start_build(command)
                case Land():
                    done = await run.land(command, snapshot.queue)
                    self._poke_all()
                    return done
        except HeadgateError as error:
            log.warning("the gate met trouble", queue=queue.name, error=str(error))
            run.trouble(command.item, str(error))
        except Exception as error:
            log.exception("a step of the gate failed", queue=queue.name, step=repr(command))
            run.trouble(command.item, f"an error of Headgate's own: {type(error).__name__}")
        return True

    async def _heads(self, queue: _Queue) -> Mapping[BranchKey, Commit]:
        policy = self._ports.policy()
        settings = declared(policy, queue.name)
        with self._db.read() as tx:
            known = [project.name for project in tx.projects.all()]
            found = next((q for q in tx.queues.all() if q.name == queue.name), None)
            items = [] if found is None else tx.items.live(found.id)
            wanted = {self._reader.branch(tx, item) for item in items}
            keys = branches_of(policy, settings, known, wanted)
        heads = await read_heads(self._ports, keys)
        if queue.heads and heads != queue.heads:
            self._difficulties.retry_all()
        queue.heads = heads
        return heads

    def _snapshot(self, name: str, heads: Mapping[BranchKey, Commit]) -> Snapshot | None:
        settings = declared(self._ports.policy(), name)
        with self._db.read() as tx:
            found = next((q for q in tx.queues.all() if q.name == name), None)
            if found is None:
                return None
            return self._reader.snapshot(tx, found, settings, heads, self._difficulties.of)

    def _tell_blocked(self, blocked: Sequence[Blocked]) -> None:
        for one in blocked:
            with self._db.read() as tx:
                item = tx.items.get(one.item)
            if item.reason != one.reason:
                with self._db.write() as tx:
                    records.hold(tx, item, "item.blocked", one.reason)
