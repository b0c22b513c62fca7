"""What is kept for jobs: sealed secrets, and work areas that somebody wants to look at."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, or_, select, update

from headgate.model.errors import NotFound
from headgate.model.ids import JobRunId, PrincipalId, ProjectId
from headgate.store.tables.jobs import holds, secrets
from headgate.store.text import decode, encode
from headgate.store.types import Clock, new_id


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A secret of a project, as it is stored."""

    id: int
    """Another one whenever the value is set: it tells values apart without showing them."""
    name: str
    sealed: str
    set_by: PrincipalId
    created: float


@dataclass(frozen=True, slots=True)
class Hold:
    """A wish to keep the work area of the next failing run of a job, and what became of it."""

    id: int
    project: str
    job: str
    asked_by: PrincipalId
    created: float
    expires: float
    """Seconds since the epoch; then the wish and the area are gone."""
    run: JobRunId | None
    """The run whose area is kept; None while none has failed."""
    place: str
    """Where the area is; empty while there is none."""


class Secrets:
    """Sealed secrets of projects."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def set(self, project: ProjectId, name: str, sealed: str, by: PrincipalId) -> None:
        """Store it in place of one of the same name."""
        self._delete(project, name)
        values = {"project_id": project, "name": name, "sealed": sealed, "set_by": by}
        self._c.execute(insert(secrets).values(**values, created=self._clock()))

    def remove(self, project: ProjectId, name: str) -> None:
        """Raises NotFound."""
        if not self._delete(project, name):
            raise NotFound(f"There is no secret {name!r} of this project.", "See the list of them.")

    def _delete(self, project: ProjectId, name: str) -> bool:
        where = (secrets.c.project_id == project, secrets.c.name == name)
        return bool(self._c.execute(delete(secrets).where(*where)).rowcount)

    def find(self, project: ProjectId, name: str) -> StoredSecret | None:
        where = (secrets.c.project_id == project, secrets.c.name == name)
        row = self._c.execute(select(secrets).where(*where)).mappings().first()
        return _secret(row) if row else None

    def of(self, project: ProjectId) -> list[StoredSecret]:
        """By name."""
        query = select(secrets).where(secrets.c.project_id == project).order_by(secrets.c.name)
        return [_secret(row) for row in self._c.execute(query).mappings()]


class Holds:
    """Wishes to keep work areas."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(self, project: str, job: str, by: PrincipalId, expires: float) -> Hold:
        values = {"project": project, "job": encode(job), "asked_by": by, "place": ""}
        done = self._c.execute(
            insert(holds).values(**values, created=self._clock(), expires=expires)
        )
        return self.get(new_id(done))

    def get(self, id: int) -> Hold:
        """Raises NotFound."""
        row = self._c.execute(select(holds).where(holds.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no hold {id}.", "See `headgate job holds`.")
        return _hold(row)

    def all(self) -> list[Hold]:
        """Oldest first."""
        query = select(holds).order_by(holds.c.id)
        return [_hold(row) for row in self._c.execute(query).mappings()]

    def open_for(self, project: str, names: tuple[str, ...]) -> Hold | None:
        """The oldest wish that no run has met, under any of a job's names."""
        query = (
            select(holds)
            .where(
                holds.c.project == project,
                or_(*(holds.c.job == encode(name) for name in names)),
                holds.c.run_id.is_(None),
                holds.c.expires > self._clock(),
            )
            .order_by(holds.c.id)
        )
        row = self._c.execute(query).mappings().first()
        return _hold(row) if row else None

    def meet(self, id: int, run: JobRunId, place: str) -> None:
        """A run has failed, and its area is at this place."""
        values = {"run_id": run, "place": encode(place)}
        self._c.execute(update(holds).where(holds.c.id == id).values(**values))

    def remove(self, id: int) -> None:
        self._c.execute(delete(holds).where(holds.c.id == id))

    def expired(self) -> list[Hold]:
        query = select(holds).where(holds.c.expires <= self._clock()).order_by(holds.c.id)
        return [_hold(row) for row in self._c.execute(query).mappings()]


def _secret(r: RowMapping) -> StoredSecret:
    by = PrincipalId(r["set_by"])
    return StoredSecret(r["id"], r["name"], r["sealed"], by, r["created"])


def _hold(r: RowMapping) -> Hold:
    return Hold(
        id=r["id"],
        project=r["project"],
        job=decode(r["job"]),
        asked_by=PrincipalId(r["asked_by"]),
        created=r["created"],
        expires=r["expires"],
        run=None if r["run_id"] is None else JobRunId(r["run_id"]),
        place=decode(r["place"]),
    )
