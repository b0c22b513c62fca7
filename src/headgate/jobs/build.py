"""The jobs of one future, in the order in which they wait for each other, until it is decided."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

from headgate.jobs.dispatch.interface import (
    Dispatcher,
    Phase,
    Retry,
    Returned,
    RunRequest,
    RunResult,
)
from headgate.jobs.graph import Blame, Graph, Skip
from headgate.jobs.results import Visible
from headgate.jobs.select import JobKey
from headgate.jobs.semaphores import Semaphores
from headgate.model.ids import JobRunId
from headgate.model.job import BuildState, JobDefinition, RunState

INFRASTRUCTURE_TRIES = 3
"""How often a job is run again in all when it was not the job that failed."""

MOST_DATA = 1 << 20
"""Bytes of JSON that the jobs of one build may return in all: each is kept until the build ends,
and laid out for every job that needs it."""

_SHOWN_FAILURES = 5

RequestFor = Callable[[JobRunId, int], RunRequest]
"""(run, attempt) → what to dispatch."""

Provided = Mapping[str, tuple[Path, ...]]
"""Name of an artifact → directories of artifacts of the runs that provide it."""

_TRY_AGAIN = frozenset({RunState.FAILED, RunState.TIMED_OUT})
_NOBODYS_FAULT = frozenset({RunState.INFRASTRUCTURE, RunState.LOST})


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job of a build."""

    project: str
    job: JobDefinition
    request_for: RequestFor
    elsewhere: Callable[[tuple[str, ...]], Awaitable[Provided]] | None = None
    """Waits for what builds ahead provide of the artifacts of these names, and tells where."""
    visible: Callable[[], Awaitable[Visible]] | None = None
    """What the job is shown, for `result_key`, but for data and artifacts of jobs before it."""

    @property
    def key(self) -> JobKey:
        return self.project, self.job.name


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """All jobs of a build; needs refer to jobs of the same project."""

    jobs: tuple[PlannedJob, ...]


class RunSink(Protocol):
    """Who is told what becomes of each run; called in the event loop, must not block."""

    def created(self, project: str, job: str, attempt: int, voting: bool) -> JobRunId: ...

    def started(self, run: JobRunId, at: float) -> None: ...

    def finished(self, run: JobRunId, result: RunResult) -> None: ...


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What became of a build."""

    state: BuildState
    reason: str
    """One sentence naming the job that decided, and one for each other failure; empty when it
    passed."""


async def run_build(
    plan: BuildPlan,
    dispatcher: Dispatcher,
    sink: RunSink,
    clock: Callable[[], float] = time.time,
    semaphores: Semaphores | None = None,
) -> BuildResult:
    """Run every job once what it waits for has ended, as many at once as the dispatcher takes.

    The first voting job that fails for good decides, and the rest is cancelled, unless the job
    says otherwise (`fail_fast`). A voting job that could not be run makes the build
    `infrastructure` unless another one fails. Jobs that do not vote decide nothing, but jobs that
    need them are skipped when they fail; a voting job that is skipped for that reason fails the
    build, one that was not chosen to follow does not. `semaphores` are those of the whole server;
    without any, the build has its own. When this is cancelled, all runs are, and each is told to
    the sink before CancelledError is raised. ValueError for needs that cannot be met.
    """
    return await _Build(plan, dispatcher, sink, clock, semaphores or Semaphores()).run()


class _Build:
    """One build under way."""

    def __init__(
        self,
        plan: BuildPlan,
        dispatcher: Dispatcher,
        sink: RunSink,
        clock: Callable[[], float],
        semaphores: Semaphores,
    ) -> None:
        self._dispatcher = dispatcher
        self._sink = sink
        self._clock = clock
        self._semaphores = semaphores
        self._jobs = {planned.key: planned for planned in plan.jobs}
        self._graph = Graph({key: planned.job for key, planned in self._jobs.items()})
        self._tasks: dict[asyncio.Task[RunResult], PlannedJob] = {}
        self._failures: list[str] = []
        self._trouble = ""
        self._over = False
        """Whether nothing more is started."""
        self._paused = asyncio.Event()
        """Set when a job pauses: others may start."""
        self._followed: dict[JobKey, asyncio.Event] = {}
        """Of paused jobs: set when every job that needs them has ended."""
        self._data: dict[JobKey, Mapping[str, object]] = {}
        self._data_size = 0
        """Bytes of JSON that jobs have returned."""
        self._artifacts: dict[JobKey, Path] = {}
        self._elsewhere: dict[JobKey, Provided] = {}

    async def run(self) -> BuildResult:
        try:
            while self._graph.waiting or self._tasks:
                self._skip()
                self._end_pauses()
                if self._over:
                    break
                for key in self._graph.ready():
                    self._graph.begin(key)
                    planned = self._jobs[key]
                    self._tasks[asyncio.create_task(self._job(planned))] = planned
                if self._tasks:
                    await self._next()
                elif self._graph.waiting:
                    stuck = ", ".join("/".join(key) for key in self._graph.waiting)
                    raise RuntimeError(f"{stuck} can neither run nor be skipped")
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await _all_gone(set(self._tasks))
        if self._failures:
            return BuildResult(BuildState.FAILED, _all_told(self._failures))
        if self._trouble:
            return BuildResult(BuildState.INFRASTRUCTURE, self._trouble)
        return BuildResult(BuildState.PASSED, "")

    async def _next(self) -> None:
        """Wait until something ends or pauses, and take note of what ended."""
        paused = asyncio.ensure_future(self._paused.wait())
        try:
            await asyncio.wait({paused, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            paused.cancel()
        self._paused.clear()
        for task in [task for task in self._tasks if task.done()]:
            planned = self._tasks.pop(task)
            result = task.result()
            self._graph.end(planned.key, result.state)
            self._judge(planned, result)

    def _judge(self, planned: PlannedJob, result: RunResult) -> None:
        if not planned.job.voting or result.state is RunState.PASSED:
            return
        reason = f"{_name(planned)} {_ENDED.get(result.state, result.state.value)}: {result.reason}"
        if result.state in _NOBODYS_FAULT:
            self._trouble = self._trouble or reason
            return
        self._failures.append(reason)
        self._over = self._over or planned.job.fail_fast

    def _skip(self) -> None:
        for skip in self._graph.skips():
            planned = self._jobs[skip.key]
            run = self._sink.created(planned.project, planned.job.name, 1, planned.job.voting)
            self._sink.finished(
                run, RunResult(RunState.SKIPPED, None, skip.reason, None, self._clock())
            )
            if planned.job.voting:
                self._judge_skip(planned, skip)

    def _judge_skip(self, planned: PlannedJob, skip: Skip) -> None:
        # A voting job that never ran is no reason to land, whoever is to blame.
        reason = f"{_name(planned)} was skipped: {skip.reason}"
        if skip.blame is Blame.COULD_NOT_RUN:
            self._trouble = self._trouble or reason
        elif skip.blame is Blame.FAILED:
            self._failures.append(reason)
            self._over = self._over or planned.job.fail_fast

    # -- one job -------------------------------------------------------------------------------

    async def _job(self, planned: PlannedJob) -> RunResult:
        """All attempts of one job; returns the last result."""
        job = planned.job
        missing = tuple(name for name in job.requires if not self._graph.makers(name, planned.key))
        if missing and planned.elsewhere is not None:
            self._elsewhere[planned.key] = await planned.elsewhere(missing)
        attempt = failures = unready = troubles = 0
        while True:
            attempt += 1
            result = await self._attempt(planned, attempt)
            if self._graph.paused(planned.key):
                return result  # Others have gone on from what it was.
            if result.retry is Retry.USELESS:
                return result
            if result.state in _TRY_AGAIN and result.phase is Phase.PRE:
                unready += 1
                if unready >= max(job.attempts, INFRASTRUCTURE_TRIES):
                    return result
            elif result.state in _TRY_AGAIN:
                failures += 1
                if failures >= job.attempts:
                    return result
            elif result.state in _NOBODYS_FAULT:
                troubles += 1
                if troubles >= INFRASTRUCTURE_TRIES:
                    return result
            else:
                return result

    async def _attempt(self, planned: PlannedJob, attempt: int) -> RunResult:
        sink, job = self._sink, planned.job
        run = sink.created(planned.project, job.name, attempt, job.voting)
        request = self._request(planned, planned.request_for(run, attempt))
        started: float | None = None

        def on_start(at: float) -> None:
            nonlocal started
            started = at
            sink.started(run, at)

        holding = False

        async def hold() -> None:
            nonlocal holding
            await self._semaphores.take(job.semaphores, request.priority)
            holding = True

        def let_go() -> None:
            nonlocal holding
            if holding:
                holding = False
                self._semaphores.give(job.semaphores)

        async def pause(returned: Returned) -> str:
            why = self._take(planned, returned, request)
            if not why:
                # Nobody waits while holding anything: that is why nobody waits for ever.
                let_go()
                self._graph.pause(planned.key)
                self._paused.set()
                await self._followed.setdefault(planned.key, asyncio.Event()).wait()
                await hold()
            return why

        if job.pause:
            request = replace(request, pause=pause)
        try:
            await hold()
            result = await self._dispatcher.run(request, on_start)
        except asyncio.CancelledError:
            reason = "The outcome of the build no longer depends on it."
            sink.finished(run, RunResult(RunState.CANCELLED, None, reason, started, self._clock()))
            raise
        finally:
            let_go()
        if result.state is RunState.PASSED:
            paused = self._graph.paused(planned.key)
            why = "" if paused else self._take(planned, result.returned, request)
            if why:
                reason = f"{why[:1].upper()}{why[1:]}."
                result = replace(result, state=RunState.FAILED, reason=reason, retry=Retry.USELESS)
            else:
                result = replace(result, provides=job.provides)
        sink.finished(run, result)
        return result

    def _request(self, planned: PlannedJob, request: RunRequest) -> RunRequest:
        """With what jobs before it in this build left for it."""
        job = planned.job
        if job.needs:
            data: Mapping[str, object] = {}
            for need in job.needs:
                data = _merged(data, self._data.get((planned.project, need), {}))
            request = replace(request, data=data)
        required = {**request.required, **self._elsewhere.get(planned.key, {})}
        for name in job.requires:
            made = [self._artifacts[k] for k in self._graph.makers(name, planned.key)]
            if made:
                required[name] = tuple(made)
        if required != dict(request.required):
            request = replace(request, required=required)
        return request

    def _take(self, planned: PlannedJob, returned: Returned, request: RunRequest) -> str:
        """Note what a job returned that has passed, or pauses. Returns why that cannot be."""
        size = len(json.dumps(returned.data, separators=(",", ":"))) if returned.data else 0
        if self._data_size + size > MOST_DATA:
            return (
                f"its data ({size} bytes as JSON) and what other jobs of this build have returned "
                f"come to more than {MOST_DATA >> 20} MiB"
            )
        if returned.children is not None and (
            why := self._graph.choose(planned.key, returned.children)
        ):
            return why
        self._data_size += size
        self._data[planned.key] = _merged(request.data or {}, returned.data)
        self._artifacts[planned.key] = request.artifacts
        return ""

    def _end_pauses(self) -> None:
        for key, followed in self._followed.items():
            if self._graph.over(self._graph.followers(key)):
                followed.set()


_ENDED = {RunState.INFRASTRUCTURE: "could not be run", RunState.LOST: "was lost"}


def _merged(below: Mapping[str, object], over: Mapping[str, object]) -> Mapping[str, object]:
    """Tables are laid over each other, everything else is replaced."""
    if not below or not over:
        return below or over  # What many jobs hand on is kept only once.
    found = dict(below)
    for key, value in over.items():
        before = found.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[key] = _merged(
                cast("Mapping[str, object]", before), cast("Mapping[str, object]", value)
            )
        else:
            found[key] = value
    return found


def _all_told(failures: list[str]) -> str:
    shown = failures[:_SHOWN_FAILURES]
    more = len(failures) - len(shown)
    text = " ".join((shown[0], *(f"Also: {other}" for other in shown[1:])))
    return f"{text} And {more} more." if more else text


def _name(planned: PlannedJob) -> str:
    return f"Job {planned.job.name} of {planned.project}"


async def _all_gone(tasks: set[asyncio.Task[RunResult]]) -> None:
    """Wait for cancelled runs to end even while being cancelled again."""
    cancelled = False
    while pending := {task for task in tasks if not task.done()}:
        try:
            await asyncio.wait(pending)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
