"""Makes a trace of what a gate has lived through, from its own log of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from headgate.gate.simulate.world import Arrival, World
from headgate.model.errors import BadInput
from headgate.model.event import Event

_MICRO = 1_000_000.0


@dataclass(slots=True)
class _Item:
    queued: float
    project: str
    started: float | None = None
    duration: float | None = None
    projects: set[str] = field(default_factory=set[str])
    landed: bool | None = None


def replay(events: Iterable[Event]) -> World:
    """The items that had a verdict after a build: when they were queued, how long their last
    build took, which projects it looked at, and whether they landed. Raises BadInput for none."""
    items: dict[int, _Item] = {}
    for event in events:
        number = event.data.get("item")
        if not isinstance(number, int):
            continue
        time = event.time / _MICRO
        if event.kind == "item.queued":
            items[number] = _Item(time, str(event.data.get("project", "")))
            continue
        item = items.get(number)
        if item is None:
            continue
        match event.kind:
            case "build.started":
                item.started = time
                commits = event.data.get("commits")
                if isinstance(commits, dict):
                    item.projects = {str(name) for name in commits}
            case "build.passed" | "build.failed":
                if item.started is not None:
                    item.duration = max(time - item.started, 0.001)
            case "branch.landed":
                item.landed = True
            case "item.ejected":
                item.landed = False
            case _:
                pass
    return _world([i for i in items.values() if i.duration is not None and i.landed is not None])


def _world(items: list[_Item]) -> World:
    if not items:
        raise BadInput(
            "The log holds no change that was built and had its verdict.",
            "Let the gate work for a while, or give --trace or --mix.",
        )
    items.sort(key=lambda item: item.queued)
    names: dict[str, int] = {}
    begin = items[0].queued
    arrivals: list[Arrival] = []
    for number, item in enumerate(items, 1):
        touched = item.projects | {item.project}
        targets = frozenset(names.setdefault(name, len(names)) for name in sorted(touched))
        duration = item.duration or 0.001
        arrivals.append(
            Arrival(
                number,
                item.queued - begin,
                duration,
                duration,
                targets,
                bool(item.landed),
                signal=True,
            )
        )
    return World(tuple(arrivals), frozenset(), {"replay": len(arrivals)})
