"""Runs jobs on this machine, in a sandbox each."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import structlog

from headgate.jobs.dispatch.area import give, remove
from headgate.jobs.dispatch.areas import WorkAreas, fresh_directory
from headgate.jobs.dispatch.checkouts import SharedCheckouts, check_out
from headgate.jobs.dispatch.explain import explain, footer, header, size
from headgate.jobs.dispatch.export import RepositoryExporter
from headgate.jobs.dispatch.interface import Exporter, Fate, Retry, RunRequest, RunResult
from headgate.jobs.dispatch.keep import Caches, collect_from, is_empty
from headgate.jobs.dispatch.slots import Slots
from headgate.jobs.dispatch.threads import in_thread, to_the_end
from headgate.jobs.environments import EnvironmentStore, NotReady, log_excerpt
from headgate.jobs.logs import JobLog
from headgate.jobs.packages import PackageSettings, find_uv, package_settings
from headgate.jobs.sandbox.host import jobs_root
from headgate.jobs.sandbox.interface import (
    Access,
    Command,
    Ended,
    Limits,
    Mount,
    Network,
    Sandbox,
    SandboxProcess,
)
from headgate.model.errors import CouldNotRun, HeadgateError
from headgate.model.ids import JobRunId
from headgate.model.job import JobDefinition, RunState

_LOOK_SECONDS = 0.5
"""How often a running job's log and memory are looked at."""

log = structlog.get_logger()


class _Stop(Enum):
    """Why a run was stopped by us."""

    NOT = auto()
    TIMEOUT = auto()
    MEMORY = auto()
    LOG = auto()


class LocalDispatcher:
    """A dispatcher of its own process: as many sandboxes at once as there are slots."""

    def __init__(
        self,
        data: Path,
        slots: int,
        sandbox: Sandbox,
        setup_approved: Callable[[str], bool],
        clock: Callable[[], float] = time.time,
        *,
        exporter: Exporter | None = None,
        packages: PackageSettings | None = None,
    ) -> None:
        """Use `data` for work areas, environments and caches; what an earlier process left of
        work areas is removed.

        `setup_approved` tells whether a set-up script (by `digest_of_setup`) may run. `packages`
        is how set-ups reach package indexes; by default as this process does. Raises CouldNotRun
        when the directories cannot be made.
        """
        self._sandbox = sandbox
        self._clock = clock
        self._slots = Slots(slots)
        self._running: dict[SandboxProcess, JobLog] = {}
        self._closed = False
        try:
            root = jobs_root(data, sandbox.owner(0))
            self._areas = WorkAreas(root, slots)
            self._exporter = SharedCheckouts(
                fresh_directory(root, "checkouts"), exporter or RepositoryExporter()
            )
            self._caches = Caches(root / "caches")
            self._caches.discard_all()
            self._environments = EnvironmentStore(
                root / "environments",
                sandbox,
                approved=setup_approved,
                settings=packages or package_settings(os.environ, Path.home()),
                uv=find_uv(),
                first_slot=slots,
            )
        except OSError as error:
            raise CouldNotRun(
                f"Work areas for jobs cannot be made below {data}: {error.strerror or error}.",
                "Make room there, or choose another data directory with --data.",
            ) from None

    @property
    def slots(self) -> int:
        return self._slots.count

    @property
    def busy(self) -> int:
        """How many slots are taken now."""
        return self._slots.taken

    @property
    def waiting(self) -> int:
        """How many runs wait for a slot."""
        return self._slots.waiting

    async def run(self, request: RunRequest, on_start: Callable[[float], None]) -> RunResult:
        """See Dispatcher.run."""
        slot = await self._slots.take(request.priority)
        area: Path | None = None
        try:
            try:
                area = self._areas.take(f"run-{request.run}")
                log = JobLog(request.log)
            except OSError as error:
                return self._trouble(None, f"the work area cannot be made: {_why(error)}")
            try:
                attempt = _Attempt(request, slot, area, log, on_start)
                return await self._attempt(attempt)
            finally:
                log.close()
        except asyncio.CancelledError:
            # Whoever cancels may rely on nothing being left.
            if area is not None:
                await in_thread(remove, area)
            area = None
            raise
        finally:
            if area is None:
                self._slots.give(slot)
            else:
                self._areas.put_away(area, lambda: self._slots.give(slot))

    async def settle(self, runs: Sequence[JobRunId], fate: Fate) -> None:
        """See Dispatcher."""
        act = self._caches.promote if fate is Fate.LANDED else self._caches.discard
        for run in runs:
            try:
                await in_thread(act, run)
            except OSError as error:
                # A cache is only a cache: the next run begins without it.
                log.warning("a cache was not kept", run=run, reason=_why(error))

    async def close(self) -> None:
        """See Dispatcher.close."""
        self._closed = True
        await self._environments.close()
        processes = list(self._running)
        for process in processes:
            process.kill()
        for process in processes:
            await process.wait()
        await self._exporter.close()
        await self._areas.close()

    # -- one run ------------------------------------------------------------------------------

    async def _attempt(self, attempt: _Attempt) -> RunResult:
        request, log = attempt.request, attempt.log
        started: float | None = None
        try:
            log.note(header(request, self._sandbox.name))
            source = attempt.area / "work" / "src"
            await check_out(self._exporter, source, request.project, request.checkouts)
            environment = await self._environment(attempt)
            if isinstance(environment, RunResult):
                log.note(environment.reason)
                return environment
            if request.checkouts:
                await in_thread(self._fill, attempt)
            else:
                self._fill(attempt)
            command = self._command(attempt, environment)
            if self._closed:
                return self._lost(None)
            process = self._sandbox.start(command, attempt.slot, log.write)
        except HeadgateError as error:
            return self._trouble(None, f"the checkout failed: {error.message}", log)
        except (OSError, ValueError) as error:
            if not isinstance(error, OSError) or error.errno == errno.E2BIG:
                return self._impossible(request.job, error, log)
            return self._trouble(None, f"the run cannot be prepared: {_why(error)}", log)
        self._running[process] = log
        try:
            started = self._clock()
            attempt.on_start(started)
            ended, stopped = await self._wait(process, request.job, log)
        finally:
            process.kill()
            try:
                await to_the_end(asyncio.ensure_future(process.wait()))
            finally:
                del self._running[process]
        result = self._judge(attempt, started, ended, stopped)
        result = await self._keep(attempt, result)
        log.note(footer(result, started))
        return result

    async def _environment(self, attempt: _Attempt) -> Path | RunResult | None:
        """The directory to mount, None when the job wants none, or why there is none."""
        request = attempt.request
        if request.environment is None:
            return None
        outcome = await self._environments.ensure(
            request.environment, request.project, attempt.checkout, attempt.log.note
        )
        if not isinstance(outcome, NotReady):
            how = "set up just now" if outcome.built else "from an earlier set-up"
            attempt.log.note(f"environment {request.environment.name} {outcome.key[:16]}, {how}")
            return outcome.directory
        excerpt = log_excerpt(outcome)
        if excerpt:
            attempt.log.note("the end of the set-up's log:")
            attempt.log.write(excerpt.encode("utf-8", "replace") + b"\n")
        state = RunState.INFRASTRUCTURE
        if request.environment_changed:
            state = RunState.FAILED
        return RunResult(state, None, outcome.reason, None, self._clock(), retry=outcome.retry)

    def _fill(self, attempt: _Attempt) -> None:
        job = attempt.request.job
        for note in self._caches.fill(
            attempt.request.project, job.name, job.caches, attempt.checkout
        ):
            attempt.log.note(note)
        if job.script:
            script = attempt.area / "job"
            script.write_text(job.script, encoding="utf-8", errors="surrogateescape", newline="")
            script.chmod(0o644)
        (attempt.area / "work").chmod(0o700)
        give(attempt.area / "work", self._sandbox.owner(attempt.slot))

    def _command(self, attempt: _Attempt, environment: Path | None) -> Command:
        request = attempt.request
        area = attempt.area
        mounts = [
            Mount(area / "work", "/work", Access.WRITE),
            Mount(area / "work" / "tmp", "/tmp", Access.WRITE),
        ]
        path = self._sandbox.toolbox()
        if environment is not None:
            mounts.append(Mount(environment, "/env"))
            path = ("/env/bin", *path)
        argv = request.job.argv
        if request.job.script:
            mounts.append(Mount(area / "job", "/headgate/job"))
            argv = ("/bin/sh", "-eu", "/headgate/job")
        variables = {
            "HOME": "/work/home",
            "LANG": "C.UTF-8",
            "PATH": ":".join(path),
            "TMPDIR": "/tmp",
            "USER": "job",
            **request.job.env,
            **request.variables,
            "CI": "true",
            "HEADGATE": "1",
            "HEADGATE_ARTIFACTS": "/work/artifacts",
            "HEADGATE_ENV": "/env",
            "HEADGATE_JOB": request.job.name,
            "HEADGATE_PROJECT": request.project,
        }
        return Command(
            argv,
            f"/work/src/{request.project}",
            variables,
            tuple(mounts),
            Network.HOST if request.network else Network.NONE,
            Limits(memory=request.job.memory),
        )

    async def _wait(
        self, process: SandboxProcess, job: JobDefinition, log: JobLog
    ) -> tuple[Ended, _Stop]:
        """Wait for the end, and what made us bring it about."""
        waiting = asyncio.ensure_future(process.wait())
        deadline = time.monotonic() + job.timeout
        while True:
            left = deadline - time.monotonic()
            done, _ = await asyncio.wait({waiting}, timeout=max(0, min(left, _LOOK_SECONDS)))
            if done:
                return waiting.result(), _Stop.NOT
            if log.trouble:
                stop = _Stop.LOG
            elif left <= 0:
                stop = _Stop.TIMEOUT
            elif process.memory(job.memory) > job.memory:
                stop = _Stop.MEMORY
            else:
                continue
            process.kill()
            return await waiting, stop

    def _judge(self, attempt: _Attempt, started: float, ended: Ended, stop: _Stop) -> RunResult:
        job, log = attempt.request.job, attempt.log
        if self._closed and ended.code != 0:
            return self._lost(started)
        if stop is _Stop.TIMEOUT:
            reason = f"It ran longer than its timeout of {job.timeout:g} s and was stopped."
            return RunResult(RunState.TIMED_OUT, None, reason, started, self._clock())
        if stop is _Stop.MEMORY:
            reason = f"It used more than its {size(job.memory)} of memory and was stopped."
            return RunResult(RunState.FAILED, None, reason, started, self._clock())
        if log.trouble:
            return self._trouble(started, log.trouble)
        if ended.code is None:
            return self._trouble(started, ended.trouble)
        state, reason = explain(job, ended.code, log.head)
        return RunResult(state, ended.code, reason, started, self._clock())

    async def _keep(self, attempt: _Attempt, result: RunResult) -> RunResult:
        """Take artifacts and caches out of the work area, in which nothing runs any more."""
        job, checkout = attempt.request.job, attempt.checkout
        if result.state not in (RunState.PASSED, RunState.FAILED, RunState.TIMED_OUT):
            return result
        own = attempt.area / "work" / "artifacts"
        if not job.artifacts and not job.caches and is_empty(attempt.area, own):
            return result  # The common case needs no thread.
        try:
            kept, note = await in_thread(
                collect_from, attempt.area, checkout, job.artifacts, own, attempt.request.artifacts
            )
            if note:
                attempt.log.note(note)
            if result.state is RunState.PASSED and job.caches:
                await in_thread(
                    self._caches.keep,
                    attempt.request.run,
                    attempt.request.project,
                    job.name,
                    job.caches,
                    checkout,
                )
        except OSError as error:
            return self._trouble(result.started, f"artifacts cannot be kept: {_why(error)}")
        return RunResult(
            result.state, result.exit_code, result.reason, result.started, result.finished, kept
        )

    # -- outcomes that are nobody's fault -------------------------------------------------------

    def _trouble(self, started: float | None, what: str, log: JobLog | None = None) -> RunResult:
        reason = f"Headgate could not run the job: {what.rstrip('.')}."
        if log is not None:
            log.note(reason)
        return RunResult(RunState.INFRASTRUCTURE, None, reason, started, self._clock())

    def _impossible(self, job: JobDefinition, error: Exception, log: JobLog) -> RunResult:
        """The kernel takes no such command, on whatever machine: the definition is at fault."""
        reason = f"The command or the variables of job {job.name} cannot be used: {error}."
        log.note(reason)
        return RunResult(RunState.FAILED, None, reason, None, self._clock(), retry=Retry.USELESS)

    def _lost(self, started: float | None) -> RunResult:
        return RunResult(
            RunState.LOST, None, "The server stopped while it ran.", started, self._clock()
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    request: RunRequest
    slot: int
    area: Path
    log: JobLog
    on_start: Callable[[float], None]

    @property
    def checkout(self) -> Path:
        return self.area / "work" / "src" / self.request.project


def _why(error: OSError) -> str:
    return error.strerror or str(error)
