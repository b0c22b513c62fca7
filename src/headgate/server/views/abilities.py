"""What a viewer may see and do, so that a page offers nothing that would be refused."""

from __future__ import annotations

from collections.abc import Mapping

from headgate.authority.approval import may_approve
from headgate.authority.permissions import Action, Resource
from headgate.model.change import Change
from headgate.model.errors import NotFound
from headgate.model.ids import ChangeNumber
from headgate.model.principal import Principal
from headgate.server.views.house import House
from headgate.server.views.words import Names
from headgate.store.database import Transaction


def may_read(house: House, viewer: Principal, project: str) -> bool:
    """Whether the viewer may know of this project at all."""
    decision = house.permissions().decide(
        viewer, house.groups(viewer), Action.READ, Resource(project=project)
    )
    return decision.allowed


def readable_projects(house: House, viewer: Principal) -> frozenset[str]:
    """Names of the projects that the viewer may know."""
    with house.db.read() as tx:
        names = [project.name for project in tx.projects.all()]
    return frozenset(name for name in names if may_read(house, viewer, name))


def readable_change(
    house: House, tx: Transaction, number: int, viewer: Principal, names: Names
) -> Change:
    """A change. Raises NotFound, also when the viewer may not know."""
    change = tx.changes.get(ChangeNumber(number))
    if not may_read(house, viewer, names.project(change.project)):
        raise NotFound(f"There is no change {number}.", "See /changes for those there are.")
    return change


def may_read_audit(house: House, viewer: Principal) -> bool:
    """Whether the viewer may read the log of events."""
    decision = house.permissions().decide(
        viewer, house.groups(viewer), Action.READ_AUDIT, Resource()
    )
    return decision.allowed


def administers(house: House, viewer: Principal) -> bool:
    """Whether the viewer looks after the server and its people."""
    decision = house.permissions().decide(
        viewer, house.groups(viewer), Action.ADMINISTER, Resource()
    )
    return decision.allowed


_ACTIONS: Mapping[str, Action] = {
    "approve": Action.APPROVE,
    "enqueue": Action.ENQUEUE,
    "hold": Action.HOLD,
    "abandon": Action.ABANDON,
    "recheck": Action.ENQUEUE,
}
"""Buttons of a change's page, and the permission behind each."""


def refusals(house: House, viewer: Principal, change: Change) -> dict[str, str]:
    """Why the viewer may not do what a change's page offers; what is not named is permitted.

    Only permissions count here, not what the state of the change allows.
    """
    with house.db.read() as tx:
        owner = tx.principals.get(change.owner)
        sponsor = tx.principals.get(owner.sponsor).name if owner.sponsor is not None else ""
        project = tx.projects.get(change.project).name
    resource = Resource(project=project, change=change.number, owner=owner.name, sponsor=sponsor)
    permissions, groups = house.permissions(), house.groups(viewer)
    found: dict[str, str] = {}
    for name, action in _ACTIONS.items():
        decision = permissions.decide(viewer, groups, action, resource)
        if not decision.allowed:
            found[name] = decision.reason or f"{viewer.name} may not {action.value} this change."
    if "approve" not in found:
        people = house.people(change.number)
        why = may_approve(
            approver=viewer,
            authors=people.authors,
            author_emails=people.emails,
            sponsors=people.sponsors,
        )
        if why:
            found["approve"] = why
    return found
