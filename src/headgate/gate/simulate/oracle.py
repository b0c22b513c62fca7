"""The policies that need no planner: the oracle, and one at a time."""

from __future__ import annotations

import heapq
import random
import time as clock

from headgate.gate.simulate.audit import Audit
from headgate.gate.simulate.machine import Machine
from headgate.gate.simulate.result import Result
from headgate.gate.simulate.world import World


def truth(world: World) -> dict[int, bool]:
    """Which changes land when all are taken in order of arrival."""
    lands: dict[int, bool] = {}
    for one in world.arrivals:
        lands[one.number] = one.sound and not any(
            lands.get(other, False) and world.clash(one.number, other)
            for other in world.overlaps[one.number]
            if other < one.number
        )
    return lands


def oracle(world: World, slots: int) -> Result:
    """Knows every outcome beforehand: builds each change once, first come first served, in the
    future that will come, and decides when that build has ended and all that land before it and
    can affect it have landed."""
    begun = clock.perf_counter()
    lands = truth(world)
    result = Result("oracle")
    free = [0.0] * slots
    decided: dict[int, float] = {}
    ends: list[tuple[float, int]] = []
    for one in world.arrivals:
        start = max(one.time, heapq.heappop(free))
        end = start + one.duration
        heapq.heappush(free, end)
        ends += [(start, 1), (end, -1)]
        before = (
            decided[other]
            for other in world.overlaps[one.number]
            if other < one.number and lands[other]
        )
        decided[one.number] = max(end, max(before, default=0.0))
        result.decided[one.number] = decided[one.number] - one.time
    used = 0
    for at, step in sorted(ends):
        used += step
        result.usage.append((at, used))
    result.builds = len(world.arrivals)
    result.landed = [number for number, landed in lands.items() if landed]
    result.seconds = clock.perf_counter() - begun
    return result


def single(world: World, slots: int) -> Result:
    """One change at a time, on the branch as it is."""
    begun = clock.perf_counter()
    audit = Audit(world)
    machine = Machine(world, audit, random.Random(0), slots)
    result = Result("single", usage=machine.usage)
    now = 0.0
    for one in world.arrivals:
        now = max(now, one.time)
        run = machine.begin(now, (one.number,), ())
        now = run.ends
        machine.finish()
        if run.passes:
            audit.land((one.number,))
        result.decided[one.number] = now - one.time
    result.builds, result.landed = machine.begun, list(audit.landed)
    result.untested, result.broken = audit.untested, audit.broken
    result.seconds = clock.perf_counter() - begun
    return result
