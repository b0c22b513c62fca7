"""The list of changes, with its filters."""

from __future__ import annotations

from dataclasses import dataclass

from headgate.model.change import OPEN_STATES, Change, ChangeState
from headgate.model.errors import BadInput
from headgate.model.ids import ChangeNumber
from headgate.model.principal import Principal
from headgate.server.views import words
from headgate.server.views.abilities import may_read
from headgate.server.views.house import House
from headgate.server.views.text import View
from headgate.server.views.words import Names

PAGE = 50
"""Changes per page."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of the list says."""

    project: str = ""
    branch: str = ""
    state: str = ""
    """A word of ChangeState, `open`, or empty for all."""
    owner: str = ""
    q: str = ""
    """Text in the title."""
    before: int | None = None
    """Only changes with a smaller number."""

    def states(self) -> frozenset[ChangeState] | None:
        """Raises BadInput for a word that is no state."""
        if not self.state:
            return None
        if self.state == "open":
            return OPEN_STATES
        try:
            return frozenset({ChangeState(self.state)})
        except ValueError:
            known = ", ".join(["open", *(s.value for s in ChangeState)])
            raise BadInput(
                f"state={self.state!r} is not a state of a change.", f"Use one of: {known}."
            ) from None


def changes_view(house: House, viewer: Principal, filters: Filters) -> View:
    """One page of changes, newest first. Raises BadInput for a filter that cannot be used."""
    states = filters.states()
    with house.db.read() as tx:
        names = Names(tx)
        projects = [p for p in tx.projects.all() if may_read(house, viewer, p.name)]
        project = next((p for p in projects if p.name == filters.project), None)
        owner = tx.principals.find(filters.owner) if filters.owner else None
        rows: list[Change] = []
        if not (filters.project and project is None) and not (filters.owner and owner is None):
            found = tx.changes.select(
                project=project.id if project else None,
                branch=filters.branch or None,
                states=states,
                owner=owner.id if owner else None,
                text=filters.q,
                before=None if filters.before is None else ChangeNumber(filters.before),
                limit=PAGE + 1,
            )
            rows = list(found)
        page = rows[:PAGE]
        readable = {p.id for p in projects}
        lines = [
            words.change_line(change, names) | {"origin": words.origin(words.origin_of(tx, change))}
            for change in page
            if change.project in readable
        ]
    return {
        "changes": lines,
        "filters": {
            "project": filters.project,
            "branch": filters.branch,
            "state": filters.state,
            "owner": filters.owner,
            "q": filters.q,
            "before": filters.before,
        },
        "next": page[-1].number if len(rows) > PAGE else None,
        "projects": [p.name for p in projects],
        "states": ["open", *(s.value for s in ChangeState)],
    }
