"""The queue board: what waits, in which future it is tested, and what became of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from headgate.gate.entry import cycle_of
from headgate.gate.scope import declared
from headgate.model.config import QueueMode
from headgate.model.ids import ChangeNumber, ItemId
from headgate.model.job import JobRun, RunState
from headgate.model.queue import Item, ItemState, Node, NodeState, Queue
from headgate.server.views import words
from headgate.server.views.house import House
from headgate.server.views.text import View, shown_path, shown_text
from headgate.server.views.words import Names
from headgate.store.database import Transaction

RECENT = 12
"""How many finished items a queue shows."""

SHOWN = 60
"""How many waiting items a queue shows, at least all that are under test."""

UNDER_TEST = frozenset({NodeState.MERGED, NodeState.BUILDING})

Durations = dict[tuple[str, str], float]
"""(project, job) → seconds that it took lately."""


def board_view(house: House, readable: frozenset[str], now: float, queue: str = "") -> View:
    """All queues, or the one named, with the items of the projects in `readable`.

    Raises NotFound for a queue that does not exist.
    """
    with house.db.read() as tx:
        queues = [tx.queues.by_name(queue)] if queue else tx.queues.all()
        names = Names(tx)
        last = tx.events.last()
        running = [run for run in tx.builds.unfinished() if run.state is RunState.RUNNING]
        views = [_queue(tx, q, house, names, readable, now) for q in queues]
        view: View = {
            "queues": views,
            "names": [q.name for q in tx.queues.all()],
            "selected": queue,
            "slots": {"total": house.settings.job_slots, "busy": len(running)},
            "projects": len(readable),
            "event": last.id if last else 0,
            "now": now,
        }
    return view


def _queue(
    tx: Transaction,
    queue: Queue,
    house: House,
    names: Names,
    readable: frozenset[str],
    now: float,
) -> View:
    live = tx.items.live(queue.id)
    finished = tx.items.finished(queue.id, RECENT)
    nodes = {node.item: node for node in tx.nodes.live(queue.id)}
    runs = {
        node.item: tx.builds.runs(node.build) for node in nodes.values() if node.build is not None
    }
    expected = _expected(tx, (run for found in runs.values() for run in found))
    numbers = {item.id: int(item.change) for item in (*live, *finished)}
    shown = live[: max(SHOWN, queue.window)]
    cycles = {item.id: cycle_of(tx, item.change) for item in shown}
    settings = declared(house.policy(), queue.name)
    lanes = settings.mode is QueueMode.LANES
    if lanes:
        edge = len(shown)
        tested = [item.id in nodes and nodes[item.id].state in UNDER_TEST for item in shown]
    else:
        edge = _edge([cycles[item.id] or (item.change,) for item in shown], queue.window)
        tested = [index < edge for index in range(len(shown))]
    items = [
        _item(tx, item, index, tested[index], nodes.get(item.id), names, now)
        | _jobs(runs.get(item.id, []), expected, now)
        | _future(tx, item, nodes.get(item.id), numbers)
        | {"together": [number for number in cycles[item.id] if number != item.change]}
        | _turn(item, nodes.get(item.id), house if lanes else None)
        if names.project(item.project) in readable
        else _hidden(item, index, tested[index])
        for index, item in enumerate(shown)
    ]
    under_test = [i for i in items if i["in_window"]]
    return {
        "name": queue.name,
        "state": queue.state.value,
        "reason": shown_text(queue.reason),
        "mode": QueueMode.LANES.value if lanes else QueueMode.CHAIN.value,
        "slots": settings.slots if lanes else None,
        "window": queue.window,
        "window_floor": None if lanes else settings.window_floor,
        "window_ceiling": None if lanes else settings.window_ceiling,
        "projects": [p for p in settings.projects if p in readable],
        "branches": [shown_path(b) for b in settings.branches],
        "under_test": len(under_test),
        "edge": edge,
        "length": len(live),
        "items": items,
        "more": len(live) - len(shown),
        "finished": [
            _finished(tx, item, names)
            for item in finished
            if names.project(item.project) in readable
        ],
    }


def _item(
    tx: Transaction,
    item: Item,
    index: int,
    in_window: bool,
    node: Node | None,
    names: Names,
    now: float,
) -> View:
    state, note = _state(item, node, in_window)
    return {
        **_about(tx, item, names),
        "origin": words.origin(words.origin_of_revision(tx, item.revision)),
        "state": state,
        "note": note,
        "reason": shown_text(item.reason or (node.reason if node else "")),
        "position": index + 1,
        "in_window": in_window,
        "waited": round(max(0.0, now - item.created), 1),
        "created": item.created,
        "node": None
        if node is None
        else {
            "id": node.id,
            "state": node.state.value,
            "reason": shown_text(node.reason),
            "base": node.base,
            "commit": node.commit,
            "tree": node.tree,
            "build": node.build,
        },
    }


def _about(tx: Transaction, item: Item, names: Names) -> View:
    """What an item is, wherever it stands."""
    change = tx.changes.get(item.change)
    return {
        "id": item.id,
        "change": item.change,
        "title": shown_text(change.title),
        "project": names.project(item.project),
        "branch": shown_path(item.branch),
        "owner": names.person(change.owner),
    }


def _state(item: Item, node: Node | None, in_window: bool) -> tuple[str, str]:
    """A word for the item, and a few more that explain it."""
    if item.state is ItemState.LANDING:
        return "landing", "the branch is being moved to the tested commit"
    if node is None:
        if in_window:
            return "waiting", "its future is being merged"
        return "waiting", "outside the window"
    match node.state:
        case NodeState.MERGED:
            return "starting", "merged; its jobs start when a slot is free"
        case NodeState.BUILDING:
            return "testing", ""
        case NodeState.PASSED:
            ahead = "as soon as those ahead have landed" if node.assumed else "next"
            return "passed", f"lands {ahead}"
        case NodeState.FAILED:
            return "failing", "leaves the queue unless those ahead are the cause"
        case NodeState.CONFLICT:
            return "conflict", "does not merge in this future"
        case NodeState.BROKEN:
            return "broken", "headgate.toml cannot be used in this future"
        case NodeState.DROPPED:
            return "waiting", "its future is being merged again"


def _turn(item: Item, node: Node | None, house: House | None) -> View:
    """In lanes: what an item waits for of which nothing is tested now."""
    if house is None or node is not None or item.state is ItemState.LANDING:
        return {}
    found = house.standing(item.id)
    return {"note": shown_text(found.waits) if found is not None else ""}


def _future(tx: Transaction, item: Item, node: Node | None, numbers: dict[ItemId, int]) -> View:
    """What the tested state assumes: the branch as it is, and which items have landed on it."""
    if node is None:
        return {"assumes": [], "assumed": ""}
    assumed = [
        numbers[id] if id in numbers else int(tx.items.get(id).change) for id in node.assumed
    ]
    text = " + ".join([f"on {shown_path(item.branch)}", *(f"#{number}" for number in assumed)])
    return {"assumes": assumed, "assumed": text}


def _jobs(runs: Sequence[JobRun], expected: Durations, now: float) -> View:
    latest = words.latest_attempts(runs)
    return {
        "jobs": [words.job(run, now, expected.get((run.project, run.job))) for run in latest],
        "jobs_done": sum(run.state.final for run in latest),
        "jobs_total": len(latest),
    }


def _edge(units: Sequence[tuple[ChangeNumber, ...]], window: int) -> int:
    """How many items are within the window, in which those that land together count once."""
    seen: set[tuple[ChangeNumber, ...]] = set()
    for index, unit in enumerate(units):
        if unit not in seen and len(seen) == window:
            return index
        seen.add(unit)
    return len(units)


def _hidden(item: Item, index: int, in_window: bool) -> View:
    """An item of a project that the viewer may not know: only its place."""
    return {
        "id": item.id,
        "change": None,
        "position": index + 1,
        "in_window": in_window,
        "state": item.state.value,
    }


def _expected(tx: Transaction, runs: Iterable[JobRun]) -> Durations:
    """How long the running jobs took lately."""
    expected: Durations = {}
    for project, job in {(r.project, r.job) for r in runs if r.state is RunState.RUNNING}:
        lately = [
            run.finished - run.started
            for run in tx.builds.recent_runs(project, job)
            if run.state is RunState.PASSED and run.started and run.finished
        ]
        if lately:
            expected[project, job] = median(lately)
    return expected


def _finished(tx: Transaction, item: Item, names: Names) -> View:
    landing = tx.landings.of_change(item.change) if item.state is ItemState.LANDED else None
    return {
        **_about(tx, item, names),
        "state": item.state.value,
        "reason": shown_text(item.reason),
        "finished": item.finished,
        "commit": landing.commit if landing else None,
        "together": [
            number
            for id in (landing.unit if landing else ())
            if (number := tx.items.get(id).change) != item.change
        ],
        "proof": None if landing is None else landing.tested_tree == landing.landed_tree,
    }
