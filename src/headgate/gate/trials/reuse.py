"""Which jobs of a build need not run, because they have passed on exactly what they see here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from headgate.gate.builds import Recorder
from headgate.jobs.build import BuildPlan, PlannedJob, RunSink
from headgate.jobs.dispatch.interface import RunResult
from headgate.jobs.results import result_key
from headgate.jobs.select import JobKey
from headgate.model.errors import HeadgateError
from headgate.model.ids import JobRunId
from headgate.model.job import RunState
from headgate.store.database import Database

RED = frozenset({RunState.FAILED, RunState.TIMED_OUT})
"""States of runs that say something against what they ran on."""


@dataclass(frozen=True, slots=True)
class Rest:
    """A build without the jobs whose results are known."""

    plan: BuildPlan
    """What has to run."""
    reused: tuple[JobRunId, ...]
    keys: Mapping[JobKey, str]
    """Of every job whose result may stand for another."""

    @classmethod
    def none(cls) -> Rest:
        """Of a build that is not to be made."""
        return cls(BuildPlan(()), (), {})


async def keys_of(plan: BuildPlan) -> dict[JobKey, str]:
    """What decides each job's outcome, for those where that can be told."""
    found: dict[JobKey, str] = {}
    for planned in plan.jobs:
        job = planned.job
        if planned.visible is None or job.provides or job.requires:
            continue  # Its artifacts have to be those of this very build.
        if job.secrets:
            continue  # What it does with them, it may do to the world outside.
        try:
            key = result_key(job, await planned.visible())
        except HeadgateError:
            continue
        if key:
            found[planned.key] = key
    return found


def rest_of(
    plan: BuildPlan,
    keys: Mapping[JobKey, str],
    known: Mapping[str, JobRunId],
    *,
    voting_only: bool = False,
    patient: bool = False,
) -> Rest:
    """What is left to run. With `voting_only`, jobs that decide nothing are left out as well, when
    no job that decides needs them. `patient`: no job fails fast, so that every failure is found.

    Jobs that need each other run together or not at all: one may choose among, or leave something
    for, those that need it.
    """
    kept: list[PlannedJob] = []
    reused: list[JobRunId] = []
    for group in _groups(plan.jobs):
        found = {p.key: known.get(keys.get(p.key, "")) for p in group}
        missing = [p for p in group if found[p.key] is None]
        decides = any(p.job.voting for p in missing) if voting_only else bool(missing)
        if decides:
            kept += group
        else:
            reused += [run for run in found.values() if run is not None]
    order = {p.key: index for index, p in enumerate(plan.jobs)}
    kept.sort(key=lambda p: order[p.key])
    if patient:
        kept = [replace(p, job=replace(p.job, fail_fast=False)) for p in kept]
    return Rest(BuildPlan(tuple(kept)), tuple(reused), keys)


def _groups(jobs: Sequence[PlannedJob]) -> list[list[PlannedJob]]:
    """Jobs with those that they need and those that need them."""
    leader: dict[JobKey, JobKey] = {p.key: p.key for p in jobs}

    def find(key: JobKey) -> JobKey:
        while leader[key] != key:
            key = leader[key]
        return key

    for planned in jobs:
        for need in planned.job.needs:
            other = (planned.project, need)
            if other in leader:
                leader[find(other)] = find(planned.key)
    groups: dict[JobKey, list[PlannedJob]] = {}
    for planned in jobs:
        groups.setdefault(find(planned.key), []).append(planned)
    return list(groups.values())


def only(plan: BuildPlan, wanted: Collection[JobKey]) -> BuildPlan:
    """Some jobs of a build, with all that they need."""
    jobs = {p.key: p for p in plan.jobs}
    chosen: set[JobKey] = set()
    look = [key for key in wanted if key in jobs]
    while look:
        key = look.pop()
        if key not in chosen:
            chosen.add(key)
            look += [(key[0], need) for need in jobs[key].job.needs if (key[0], need) in jobs]
    return BuildPlan(tuple(p for p in plan.jobs if p.key in chosen))


class Keeper(RunSink):
    """Keeps results that may stand for others, and failures that may contradict them, besides
    recording every run."""

    def __init__(self, db: Database, recorder: Recorder, rest: Rest) -> None:
        self._db = db
        self._recorder = recorder
        self._keys = rest.keys
        self._needs = {p.key: {(p.project, need) for need in p.job.needs} for p in rest.plan.jobs}
        self._jobs: dict[JobRunId, JobKey] = {}
        self.returned: set[JobKey] = set()
        """Jobs that returned something, and those that got it."""
        self.seconds: dict[JobKey, float] = {}
        """How long jobs took that passed."""
        self.runs: dict[JobKey, JobRunId] = {}
        """The last run of each job."""

    def created(self, project: str, job: str, attempt: int, voting: bool) -> JobRunId:
        """See RunSink."""
        run = self._recorder.created(project, job, attempt, voting)
        self._jobs[run] = (project, job)
        self.runs[project, job] = run
        return run

    def started(self, run: JobRunId, at: float) -> None:
        """See RunSink."""
        self._recorder.started(run, at)

    def finished(self, run: JobRunId, result: RunResult) -> None:
        """See RunSink."""
        self._recorder.finished(run, result)
        job = self._jobs[run]
        if result.state in RED:
            key = self._keys.get(job, "")
            if key and not self._needs.get(job, set[JobKey]()) & self.returned:
                with self._db.write() as tx:
                    tx.failures.add(key, run)
        if result.state is not RunState.PASSED:
            return
        if result.started is not None:
            self.seconds[job] = max(0.0, result.finished - result.started)
        told = result.returned.children is not None or bool(result.returned.data)
        if told or self._needs.get(job, set[JobKey]()) & self.returned:
            self.returned.add(job)
            return
        key = self._keys.get(job, "")
        if key:
            with self._db.write() as tx:
                tx.results.keep(key, run)
