"""How likely an item is to pass, by what is known of it, learned from every verdict of its queue.

Features are taken from the store, so that all of them can be learned again after a restart: who
answers for the change, where its lines come from, how risky the verdict found it, how often it came
before, how many findings and commits it has. With none known the base rate speaks.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.gate.lanes.predict import Predictor, Reason
from headgate.gate.trials.windows import decided, source_of
from headgate.model.ids import ItemId
from headgate.model.origin import combine
from headgate.model.queue import Item, ItemState, Queue
from headgate.store.database import Transaction

CHANCE = 0.9
"""That a change passes of which nothing is known."""

REPLAYED = 300
"""So many verdicts are looked back on after a restart."""

_NAMED = 0.5
"""Size of a feature that is there or not."""

_SHOWN = 3


@dataclass(slots=True)
class Forecast:
    """What one queue has learned."""

    predictor: Predictor = field(default_factory=lambda: Predictor.starting(CHANCE))
    _known: dict[ItemId, Mapping[str, float]] = field(
        default_factory=dict[ItemId, Mapping[str, float]]
    )

    def chance(self, tx: Transaction, items: Sequence[Item]) -> float:
        """That all of these pass: the least likely of them decides."""
        return min(self.predictor.chance(self._features(tx, item)) for item in items)

    def keep(self, live: Collection[ItemId]) -> None:
        """Forget those that were taken back: of them nothing is learned."""
        if len(self._known) > len(live):
            self._known = {id: found for id, found in self._known.items() if id in live}

    def learn(self, tx: Transaction, item: Item) -> None:
        """An item has its verdict; one that was taken back says nothing."""
        if decided(item):
            passed = item.state is ItemState.LANDED
            self.predictor.learn(self._features(tx, item), passed)
        self._known.pop(item.id, None)

    def explain(self, id: ItemId) -> tuple[Reason, ...]:
        """What the prediction for an item is made of, the weightiest first."""
        found = self.predictor.explain(self._known.get(id, {}))
        return tuple(reason for reason in found if abs(reason.weight) >= 0.01)[:_SHOWN]

    def _features(self, tx: Transaction, item: Item) -> Mapping[str, float]:
        found = self._known.get(item.id)
        if found is None:
            found = self._known[item.id] = features(tx, item)
        return found


def features(tx: Transaction, item: Item) -> dict[str, float]:
    """What is known of an item before anything of it is tested, as numbers up to about one."""
    commits = tx.changes.commits(item.revision)
    origin = combine(commit.origin for commit in commits)
    found = {
        f"source:{source_of(tx, item.change)}": _NAMED,
        f"origin:{origin.kind.value}": _NAMED,
        "commits": math.log1p(len(commits)) / 4,
        "findings": math.log1p(sum(len(c.findings) for c in tx.checks.of(item.revision))) / 4,
    }
    if origin.tool:
        found[f"tool:{origin.tool}"] = _NAMED
    if origin.model:
        found[f"model:{origin.model}"] = _NAMED
    verdict = tx.verdicts.latest(item.revision)
    if verdict is not None:
        found[f"risk:{verdict.risk.tier.word}"] = _NAMED
    before = [i for i in tx.items.of_change(item.change) if i.id < item.id]
    failed = sum(i.state is ItemState.EJECTED for i in before)
    if failed:
        found["failed before"] = math.log1p(failed) / 2
    return found


def replay(tx: Transaction, queue: Queue) -> Forecast:
    """What the verdicts so far have taught."""
    forecast = Forecast()
    for item in reversed(tx.items.finished(queue.id, REPLAYED)):
        forecast.learn(tx, item)
    return forecast
