"""Drives a planner of lanes through simulated time, event by event, as the queue service does."""

from __future__ import annotations

import random
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from headgate.gate.lanes.evidence import Memory, bear_witness
from headgate.gate.lanes.planner import plan as production
from headgate.gate.lanes.steps import Admit, Begin, Cancel, Plan, Reject
from headgate.gate.lanes.view import Entry, Settings, Trial, TrialState, View, Witness
from headgate.gate.simulate.audit import Audit
from headgate.gate.simulate.machine import Machine, Run
from headgate.gate.simulate.result import Result
from headgate.gate.simulate.world import World
from headgate.model.ids import ChangeNumber, ItemId, NodeId

Planner = Callable[[View, Memory], Plan]
Chances = Callable[[int], float]


@dataclass(slots=True)
class Driver:
    """One run of one planner."""

    name: str
    world: World
    settings: Settings
    chance: Chances
    """Change → predicted probability that it passes."""
    learn: Callable[[int, bool], None]
    planner: Planner = production
    seed: int = 0
    entries: dict[int, Entry] = field(default_factory=dict[int, Entry])
    trials: dict[int, Trial] = field(default_factory=dict[int, Trial])
    landed: dict[ItemId, int] = field(default_factory=dict[ItemId, int])
    witnesses: dict[ItemId, tuple[Witness, ...]] = field(
        default_factory=dict[ItemId, tuple[Witness, ...]]
    )
    memory: Memory = field(default_factory=Memory)
    plans: list[float] = field(default_factory=list[float])
    """Real seconds that each plan took."""

    def run(self) -> Result:
        """From the first arrival to the last verdict. RuntimeError when the planner stalls."""
        begun = clock.perf_counter()
        audit = Audit(self.world)
        machine = Machine(self.world, audit, random.Random(self.seed), self.settings.slots)
        result = Result(self.name, usage=machine.usage)
        arrivals = list(self.world.arrivals)
        at = 0
        now = 0.0
        while at < len(arrivals) or machine.running or self.entries:
            end = machine.next_end()
            if at < len(arrivals) and (end is None or arrivals[at].time <= end):
                now = arrivals[at].time
                self._arrive(arrivals[at].number, now)
                at += 1
            elif end is not None:
                now = end
                self._ended(machine.finish())
            elif self.entries:
                raise RuntimeError(f"{self.name}: {len(self.entries)} changes wait for nothing")
            self._settle(now, machine, audit, result)
        result.builds, result.landed = machine.begun, list(audit.landed)
        result.untested, result.broken = audit.untested, audit.broken
        result.seconds = clock.perf_counter() - begun
        return result

    def view(self, now: float) -> View:
        """The queue as the planner sees it."""
        return View(
            now,
            tuple(self.entries.values()),
            tuple(self.trials.values()),
            self.settings,
            self.landed,
            self.witnesses,
        )

    def _arrive(self, number: int, now: float) -> None:
        arrival = self.world.arrivals[number - 1]
        id = ItemId(number)
        near = self.world.overlaps[number] & self.entries.keys()
        for other in near:
            entry = self.entries[other]
            self.entries[other] = replace(entry, conflicts=entry.conflicts | {id})
        self.entries[number] = Entry(
            id,
            ChangeNumber(number),
            number,
            now,
            frozenset(ItemId(n) for n in near),
            self.chance(number),
            arrival.estimate,
        )

    def _ended(self, run: Run) -> None:
        trial = self.trials[run.number]
        if run.passes:
            self.trials[run.number] = replace(trial, state=TrialState.PASSED)
            return
        culprits = frozenset(ItemId(m) for m in run.failing) if run.attributed else None
        self.trials[run.number] = replace(trial, state=TrialState.FAILED, culprits=culprits)
        if culprits is None:
            for member in run.members:
                if member in self.entries:
                    most = max(1, len(run.members) // 2)
                    self.entries[member] = replace(self.entries[member], most=most)

    def _settle(self, now: float, machine: Machine, audit: Audit, result: Result) -> None:
        memory = self.memory
        while True:
            began = clock.perf_counter()
            made = self.planner(self.view(now), memory)
            self.plans.append(clock.perf_counter() - began)
            for id in made.refuted:
                self.trials.pop(id, None)
            if not made.steps:
                return
            for step in made.steps:
                match step:
                    case Begin():
                        run = machine.begin(now, step.members, step.assumed)
                        self.trials[run.number] = Trial(
                            NodeId(run.number),
                            step.members,
                            step.assumed,
                            len(audit.landed),
                            TrialState.RUNNING,
                            now,
                            run.expected,
                        )
                    case Cancel():
                        machine.cancel(now, step.trial)
                        self.trials.pop(step.trial, None)
                    case Admit():
                        self._land(step, audit, result, now)
                    case Reject():
                        self._decide(step.item, now, result, passed=False)
            if not any(isinstance(step, Admit | Reject) for step in made.steps):
                return  # What was begun takes its slots; only a verdict makes new room to plan.

    def _land(self, step: Admit, audit: Audit, result: Result, now: float) -> None:
        for other, borne in bear_witness(step.items, self.view(now)).items():
            self.witnesses[other] = (*self.witnesses.get(other, ()), *borne)
        audit.land(step.items)
        for item in step.items:
            self.landed[item] = len(audit.landed)
            self._decide(item, now, result, passed=True)

    def _decide(self, item: ItemId, now: float, result: Result, *, passed: bool) -> None:
        del self.entries[item]
        self.witnesses.pop(item, None)
        for id in [t.id for t in self.trials.values() if not self._lives(t)]:
            if self.trials[id].state is not TrialState.RUNNING:
                del self.trials[id]
        result.decided[item] = now - self.world.arrivals[item - 1].time
        self.learn(item, passed)

    def _lives(self, trial: Trial) -> bool:
        return any(member in self.entries for member in trial.members)
