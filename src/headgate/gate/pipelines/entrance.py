"""What a change must have before a pipeline takes it, and in words what it lacks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from headgate.model.pipeline import Entrance, RunPhase


@dataclass(frozen=True, slots=True)
class Standing:
    """What the current revision of a change has."""

    pushed: float
    """Seconds since the epoch."""
    approvals: int = 0
    """Valid ones, by different people."""
    checks: Mapping[str, RunPhase] = field(default_factory=dict[str, RunPhase])
    """Pipeline → where its newest run for this revision stands."""
    covered: frozenset[str] = frozenset()
    """Pipelines that are for its project and branch."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is missing, a sentence each; and when that changes by itself."""

    words: tuple[str, ...] = ()
    again: float | None = None


def gaps(entrance: Entrance, standing: Standing, now: float) -> Gaps:
    """What keeps a change from entering."""
    words: list[str] = []
    missing = entrance.approvals - standing.approvals
    if missing > 0:
        words.append(f"needs {missing} more {'approval' if missing == 1 else 'approvals'}")
    for name in entrance.checks:
        phase = standing.checks.get(name)
        if phase is RunPhase.PASSED:
            continue
        if name not in standing.covered:
            words.append(f"needs the pipeline {name}, which is not for this project and branch")
        elif phase is None:
            words.append(f"needs the pipeline {name}, which has not run for this revision")
        elif phase.live:
            words.append(f"waits for the pipeline {name}, which is {phase.value}")
        else:
            words.append(f"needs the pipeline {name}, which {_ENDED[phase]}")
    due = standing.pushed + entrance.age
    if due > now:
        until = datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        words.append(f"is too young until {until}")
        return Gaps(tuple(words), due)
    return Gaps(tuple(words))


_ENDED: Mapping[RunPhase, str] = {
    RunPhase.FAILED: "failed",
    RunPhase.CANCELLED: "was cancelled",
    RunPhase.INFRASTRUCTURE: "could not be run",
}
