"""Reads a queue of lanes out of the store, as the lanes planner wants to see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.gate.commands import Eject, Withdraw
from headgate.gate.lanes import view as lanes_view
from headgate.gate.lanes.view import Entry, Settings, View
from headgate.gate.planner import HELD, fate, ordered
from headgate.gate.reader import Difficulty, QueueReader
from headgate.gate.snapshot import DependencyState
from headgate.gate.trials.lanes import Durations, Lanes
from headgate.gate.trials.rules import Rules
from headgate.gate.trials.windows import source_of
from headgate.gate.units import Unit
from headgate.model.config import QueuePolicy
from headgate.model.ids import Commit, ItemId, NodeId, TrialId
from headgate.model.queue import BranchKey, Queue, QueueState
from headgate.model.trial import Trial, TrialState
from headgate.store.database import Transaction

PROVEN = 0.98
"""The same of one that passed in a future that did not come about exactly."""

_STATES = {
    TrialState.BUILDING: lanes_view.TrialState.RUNNING,
    TrialState.PASSED: lanes_view.TrialState.PASSED,
    TrialState.FAILED: lanes_view.TrialState.FAILED,
}


@dataclass(slots=True)
class Reading:
    """One queue of lanes at one moment."""

    queue: Queue
    view: View
    units: dict[ItemId, Unit]
    """By first item, in order."""
    useless: list[Trial] = field(default_factory=list[Trial])
    """Those that say nothing about anybody as they are."""
    overruled: list[Trial] = field(default_factory=list[Trial])
    """Those that failed under a policy that is not in force any more."""
    fates: list[tuple[Unit, Eject | Withdraw]] = field(
        default_factory=list[tuple[Unit, Eject | Withdraw]]
    )
    """What dependencies mean for units."""
    blocked: list[tuple[Unit, str]] = field(default_factory=list[tuple[Unit, str]])
    """Units that are not tested for now, and why."""
    landing: list[Unit] = field(default_factory=list[Unit])
    """Units whose landing was begun, by this process or an earlier one."""


def read(
    tx: Transaction,
    queue: Queue,
    settings: QueuePolicy,
    heads: Mapping[BranchKey, Commit],
    reader: QueueReader,
    difficulty: Callable[[ItemId], Difficulty],
    lanes: Lanes,
    durations: Durations,
    rules: Rules,
    now: float,
) -> Reading:
    """The queue as it is in this transaction. Brings the memory of the queue up to date."""
    trials = tx.trials.live(queue.id)
    current = {(node.trial, node.item) for node in tx.nodes.all_live(queue.id)}
    snapshot = reader.snapshot(tx, queue, settings, heads, difficulty)
    units = {unit.first.id: unit for unit in ordered(snapshot)}
    at = {id: unit.first.id for unit in units.values() for id in unit.ids}
    found = Reading(queue, View(now, (), (), Settings()), units)
    found.landing = [unit for unit in units.values() if unit.landing]
    ready = _ready(units, found)
    shown: list[lanes_view.Trial] = []
    for trial in trials:
        if trial.state is TrialState.FAILED and trial.rules != rules.of(trial.before):
            found.overruled.append(trial)
            continue
        parts = _shown(trial, units, at, current, lanes)
        if not parts:
            found.useless.append(trial)
        for one in parts:
            same = lanes.trials.get(one.id)
            shown.append(same if same is not None and same == one else one)
    lanes.trials = {one.id: one for one in shown}
    lanes.keep(units, shown)
    sources: dict[ItemId, str] = {}
    first = settings.source_window
    if first:
        for id, unit in units.items():
            if id not in lanes.sources:
                lanes.sources[id] = source_of(tx, unit.first.change)
            sources[id] = lanes.sources[id]
    budgets = lanes.windows.of(sources.values(), first)
    live = {item.id: item for item in tx.items.live(queue.id)}
    lanes.forecast.keep(live)
    entries = [
        _entry(
            unit,
            live[id].created,
            sources.get(id, ""),
            id in ready,
            units,
            at,
            lanes,
            durations,
            lanes.forecast.chance(tx, [live[one] for one in unit.ids]),
        )
        for id, unit in units.items()
    ]
    for index, entry in enumerate(entries):
        same = lanes.entries.get(entry.id)
        if same is not None and same == entry:
            entries[index] = same
        else:
            lanes.entries[entry.id] = entry
    found.view = View(
        now,
        tuple(entries),
        tuple(shown),
        Settings(slots=settings.slots, fuse=settings.fuse),
        dict(lanes.landed),
        dict(lanes.witnesses),
        budgets,
        queue.state is not QueueState.ACTIVE,
    )
    return found


def _ready(units: Mapping[ItemId, Unit], found: Reading) -> set[ItemId]:
    """Units that may be tested; of the others the reason, or the verdict, goes to `found`."""
    aside: set[ItemId] = set()
    ready: set[ItemId] = set()
    for id, unit in units.items():
        match fate(unit, aside):
            case Eject() | Withdraw() as verdict:
                found.fates.append((unit, verdict))
            case "" if unit.paused:
                found.blocked.append((unit, HELD))
            case "" if unit.due:
                ready.add(id)
                continue
            case "":
                pass  # It met trouble, and says so already.
            case reason:
                found.blocked.append((unit, reason))
        aside.update(unit.ids)
    return ready


def _shown(
    trial: Trial,
    units: Mapping[ItemId, Unit],
    at: Mapping[ItemId, ItemId],
    current: set[tuple[TrialId | None, ItemId]],
    lanes: Lanes,
) -> list[lanes_view.Trial]:
    """A trial by units, as the planner sees it; empty when it says nothing about any of them.

    A failure that was traced is two: of those that failed, and of the others, who passed as long
    as they cannot be affected by those. Who has left, or is to be asked again, was beside them.
    """
    inside = {*trial.members, *trial.assumed}
    members: dict[ItemId, None] = {}
    beside: set[ItemId] = set()
    for item in (*trial.assumed, *trial.members):
        unit = at.get(item)
        if unit is None:
            beside.add(lanes.unit_of.get(item, item))
            continue
        if not inside.issuperset(units[unit].ids):
            return []  # It was tested without some that it can only land with.
        whole = all((trial.id, id) in current for id in units[unit].ids)
        if item in trial.members and whole:
            members[unit] = None
        else:
            beside.add(unit)
    beside.difference_update(members)

    def part(id: int, own: Sequence[ItemId], state: lanes_view.TrialState) -> lanes_view.Trial:
        return lanes_view.Trial(
            NodeId(id),
            tuple(own),
            frozenset(beside.union(members).difference(own)),
            trial.epoch,
            state,
            trial.created,
            trial.expected,
            frozenset(own) if state is lanes_view.TrialState.FAILED else None,
            trial.reason,
            state is lanes_view.TrialState.FAILED and trial.build is None,
        )

    if not members:
        return []
    if trial.state is not TrialState.FAILED:
        return [part(trial.id, [*members], _STATES[trial.state])]
    if trial.culprits is None:
        return []
    culprits = {at.get(item, lanes.unit_of.get(item, item)) for item in trial.culprits}
    guilty = [unit for unit in members if unit in culprits]
    others = [
        unit
        for unit in members
        if unit not in culprits and culprits.isdisjoint(lanes.conflicts(unit))
    ]
    found: list[lanes_view.Trial] = []
    if guilty:
        found.append(part(trial.id, guilty, lanes_view.TrialState.FAILED))
    if others:
        found.append(part(-trial.id, others, lanes_view.TrialState.PASSED))
    return found


def _entry(
    unit: Unit,
    arrived: float,
    source: str,
    ready: bool,
    units: Mapping[ItemId, Unit],
    at: Mapping[ItemId, ItemId],
    lanes: Lanes,
    durations: Durations,
    chance: float,
) -> Entry:
    id = unit.first.id
    footprint = lanes.footprints.get(id)
    jobs = {shown.job for shown in footprint.shown} if footprint is not None else set[str]()
    if id in lanes.proven:
        chance = max(PROVEN, chance)
    needed = [d.item for d in unit.depends if d.state is DependencyState.HERE]
    requires = {at[item] for item in needed if item is not None and item in at}
    ready = ready and footprint is not None
    if ready and footprint is not None and footprint.solo and _first(unit, units, lanes) != id:
        ready = False
        lanes.waits[id] = "its jobs want artifacts of those ahead of it, which have to land first"
    return Entry(
        id,
        unit.first.change,
        unit.first.position,
        arrived,
        frozenset(lanes.conflicts(id)),
        # Nobody assumes what is not going to be tested.
        chance if ready else 0.0,
        durations.of(jobs) if footprint is not None else durations.of(("",)),
        unit.priority,
        frozenset(requires - {id}),
        source,
        lanes.most.get(id, 1 << 30),
        ready,
    )


def _first(unit: Unit, units: Mapping[ItemId, Unit], lanes: Lanes) -> ItemId:
    """Of the unit and all that it conflicts with, the one that goes first."""
    near = [units[i] for i in lanes.conflicts(unit.first.id) if i in units]
    best = min([unit, *near], key=lambda u: (-u.priority, u.first.position))
    return best.first.id
