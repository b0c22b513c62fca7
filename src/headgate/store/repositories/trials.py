"""Trials of queues of lanes, and results of jobs that may stand for others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.ids import BuildId, Commit, ItemId, JobRunId, QueueId, TrialId
from headgate.model.queue import BranchKey
from headgate.model.trial import Trial, TrialPurpose, TrialState
from headgate.store.tables.jobs import job_results
from headgate.store.tables.lanes import job_failures, trials
from headgate.store.text import decode, encode
from headgate.store.types import Clock, new_id

_LIVE = [s.value for s in (TrialState.BUILDING, TrialState.PASSED, TrialState.FAILED)]

_AT_ONCE = 500
"""Keys that one query asks for."""


class Trials:
    """Builds of items in assumed futures."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(
        self,
        queue: QueueId,
        purpose: TrialPurpose,
        members: Sequence[ItemId],
        assumed: Sequence[ItemId],
        epoch: int,
        heads: Mapping[BranchKey, Commit],
        before: Mapping[BranchKey, Commit],
        shown: Iterable[str] = (),
        reused: Sequence[JobRunId] = (),
        expected: float = 0.0,
        rules: str = "",
    ) -> Trial:
        """One that is being built."""
        done = self._c.execute(
            insert(trials).values(
                queue_id=queue,
                purpose=purpose.value,
                members=list(members),
                assumed=list(assumed),
                epoch=epoch,
                heads=_written(heads),
                before=_written(before),
                shown=sorted(shown),
                state=TrialState.BUILDING.value,
                reason="",
                reused=list(reused),
                expected=expected,
                created=self._clock(),
                rules=rules,
            )
        )
        return self.get(TrialId(new_id(done)))

    def get(self, id: TrialId) -> Trial:
        """Raises NotFound."""
        row = self._c.execute(select(trials).where(trials.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no trial with the id {id}.")
        return _trial(row)

    def live(self, queue: QueueId) -> list[Trial]:
        """Those under way, and those whose verdict still says something; oldest first."""
        query = select(trials).where(trials.c.queue_id == queue, trials.c.state.in_(_LIVE))
        # Ordered here: asked to, SQLite reads every trial that the queue ever had, by id.
        found = [_trial(r) for r in self._c.execute(query).mappings()]
        return sorted(found, key=lambda trial: trial.id)

    def set_state(
        self,
        id: TrialId,
        state: TrialState,
        reason: str,
        culprits: Sequence[ItemId] | None = None,
    ) -> None:
        values: dict[str, Any] = {"state": state.value, "reason": encode(reason)}
        if culprits is not None:
            values["culprits"] = list(culprits)
        if state is not TrialState.BUILDING:
            values["finished"] = self._clock()
        self._c.execute(update(trials).where(trials.c.id == id).values(**values))

    def set_build(self, id: TrialId, build: BuildId) -> None:
        self._c.execute(update(trials).where(trials.c.id == id).values(build_id=build))

    def set_baseline(self, id: TrialId, build: BuildId) -> None:
        self._c.execute(update(trials).where(trials.c.id == id).values(baseline_id=build))

    def of_baseline(self, build: BuildId) -> Trial | None:
        """The trial whose failing jobs were run again by this build."""
        row = self._c.execute(select(trials).where(trials.c.baseline_id == build)).mappings()
        found = row.first()
        return None if found is None else _trial(found)


class Results:
    """Passed runs by what they saw."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def keep(self, key: str, run: JobRunId) -> None:
        """A run that passed; the first one stays, unless one has failed on the same since."""
        if self.find([key]):
            return
        values = {"run_id": run, "created": self._clock()}
        done = self._c.execute(update(job_results).where(job_results.c.key == key).values(values))
        if not done.rowcount:
            self._c.execute(insert(job_results).values(key=key, **values))

    def find(self, keys: Iterable[str]) -> dict[str, JobRunId]:
        """Of these keys, those that a passed run is known for which no later run contradicts."""
        wanted = sorted(set(keys))
        found: dict[str, JobRunId] = {}
        for at in range(0, len(wanted), _AT_ONCE):
            some = wanted[at : at + _AT_ONCE]
            red = (
                select(job_failures.c.key, func.max(job_failures.c.run_id).label("run_id"))
                .where(job_failures.c.key.in_(some))
                .group_by(job_failures.c.key)
                .subquery()
            )
            query = (
                select(job_results.c.key, job_results.c.run_id)
                .join(red, red.c.key == job_results.c.key, isouter=True)
                .where(
                    job_results.c.key.in_(some),
                    red.c.run_id.is_(None) | (red.c.run_id < job_results.c.run_id),
                )
            )
            found |= {key: JobRunId(run) for key, run in self._c.execute(query)}
        return found


def _written(heads: Mapping[BranchKey, Commit]) -> list[list[str]]:
    return [[key.project, encode(key.branch), commit] for key, commit in heads.items()]


def _heads(stored: Sequence[Sequence[str]]) -> dict[BranchKey, Commit]:
    return {BranchKey(p, decode(b)): Commit(c) for p, b, c in stored}


def _trial(r: RowMapping) -> Trial:
    return Trial(
        id=TrialId(r["id"]),
        queue=QueueId(r["queue_id"]),
        purpose=TrialPurpose(r["purpose"]),
        members=tuple(ItemId(i) for i in r["members"]),
        assumed=tuple(ItemId(i) for i in r["assumed"]),
        epoch=r["epoch"],
        heads=_heads(r["heads"]),
        before=_heads(r["before"]),
        shown=tuple(r["shown"]),
        state=TrialState(r["state"]),
        reason=decode(r["reason"]),
        culprits=None if r["culprits"] is None else tuple(ItemId(i) for i in r["culprits"]),
        build=None if r["build_id"] is None else BuildId(r["build_id"]),
        baseline=None if r["baseline_id"] is None else BuildId(r["baseline_id"]),
        reused=tuple(JobRunId(i) for i in r["reused"]),
        expected=r["expected"],
        created=r["created"],
        finished=r["finished"],
        rules=r["rules"],
    )
