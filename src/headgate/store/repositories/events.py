"""The log of events: appended to, never changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from sqlalchemy import Connection, RowMapping, Select, insert, select

from headgate.model.event import Event, NewEvent
from headgate.store.tables.events import events as t
from headgate.store.text import legible, legible_all
from headgate.store.types import Clock

Seal = Callable[[str, int, int, NewEvent], tuple[str, str]]
"""(previous hash, id, time in microseconds, event) → (canonical JSON of the data, hash)."""

START = "0" * 64
_BATCH = 2000
_PAGE = 200

# Built once: every write uses them, and building costs as much as running.
_LAST = select(t).order_by(t.c.id.desc()).limit(1)
_INSERT = insert(t)


class Events:
    """The chain. Appending needs a write transaction, so ids have no gaps."""

    def __init__(self, connection: Connection, clock: Clock, seal: Seal) -> None:
        self._c = connection
        self._clock = clock
        self._seal = seal
        self._last: Event | None = None
        self.appended: list[Event] = []
        """What this transaction appended, in order."""

    def append(self, event: NewEvent) -> Event:
        """Chain an event to the last one; times never go backwards.

        Its text is kept as it will be read and hashed: what has no UTF-8 stands as `\\xNN`.
        """
        last = self._last or self.last()
        id, previous = (last.id + 1, last.hash) if last else (1, START)
        time = max(int(self._clock() * 1_000_000), last.time if last else 0)
        clean = replace(event, subject=legible(event.subject), data=legible_all(dict(event.data)))
        data, digest = self._seal(previous, id, time, clean)
        self._c.execute(
            _INSERT,
            {
                "id": id,
                "time": str(time),
                "kind": clean.kind,
                "actor": clean.actor,
                "subject": clean.subject,
                "data": data,
                "previous": previous,
                "hash": digest,
            },
        )
        made = Event(id, time, clean.kind, clean.actor, clean.subject, clean.data, previous, digest)
        self._last = made
        self.appended.append(made)
        return made

    def last(self) -> Event | None:
        row = self._c.execute(_LAST).mappings().first()
        return _event(row) if row else None

    def after(self, id: int, limit: int, kind_prefix: str = "", subject: str = "") -> list[Event]:
        """Ascending, those with a larger id."""
        query = _filtered(select(t).where(t.c.id > id), kind_prefix, subject)
        query = query.order_by(t.c.id).limit(limit)
        return [_event(r) for r in self._c.execute(query).mappings()]

    def latest(
        self, limit: int, before: int | None = None, kind_prefix: str = "", subject: str = ""
    ) -> list[Event]:
        """Descending, those with a smaller id than `before`."""
        query = _filtered(select(t), kind_prefix, subject)
        if before is not None:
            query = query.where(t.c.id < before)
        query = query.order_by(t.c.id.desc()).limit(limit)
        return [_event(r) for r in self._c.execute(query).mappings()]

    def since(self, kind: str, time: int) -> list[Event]:
        """Those of exactly one kind from a time in microseconds on, ascending."""
        found: list[Event] = []
        before: int | None = None
        while True:
            query = select(t).where(t.c.kind == kind).order_by(t.c.id.desc()).limit(_PAGE)
            if before is not None:
                query = query.where(t.c.id < before)
            page = [_event(r) for r in self._c.execute(query).mappings()]
            found += [one for one in page if one.time >= time]
            if len(page) < _PAGE or page[-1].time < time:
                return found[::-1]
            before = page[-1].id

    def iterate(self, from_id: int = 1) -> Iterator[Event]:
        """All from an id on, a batch at a time."""
        after = from_id - 1
        while batch := self.after(after, _BATCH):
            yield from batch
            after = batch[-1].id


def _filtered(
    query: Select[tuple[object, ...]], kind_prefix: str, subject: str
) -> Select[tuple[object, ...]]:
    if kind_prefix:
        query = query.where(t.c.kind.startswith(kind_prefix, autoescape=True))
    if subject:
        query = query.where(t.c.subject == subject)
    return query


def _event(r: RowMapping) -> Event:
    return Event(
        id=r["id"],
        time=int(r["time"]),
        kind=r["kind"],
        actor=r["actor"],
        subject=r["subject"],
        data=json.loads(r["data"]),
        previous=r["previous"],
        hash=r["hash"],
    )
