"""The chain of events: each entry carries the hash of the one before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import rfc8785

from headgate.model.event import Event, NewEvent

START = "0" * 64
"""What the first entry has for a previous hash."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of verifying a chain."""

    entries: int
    """How many entries were read and found in order."""
    head: str
    """Hash of the last of them; keep it elsewhere to prove later that nothing was rewritten."""
    problem: str = ""
    """The first entry that is wrong, and how; empty when the chain is whole."""

    @property
    def ok(self) -> bool:
        return not self.problem


def seal(previous: str, id: int, time: int, event: NewEvent) -> tuple[str, str]:
    """The canonical JSON (RFC 8785) of an event's data, and the SHA-256 of its entry.

    Raises ValueError for data that has no canonical form.
    """
    data = rfc8785.dumps(event.data)  # pyright: ignore[reportArgumentType]
    entry = {
        "id": id,
        "time": time,
        "kind": event.kind,
        "actor": event.actor,
        "subject": event.subject,
        "data": event.data,
        "previous": previous,
    }
    digest = hashlib.sha256(rfc8785.dumps(entry))  # pyright: ignore[reportArgumentType]
    return data.decode("utf-8"), digest.hexdigest()


def verify(events: Iterable[Event]) -> Verification:
    """Recompute a chain from its first entry on; stops at the first that is wrong."""
    entries, head, time = 0, START, 0
    for event in events:
        if problem := _problem(event, entries, head, time):
            return Verification(entries, head, problem)
        entries, head, time = event.id, event.hash, event.time
    return Verification(entries, head)


def _problem(event: Event, entries: int, head: str, time: int) -> str:
    if event.id != entries + 1:
        return f"Entry {entries + 1} is missing: entry {event.id} follows entry {entries}."
    if event.previous != head:
        return f"Entry {event.id} does not follow from the entry before it."
    if event.time < time:
        return f"Entry {event.id} is earlier than the entry before it."
    new = NewEvent(event.kind, event.actor, event.subject, event.data)
    try:
        _, expected = seal(event.previous, event.id, event.time, new)
    except (ValueError, TypeError) as error:
        return f"Entry {event.id} has no canonical form: {error}."
    if expected != event.hash:
        return f"Entry {event.id} was altered: its hash is not that of its content."
    return ""
