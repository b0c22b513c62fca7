"""Pipelines at work: one loop, woken by events and by the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from headgate.gate.pipelines import records
from headgate.gate.pipelines.following import CAUSES, Follower
from headgate.gate.pipelines.phases import Signal
from headgate.gate.pipelines.planner import Start, plan
from headgate.gate.pipelines.ports import PipelinePorts
from headgate.gate.pipelines.reader import read_snapshot
from headgate.gate.pipelines.runner import RUN_REFS, Runner
from headgate.gate.pipelines.scope import named
from headgate.model.errors import HeadgateError
from headgate.model.event import Event
from headgate.model.ids import PipelineRunId
from headgate.model.pipeline import PipelineRun, Report, RunPhase
from headgate.model.report import Status, StatusState
from headgate.store.database import Database

log = structlog.get_logger()

LOST = "the server stopped while it was tested; it runs again"

_STIRS = CAUSES | {
    "change.state",
    "change.approved",
    "change.abandoned",
    "approval.voided",
    "verdict.given",
    "item.queued",
    "item.ejected",
    "item.withdrawn",
    "project.added",
}
"""Events after which runs may be caused, begin to matter or cease to."""

_AGAIN = 10.0
"""Seconds until what went wrong is tried again."""

_LONGEST = 3600.0
"""Seconds after which the clock is looked at again: it may have been set."""


class PipelineService:
    """Records what is to run, runs it, and tells what became of it."""

    def __init__(self, db: Database, ports: PipelinePorts) -> None:
        self._db = db
        self._ports = ports
        self._runner = Runner(db, ports, self._poke)
        self._follower = Follower(db, ports)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Take up what an earlier process left: what was being tested is tested again.

        The gate has started, and marked the job runs that were cut off.
        """
        self._loop = asyncio.get_running_loop()
        self._follower.begin()
        with self._db.read() as tx:
            building = [r for r in tx.pipelines.live() if r.phase is RunPhase.BUILDING]
        if building:
            with self._db.write() as tx:
                for run in building:
                    records.move(tx, run.id, Signal.LOSE, LOST)
        await self._mend_refs()
        self._unsubscribe = self._db.subscribe(self._on_events)
        self._task = asyncio.create_task(self._work())
        self._wake.set()

    async def stop(self) -> None:
        """End all work; what was being tested runs again after the next start."""
        self._unsubscribe()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._runner.close()

    def poke(self) -> None:
        """Look now: the clock was set, say."""
        self._poke()

    async def _mend_refs(self) -> None:
        """Nothing is tested right after a start, so no commit is kept for it."""
        with self._db.read() as tx:
            projects = [project.name for project in tx.projects.all()]
        for project in projects:
            repository = self._ports.repository(project)
            for ref, commit in (await repository.refs(RUN_REFS)).items():
                await repository.update_ref(ref, None, commit)

    def _on_events(self, events: Sequence[Event]) -> None:
        if self._loop is not None and any(event.kind in _STIRS for event in events):
            self._loop.call_soon_threadsafe(self._wake.set)

    def _poke(self) -> None:
        self._wake.set()

    async def _work(self) -> None:
        """Until the house stops: wait, look, do. Nothing that goes wrong ends it."""
        pause: float | None = None
        while True:
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                pause = await self._pass()
            except Exception:
                log.exception("a pass over the pipelines went wrong")
                pause = _AGAIN

    async def _pass(self) -> float:
        """Follow, plan and act until there is nothing to do; gives how long to rest."""
        await self._follower.follow()
        comes = await self._follower.tick()
        while True:
            now = self._ports.clock()
            with self._db.read() as tx:
                snapshot = read_snapshot(tx, self._ports.policy(), self._runner.due, now)
            made = plan(snapshot)
            done = False
            for command in made.commands:
                changed = await self._runner.carry_out(command)
                done = done or changed
                if changed and isinstance(command, Start):
                    await self._tell_begun(command.run)
            if not done:
                break
        untold = await self._tell_ended()
        times = [time for time in (comes, made.again) if time is not None]
        rest = min((time - self._ports.clock() for time in times), default=_LONGEST)
        return max(0.0, min(rest, _AGAIN if untold else _LONGEST))

    # -- reports ---------------------------------------------------------------------------------

    async def _tell_begun(self, id: PipelineRunId) -> None:
        """That it is being tested; nobody depends on hearing it."""
        with self._db.read() as tx:
            run = tx.pipelines.get(id)
        if run.phase is not RunPhase.BUILDING:
            return
        try:
            await self._tell_forge(run, StatusState.PENDING, "is being tested")
        except HeadgateError as error:
            log.warning("a status was not told", run=id, reason=str(error))

    async def _tell_ended(self) -> bool:
        """Whether some that ended could not be told of."""
        with self._db.read() as tx:
            ended = tx.pipelines.unreported()
        untold = False
        for run in ended:
            try:
                await self._tell_forge(run, _STATES[run.phase], records.describe(run))
            except HeadgateError as error:
                log.warning("a status was not told", run=run.id, reason=str(error))
                untold = True
                continue
            with self._db.write() as tx:
                tx.pipelines.set_reported(run.id)
                records.report(tx, run, self._reports(run), self._page(run))
        return untold

    async def _tell_forge(self, run: PipelineRun, state: StatusState, words: str) -> None:
        if Report.STATUS not in self._reports(run) or run.phase is RunPhase.CANCELLED:
            return
        with self._db.read() as tx:
            project = tx.projects.get(run.project).name
            commit = run.commit
            if run.revision is not None:
                commit = tx.changes.revision(run.revision).head
        if commit is not None:
            status = Status(commit, run.pipeline, state, words, self._page(run))
            await self._ports.report(project, status)

    def _reports(self, run: PipelineRun) -> tuple[Report, ...]:
        pipeline = named(self._ports.policy(), run.pipeline)
        return pipeline.report if pipeline is not None else ()

    def _page(self, run: PipelineRun) -> str:
        return self._ports.page(f"/pipelines/{run.pipeline}#run-{run.id}")


_STATES = {
    RunPhase.PASSED: StatusState.SUCCESS,
    RunPhase.FAILED: StatusState.FAILURE,
    RunPhase.INFRASTRUCTURE: StatusState.ERROR,
    RunPhase.CANCELLED: StatusState.ERROR,
}
