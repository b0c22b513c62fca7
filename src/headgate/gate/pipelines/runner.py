"""Carries the planner's commands out, and watches over the builds of runs.

As in the gate, every transaction looks again at what it is about to change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from headgate.gate.builds import Recorder
from headgate.gate.pipelines import records
from headgate.gate.pipelines.phases import Signal
from headgate.gate.pipelines.planner import Cancel, Command, Start, Wait
from headgate.gate.pipelines.ports import PipelinePorts
from headgate.gate.pipelines.scope import named
from headgate.gate.pipelines.testee import Testee, Unfit, make_testee
from headgate.gate.selection import Unusable
from headgate.gate.under_way import BuildsUnderWay, until_recorded
from headgate.jobs.build import BuildResult, run_build
from headgate.jobs.dispatch.interface import Fate
from headgate.model.errors import HeadgateError
from headgate.model.event import Json, NewEvent
from headgate.model.ids import BuildId, ChangeNumber, Commit, NodeId, PipelineRunId
from headgate.model.job import BuildState, JobRun
from headgate.model.pipeline import PipelineRun, RunPhase
from headgate.model.principal import GATE
from headgate.store.database import Database
from headgate.vcs.git import GitError

log = structlog.get_logger()

ROUNDS = 3
"""How often a run is tried that could not be run."""

PAUSES = (2.0, 15.0)
"""Seconds before the second and the third try."""


def run_ref(run: PipelineRunId) -> str:
    """Keeps what a run tests for as long as it is tested."""
    return f"{RUN_REFS}{run}"


RUN_REFS = "refs/headgate/pipeline/"


class Runner:
    """The runs of all pipelines."""

    def __init__(self, db: Database, ports: PipelinePorts, wake: Callable[[], None]) -> None:
        self._db = db
        self._ports = ports
        self._wake = wake
        self._under_way = BuildsUnderWay[PipelineRunId]()
        self.due: dict[PipelineRunId, float] = {}
        """When what could not be run may be tried again."""

    async def close(self) -> None:
        """Cut every build off, and wait until its processes are gone."""
        await self._under_way.close()

    async def carry_out(self, command: Command) -> bool:
        """Do one thing; False when it was overtaken."""
        match command:
            case Wait():
                with self._db.write() as tx:
                    return records.wait(tx, command.run, command.reason)
            case Cancel():
                return self._cancel(command)
            case Start():
                return await self._start(command.run)

    def _cancel(self, command: Cancel) -> bool:
        with self._db.write() as tx:
            done = records.move(tx, command.run, Signal.CANCEL, command.reason)
        self._under_way.cancel(command.run)
        return done is not None

    async def _start(self, id: PipelineRunId) -> bool:
        with self._db.read() as tx:
            run = tx.pipelines.get(id)
        pipeline = named(self._ports.policy(), run.pipeline)
        if run.phase is not RunPhase.WAITING or pipeline is None:
            return False
        try:
            testee = await make_testee(self._db, self._ports, run, pipeline)
            if isinstance(testee, Testee):
                await self._keep(run, testee.commit)
        except Unusable as error:
            testee = Unfit(str(error))
        except HeadgateError as error:
            return self._trouble(id, str(error))
        except Exception as error:
            # Whatever is wrong with one run keeps no other from its turn.
            log.exception("a run could not be begun", run=id)
            return self._trouble(id, f"an error of Headgate's own: {type(error).__name__}")
        if isinstance(testee, Unfit):
            with self._db.write() as tx:
                return records.move(tx, id, Signal.FAIL, testee.reason) is not None
        return self._begin(run, testee)

    def _begin(self, run: PipelineRun, testee: Testee) -> bool:
        selected = testee.selected
        with self._db.write() as tx:
            if tx.pipelines.get(run.id).phase is not RunPhase.WAITING:
                return False
            tx.pipelines.set_future(run.id, testee.base, testee.commit, testee.tree, testee.future)
            if not selected.names:
                return records.move(tx, run.id, Signal.PASS, "no job applies") is not None
            build = tx.builds.add()
            tx.pipelines.set_build(run.id, build)
            about: dict[str, Json] = {
                "jobs": [*selected.names],
                "commits": {**selected.commits},
                "tree": testee.tree,
            }
            moved = records.move(tx, run.id, Signal.START, "", about)
        if moved is None:
            return False
        self.due.pop(run.id, None)
        self._under_way.launch([moved.id], self._run(moved, build, testee))
        return True

    async def _run(self, run: PipelineRun, build: BuildId, testee: Testee) -> None:
        recorder = RunRecorder(self._db, run, build, self._under_way.stopping)
        try:
            result = await run_build(
                testee.selected.plan,
                self._ports.dispatcher,
                recorder,
                self._ports.clock,
                self._ports.semaphores,
            )
        except asyncio.CancelledError:
            if not self._under_way.stopping():
                self._under_way.later(self._settle(run, build, None))
            raise
        except Exception as error:
            log.exception("a build could not be run", build=build)
            result = BuildResult(BuildState.INFRASTRUCTURE, str(error) or type(error).__name__)
        await until_recorded(lambda: self._ended(run, build, recorder, result), build)
        await self._settle(run, build, result.state)
        self._wake()

    def _ended(
        self, run: PipelineRun, build: BuildId, recorder: RunRecorder, result: BuildResult
    ) -> None:
        reason = result.reason
        if result.state is BuildState.FAILED:
            reason = recorder.failure(result, ())
        with self._db.write() as tx:
            now = tx.pipelines.get(run.id)
            if now.build != build or now.phase is not RunPhase.BUILDING:
                return  # It was cancelled meanwhile.
            tx.builds.set_state(build, result.state, reason)
            if result.state is BuildState.PASSED:
                records.move(tx, run.id, Signal.PASS, "")
                return
            if result.state is BuildState.FAILED:
                records.move(tx, run.id, Signal.FAIL, reason)
                return
        self._trouble(run.id, reason, useless=recorder.useless)

    def _trouble(self, id: PipelineRunId, reason: str, *, useless: bool = False) -> bool:
        """It could not be run: again after a pause, or given up."""
        with self._db.write() as tx:
            run = tx.pipelines.get(id)
            rounds = ROUNDS if useless else run.rounds + 1
            tx.pipelines.set_rounds(id, rounds)
            if rounds >= ROUNDS:
                return records.move(tx, id, Signal.GIVE_UP, reason) is not None
            self.due[id] = self._ports.clock() + PAUSES[min(rounds, len(PAUSES)) - 1]
            words = f"will be tried again: {reason}"
            return records.move(tx, id, Signal.RETRY, words) is not None

    async def _settle(self, run: PipelineRun, build: BuildId, state: BuildState | None) -> None:
        """Caches of what has landed are kept; those of proposals go with them."""
        with self._db.read() as tx:
            ids = [job.id for job in tx.builds.runs(build)]
        good = not run.proposal and state is BuildState.PASSED
        await self._ports.dispatcher.settle(ids, Fate.LANDED if good else Fate.GONE)
        await self._release(run)

    async def _keep(self, run: PipelineRun, commit: Commit) -> None:
        repository = self._ports.repository(self._project(run))
        old = await repository.resolve(run_ref(run.id))
        if old != commit:
            await repository.update_ref(run_ref(run.id), commit, old)

    async def _release(self, run: PipelineRun) -> None:
        repository = self._ports.repository(self._project(run))
        try:
            kept = await repository.resolve(run_ref(run.id))
            if kept is not None:
                await repository.update_ref(run_ref(run.id), None, kept)
        except GitError as error:
            # The next start deletes it.
            log.warning("a ref of a past run stays", run=run.id, reason=str(error))

    def _project(self, run: PipelineRun) -> str:
        with self._db.read() as tx:
            return tx.projects.get(run.project).name


class RunRecorder(Recorder):
    """Records the job runs of a pipeline's build."""

    def __init__(
        self, db: Database, run: PipelineRun, build: BuildId, stopping: Callable[[], bool]
    ) -> None:
        super().__init__(db, run.change or ChangeNumber(0), NodeId(0), build, stopping)
        self._run = run
        self._of = build

    def _event(self, kind: str, run: JobRun, data: dict[str, Json]) -> NewEvent:
        about: Mapping[str, Json] = {
            "run": run.id,
            "project": run.project,
            "job": run.job,
            "attempt": run.attempt,
            "change": self._run.change,
            "pipeline": self._run.pipeline,
            "pipeline_run": self._run.id,
            "build": self._of,
        }
        return NewEvent(kind, GATE, f"job/{run.id}", {**about, **data})
