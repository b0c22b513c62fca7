"""Failures that a later future contradicts: the same job passed there, with the item in it.

Then the failure is provisional: it may have been the job that failed, not the item. The item is
tested again, once; a second failure counts. A failure that is repeated there counts at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.model.ids import BuildId, ItemId
from headgate.model.job import RunState
from headgate.model.trial import Trial, TrialState
from headgate.store.database import Transaction

_RED = frozenset({RunState.FAILED, RunState.TIMED_OUT})

Job = tuple[str, str]
"""Project and name."""


def contradicted(
    tx: Transaction, failed: Trial, trials: Sequence[Trial], landed: Mapping[ItemId, int]
) -> Trial | None:
    """The later trial that contains all that a failed one did, and in which its jobs passed.

    `landed` are items with the count of landings after theirs: what had landed before a trial was
    made is in it.
    """
    if failed.state is not TrialState.FAILED or failed.build is None:
        return None
    inside = {*failed.members, *failed.assumed}
    red: set[Job] = set()
    for later in trials:
        if later.id <= failed.id or later.state is not TrialState.PASSED:
            continue
        there = {item for item, when in landed.items() if when <= later.epoch}
        if not inside <= {*later.members, *later.assumed, *there}:
            continue
        red = red or _failed_jobs(tx, failed.build)
        if red and red <= _passed_jobs(tx, later):
            return later
    return None


def _failed_jobs(tx: Transaction, build: BuildId) -> set[Job]:
    """Voting jobs whose last run failed."""
    last = {(run.project, run.job): run for run in tx.builds.runs(build) if run.voting}
    return {job for job, run in last.items() if run.state in _RED}


def _passed_jobs(tx: Transaction, trial: Trial) -> set[Job]:
    runs = [] if trial.build is None else tx.builds.runs(trial.build)
    runs = [*runs, *(tx.builds.run(id) for id in trial.reused)]
    return {(run.project, run.job) for run in runs if run.state is RunState.PASSED}
