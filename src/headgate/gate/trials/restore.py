"""Takes up a queue of lanes where an earlier process left it.

What had passed or failed goes on counting, by the same rules as before: only what was tested on
the branches as they are now, under the policy as it is now, lands; everything else is confirmed
first. What was running is declared lost and asked again: of it, only results of jobs that had
passed are used. Who named whom is found out anew from what they touch, for those that have left
or landed meanwhile, too: evidence that took one of them as landed must not be read without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headgate.gate.futures import Proposal
from headgate.gate.lanes.view import Witness
from headgate.gate.ports import GatePorts
from headgate.gate.reader import QueueReader
from headgate.gate.trials import records as trial_records
from headgate.gate.trials.footprint import Footprint
from headgate.gate.trials.lanes import Durations, Lanes
from headgate.gate.trials.scout import Scout
from headgate.model.ids import Commit, ItemId
from headgate.model.queue import BranchKey, ItemState, Queue
from headgate.model.trial import Trial, TrialState
from headgate.store.database import Database, Transaction

LOST = "the server stopped while it ran"

_RUNS = 300
"""So many runs are looked back on for how long jobs take."""


async def take_up(db: Database, ports: GatePorts) -> None:
    """After a restart: say of every trial whether it still counts. No job may run yet."""
    with db.write() as tx:
        kept: list[Trial] = []
        for queue in tx.queues.all():
            for trial in tx.trials.live(queue.id):
                states = {tx.items.get(id).state for id in trial.members}
                if states == {ItemState.LANDED} and trial.state is TrialState.PASSED:
                    tx.trials.set_state(trial.id, TrialState.LANDED, "")
                elif ItemState.LANDING in states:
                    pass  # It goes on.
                elif trial.state is TrialState.BUILDING:
                    trial_records.drop(tx, trial, LOST)
                else:
                    kept.append(trial)
        tx.lanes.forget_gone()
    for trial in kept:
        if gone := await _gone(db, ports, trial):
            with db.write() as tx:
                trial_records.drop(tx, trial, gone)


async def _gone(db: Database, ports: GatePorts, trial: Trial) -> str:
    """Why a trial cannot count any more; empty when it can. A machine that fails may keep what
    the database says, and lose what git had not yet written."""
    with db.read() as tx:
        items = [(node, tx.items.get(node.item)) for node in tx.nodes.of_trial(trial.id)]
        names = {project.id: project.name for project in tx.projects.all()}
    for node, item in items:
        if node.commit is None:
            continue
        found = await ports.repository(names[item.project]).resolve(node.commit)
        if found != node.commit:
            return f"its commit {node.commit[:10]} was lost when the server stopped"
    return ""


def relearn_durations(tx: Transaction, durations: Durations) -> None:
    """How long jobs took lately."""
    for run in tx.builds.passed(_RUNS):
        if run.started is not None and run.finished is not None:
            seconds = max(0.0, run.finished - run.started)
            durations.learn(f"{run.project}/{run.job}", seconds)


@dataclass(frozen=True, slots=True)
class _Away:
    """A unit that does not wait any more, and that evidence speaks of."""

    unit: ItemId
    proposals: tuple[Proposal, ...]


async def restore(
    db: Database,
    reader: QueueReader,
    queue: Queue,
    scout: Scout,
    heads: Mapping[BranchKey, Commit],
    defaults: Mapping[str, str],
) -> Lanes:
    """What a queue knew of its units when the last process ended."""
    with db.read() as tx:
        lanes = Lanes(tx.landings.count(queue.id))
        known = tx.lanes.of(queue.id)
        scout.learn(known.unsteady)
        trials = tx.trials.live(queue.id)
        for unit, mark in known.marks.items():
            if mark.most is not None:
                lanes.most[unit] = mark.most
            if mark.proven:
                lanes.proven.add(unit)
            if mark.asked_again:
                lanes.asked_again.add(unit)
            if mark.confirmed:
                lanes.confirmed[unit] = mark.confirmed
        for one, other, why in known.conflicts:
            lanes.learn(one, [other], why)
        for unit, seen in known.sightings.items():
            lanes.witnesses[unit] = tuple(
                Witness(s.landed, s.beside, s.near, s.epoch) for s in seen
            )
        away = _away(tx, reader, queue, lanes, trials)
    for one in away:
        found = [await _footprint(scout, p, heads, defaults) for p in one.proposals]
        whole = found[0]
        for other in found[1:]:
            whole = whole.and_(other)
        lanes.place(one.unit, whole)
    return lanes


def _away(
    tx: Transaction, reader: QueueReader, queue: Queue, lanes: Lanes, trials: Sequence[Trial]
) -> list[_Away]:
    """Those who landed after the oldest evidence was made, and all that evidence names."""
    witnesses = [one for found in lanes.witnesses.values() for one in found]
    oldest = min([t.epoch for t in trials] + [w.epoch for w in witnesses], default=lanes.epoch)
    named = {id for t in trials for id in (*t.members, *t.assumed)}
    named |= {id for w in witnesses for id in (w.landed, *w.beside)}
    live = {item.id for item in tx.items.live(queue.id)}
    units: dict[ItemId, list[ItemId]] = {}
    landed = tx.lanes.landed(queue.id, lanes.epoch - oldest, named - live)
    for back, (item, unit) in enumerate(reversed(landed)):
        lanes.landed[unit[0]] = max(lanes.landed.get(unit[0], 0), lanes.epoch - back)
        lanes.unit_of[item] = unit[0]
        units.setdefault(unit[0], []).append(item)
    left = named - live - lanes.unit_of.keys()
    units |= {item: [item] for item in sorted(left)}
    return [
        _Away(unit, tuple(_proposal(tx, reader, id) for id in sorted(members)))
        for unit, members in units.items()
    ]


def _proposal(tx: Transaction, reader: QueueReader, id: ItemId) -> Proposal:
    item = tx.items.get(id)
    return Proposal(item, reader.branch(tx, item), reader.revision(tx, item.revision), "")


async def _footprint(
    scout: Scout,
    proposal: Proposal,
    heads: Mapping[BranchKey, Commit],
    defaults: Mapping[str, str],
) -> Footprint:
    if proposal.key not in heads:
        return Footprint(unclear=f"its branch {proposal.key.branch} is gone")
    return await scout.footprint(proposal, heads, defaults)
