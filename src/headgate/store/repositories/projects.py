"""Projects."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, insert, select

from headgate.model.errors import NotFound
from headgate.model.ids import ProjectId
from headgate.model.project import Project
from headgate.store.tables.people import projects as t
from headgate.store.types import Clock, new_id


class Projects:
    """The repositories that are gated."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._c = connection
        self._clock = clock

    def add(self, name: str, default_branch: str, source: str) -> Project:
        created = self._clock()
        values = {"name": name, "default_branch": default_branch, "source": source}
        done = self._c.execute(insert(t).values(**values, created=created))
        return Project(ProjectId(new_id(done)), name, default_branch, source, created)

    def find(self, name: str) -> Project | None:
        row = self._c.execute(select(t).where(t.c.name == name)).mappings().first()
        return _project(row) if row else None

    def by_name(self, name: str) -> Project:
        """Raises NotFound."""
        found = self.find(name)
        if found is None:
            raise NotFound(f"There is no project {name!r}.", "See `headgate project list`.")
        return found

    def get(self, id: ProjectId) -> Project:
        """Raises NotFound."""
        row = self._c.execute(select(t).where(t.c.id == id)).mappings().first()
        if row is None:
            raise NotFound(f"There is no project with the id {id}.")
        return _project(row)

    def all(self) -> list[Project]:
        """By name."""
        return [_project(r) for r in self._c.execute(select(t).order_by(t.c.name)).mappings()]


def _project(r: RowMapping) -> Project:
    return Project(ProjectId(r["id"]), r["name"], r["default_branch"], r["source"], r["created"])
