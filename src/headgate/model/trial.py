"""Trials: builds of one or more items of a queue of lanes in one assumed future."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from headgate.model.ids import BuildId, Commit, ItemId, JobRunId, QueueId, TrialId
from headgate.model.queue import BranchKey


class TrialPurpose(StrEnum):
    SPECULATION = "speculation"
    """To learn whether the members pass in a future that may come."""
    CONFIRMATION = "confirmation"
    """Others have landed meanwhile: the same once more on the branches as they are. Only jobs
    that read something else than before run again."""


class TrialState(StrEnum):
    BUILDING = "building"
    PASSED = "passed"
    FAILED = "failed"
    LANDED = "landed"
    """It was what its members landed by."""
    DROPPED = "dropped"
    """Its answer is not needed, or is no answer."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Items merged in order onto assumed others, on the branches as they were."""

    id: TrialId
    queue: QueueId
    purpose: TrialPurpose
    members: tuple[ItemId, ...]
    """What is tested; each has a node of the trial."""
    assumed: tuple[ItemId, ...]
    """Items taken as landed before them, in the order in which they were merged."""
    epoch: int
    """How many landings the queue had seen when it was made."""
    heads: Mapping[BranchKey, Commit]
    """The branches as they were when it was made."""
    before: Mapping[BranchKey, Commit]
    """The same with those assumed, without the members: what landing by it must find."""
    shown: tuple[str, ...]
    """Projects that its jobs are shown, and those of its members."""
    state: TrialState
    reason: str
    culprits: tuple[ItemId, ...] | None
    """Of a failed one, the members to whom the failure was traced; None: to nobody."""
    build: BuildId | None
    baseline: BuildId | None
    """Failing jobs, run once more on the branches without any item."""
    reused: tuple[JobRunId, ...]
    """Runs whose results stand for jobs that see exactly the same here."""
    expected: float
    """Seconds that it should take."""
    created: float
    finished: float | None = None
    rules: str = ""
    """Digest of what the policy said about its jobs when it was made."""
