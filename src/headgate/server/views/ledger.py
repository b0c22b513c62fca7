"""The log of events, with its filters."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from headgate.model.errors import Denied
from headgate.model.event import Event
from headgate.model.principal import Principal
from headgate.server.views.abilities import may_read_audit
from headgate.server.views.house import House
from headgate.server.views.text import View, shown_text

PAGE = 100
"""Events per page."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of the log says."""

    kind: str = ""
    """How the kind begins, e.g. `change.`."""
    subject: str = ""
    before: int | None = None
    """Only events with a smaller number."""


def events_view(house: House, viewer: Principal, filters: Filters) -> View:
    """One page of events, newest first. Raises Denied for who may not read the log."""
    if not may_read_audit(house, viewer):
        raise Denied(
            f"{viewer.name} may not read the log of events.",
            "Ask an administrator for the permission read_audit.",
        )
    with house.db.read() as tx:
        found = tx.events.latest(
            PAGE + 1, before=filters.before, kind_prefix=filters.kind, subject=filters.subject
        )
        last = tx.events.last()
    rows = list(found)
    page = rows[:PAGE]
    return {
        "events": [event_line(event) for event in page],
        "filters": {"kind": filters.kind, "subject": filters.subject, "before": filters.before},
        "next": page[-1].id if len(rows) > PAGE else None,
        "entries": last.id if last else 0,
        "head": last.hash if last else "0" * 64,
    }


def event_line(event: Event) -> View:
    """One event; `time` is in seconds."""
    return {
        "id": event.id,
        "time": event.time / 1_000_000,
        "kind": event.kind,
        "actor": shown_text(event.actor),
        "subject": shown_text(event.subject),
        "href": subject_href(event.subject),
        "data": dict(event.data),
        "previous": event.previous,
        "hash": event.hash,
    }


def subject_href(subject: str) -> str:
    """The page of an event's subject; empty when there is none."""
    noun, _, name = subject.partition("/")
    match noun:
        case "change" if name.isdecimal():
            return f"/changes/{name}"
        case "job" if name.isdecimal():
            return f"/jobs/{name}"
        case "queue":
            return f"/queues/{quote(name)}"
        case "project":
            return f"/projects/{quote(name)}"
        case _:
            return ""
