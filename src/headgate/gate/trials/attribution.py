"""To whom the failure of a fused build is traced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.gate.trials.footprint import UNKNOWN, Footprint, Shown, blamed
from headgate.gate.units import listed
from headgate.jobs.build import BuildPlan, PlannedJob
from headgate.jobs.select import JobKey
from headgate.model.ids import ChangeNumber, Commit, ItemId, JobRunId
from headgate.model.queue import BranchKey


@dataclass(frozen=True, slots=True)
class Blame:
    """Who it was, and in words why it can have been nobody else."""

    units: tuple[ItemId, ...] | None
    """None: several can be the cause, and each has to be tested by itself."""
    words: str = ""


def attribute(
    failed: Sequence[JobKey],
    plan: BuildPlan,
    units: Mapping[ItemId, ChangeNumber],
    footprints: Mapping[ItemId, Footprint],
    heads: Mapping[BranchKey, Commit],
) -> Blame:
    """Who made the jobs fail, of units that were tested in one build.

    Whoever touches nothing of what a job is shown cannot be why it fails. A failure is traced when
    that leaves one unit for each job that failed.
    """
    if len(units) == 1:
        return Blame(tuple(units))
    jobs = {planned.key: planned for planned in plan.jobs}
    found: dict[ItemId, None] = {}
    for key in failed:
        planned = jobs.get(key)
        if planned is None:
            return Blame(None)
        members = [(unit, footprints.get(unit, UNKNOWN)) for unit in units]
        candidates = blamed(members, _shown(planned, heads))
        if len(candidates) != 1:
            return Blame(None, _several(key, [units[ItemId(c)] for c in candidates]))
        found[ItemId(candidates[0])] = None
    if not found:
        return Blame(None)
    others = [number for unit, number in units.items() if unit not in found]
    touch = "touches" if len(others) == 1 else "touch"
    words = f"tested together with {listed(others)}, which {touch} nothing that the job is shown"
    return Blame(tuple(found), words if others else "")


def _several(job: JobKey, candidates: Sequence[ChangeNumber]) -> str:
    if not candidates:
        return f"none of them touches what job {job[0]}/{job[1]} is shown"
    return f"{listed(candidates)} touch what job {job[0]}/{job[1]} is shown"


def _shown(planned: PlannedJob, heads: Mapping[BranchKey, Commit]) -> list[Shown]:
    """What a job finds, on whatever branches of the queue its projects have."""
    request = planned.request_for(JobRunId(0), 1)
    return [
        Shown(
            checkout.project,
            frozenset(key.branch for key in heads if key.project == checkout.project),
            checkout.reads,
            f"{planned.project}/{planned.job.name}",
        )
        for checkout in request.checkouts
    ]
