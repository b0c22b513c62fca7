"""Machines whose jobs end when a script says so, and a program that can die at any transaction."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headgate.jobs.dispatch.interface import Fate, RunRequest, RunResult
from headgate.model.event import Event
from headgate.model.ids import JobRunId
from headgate.model.job import RunState
from headgate.store.database import Database, Transaction

if TYPE_CHECKING:
    from service_world import Story


@dataclass(eq=False)
class Running:
    request: RunRequest
    outcome: asyncio.Future[RunState]
    area: int
    tree: str
    tokens: frozenset[int]


class Hands:
    """Machines whose jobs end when they are told to."""

    slots = 100

    def __init__(self, story: Story) -> None:
        self._story = story
        self.running: list[Running] = []

    async def run(self, request: RunRequest, on_start: Callable[[float], None]) -> RunResult:
        story = self._story
        area = int(request.job.name.removeprefix("area"))
        tree, tokens = story.content(request.checkouts[0].commit, area)
        outcome = asyncio.get_running_loop().create_future()
        started = story.now()
        on_start(started)
        one = Running(request, outcome, area, tree, tokens)
        self.running.append(one)
        try:
            state = await outcome
        finally:
            self.running.remove(one)
        if state is RunState.INFRASTRUCTURE:
            return RunResult(state, None, "The machine is gone.", started, story.now())
        if story.red(area, tokens):
            return RunResult(RunState.FAILED, 1, "run ended with exit code 1", started, story.now())
        story.passed.add((area, tree))
        return RunResult(RunState.PASSED, 0, "", started, story.now())

    def end(self, which: int, state: RunState = RunState.PASSED) -> None:
        ready = [one for one in self.running if not one.outcome.done()]
        if ready:
            ready[which % len(ready)].outcome.set_result(state)

    async def settle(self, runs: Sequence[JobRunId], fate: Fate) -> None:
        pass

    async def close(self) -> None:
        pass


class Killed(BaseException):
    """Nothing is done any more: no handler of errors may go on after it."""


class Mortal:
    """The database, for as long as the program lives."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.left = 1 << 60
        """Transactions until it dies."""
        self.before = False
        self.dead = False
        self._ends: list[Callable[[], None]] = []

    def _live(self) -> None:
        if self.dead:
            raise Killed

    @contextlib.contextmanager
    def read(self) -> Generator[Transaction]:
        self._live()
        with self._db.read() as tx:
            yield tx

    @contextlib.contextmanager
    def write(self) -> Generator[Transaction]:
        self._live()
        self.left -= 1
        with self._db.write() as tx:
            yield tx
            if self.left <= 0 and self.before:
                self.die()
                raise Killed
        if self.left <= 0:
            self.die()
            raise Killed

    def subscribe(self, callback: Callable[[tuple[Event, ...]], None]) -> Callable[[], None]:
        end = self._db.subscribe(callback)
        self._ends.append(end)
        return end

    def die(self) -> None:
        self.dead = True
        for end in self._ends:
            end()
