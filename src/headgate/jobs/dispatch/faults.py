"""Results of runs that could not be made as they were asked for, in words."""

from __future__ import annotations

import errno
from collections.abc import Callable

from headgate.jobs.dispatch.interface import (
    Retry,
    RunResult,
)
from headgate.jobs.logs import JobLog
from headgate.model.job import JobDefinition, RunState


class Faults:
    """Makes such results, at the time that the clock tells."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def trouble(self, started: float | None, what: str, log: JobLog | None = None) -> RunResult:
        """The run could not be made, which is nobody's fault."""
        reason = f"Headgate could not run the job: {what.rstrip('.')}."
        if log is not None:
            log.note(reason)
        return RunResult(RunState.INFRASTRUCTURE, None, reason, started, self._clock())

    def unprepared(self, job: JobDefinition, error: Exception, log: JobLog) -> RunResult:
        """The run could not be prepared: by the machine, or because no machine can."""
        if not isinstance(error, OSError) or error.errno == errno.E2BIG:
            return self._impossible(job, error, log)
        return self.trouble(None, f"the run cannot be prepared: {said(error)}", log)

    def _impossible(self, job: JobDefinition, error: Exception, log: JobLog) -> RunResult:
        """The kernel takes no such command, on whatever machine: the definition is at fault."""
        reason = f"The command or the variables of job {job.name} cannot be used: {error}."
        log.note(reason)
        return self.useless(reason)

    def useless(self, reason: str) -> RunResult:
        """The definition is at fault; to try again is useless."""
        return RunResult(RunState.FAILED, None, reason, None, self._clock(), retry=Retry.USELESS)

    def lost(self, started: float | None) -> RunResult:
        """The server stops."""
        return RunResult(
            RunState.LOST, None, "The server stopped while it ran.", started, self._clock()
        )


def said(error: OSError) -> str:
    """What the system said."""
    return error.strerror or str(error)
