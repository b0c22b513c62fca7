"""Simulated machines: jobs take their time, and end as what is really in their tree says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from headgate.gate.simulate.machine import PER_MEMBER
from headgate.gate.simulate.service.areas import area_of, directory
from headgate.gate.simulate.service.ground import Looker
from headgate.gate.simulate.world import World
from headgate.jobs.dispatch.interface import Fate, RunRequest, RunResult
from headgate.model.event import Event
from headgate.model.ids import JobRunId
from headgate.model.job import RunState


def red(world: World, present: frozenset[int]) -> str:
    """Why an area fails in which these changes are, by the truth of the world; empty: it passes."""
    for number in sorted(present):
        if number and not world.arrivals[number - 1].sound:
            return f"change {number} fails"
        for other in sorted(world.overlaps.get(number, frozenset[int]()) & present):
            if other < number and world.clash(number, other):
                return f"changes {other} and {number} fail together"
    return ""


def present(names: frozenset[str]) -> frozenset[int]:
    """The changes whose files are in an area."""
    return frozenset(int(name) for name in names if name.isdigit())


@dataclass(slots=True)
class _Build:
    members: tuple[int, ...] = ()
    """Changes that are tested; none: the bare branch is asked."""
    running: int = 0


@dataclass(slots=True)
class Machines:
    """Runs the jobs of one simulation; sees of the service only its events and its requests."""

    world: World
    clock: Callable[[], float]
    begun: int = 0
    """Builds of which a job has run."""
    passed: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    """Area and the tree in which its job has passed."""
    usage: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """(time, builds that run) at each change."""
    numbers: dict[object, int] = field(default_factory=dict[object, int])
    """Number of a change in the service → its number in the world."""
    looker: Looker | None = None
    _builds: dict[object, _Build] = field(default_factory=dict[object, _Build])
    _build_of: dict[JobRunId, _Build] = field(default_factory=dict[JobRunId, _Build])
    _using: int = 0

    @property
    def slots(self) -> int:
        """See Dispatcher: the queue decides how many builds run; their jobs run side by side."""
        return 1 << 20

    def watch(self, events: Sequence[Event]) -> None:
        """Learn which changes a build is about, as a runner would be told."""
        for event in events:
            data = event.data
            if event.kind == "build.started":
                build = self._builds.setdefault(data["build"], _Build())
                number = self.numbers[data["change"]]
                build.members = (*build.members, number)
            elif event.kind == "job.created":
                build = self._builds.setdefault(data["build"], _Build())
                self._build_of[JobRunId(int(str(data["run"])))] = build

    async def run(self, request: RunRequest, on_start: Callable[[float], None]) -> RunResult:
        """See Dispatcher."""
        area = area_of(request.job.name)
        assert self.looker is not None
        where = f"{request.checkouts[0].commit}:{directory(area)}"
        tree, names = self.looker.names(where)
        there = present(names)
        build = self._build_of[request.run]
        started = self.clock()
        on_start(started)
        self._occupy(build, 1)
        try:
            await asyncio.sleep(self._lasts(build, there))
        finally:
            self._occupy(build, -1)
        why = red(self.world, there)
        if why:
            reason = f"{why}; run ended with exit code 1"
            return RunResult(RunState.FAILED, 1, reason, started, self.clock())
        self.passed.add((area, tree))
        return RunResult(RunState.PASSED, 0, "", started, self.clock())

    def _lasts(self, build: _Build, there: frozenset[int]) -> float:
        """Seconds: as long as the slowest of the changes that are tested and concern the job."""
        about = [n for n in build.members if n in there] or [max(there, default=0)]
        arrivals = self.world.arrivals
        seconds = max(arrivals[n - 1].duration if n else self.typical for n in about)
        return seconds * (1.0 + PER_MEMBER * max(0, len(build.members) - 1))

    @property
    def typical(self) -> float:
        """Seconds that a job takes that is about no change of the world."""
        durations = sorted(one.duration for one in self.world.arrivals)
        return durations[len(durations) // 2]

    def _occupy(self, build: _Build, step: int) -> None:
        before = build.running
        build.running += step
        if before == 0 and step > 0:
            self.begun += 1
        if (before == 0) != (build.running == 0):
            self._using += 1 if before == 0 else -1
            self.usage.append((self.clock(), self._using))

    async def settle(self, runs: Sequence[JobRunId], fate: Fate) -> None:
        """See Dispatcher: nothing is kept."""

    async def close(self) -> None:
        """See Dispatcher: nothing is left."""
