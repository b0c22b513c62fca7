"""Runs jobs on this machine, in a sandbox each."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from headgate.jobs.compat import zuul_layout
from headgate.jobs.dispatch.area import give, remove
from headgate.jobs.dispatch.areas import WorkAreas, fresh_directory
from headgate.jobs.dispatch.checkouts import SharedCheckouts, check_out
from headgate.jobs.dispatch.explain import footer, header
from headgate.jobs.dispatch.export import RepositoryExporter
from headgate.jobs.dispatch.faults import Faults, said
from headgate.jobs.dispatch.filling import fill
from headgate.jobs.dispatch.handover import BadResult, read_result
from headgate.jobs.dispatch.interface import (
    Exporter,
    Fate,
    Phase,
    Retry,
    RunRequest,
    RunResult,
)
from headgate.jobs.dispatch.keep import Caches, collect_from, is_empty
from headgate.jobs.dispatch.phases import Attempt, PhaseEnd, Phases
from headgate.jobs.dispatch.slots import Slots
from headgate.jobs.dispatch.threads import in_thread
from headgate.jobs.environments import EnvironmentStore, NotReady, log_excerpt
from headgate.jobs.logs import JobLog
from headgate.jobs.output import OutputWatch, UnusableExpression
from headgate.jobs.packages import PackageSettings, find_uv, package_settings
from headgate.jobs.redact import Redactor
from headgate.jobs.sandbox.host import jobs_root
from headgate.jobs.sandbox.interface import Sandbox
from headgate.model.errors import CouldNotRun, HeadgateError
from headgate.model.ids import JobRunId
from headgate.model.job import RunState

_RAN = frozenset({RunState.PASSED, RunState.FAILED, RunState.TIMED_OUT})

log = structlog.get_logger()


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
        self._faults = Faults(clock)
        self._slots = Slots(slots)
        self._phases = Phases(sandbox)
        self._closed = asyncio.Event()
        self.wanted: Callable[[RunRequest, Path], bool] | None = None
        """Asked at the end of a failed run whether its work area is to be kept at that place."""
        try:
            root = jobs_root(data, sandbox.owner(0))
            self._areas = WorkAreas(root, slots)
            self.held = root / "held"
            """Where work areas are that somebody wants to look at."""
            self.held.mkdir(mode=0o700, exist_ok=True)
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
        slot: int | None = await self._slots.take(request.priority)
        attempt: Attempt | None = None
        area: Path | None = None
        try:
            try:
                watch = OutputWatch(request.job.fail_on_output)
                area = self._areas.take(f"run-{request.run}")
                log = JobLog(request.log)
            except UnusableExpression as error:
                return self._faults.useless(f"fail-on-output of job {request.job.name}: {error}.")
            except OSError as error:
                return self._faults.trouble(None, f"the work area cannot be made: {said(error)}")
            try:
                redactor = Redactor(request.secrets.values())
                attempt = Attempt(request, slot, area, log, on_start, watch, redactor)
                return await self._attempt(attempt)
            finally:
                slot = attempt.slot if attempt is not None else slot
                log.close()
        except asyncio.CancelledError:
            # Whoever cancels may rely on nothing being left.
            if area is not None:
                await in_thread(remove, area)
            area = None
            raise
        finally:
            if area is None or (attempt is not None and attempt.kept):
                self._give(slot)
            else:
                self._areas.put_away(area, lambda: self._give(slot))

    def _give(self, slot: int | None) -> None:
        if slot is not None:
            self._slots.give(slot)

    async def settle(self, runs: Sequence[JobRunId], fate: Fate) -> None:
        """See Dispatcher."""
        act = self._caches.promote if fate is Fate.LANDED else self._caches.discard
        for run in runs:
            try:
                await in_thread(act, run)
            except OSError as error:
                # A cache is only a cache: the next run begins without it.
                log.warning("a cache was not kept", run=run, reason=said(error))

    async def close(self) -> None:
        """See Dispatcher.close."""
        self._closed.set()
        await self._environments.close()
        processes = list(self._phases.running)
        for process in processes:
            process.kill()
        for process in processes:
            await process.wait()
        await self._exporter.close()
        await self._areas.close()

    # -- one run ------------------------------------------------------------------------------

    async def _attempt(self, attempt: Attempt) -> RunResult:
        request, log = attempt.request, attempt.log
        try:
            log.note(header(request, self._sandbox.name))
            source = attempt.area / "work" / "src"
            await check_out(self._exporter, source, request.project, request.checkouts)
            environment = await self._environment(attempt)
            if isinstance(environment, RunResult):
                log.note(environment.reason)
                return environment
            attempt.environment = environment
            if lacking := self._lacking(attempt):
                return replace(self._faults.trouble(None, lacking, log), retry=Retry.USELESS)
            assert attempt.slot is not None
            owner = self._sandbox.owner(attempt.slot)
            if request.checkouts or request.required:
                await in_thread(fill, attempt, self._caches, owner)
            else:
                fill(attempt, self._caches, owner)
        except HeadgateError as error:
            return self._faults.trouble(None, f"the checkout failed: {error.message}", log)
        except (OSError, ValueError) as error:
            return self._faults.unprepared(request.job, error, log)
        result = await self._all_phases(attempt)
        result = await self._keep(attempt, result)
        self._hold(attempt, result)
        if attempt.started is not None:
            log.note(footer(result, attempt.started))
        return result

    async def _all_phases(self, attempt: Attempt) -> RunResult:
        job = attempt.request.job
        result = self._result(attempt, PhaseEnd(RunState.PASSED), Phase.PRE)
        if job.pre is not None:
            result = await self._phase(attempt, Phase.PRE)
        if result.state is RunState.PASSED:
            result = await self._phase(attempt, Phase.RUN)
        if result.state is RunState.PASSED:
            result = await self._return(attempt, result)
        if job.post is None or result.state not in _RAN or attempt.slot is None:
            return result
        post = await self._phase(attempt, Phase.POST, result.state.value)
        if post.state is RunState.PASSED:
            return result
        if result.state is RunState.PASSED:
            return post
        return replace(result, reason=f"{result.reason} And {post.reason}")

    async def _phase(self, attempt: Attempt, phase: Phase, outcome: str = "") -> RunResult:
        if self._closed.is_set():
            return self._faults.lost(attempt.started)

        def begun() -> None:
            if attempt.started is None:
                attempt.started = self._clock()
                attempt.on_start(attempt.started)

        if attempt.request.job.pre or attempt.request.job.post:
            attempt.log.note(phase.value)
        try:
            end = await self._phases.run(attempt, phase, outcome, begun)
        except (OSError, ValueError) as error:
            return self._faults.unprepared(attempt.request.job, error, attempt.log)
        if self._closed.is_set() and end.code != 0:
            return self._faults.lost(attempt.started)
        return self._result(attempt, end, phase)

    def _result(self, attempt: Attempt, end: PhaseEnd, phase: Phase) -> RunResult:
        if end.trouble:
            return self._faults.trouble(attempt.started, end.trouble)
        reason = end.reason
        if reason and phase is not Phase.RUN:
            reason = f"{phase.value} failed: {reason}"
        return RunResult(end.state, end.code, reason, attempt.started, self._clock(), phase=phase)

    async def _return(self, attempt: Attempt, result: RunResult) -> RunResult:
        """Take what the job returned, and pause when it is to."""
        request = attempt.request
        try:
            returned = read_result(attempt.area / "work", attempt.redactor)
        except BadResult as error:
            return replace(
                result,
                state=RunState.FAILED,
                reason=f"What it wrote to $HEADGATE_RESULT cannot be used: {error}.",
            )
        result = replace(result, returned=returned)
        if request.pause is None:
            return result
        result = await self._keep(attempt, result)
        if result.state is not RunState.PASSED:
            return result
        assert attempt.slot is not None
        attempt.log.note("pausing until every job that needs this one has ended")
        slot, attempt.slot = attempt.slot, None
        self._slots.give(slot)
        closed = asyncio.ensure_future(self._closed.wait())
        waiting = asyncio.ensure_future(request.pause(returned))
        try:
            await asyncio.wait({closed, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closed.cancel()
            waiting.cancel()
        if self._closed.is_set():
            return self._faults.lost(attempt.started)
        why = waiting.result()
        attempt.slot = await self._slots.take(request.priority)
        owner = self._sandbox.owner(attempt.slot)
        if attempt.slot != slot:
            await in_thread(give, attempt.area / "work", owner)
        attempt.log.note("going on")
        if why:
            reason = f"{why[:1].upper()}{why[1:]}."
            return replace(result, state=RunState.FAILED, reason=reason, retry=Retry.USELESS)
        return result

    def _hold(self, attempt: Attempt, result: RunResult) -> None:
        """Leave the work area for somebody to look at, when somebody asked for that."""
        if self.wanted is None or result.state not in (RunState.FAILED, RunState.TIMED_OUT):
            return
        place = self.held / f"run-{attempt.request.run}"
        if not self.wanted(attempt.request, place):
            return
        try:
            attempt.area.rename(place)
        except OSError as error:
            attempt.log.note(f"the work area cannot be kept: {said(error)}")
            return
        attempt.kept = True
        attempt.log.note(f"the work area is kept at {place}")

    async def let_go(self, place: Path) -> None:
        """Remove a work area that was kept. OSError when it stays."""
        if place.parent == self.held:
            await in_thread(remove, place)

    def _lacking(self, attempt: Attempt) -> str:
        """What the job runs that is not installed; empty when nothing is known to lack."""
        if attempt.request.job.compat != zuul_layout.COMPAT:
            return ""
        places = [Path(directory) for directory in self._sandbox.toolbox()]
        if attempt.environment is not None:
            places.append(attempt.environment / "bin")
        return zuul_layout.missing(attempt.request.job, places)

    async def _environment(self, attempt: Attempt) -> Path | RunResult | None:
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

    async def _keep(self, attempt: Attempt, result: RunResult) -> RunResult:
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
            return self._faults.trouble(result.started, f"artifacts cannot be kept: {said(error)}")
        return replace(result, artifacts=kept)
