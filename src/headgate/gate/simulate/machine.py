"""Simulated slots: builds that take their time, and end as the world says."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from headgate.gate.simulate.audit import Audit, States
from headgate.gate.simulate.world import World

ATTRIBUTED = 0.8
"""How often the failure of a fused build can be traced to members."""
PER_MEMBER = 0.1
"""By how much one more member lengthens a fused build, as a share of it."""


@dataclass(slots=True)
class Run:
    """A build under way, or done."""

    number: int
    members: tuple[int, ...]
    states: States
    failing: frozenset[int]
    """Members that fail in this future."""
    attributed: bool
    started: float
    ends: float
    expected: float
    """Seconds that one would guess."""
    cancelled: bool = False

    @property
    def passes(self) -> bool:
        return not self.failing


@dataclass(slots=True)
class Machine:
    """Counts what runs and what it costs."""

    world: World
    audit: Audit
    rng: random.Random
    slots: int
    running: dict[int, Run] = field(default_factory=dict[int, Run])
    begun: int = 0
    busy: float = 0.0
    """Slot seconds used."""
    usage: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """(second, slots in use) at each change."""
    _heap: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    @property
    def free(self) -> int:
        return self.slots - len(self.running)

    def begin(self, now: float, members: Iterable[int], assumed: Iterable[int]) -> Run:
        """Begin a build. ValueError when no slot is free."""
        if self.free <= 0:
            raise ValueError("no slot is free")
        members, assumed = tuple(members), frozenset(assumed)
        arrivals = self.world.arrivals
        failing = self._failing(members, assumed)
        longer = 1.0 + PER_MEMBER * (len(members) - 1)
        lasts = longer * max(arrivals[m - 1].duration for m in members)
        guess = longer * max(arrivals[m - 1].estimate for m in members)
        self.begun += 1
        run = Run(
            self.begun,
            members,
            self.audit.states(members, assumed),
            failing,
            len(members) == 1 or self.rng.random() < ATTRIBUTED,
            now,
            now + lasts,
            guess,
        )
        self.running[run.number] = run
        heapq.heappush(self._heap, (run.ends, run.number))
        self.usage.append((now, len(self.running)))
        return run

    def _failing(self, members: tuple[int, ...], assumed: frozenset[int]) -> frozenset[int]:
        """Members that fail: by themselves, with one that is there, or through one that fails."""
        world, audit = self.world, self.audit
        failing: set[int] = set()
        there: set[int] = set()
        for number in (*sorted(assumed), *members):
            near = world.overlaps[number]
            others = (o for o in near if o in there or audit.present(o))
            if (
                not world.arrivals[number - 1].sound
                or any(world.clash(number, other) for other in others)
                or not near.isdisjoint(failing - set(members))
            ):
                failing.add(number)
            there.add(number)
        return frozenset(failing.intersection(members))

    def cancel(self, now: float, number: int) -> None:
        """Stop a build; nothing when it has ended."""
        run = self.running.pop(number, None)
        if run is not None:
            run.cancelled = True
            self.busy += now - run.started
            self.usage.append((now, len(self.running)))

    def next_end(self) -> float | None:
        """When the next build ends."""
        while self._heap and self._heap[0][1] not in self.running:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def finish(self) -> Run:
        """Take the build that ends next; records what passed in it."""
        ends, number = heapq.heappop(self._heap)
        run = self.running.pop(number)
        self.busy += ends - run.started
        self.usage.append((ends, len(self.running)))
        for member in run.members:
            if not run.failing:
                self.audit.passed(run.states, member)
            elif run.attributed and member not in run.failing:
                alone = not (self.world.overlaps[member] & run.failing)
                if alone:
                    self.audit.passed(run.states, member)
        return run
