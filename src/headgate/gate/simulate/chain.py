"""Drives the chain planner of the gate through simulated time."""

from __future__ import annotations

import random
import time as clock
from collections import deque
from dataclasses import dataclass, field, replace

from headgate.gate.commands import Command, Drop, Eject, Land, Speculate, StartBuild, Withdraw
from headgate.gate.planner import plan
from headgate.gate.simulate.audit import Audit
from headgate.gate.simulate.machine import Machine, Run
from headgate.gate.simulate.result import Result
from headgate.gate.simulate.world import World
from headgate.gate.snapshot import ItemView, NodeView, Snapshot, Window
from headgate.model.ids import ChangeNumber, Commit, ItemId, NodeId
from headgate.model.queue import BranchKey, NodeState, QueueState

MAIN = BranchKey("simulated", "main")
START = Commit("0")


@dataclass(slots=True)
class ChainDriver:
    """One queue in which everything waits for everything, with a window that grows and halves."""

    world: World
    slots: int
    window: int = 20
    items: dict[ItemId, ItemView] = field(default_factory=dict[ItemId, ItemView])
    size: int = 0
    head: Commit = START
    waiting: deque[ItemId] = field(default_factory=deque[ItemId])
    """Items whose build waits for a slot."""
    runs: dict[ItemId, Run] = field(default_factory=dict[ItemId, Run])
    landed: set[ItemId] = field(default_factory=set[ItemId])
    nodes: int = 0

    def run(self) -> Result:
        """From the first arrival to the last verdict. RuntimeError when the planner stalls."""
        begun = clock.perf_counter()
        audit = Audit(self.world)
        machine = Machine(self.world, audit, random.Random(0), self.slots)
        result = Result("chain", usage=machine.usage)
        self.size = self.window
        arrivals, at, now = self.world.arrivals, 0, 0.0
        while at < len(arrivals) or machine.running or self.items:
            end = machine.next_end()
            if at < len(arrivals) and (end is None or arrivals[at].time <= end):
                now = arrivals[at].time
                id = ItemId(arrivals[at].number)
                self.items[id] = ItemView(id, ChangeNumber(id), MAIN, id)
                at += 1
            elif end is not None:
                now = end
                self._ended(machine.finish())
            else:
                raise RuntimeError(f"chain: {len(self.items)} changes wait for nothing")
            self._settle(now, machine, audit, result)
        result.builds, result.landed = machine.begun, list(audit.landed)
        result.untested, result.broken = audit.untested, audit.broken
        result.seconds = clock.perf_counter() - begun
        return result

    def _settle(self, now: float, machine: Machine, audit: Audit, result: Result) -> None:
        while True:
            made = plan(
                Snapshot(
                    "simulated",
                    QueueState.ACTIVE,
                    Window(self.size, 3, 20),
                    {MAIN: self.head},
                    tuple(self.items.values()),
                    frozenset(self.landed),
                )
            )
            for command in made.commands:
                self._do(command, now, machine, audit, result)
            self._start(now, machine)
            if not made.commands:
                return

    def _do(
        self, command: Command, now: float, machine: Machine, audit: Audit, result: Result
    ) -> None:
        match command:
            case Speculate(item, assumed, before):
                self.nodes += 1
                after = {MAIN: Commit(f"{before[MAIN]}+{item}")}
                node = NodeView(NodeId(self.nodes), NodeState.MERGED, assumed, before, after)
                self.items[item] = replace(self.items[item], node=node)
            case StartBuild(item):
                self._mark(item, NodeState.BUILDING)
                self.waiting.append(item)
            case Drop(item):
                self._stop(item, now, machine)
                self.items[item] = replace(self.items[item], node=None)
            case Eject(item) | Withdraw(item):
                self._stop(item, now, machine)
                self._decide(item, now, result)
                if isinstance(command, Eject) and command.window is not None:
                    self.size = command.window
            case Land(item):
                node = self.items[item].node
                assert node is not None
                audit.land((item,))
                self.head = node.after[MAIN]
                self.size = command.window
                self.landed.add(item)
                self._decide(item, now, result)

    def _start(self, now: float, machine: Machine) -> None:
        while self.waiting and machine.free:
            item = self.waiting.popleft()
            node = self.items[item].node
            if node is not None:
                ahead = [i for i in node.assumed if i in self.items]
                self.runs[item] = machine.begin(now, (item,), ahead)

    def _ended(self, run: Run) -> None:
        item = ItemId(run.members[0])
        self.runs.pop(item, None)
        self._mark(item, NodeState.PASSED if run.passes else NodeState.FAILED)

    def _mark(self, item: ItemId, state: NodeState) -> None:
        node = self.items[item].node
        assert node is not None
        self.items[item] = replace(self.items[item], node=replace(node, state=state))

    def _stop(self, item: ItemId, now: float, machine: Machine) -> None:
        if item in self.waiting:
            self.waiting.remove(item)
        run = self.runs.pop(item, None)
        if run is not None:
            machine.cancel(now, run.number)

    def _decide(self, item: ItemId, now: float, result: Result) -> None:
        del self.items[item]
        result.decided[item] = now - self.world.arrivals[item - 1].time
