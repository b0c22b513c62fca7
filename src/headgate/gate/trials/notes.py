"""What a queue of lanes learns about its units, in memory and in the store at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from headgate.gate.lanes.view import Witness
from headgate.gate.trials.lanes import Lanes
from headgate.model.ids import ItemId
from headgate.store.database import Transaction
from headgate.store.repositories.lanes import Sighting


def alone(tx: Transaction, lanes: Lanes, units: Iterable[ItemId]) -> None:
    """From now on each of these is tested by itself: a build of several said nothing."""
    for unit in units:
        lanes.most[unit] = 1
        tx.lanes.mark(unit, most=1)


def conflicting(
    tx: Transaction, lanes: Lanes, unit: ItemId, others: Collection[ItemId], why: str
) -> None:
    """These do conflict, whatever their footprints say."""
    for other in others:
        tx.lanes.conflict(unit, other, why)
    lanes.learn(unit, others, why)


def outdated(tx: Transaction, lanes: Lanes, unit: ItemId) -> None:
    """It passed in a future that did not come about exactly, and is made once more."""
    lanes.proven.add(unit)
    count = lanes.confirmed[unit] = lanes.confirmed.get(unit, 0) + 1
    tx.lanes.mark(unit, proven=True, confirmed=count)


def asked_again(tx: Transaction, lanes: Lanes, unit: ItemId) -> None:
    """It failed, and is tested once more before that counts."""
    lanes.asked_again.add(unit)
    tx.lanes.mark(unit, asked_again=True)


def witnessed(tx: Transaction, lanes: Lanes, borne: Mapping[ItemId, Sequence[Witness]]) -> None:
    """Who stays behind was tested with what has landed."""
    for unit, witnesses in borne.items():
        lanes.witnesses[unit] = (*lanes.witnesses.get(unit, ()), *witnesses)
        for one in witnesses:
            sighting = Sighting(one.landed, one.beside, one.near, one.epoch)
            tx.lanes.witness(unit, sighting)
