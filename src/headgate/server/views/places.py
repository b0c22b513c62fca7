"""Projects and principals."""

from __future__ import annotations

from headgate.gate.scope import own_queue
from headgate.model.change import OPEN_STATES
from headgate.model.errors import HeadgateError, NotFound
from headgate.model.patterns import name_matches
from headgate.model.principal import Principal
from headgate.model.project import Project
from headgate.model.queue import BranchKey
from headgate.server.views import words
from headgate.server.views.abilities import administers, may_read
from headgate.server.views.house import House
from headgate.server.views.text import View, shown_path, shown_text
from headgate.server.views.words import Names


def projects_view(house: House, viewer: Principal) -> View:
    """Every project that the viewer may know."""
    queues = house.policy().queues
    with house.db.read() as tx:
        projects = [p for p in tx.projects.all() if may_read(house, viewer, p.name)]
        rows: list[View] = []
        for project in projects:
            found = tx.changes.select(project=project.id, states=OPEN_STATES, limit=100)
            rows.append(
                _project(house, project)
                | {
                    "open": len(list(found)),
                    "queues": [q.name for q in queues if name_matches(project.name, q.projects)],
                }
            )
    return {"projects": rows}


async def project_view(house: House, name: str, viewer: Principal) -> View:
    """One project: how to push to it, its branches and its newest changes. Raises NotFound."""
    if not may_read(house, viewer, name):
        raise NotFound(f"There is no project {name}.", "See /projects for those there are.")
    policy = house.policy()
    with house.db.read() as tx:
        project = tx.projects.by_name(name)
        names = Names(tx)
        known = {q.name for q in tx.queues.all()}
        changes = [
            words.change_line(c, names) | {"origin": words.origin(words.origin_of(tx, c))}
            for c in tx.changes.select(project=project.id, limit=20)
        ]
    declared = [q for q in policy.queues if name_matches(name, q.projects)]
    queues: list[View] = [{"name": q.name, "branches": list(q.branches)} for q in declared]
    problem = ""
    branches: list[View] = []
    try:
        found = await house.repository(name).branches()
        branches = [{"name": shown_path(b), "commit": c} for b, c in sorted(found.items())]
        for branch in sorted(found):
            # A branch that no declared queue holds has one of its own from its first item on.
            queue = own_queue(BranchKey(name, branch))
            if queue in known:
                queues.append({"name": queue, "branches": [shown_path(branch)]})
    except HeadgateError as error:
        problem = str(error)
    return {
        "project": _project(house, project),
        "branches": branches,
        "problem": problem,
        "queues": queues,
        "changes": changes,
    }


def _project(house: House, project: Project) -> View:
    return {
        "name": project.name,
        "default_branch": shown_path(project.default_branch),
        "source": shown_text(project.source),
        "created": project.created,
        "url": f"{house.settings.url}/git/{project.name}.git",
    }


def principals_view(house: House, viewer: Principal) -> View:
    """Everybody who can act; addresses only for administrators, and one's own."""
    everything = administers(house, viewer)
    groups = house.policy().groups
    with house.db.read() as tx:
        everybody = tx.principals.all()
        names = Names(tx)
        people: list[View] = [
            names.person(p.id)
            | {
                "email": shown_text(p.email) if everything or p.id == viewer.id else "",
                "disabled": p.disabled,
                "groups": sorted(g for g, members in groups.items() if p.name in members),
            }
            for p in everybody
        ]
    return {"principals": people}
