"""Runs the build of a node and writes down what becomes of its jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headgate.gate.futures import with_ahead
from headgate.jobs.build import BuildResult, RunSink
from headgate.jobs.dispatch.interface import Retry, RunResult
from headgate.model.event import Json, NewEvent
from headgate.model.ids import BuildId, ChangeNumber, JobRunId, NodeId
from headgate.model.job import BuildState, JobRun, RunState
from headgate.model.principal import GATE
from headgate.store.database import Database

_SHOWN = 5

LOST = "The server stopped while it ran; it runs again."


class Recorder(RunSink):
    """Records the runs of one build, each step with its event in one transaction."""

    def __init__(
        self,
        db: Database,
        change: ChangeNumber,
        node: NodeId,
        build: BuildId,
        stopping: Callable[[], bool],
    ) -> None:
        self._db = db
        self._change = change
        self._node = node
        self._build = build
        self._stopping = stopping
        self._decisive: dict[tuple[str, str], tuple[JobRun, RunResult]] = {}
        """Project and job → its last failure, when nothing else came of it."""
        self.useless = False
        """Whether a run could not be made, and trying again cannot help."""

    def created(self, project: str, job: str, attempt: int, voting: bool) -> JobRunId:
        """See RunSink."""
        with self._db.write() as tx:
            run = tx.builds.add_run(self._build, project, job, attempt, voting)
            tx.events.append(self._event("job.created", run, {}))
        return run.id

    def started(self, run: JobRunId, at: float) -> None:
        """See RunSink."""
        with self._db.write() as tx:
            tx.builds.set_run(run, RunState.RUNNING, started=at)
            tx.events.append(self._event("job.started", tx.builds.run(run), {}))

    def finished(self, run: JobRunId, result: RunResult) -> None:
        """See RunSink."""
        state, reason = result.state, result.reason
        if state is RunState.CANCELLED and self._stopping():
            state, reason = RunState.LOST, LOST
        with self._db.write() as tx:
            tx.builds.set_run(
                run,
                state,
                reason=reason,
                exit_code=result.exit_code,
                started=result.started,
                finished=result.finished,
            )
            if state is RunState.PASSED:
                tx.builds.provide(run, result.provides)
            record = tx.builds.run(run)
            tx.events.append(
                self._event(
                    "job.finished",
                    record,
                    {"state": state.value, "exit_code": result.exit_code, "reason": reason},
                )
            )
        if not record.voting:
            return
        key = (record.project, record.job)
        if state in (RunState.FAILED, RunState.TIMED_OUT):
            self._decisive[key] = (record, result)
        elif state is RunState.PASSED:
            # An attempt after a failed one: only what failed for good decides.
            self._decisive.pop(key, None)
        if state is RunState.INFRASTRUCTURE:
            self.useless = self.useless or result.retry is Retry.USELESS

    @property
    def decisive(self) -> tuple[str, str] | None:
        """Project and name of the first job that failed for good; None while none has."""
        return next(iter(self._decisive), None)

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """Project and name of every voting job that failed for good, in the order in which."""
        return tuple(self._decisive)

    def failure(self, result: BuildResult, ahead: Sequence[ChangeNumber]) -> str:
        """Why the build failed, in the words that its owner reads."""
        where = f"in the future{with_ahead(ahead)}" if ahead else "on top of the branch as it is"
        if not self._decisive:
            return f"{result.reason.rstrip('.')} ({where})"
        (run, ended), *others = self._decisive.values()
        how = "timed out" if run.state is RunState.TIMED_OUT else "failed"
        code = f" (exit {ended.exit_code})" if ended.exit_code is not None else ""
        tries = f" in {run.attempt} attempts" if run.attempt > 1 else ""
        text = f"job {run.project}/{run.job} {how}{code}{tries} {where}: see /jobs/{run.id}"
        told = f"ended with exit code {ended.exit_code}" in ended.reason
        told = told and not ended.reason.startswith(("pre failed", "post failed"))
        text = text if told or not ended.reason else f"{text}. {ended.reason}"
        if not others:
            return text
        shown = ", ".join(f"{other.project}/{other.job}" for other, _ in others[:_SHOWN])
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        return f"{text.rstrip('.')}. Failed too: {shown}{more}"

    def _event(self, kind: str, run: JobRun, data: dict[str, Json]) -> NewEvent:
        about: dict[str, Json] = {
            "run": run.id,
            "project": run.project,
            "job": run.job,
            "attempt": run.attempt,
            "change": self._change,
            "node": self._node,
            "build": self._build,
        }
        return NewEvent(kind, GATE, f"job/{run.id}", {**about, **data})


def lose_runs(db: Database) -> set[BuildId]:
    """After a restart: what was running is lost. Returns the builds that were cut off."""
    with db.write() as tx:
        lost: set[BuildId] = set()
        for run in tx.builds.unfinished():
            tx.builds.set_run(run.id, RunState.LOST, reason=LOST)
            lost.add(run.build)
            tx.events.append(
                NewEvent(
                    "job.finished",
                    GATE,
                    f"job/{run.id}",
                    {
                        "run": run.id,
                        "project": run.project,
                        "job": run.job,
                        "attempt": run.attempt,
                        "build": run.build,
                        "state": RunState.LOST.value,
                        "exit_code": None,
                        "reason": LOST,
                    },
                )
            )
        for build in lost:
            if tx.builds.get(build).state is BuildState.RUNNING:
                tx.builds.set_state(build, BuildState.CANCELLED, LOST)
    return lost
