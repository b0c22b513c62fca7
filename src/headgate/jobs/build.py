"""The jobs of one future, in the order of their needs, until it is decided."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from headgate.jobs.dispatch.interface import Dispatcher, Retry, RunRequest, RunResult
from headgate.model.ids import JobRunId
from headgate.model.job import BuildState, JobDefinition, RunState

INFRASTRUCTURE_TRIES = 3
"""How often a job is run again in all when it was not the job that failed."""

RequestFor = Callable[[JobRunId, int], RunRequest]
"""(run, attempt) → what to dispatch."""

_TRY_AGAIN = frozenset({RunState.FAILED, RunState.TIMED_OUT})
_NOBODYS_FAULT = frozenset({RunState.INFRASTRUCTURE, RunState.LOST})


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One job of a build."""

    project: str
    job: JobDefinition
    request_for: RequestFor


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
    """One sentence naming the job that decided; empty when it passed."""


@dataclass(slots=True)
class _Progress:
    plan: BuildPlan
    dispatcher: Dispatcher
    sink: RunSink
    clock: Callable[[], float]
    ended: dict[tuple[str, str], RunState] = field(default_factory=dict[tuple[str, str], RunState])


async def run_build(
    plan: BuildPlan,
    dispatcher: Dispatcher,
    sink: RunSink,
    clock: Callable[[], float] = time.time,
) -> BuildResult:
    """Run every job whose needs have passed, as many at once as the dispatcher takes.

    The first voting job that fails for good decides, and the rest is cancelled. A voting job that
    could not be run makes the build `infrastructure` unless another one fails. Jobs that do not
    vote decide nothing, but jobs that need them are skipped when they fail; a voting job that is
    skipped for that reason fails the build. When this is cancelled, all runs are, and each is
    told to the sink before CancelledError is raised. ValueError for needs that cannot be met.
    """
    progress = _Progress(plan, dispatcher, sink, clock)
    waiting = {(planned.project, planned.job.name): planned for planned in plan.jobs}
    _check(waiting)
    tasks: dict[asyncio.Task[RunResult], PlannedJob] = {}
    trouble: BuildResult | None = None
    failure: BuildResult | None = None
    try:
        while waiting or tasks:
            for verdict in _skip(progress, waiting):
                if verdict.state is BuildState.FAILED:
                    failure = failure or verdict
                else:
                    trouble = trouble or verdict
            if failure is not None:
                break
            for key, planned in list(waiting.items()):
                if all(
                    progress.ended.get((planned.project, need)) is RunState.PASSED
                    for need in planned.job.needs
                ):
                    del waiting[key]
                    tasks[asyncio.create_task(_run_job(planned, progress))] = planned
            if not tasks:
                continue
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                planned = tasks.pop(task)
                result = task.result()
                progress.ended[planned.project, planned.job.name] = result.state
                verdict = _judge(planned, result)
                if verdict is None:
                    continue
                if verdict.state is BuildState.FAILED:
                    failure = failure or verdict
                else:
                    trouble = trouble or verdict
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await _all_gone(set(tasks))
    return failure or trouble or BuildResult(BuildState.PASSED, "")


def _check(jobs: Mapping[tuple[str, str], PlannedJob]) -> None:
    reached: set[tuple[str, str]] = set()
    while True:
        more = {
            key
            for key, planned in jobs.items()
            if key not in reached
            and all((planned.project, need) in reached for need in planned.job.needs)
        }
        if not more:
            break
        reached |= more
    stuck = sorted(f"{project}/{job}" for project, job in jobs.keys() - reached)
    if stuck:
        raise ValueError(f"the needs of {', '.join(stuck)} cannot be met in this build")


def _skip(progress: _Progress, waiting: dict[tuple[str, str], PlannedJob]) -> list[BuildResult]:
    """Skip what can no longer run; returns what each voting one decides."""
    decided: list[BuildResult] = []
    skipped = True
    while skipped:
        skipped = False
        for key, planned in list(waiting.items()):
            ended = {
                need: progress.ended.get((planned.project, need)) for need in planned.job.needs
            }
            missing = [
                need for need, state in ended.items() if state not in (None, RunState.PASSED)
            ]
            if not missing:
                continue
            del waiting[key]
            skipped = True
            progress.ended[key] = RunState.SKIPPED
            cause = ended[missing[0]]
            assert cause is not None
            reason = f"Job {missing[0]}, which it needs, ended as {cause.value}."
            run = progress.sink.created(planned.project, planned.job.name, 1, planned.job.voting)
            progress.sink.finished(
                run, RunResult(RunState.SKIPPED, None, reason, None, progress.clock())
            )
            if planned.job.voting:
                # A voting job that never ran is no reason to land, whoever is to blame.
                state = (
                    BuildState.INFRASTRUCTURE
                    if _traces_to_trouble(planned, progress)
                    else BuildState.FAILED
                )
                decided.append(BuildResult(state, f"{_name(planned)} was skipped: {reason}"))
    return decided


def _traces_to_trouble(planned: PlannedJob, progress: _Progress) -> bool:
    """Whether a skip goes back to a job that could not be run: never the change's fault."""
    definitions = {(p.project, p.job.name): p for p in progress.plan.jobs}
    look = [(planned.project, need) for need in planned.job.needs]
    while look:
        key = look.pop()
        state = progress.ended.get(key)
        if state in _NOBODYS_FAULT:
            return True
        if state is RunState.SKIPPED:
            look += [(key[0], need) for need in definitions[key].job.needs]
    return False


async def _run_job(planned: PlannedJob, progress: _Progress) -> RunResult:
    """All attempts of one job; returns the last result."""
    attempt = 0
    failures = 0
    troubles = 0
    while True:
        attempt += 1
        result = await _run_once(planned, attempt, progress)
        if result.state in _TRY_AGAIN:
            failures += 1
            if failures >= planned.job.attempts or result.retry is Retry.USELESS:
                return result
        elif result.state in _NOBODYS_FAULT:
            troubles += 1
            if troubles >= INFRASTRUCTURE_TRIES or result.retry is Retry.USELESS:
                return result
        else:
            return result


async def _run_once(planned: PlannedJob, attempt: int, progress: _Progress) -> RunResult:
    sink = progress.sink
    run = sink.created(planned.project, planned.job.name, attempt, planned.job.voting)
    started: float | None = None

    def on_start(at: float) -> None:
        nonlocal started
        started = at
        sink.started(run, at)

    try:
        result = await progress.dispatcher.run(planned.request_for(run, attempt), on_start)
    except asyncio.CancelledError:
        reason = "The outcome of the build no longer depends on it."
        sink.finished(run, RunResult(RunState.CANCELLED, None, reason, started, progress.clock()))
        raise
    sink.finished(run, result)
    return result


def _judge(planned: PlannedJob, result: RunResult) -> BuildResult | None:
    if not planned.job.voting or result.state is RunState.PASSED:
        return None
    reason = f"{_name(planned)} {_ENDED.get(result.state, result.state.value)}: {result.reason}"
    if result.state in _NOBODYS_FAULT:
        return BuildResult(BuildState.INFRASTRUCTURE, reason)
    return BuildResult(BuildState.FAILED, reason)


_ENDED = {RunState.INFRASTRUCTURE: "could not be run", RunState.LOST: "was lost"}


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
