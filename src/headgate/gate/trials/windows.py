"""Submission windows: how many changes of one source are tested at once.

A window grows by one when a change of its source lands, and halves when one fails, so that a flood
of changes that fail costs the others little (additive increase, multiplicative decrease, as in
Jacobson, "Congestion avoidance and control", SIGCOMM 1988). The source of an agent's change is its
sponsor: whoever runs many agents has one window for all of them. Pure but for reading the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from headgate.gate.planner import DRAGGED
from headgate.model.ids import ChangeNumber
from headgate.model.queue import Item, ItemState, Queue
from headgate.store.database import Transaction

REPLAYED = 500
"""So many verdicts are looked back on after a restart."""

LARGEST = 1000


@dataclass(slots=True)
class Windows:
    """The windows of one queue."""

    sizes: dict[str, int] = field(default_factory=dict[str, int])

    def of(self, sources: Iterable[str], first: int) -> dict[str, int]:
        """The window of each source; `first` for those of which nothing is known."""
        return {source: self.sizes.get(source, first) for source in sources}

    def learn(self, source: str, item: Item, first: int) -> None:
        """A change of this source has its verdict; what it was dragged along by does not count."""
        if not decided(item):
            return
        now = self.sizes.get(source, first)
        if item.state is ItemState.LANDED:
            self.sizes[source] = min(now + 1, LARGEST)
        else:
            self.sizes[source] = max(1, now // 2)


def replay(tx: Transaction, queue: Queue, first: int) -> Windows:
    """The windows as the verdicts so far have made them."""
    windows = Windows()
    for item in reversed(tx.items.finished(queue.id, REPLAYED)):
        windows.learn(source_of(tx, item.change), item, first)
    return windows


def decided(item: Item) -> bool:
    """Whether an item landed or failed by itself, not for what it depends on."""
    if item.state is ItemState.EJECTED:
        return not item.reason.startswith(DRAGGED)
    return item.state is ItemState.LANDED


def source_of(tx: Transaction, number: ChangeNumber) -> str:
    """Name of whoever answers for a change: the sponsor of an agent, else its owner."""
    owner = tx.principals.get(tx.changes.get(number).owner)
    return tx.principals.get(owner.sponsor).name if owner.sponsor is not None else owner.name
