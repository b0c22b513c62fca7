"""Lands what was tested on the branches as they are, and only that.

A trial lands as a whole, by compare-and-swap from the very commits that it was made on. When
another lane has landed meanwhile, the same is made once more on what is there now (a
*confirmation*): jobs that read nothing of what has changed have passed on exactly what they see, so
most often nothing has to run, and the exact commit that comes of it lands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from headgate.gate.case import read_case
from headgate.gate.commands import Land
from headgate.gate.lanes.evidence import bear_witness
from headgate.gate.lanes.view import View
from headgate.gate.ports import GatePorts
from headgate.gate.reader import QueueReader
from headgate.gate.together import Together
from headgate.gate.trials import notes
from headgate.gate.trials import records as trial_records
from headgate.gate.trials.lanes import Lanes
from headgate.gate.trials.rules import Rules
from headgate.gate.trials.scout import Scout
from headgate.gate.units import Unit
from headgate.model.ids import Commit, ItemId
from headgate.model.queue import BranchKey, ItemState, Node, NodeState, Queue
from headgate.model.trial import Trial, TrialState
from headgate.store.database import Database


class Lander:
    """The landings of all queues of lanes."""

    def __init__(
        self,
        db: Database,
        ports: GatePorts,
        reader: QueueReader,
        done: Callable[[ItemId, Node | None], None],
        rules: Rules,
    ) -> None:
        self._db = db
        self._reader = reader
        self._rules = rules
        self._together = Together(db, ports, done)

    async def exact(self, trial: Trial, heads: Mapping[BranchKey, Commit], scout: Scout) -> bool:
        """Whether a trial was made on the branches as they are, as far as its jobs can see, and
        under the policy as it is."""
        if trial.state is not TrialState.PASSED or heads.keys() != trial.before.keys():
            return False
        if trial.rules != self._rules.of(trial.before):
            return False
        for key, commit in trial.before.items():
            now = heads.get(key)
            if now == commit:
                continue
            # What its jobs are not shown may move, as long as it does not decide which jobs.
            if key.project in trial.shown:
                return False
            if not await scout.same_config(key.project, commit, now):
                return False
        return True

    def whole(self, trial: Trial) -> bool:
        """Whether all members of a trial still wait for it."""
        with self._db.read() as tx:
            nodes = tx.nodes.of_trial(trial.id)
            return len(nodes) == len(trial.members) and all(
                node.state is NodeState.PASSED
                and tx.items.get(node.item).state is ItemState.WAITING
                for node in nodes
            )

    async def land(
        self, queue: Queue, trial: Trial, units: Sequence[Unit], lanes: Lanes, view: View | None
    ) -> bool:
        """Land a trial, or finish doing so; whether it has landed.

        When it has not, its items wait as before, are withdrawn, or the queue is frozen: that is
        recorded. Raises GitError when it could not be tried; it can be tried again.
        """
        with self._db.write() as tx:
            for item, _ in trial_records.live_nodes(tx, trial):
                trial_records.part(tx, item, "it lands by another future", {trial.id})
        cases = [read_case(self._db, self._reader, id) for id in trial.members]
        nodes = [case.node for case in cases]
        if any(node is None or node.trial != trial.id for node in nodes):
            return False
        first = nodes[0]
        assert first is not None
        ids = [unit.first.id for unit in units]
        borne = bear_witness(ids, view) if view is not None else {}
        command = Land(cases[0].item.id, first.id, queue.window)
        await self._together.land(
            cases,
            command,
            [unit.ids for unit in units],
            lambda: trial.rules == self._rules.of(trial.before),
        )
        with self._db.write() as tx:
            states = {tx.items.get(id).state for id in trial.members}
            if states != {ItemState.LANDED}:
                return False
            tx.trials.set_state(trial.id, TrialState.LANDED, "")
            epoch = tx.landings.count(queue.id)
            notes.witnessed(tx, lanes, borne)
            tx.lanes.forget_gone()
        for unit in units:
            lanes.land(unit.first.id, unit.ids, epoch)
        return True
