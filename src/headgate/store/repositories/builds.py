"""Builds, their job runs, and approved set-up scripts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, update

from headgate.model.errors import NotFound
from headgate.model.ids import BuildId, ItemId, JobRunId, PrincipalId
from headgate.model.job import Build, BuildState, JobRun, RunState
from headgate.store.tables.jobs import builds, job_runs, provisions, setups
from headgate.store.tables.queues import landings, nodes
from headgate.store.text import decode, encode
from headgate.store.types import Clock, new_id

_UNFINISHED = [s.value for s in RunState if not s.final]


@dataclass(frozen=True, slots=True)
class ApprovedSetup:
    """A set-up script that may run, by its digest."""

    digest: str
    by: PrincipalId
    note: str
    created: float


class Builds:
    """What was run for nodes."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(self) -> BuildId:
        """A running build without job runs."""
        values = {"state": BuildState.RUNNING.value, "reason": "", "created": self._clock()}
        return BuildId(new_id(self._c.execute(insert(builds).values(**values))))

    def get(self, id: BuildId) -> Build:
        """Raises NotFound."""
        r = self._c.execute(select(builds).where(builds.c.id == id)).mappings().first()
        if r is None:
            raise NotFound(f"There is no build with the id {id}.")
        state, reason = BuildState(r["state"]), decode(r["reason"])
        return Build(BuildId(r["id"]), state, reason, r["created"], r["finished"])

    def set_state(self, id: BuildId, state: BuildState, reason: str) -> None:
        finished = None if state is BuildState.RUNNING else self._clock()
        self._c.execute(
            update(builds)
            .where(builds.c.id == id)
            .values(state=state.value, reason=encode(reason), finished=finished)
        )

    def add_run(self, build: BuildId, project: str, job: str, attempt: int, voting: bool) -> JobRun:
        """A queued run."""
        done = self._c.execute(
            insert(job_runs).values(
                build_id=build,
                project=project,
                job=job,
                attempt=attempt,
                state=RunState.QUEUED.value,
                voting=voting,
                reason="",
                created=self._clock(),
            )
        )
        return self.run(JobRunId(new_id(done)))

    def run(self, id: JobRunId) -> JobRun:
        """Raises NotFound."""
        row = self._c.execute(select(job_runs).where(job_runs.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no job run {id}.", "See the change's page for its job runs.")
        return _run(row)

    def runs(self, build: BuildId) -> list[JobRun]:
        """In the order in which they were made."""
        query = select(job_runs).where(job_runs.c.build_id == build).order_by(job_runs.c.id)
        return [_run(r) for r in self._c.execute(query).mappings()]

    def set_run(
        self,
        id: JobRunId,
        state: RunState,
        *,
        reason: str = "",
        exit_code: int | None = None,
        started: float | None = None,
        finished: float | None = None,
    ) -> None:
        """Times that are None stay as they are."""
        values: dict[str, object] = {"state": state.value, "reason": encode(reason)}
        given = {"exit_code": exit_code, "started": started, "finished": finished}
        values |= {key: value for key, value in given.items() if value is not None}
        self._c.execute(update(job_runs).where(job_runs.c.id == id).values(**values))

    def provide(self, run: JobRunId, names: Iterable[str]) -> None:
        """Note under which names the artifacts of a passed run are found."""
        for name in names:
            self._c.execute(insert(provisions).values(run_id=run, name=name))

    def providers(
        self, name: str, projects: Collection[str], ahead: Sequence[ItemId]
    ) -> list[JobRunId]:
        """The runs that provide an artifact for what comes after the items `ahead`.

        Those of the last item ahead that has any, else of what landed last; of all combinations
        of a matrix. Only runs of jobs of these projects.
        """
        for item in reversed(ahead):
            build = select(nodes.c.build_id).where(
                nodes.c.item_id == item, nodes.c.state != "dropped", nodes.c.build_id.is_not(None)
            )
            if found := self._providing(name, projects, job_runs.c.build_id.in_(build)):
                return found
        landed = (
            select(job_runs.c.build_id)
            .join(provisions, provisions.c.run_id == job_runs.c.id)
            .join(nodes, nodes.c.build_id == job_runs.c.build_id)
            .join(landings, landings.c.item_id == nodes.c.item_id)
            .where(
                provisions.c.name == name,
                job_runs.c.project.in_(projects),
                nodes.c.commit == landings.c.commit,
            )
            .order_by(landings.c.time.desc(), job_runs.c.id.desc())
            .limit(1)
        )
        return self._providing(name, projects, job_runs.c.build_id.in_(landed))

    def _providing(
        self, name: str, projects: Collection[str], where: ColumnElement[bool]
    ) -> list[JobRunId]:
        query = (
            select(job_runs.c.id)
            .join(provisions, provisions.c.run_id == job_runs.c.id)
            .where(provisions.c.name == name, job_runs.c.project.in_(projects), where)
            .order_by(job_runs.c.id)
        )
        return [JobRunId(id) for id in self._c.execute(query).scalars()]

    def recent_runs(self, project: str, job: str, limit: int = 10) -> list[JobRun]:
        """The newest runs of a job that ran to their end."""
        query = (
            select(job_runs)
            .where(
                job_runs.c.project == project,
                job_runs.c.job == job,
                job_runs.c.state.in_([RunState.PASSED.value, RunState.FAILED.value]),
            )
            .order_by(job_runs.c.id.desc())
            .limit(limit)
        )
        return [_run(r) for r in self._c.execute(query).mappings()]

    def passed(self, limit: int) -> list[JobRun]:
        """The newest runs that passed, oldest first."""
        query = (
            select(job_runs)
            .where(job_runs.c.state == RunState.PASSED.value)
            .order_by(job_runs.c.id.desc())
            .limit(limit)
        )
        return [_run(r) for r in self._c.execute(query).mappings()][::-1]

    def unfinished(self) -> list[JobRun]:
        """Queued or running: after a restart, these were cut off."""
        query = select(job_runs).where(job_runs.c.state.in_(_UNFINISHED)).order_by(job_runs.c.id)
        return [_run(r) for r in self._c.execute(query).mappings()]


class Setups:
    """Set-up scripts of environments that an operator let run."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def approve(self, digest: str, by: PrincipalId, note: str) -> None:
        values = {
            "digest": digest,
            "approved_by": by,
            "note": encode(note),
            "created": self._clock(),
        }
        self._c.execute(insert(setups).values(**values))

    def approved(self, digest: str) -> bool:
        query = select(setups.c.digest).where(setups.c.digest == digest)
        return self._c.execute(query).first() is not None

    def all(self) -> list[ApprovedSetup]:
        """Oldest first."""
        return [
            ApprovedSetup(
                r["digest"], PrincipalId(r["approved_by"]), decode(r["note"]), r["created"]
            )
            for r in self._c.execute(select(setups).order_by(setups.c.created)).mappings()
        ]


def _run(r: RowMapping) -> JobRun:
    return JobRun(
        id=JobRunId(r["id"]),
        build=BuildId(r["build_id"]),
        project=r["project"],
        job=r["job"],
        attempt=r["attempt"],
        state=RunState(r["state"]),
        voting=bool(r["voting"]),
        reason=decode(r["reason"]),
        exit_code=r["exit_code"],
        created=r["created"],
        started=r["started"],
        finished=r["finished"],
    )
