"""One phase of a run: a process in a sandbox, until it ends or is stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path

from headgate.jobs.compat import zuul_layout
from headgate.jobs.dispatch.explain import explain, size
from headgate.jobs.dispatch.handover import RESULT
from headgate.jobs.dispatch.interface import Phase, RunRequest
from headgate.jobs.dispatch.threads import to_the_end
from headgate.jobs.logs import JobLog, printable
from headgate.jobs.output import OutputWatch
from headgate.jobs.redact import Redactor
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
from headgate.model.job import JobDefinition, RunState, Step

_LOOK_SECONDS = 0.5
"""How often a running job's log and memory are looked at."""

STEP_FILES = {Phase.PRE: "pre", Phase.RUN: "job", Phase.POST: "post"}
"""Where the script of a phase stands in the work area, and below /headgate inside."""


class _Stop(Enum):
    """Why a run was stopped by us."""

    NOT = auto()
    TIMEOUT = auto()
    MEMORY = auto()
    LOG = auto()


@dataclass(slots=True)
class Attempt:
    """One run under way."""

    request: RunRequest
    slot: int | None
    """None while it pauses."""
    area: Path
    log: JobLog
    on_start: Callable[[float], None]
    watch: OutputWatch
    redactor: Redactor
    environment: Path | None = None
    started: float | None = None
    kept: bool = False
    """The area stays for somebody to look at."""

    @property
    def checkout(self) -> Path:
        return self.area / "work" / "src" / self.request.project

    @property
    def required(self) -> Path:
        return self.area / "required"

    @property
    def data(self) -> Path:
        return self.area / "data.json"


@dataclass(frozen=True, slots=True)
class PhaseEnd:
    """How a phase ended."""

    state: RunState
    code: int | None = None
    reason: str = ""
    """One sentence; empty when it passed."""
    trouble: str = ""
    """What kept us from running it, when the state is `infrastructure`."""


def step_of(job: JobDefinition, phase: Phase) -> Step | None:
    """What a phase runs, if anything."""
    steps = {Phase.PRE: job.pre, Phase.RUN: Step(job.argv, job.script), Phase.POST: job.post}
    return steps[phase]


def _as_job(job: JobDefinition, phase: Phase, step: Step) -> JobDefinition:
    """A job that is nothing but this phase, for its limits and for words about it."""
    timeout = {Phase.PRE: job.pre_timeout, Phase.RUN: job.timeout, Phase.POST: job.post_timeout}
    return replace(job, argv=step.argv, script=step.script, timeout=timeout[phase])


@dataclass(slots=True)
class Phases:
    """Runs phases in a sandbox, and knows which are running."""

    sandbox: Sandbox
    running: set[SandboxProcess] = field(default_factory=set[SandboxProcess])

    async def run(
        self, attempt: Attempt, phase: Phase, outcome: str, begun: Callable[[], None]
    ) -> PhaseEnd:
        """Run a phase to its end. `outcome` is how the ones before it ended, for `post`.

        Raises OSError or ValueError when no process can be made.
        """
        log = attempt.log
        step = step_of(attempt.request.job, phase)
        assert step is not None
        assert attempt.slot is not None
        job = _as_job(attempt.request.job, phase, step)
        log.head = b""
        watched = phase is Phase.RUN
        process: SandboxProcess | None = None

        def write(data: bytes) -> None:
            shown = attempt.redactor.feed(data)
            log.write(shown)
            if watched and attempt.watch.feed(shown) and process is not None:
                process.kill()

        command = self._command(attempt, step, phase, outcome)
        process = self.sandbox.start(command, attempt.slot, write)
        self.running.add(process)
        try:
            begun()
            ended, stopped = await self._wait(process, job, log)
        finally:
            process.kill()
            try:
                await to_the_end(asyncio.ensure_future(process.wait()))
            finally:
                self.running.discard(process)
        rest = attempt.redactor.flush()
        log.write(rest)
        found = watched and (attempt.watch.feed(rest) or attempt.watch.end())
        return _judge(attempt, job, ended, stopped, found=found)

    def _command(self, attempt: Attempt, step: Step, phase: Phase, outcome: str) -> Command:
        request, area = attempt.request, attempt.area
        mounts = [
            Mount(area / "work", "/work", Access.WRITE),
            Mount(area / "work" / "tmp", "/tmp", Access.WRITE),
        ]
        path = self.sandbox.toolbox()
        if attempt.environment is not None:
            mounts.append(Mount(attempt.environment, "/env"))
            path = ("/env/bin", *path)
        argv = step.argv
        if step.script:
            file = STEP_FILES[phase]
            mounts.append(Mount(area / file, f"/headgate/{file}"))
            argv = ("/bin/sh", "-eu", f"/headgate/{file}")
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
            "HEADGATE_RESULT": f"/work/{RESULT}",
        }
        if request.job.compat == zuul_layout.COMPAT:
            variables |= zuul_layout.environment(variables["PATH"])
        if request.data is not None:
            mounts.append(Mount(attempt.data, "/headgate/data.json"))
            variables["HEADGATE_DATA"] = "/headgate/data.json"
        if request.job.requires:
            mounts.append(Mount(attempt.required, "/headgate/required"))
            variables["HEADGATE_REQUIRED"] = "/headgate/required"
        if phase is Phase.POST:
            variables["HEADGATE_OUTCOME"] = outcome
        return Command(
            argv,
            f"/work/src/{request.project}",
            variables,
            tuple(mounts),
            Network.HOST if request.network else Network.NONE,
            Limits(memory=request.job.memory),
            request.secrets,
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


def _judge(
    attempt: Attempt, job: JobDefinition, ended: Ended, stop: _Stop, *, found: bool
) -> PhaseEnd:
    log = attempt.log
    if stop is _Stop.TIMEOUT:
        reason = f"It ran longer than its timeout of {job.timeout:g} s and was stopped."
        return PhaseEnd(RunState.TIMED_OUT, None, reason)
    if stop is _Stop.MEMORY:
        reason = f"It used more than its {size(job.memory)} of memory and was stopped."
        return PhaseEnd(RunState.FAILED, None, reason)
    if log.trouble:
        return PhaseEnd(RunState.INFRASTRUCTURE, trouble=log.trouble)
    if found:
        line = printable(attempt.watch.line.strip())
        shown = line if len(line) <= 120 else f"{line[:119]}…"
        expression = printable(attempt.watch.expression)
        return PhaseEnd(
            RunState.FAILED, None, f"A line of its output matches `{expression}`: `{shown}`."
        )
    if ended.code is None:
        return PhaseEnd(RunState.INFRASTRUCTURE, trouble=ended.trouble)
    state, reason = explain(job, ended.code, log.head)
    return PhaseEnd(state, ended.code, reason)
