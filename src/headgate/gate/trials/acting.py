"""Carries the steps of the lanes planner out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from headgate.gate import records
from headgate.gate.commands import Eject
from headgate.gate.lanes.steps import Admit, Begin, Reject
from headgate.gate.trials import notes
from headgate.gate.trials import records as trial_records
from headgate.gate.trials.endings import Endings
from headgate.gate.trials.flakes import contradicted, flaky
from headgate.gate.trials.landing import Lander
from headgate.gate.trials.lanes import Lanes
from headgate.gate.trials.maker import Maker
from headgate.gate.trials.order import Made, Order
from headgate.gate.trials.reader import Reading
from headgate.gate.trials.scout import Scout
from headgate.gate.under_way import LandingsUnderWay
from headgate.gate.units import Unit
from headgate.model.errors import HeadgateError
from headgate.model.ids import Commit, ItemId, NodeId, TrialId
from headgate.model.queue import BranchKey, ItemState, NodeState
from headgate.model.trial import Trial, TrialPurpose, TrialState
from headgate.store.database import Database

log = structlog.get_logger()


class Steps:
    """Does what is planned for all queues of lanes; each says whether it changed anything."""

    def __init__(
        self,
        db: Database,
        maker: Maker,
        lander: Lander,
        endings: Endings,
        drop: Callable[[TrialId, str], bool],
    ) -> None:
        self._db = db
        self._maker = maker
        self._lander = lander
        self._endings = endings
        self._drop = drop
        self._landing = LandingsUnderWay()

    async def settled(self, item: ItemId, patience: float) -> None:
        """Wait until no landing of this item is under way, at most `patience` seconds."""
        await self._landing.settled(item, patience)

    def tidy(self, reading: Reading) -> bool:
        """What is plain without a plan: verdicts of dependencies, trials that are useless."""
        acted = False
        for unit, verdict in reading.fates:
            if isinstance(verdict, Eject):
                acted |= self._endings.eject(unit.ids, verdict.reason)
            else:
                acted |= self._endings.withdraw(unit.ids, verdict.reason)
        for trial in reading.useless:
            acted |= self._drop(trial.id, "it says nothing about anybody any more")
        for trial in reading.overruled:
            acted |= self._drop(trial.id, "the policy says something else about its jobs now")
        for unit, reason in reading.blocked:
            for id in unit.ids:
                with self._db.read() as tx:
                    item = tx.items.get(id)
                    told = item.held or item.reason == reason
                    if told and tx.nodes.current(id) is None:
                        continue
                with self._db.write() as tx:
                    trial_records.part(tx, item, reason)
                    records.hold(tx, item, "item.blocked", reason)
        return acted

    async def begin(
        self,
        reading: Reading,
        step: Begin,
        lanes: Lanes,
        scout: Scout,
        heads: Mapping[BranchKey, Commit],
    ) -> Made:
        """See Begin."""
        ahead = [unit for id, unit in reading.units.items() if id in step.assumed]
        order = self._order(reading, TrialPurpose.SPECULATION, step.members, ahead, heads)
        return await self._make(order, lanes, scout)

    def _order(
        self,
        reading: Reading,
        purpose: TrialPurpose,
        members: Sequence[ItemId],
        ahead: Sequence[Unit],
        heads: Mapping[BranchKey, Commit],
        *,
        room: bool = True,
    ) -> Order:
        return Order(
            reading.queue.id,
            reading.queue.name,
            purpose,
            tuple(reading.units[id].ids for id in members),
            tuple(unit.ids for unit in ahead),
            heads,
            room,
        )

    async def _make(self, order: Order, lanes: Lanes, scout: Scout) -> Made:
        """Make a trial; trouble in it is the items', for now."""
        try:
            return await self._maker.make(order, lanes, scout)
        except HeadgateError as error:
            log.warning("the gate met trouble", queue=order.name, error=str(error))
            self._endings.trouble(order.items, str(error), 1)
        except Exception as error:
            log.exception("a trial could not be made", queue=order.name)
            words = f"an error of Headgate's own: {type(error).__name__}"
            self._endings.trouble(order.items, words, 1)
        return Made.LEFT

    async def admit(
        self,
        reading: Reading,
        admits: Sequence[Admit],
        lanes: Lanes,
        scout: Scout,
        heads: Mapping[BranchKey, Commit],
    ) -> None:
        """Land the first that can land, with those that were tested in the same build; confirm
        what cannot because others have landed since it was tested."""
        admitted = {id for step in admits for id in step.items}
        for step in admits:
            id = step.items[0]
            trial = await self._exact(reading, id, admitted, heads, scout)
            if trial is None:
                room = self._room(reading)
                self._outdate(reading, id, lanes)
                order = self._order(reading, TrialPurpose.CONFIRMATION, [id], [], heads, room=room)
                if await self._make(order, lanes, scout) is not Made.PASSED:
                    continue
                trial = await self._exact(reading, id, {id}, heads, scout)
            if trial is not None:
                await self._land(reading, trial, lanes)
                return  # What is behind it is looked at anew, on the branches as they are now.

    def _room(self, reading: Reading) -> bool:
        """Whether one more build may run."""
        with self._db.read() as tx:
            trials = tx.trials.live(reading.queue.id)
        running = sum(trial.state is TrialState.BUILDING for trial in trials)
        return running < reading.view.settings.slots

    async def _exact(
        self,
        reading: Reading,
        id: ItemId,
        admitted: Collection[ItemId],
        heads: Mapping[BranchKey, Commit],
        scout: Scout,
    ) -> Trial | None:
        """The trial by which a unit, and nobody who is not admitted, can land as it is."""
        with self._db.read() as tx:
            trials = tx.trials.live(reading.queue.id)
        for trial in sorted(trials, key=lambda t: -len(t.members)):
            units = {unit.first.id for unit in _units_of(reading, trial)}
            if (
                id in units
                and units.issubset(admitted)
                and self._lander.whole(trial)
                and await self._lander.exact(trial, heads, scout)
            ):
                return trial
        return None

    def _outdate(self, reading: Reading, id: ItemId, lanes: Lanes) -> None:
        """A unit passed in futures that did not come about exactly: those are no ground to land."""
        with self._db.write() as tx:
            notes.outdated(tx, lanes, id)
            for item in reading.units[id].ids:
                for node in tx.nodes.of_item(item):
                    if node.trial is None or node.state is NodeState.DROPPED:
                        continue
                    culprits = tx.trials.get(node.trial).culprits
                    innocent = node.state is NodeState.FAILED and item not in (culprits or (item,))
                    if node.state is NodeState.PASSED or innocent:
                        reason = "others have landed since; it is confirmed on top of them"
                        records.drop(tx, tx.items.get(item), node, reason)

    async def _land(self, reading: Reading, trial: Trial, lanes: Lanes) -> bool:
        with self._landing.of(trial.members):
            try:
                return await self._lander.land(
                    reading.queue, trial, _units_of(reading, trial), lanes, reading.view
                )
            except HeadgateError as error:
                log.warning("the gate met trouble", queue=reading.queue.name, error=str(error))
                self._endings.trouble(trial.members, str(error), 1)
                return False

    async def finish(self, reading: Reading, lanes: Lanes) -> bool:
        """Carry landings on that were begun; False when that has to wait."""
        for unit in reading.landing:
            if not unit.due:
                return False
            with self._db.read() as tx:
                node = tx.nodes.current(unit.first.id)
                trial = None
                if node is not None and node.trial is not None:
                    trial = tx.trials.get(node.trial)
            if trial is None:
                raise ValueError(f"nobody knows by what #{unit.first.change} was landing")
            with self._db.read() as tx:
                if tx.items.get(unit.first.id).state is not ItemState.LANDING:
                    continue  # It landed together with one before.
            if not await self._land(reading, trial, lanes):
                with self._db.read() as tx:
                    if tx.items.get(unit.first.id).state is ItemState.LANDING:
                        return False
        return True

    def reject(self, reading: Reading, step: Reject, lanes: Lanes) -> bool:
        """See Reject. A failure that a later future contradicts is asked again first, once."""
        with self._db.read() as tx:
            if tx.trials.get(TrialId(abs(step.evidence))).state is not TrialState.FAILED:
                return False  # It was given up for another that failed in it, too.
        if self._provisional(reading, step, lanes):
            return True
        unit = reading.units[step.item]
        reason = step.reason
        if step.item in lanes.asked_again:
            reason = f"{reason.rstrip('.')}. It had failed before, and was asked again for that"
        return self._endings.eject(unit.ids, reason, {abs(step.evidence)})

    def _provisional(self, reading: Reading, step: Reject, lanes: Lanes) -> bool:
        if step.item in lanes.asked_again:
            return False
        with self._db.read() as tx:
            failed = tx.trials.get(TrialId(abs(step.evidence)))
            trials = tx.trials.live(reading.queue.id)
            later = contradicted(tx, failed, trials, lanes.landed_items())
            words = flaky(tx, failed, reading.view.now)
        if later is not None:
            words = f"its jobs passed in a later future with it (trial {later.id})"
        if not words:
            return False
        with self._db.write() as tx:
            notes.asked_again(tx, lanes, step.item)
        return self._drop(failed.id, f"{words}: it is asked again")

    def refute(self, reading: Reading, id: NodeId) -> bool:
        """What a trial says about some of its members counts no more; about the others it may."""
        shown = next(one for one in reading.view.trials if one.id == id)
        acted = False
        with self._db.write() as tx:
            for unit in shown.members:
                for item in reading.units[unit].ids if unit in reading.units else ():
                    for node in tx.nodes.of_trial(TrialId(abs(id))):
                        if node.item == item and node.state is not NodeState.DROPPED:
                            acted = True
                            reason = "it says nothing about the item any more"
                            records.drop(tx, tx.items.get(item), node, reason)
        return acted


def _units_of(reading: Reading, trial: Trial) -> list[Unit]:
    return [u for u in reading.units.values() if not set(u.ids).isdisjoint(trial.members)]
