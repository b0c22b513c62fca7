"""The life of a run as a table: phase and signal to the next phase, and the event that says so."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from headgate.model.pipeline import RunPhase


class Signal(StrEnum):
    """What happens to a run."""

    START = "start"
    PASS = "pass"
    FAIL = "fail"
    """By its own fault: a job, a merge, its configuration."""
    RETRY = "retry"
    """Could not be run, and will be tried again."""
    GIVE_UP = "give up"
    """Could not be run, several times."""
    LOSE = "lose"
    """The server stopped while it was built."""
    CANCEL = "cancel"


_W, _B = RunPhase.WAITING, RunPhase.BUILDING

TABLE: Mapping[tuple[RunPhase, Signal], RunPhase] = {
    (_W, Signal.START): _B,
    (_W, Signal.PASS): RunPhase.PASSED,
    (_W, Signal.FAIL): RunPhase.FAILED,
    (_W, Signal.RETRY): _W,
    (_W, Signal.GIVE_UP): RunPhase.INFRASTRUCTURE,
    (_W, Signal.CANCEL): RunPhase.CANCELLED,
    (_B, Signal.PASS): RunPhase.PASSED,
    (_B, Signal.FAIL): RunPhase.FAILED,
    (_B, Signal.RETRY): _W,
    (_B, Signal.GIVE_UP): RunPhase.INFRASTRUCTURE,
    (_B, Signal.LOSE): _W,
    (_B, Signal.CANCEL): RunPhase.CANCELLED,
}
"""What is not in it changes nothing: a run that has ended stays so, whatever is told again."""

EVENTS: Mapping[Signal, str] = {
    Signal.START: "pipeline.started",
    Signal.PASS: "pipeline.passed",
    Signal.FAIL: "pipeline.failed",
    Signal.RETRY: "pipeline.delayed",
    Signal.GIVE_UP: "pipeline.infrastructure",
    Signal.LOSE: "pipeline.lost",
    Signal.CANCEL: "pipeline.cancelled",
}


def step(phase: RunPhase, signal: Signal) -> RunPhase | None:
    """The phase after a signal; None when it does not apply any more."""
    return TABLE.get((phase, signal))
