"""How long the lanes planner takes to plan anew after one event, in a large queue.

The floor is what it takes to look at every item once: a loop over the same items in the same
process. Run: .venv/bin/python bench/planner.py
"""

from __future__ import annotations

import random
import time
from dataclasses import replace

from headgate.gate.lanes.evidence import Memory
from headgate.gate.lanes.planner import plan
from headgate.gate.lanes.steps import Admit, Begin, Cancel, Reject
from headgate.gate.lanes.view import Entry, Settings, Trial, TrialState, View
from headgate.model.ids import ChangeNumber, ItemId, NodeId

EVENTS = 300
SLOTS = 200


def queue(items: int, conflicts: int) -> dict[ItemId, Entry]:
    """Items with so many pairs of conflicts between them."""
    rng = random.Random(1)
    near: dict[int, set[ItemId]] = {n: set() for n in range(1, items + 1)}
    for _ in range(conflicts):
        a, b = rng.sample(range(1, items + 1), 2)
        near[a].add(ItemId(b))
        near[b].add(ItemId(a))
    return {
        ItemId(n): Entry(
            ItemId(n), ChangeNumber(n), n, float(n), frozenset(near[n]), rng.uniform(0.6, 0.99)
        )
        for n in near
    }


def measure(items: int, conflicts: int) -> None:
    """Let builds end one by one; print the time of the plan after each, in milliseconds."""
    rng = random.Random(2)
    entries = queue(items, conflicts)
    trials: dict[NodeId, Trial] = {}
    landed: dict[ItemId, int] = {}
    settings = Settings(slots=SLOTS)
    memory = Memory()
    now, number = float(items), 0
    times: list[float] = []
    floors: list[float] = []
    for _ in range(EVENTS):
        running = [t for t in trials.values() if t.state is TrialState.RUNNING]
        if running:
            ended = rng.choice(running)
            state = TrialState.PASSED if rng.random() < 0.8 else TrialState.FAILED
            trials[ended.id] = replace(ended, state=state)
        now += 5.0
        while True:
            view = View(
                now, tuple(entries.values()), tuple(trials.values()), settings, dict(landed)
            )
            begun = time.perf_counter()
            made = plan(view, memory)
            times.append((time.perf_counter() - begun) * 1000)
            begun = time.perf_counter()
            sum(1 for entry in view.entries if entry.conflicts)
            floors.append((time.perf_counter() - begun) * 1000)
            for id in made.refuted:
                trials.pop(id, None)
            if not made.steps:
                break
            for step in made.steps:
                match step:
                    case Begin():
                        number += 1
                        trials[NodeId(number)] = Trial(
                            NodeId(number),
                            step.members,
                            step.assumed,
                            len(landed),
                            TrialState.RUNNING,
                            now,
                            600.0,
                        )
                    case Cancel():
                        trials.pop(step.trial, None)
                    case Admit():
                        for item in step.items:
                            landed[item] = len(landed) + 1
                            del entries[item]
                    case Reject():
                        del entries[step.item]
            alive = entries.keys()
            trials = {k: t for k, t in trials.items() if not alive.isdisjoint(t.members)}
    times.sort()
    floors.sort()
    middle, last = times[len(times) // 2], times[len(times) * 99 // 100]
    floor = floors[len(floors) // 2]
    print(
        f"{items:6} items, {conflicts:6} conflicts: p50 {middle:6.1f} ms  p99 {last:6.1f} ms  "
        f"({len(times)} plans, {middle / floor:.0f}x a bare loop over the items)"
    )


if __name__ == "__main__":
    measure(1_000, 5_000)
    measure(10_000, 50_000)
