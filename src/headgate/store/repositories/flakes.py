"""Failed runs by what they saw, and jobs whose outcomes contradicted each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, insert, select

from headgate.model.ids import JobRunId
from headgate.store.tables.jobs import job_results, job_runs
from headgate.store.tables.lanes import job_failures
from headgate.store.types import Clock


@dataclass(frozen=True, slots=True)
class FlakyJob:
    """A job that failed and passed on exactly the same content."""

    project: str
    job: str
    count: int
    """Failed runs that a passed one contradicts."""
    last_seen: float
    """When the newest contradiction was complete; seconds since the epoch."""
    failed: JobRunId
    """Of the newest contradiction, the run that failed."""
    passed: JobRunId
    """And the one that passed."""


class Failures:
    """Runs that failed."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(self, key: str, run: JobRunId) -> None:
        """A run failed, or ran out of time, on what this key stands for."""
        values = {"run_id": run, "key": key, "created": self._clock()}
        self._c.execute(insert(job_failures).values(values))

    def flaky(self, since: float) -> list[FlakyJob]:
        """Jobs with failures since then that a passed run contradicts, the most recent first."""
        return self._flaky(since)

    def of(self, jobs: Iterable[tuple[str, str]], since: float) -> list[FlakyJob]:
        """Of these jobs, by project and name, those that are flaky."""
        found: list[FlakyJob] = []
        for project, job in sorted(set(jobs)):
            found += self._flaky(since, job_runs.c.project == project, job_runs.c.job == job)
        return found

    def _flaky(self, since: float, *where: ColumnElement[bool]) -> list[FlakyJob]:
        query = (
            select(
                job_runs.c.project,
                job_runs.c.job,
                job_failures.c.run_id.label("failed"),
                job_results.c.run_id.label("passed"),
                job_failures.c.created.label("red"),
                job_results.c.created.label("green"),
            )
            .join(job_results, job_results.c.key == job_failures.c.key)
            .join(job_runs, job_runs.c.id == job_failures.c.run_id)
            .where(job_failures.c.created >= since, *where)
        )
        found: dict[tuple[str, str], FlakyJob] = {}
        for r in self._c.execute(query).mappings():
            when = max(r["red"], r["green"])
            runs = JobRunId(r["failed"]), JobRunId(r["passed"])
            one = FlakyJob(r["project"], r["job"], 1, when, *runs)
            known = found.get((one.project, one.job))
            if known is not None:
                newest = max(known, one, key=lambda f: (f.last_seen, f.failed))
                one = replace(newest, count=known.count + 1)
            found[one.project, one.job] = one
        return sorted(found.values(), key=lambda f: (-f.last_seen, f.project, f.job))
