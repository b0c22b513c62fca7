"""Failures that may be the job's, not the item's: those are provisional.

Either a later future contradicts the failure: the same job passed there, with the item in it. Or
the job is known to be flaky: it failed and passed on exactly the same content before. Then the item
is tested again, once, and a second failure counts. Such a failure is never taken for a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headgate.gate.trials.reuse import RED
from headgate.model.ids import BuildId, ItemId
from headgate.model.job import RunState
from headgate.model.trial import Trial, TrialState
from headgate.store.database import Transaction
from headgate.store.repositories.flakes import FlakyJob

FLAKY_FOR = 30 * 86400.0
"""Seconds for which a job counts as flaky after its outcomes last contradicted each other."""

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


def flaky(tx: Transaction, failed: Trial, now: float) -> str:
    """That all jobs that failed are known to be flaky, in words; empty when one is not."""
    red = set[Job]() if failed.build is None else _failed_jobs(tx, failed.build)
    known = tx.failures.of(red, now - FLAKY_FOR)
    if not red or len(known) < len(red):
        return ""
    return " and ".join(flaky_words(one) for one in known)


def flaky_words(one: FlakyJob) -> str:
    """`job app/tests is known to be flaky: 3 failures …`."""
    times = "1 failure" if one.count == 1 else f"{one.count} failures"
    return (
        f"job {one.project}/{one.job} is known to be flaky ({times} on what it passed on, the last "
        f"/jobs/{one.failed} against /jobs/{one.passed})"
    )


def _failed_jobs(tx: Transaction, build: BuildId) -> set[Job]:
    """Voting jobs whose last run failed."""
    last = {(run.project, run.job): run for run in tx.builds.runs(build) if run.voting}
    return {job for job, run in last.items() if run.state in RED}


def _passed_jobs(tx: Transaction, trial: Trial) -> set[Job]:
    runs = [] if trial.build is None else tx.builds.runs(trial.build)
    runs = [*runs, *(tx.builds.run(id) for id in trial.reused)]
    return {(run.project, run.job) for run in runs if run.state is RunState.PASSED}
