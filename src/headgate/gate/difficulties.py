"""What could not be run for no fault of an item, and when it is tried again.

Infrastructure never ejects. A build that could not be run is tried again after a pause, and keeps
its place for `ROUNDS` rounds. After that its item is *held*: it stays in the queue and says why,
and those behind it no longer wait for it. A held item is tried again from time to time, when the
branches move, and when an operator did something that may help. Holding the one item, rather than
freezing the queue, keeps the trouble where it is: what ails one project's environment does not
stop the others, and when the machine itself is ill every item is held in turn, none is lost, and
all go on once it is well.

This is kept in memory only: a restart tries everything at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from headgate.gate.reader import Difficulty
from headgate.gate.snapshot import Trouble
from headgate.model.ids import ItemId

ROUNDS = 3
"""Builds that could not be run, after which an item is held."""

PAUSES = (2.0, 15.0)
"""Seconds before the second and the third round."""

HELD_PAUSE = 300.0
"""Seconds between the tries of a held item."""


@dataclass(frozen=True, slots=True)
class _Met:
    rounds: int
    again: float
    """Seconds since the epoch."""


class Difficulties:
    """What each item met."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._met: dict[ItemId, _Met] = {}

    def of(self, item: ItemId) -> Difficulty:
        """What an item met, and whether it may be tried again now."""
        met = self._met.get(item)
        if met is None:
            return Trouble.NONE, True
        trouble = Trouble.HELD if met.rounds >= ROUNDS else Trouble.RETRY
        return trouble, self._clock() >= met.again

    def add(self, item: ItemId, *, rounds: int = 1) -> Trouble:
        """One more round went wrong; `rounds` = ROUNDS when trying again soon is useless."""
        before = self._met.get(item)
        count = min(ROUNDS, (before.rounds if before else 0) + rounds)
        pause = HELD_PAUSE if count >= ROUNDS else PAUSES[min(count, len(PAUSES)) - 1]
        self._met[item] = _Met(count, self._clock() + pause)
        return Trouble.HELD if count >= ROUNDS else Trouble.RETRY

    def clear(self, item: ItemId) -> None:
        """It got on, or left."""
        self._met.pop(item, None)

    def retry_all(self) -> None:
        """Something changed that may help: everything may be tried again now."""
        for item, met in self._met.items():
            self._met[item] = _Met(met.rounds, 0.0)

    def next_in(self) -> float | None:
        """Seconds until something may be tried again; None when nothing waits for that."""
        now = self._clock()
        later = [met.again - now for met in self._met.values() if met.again > now]
        return min(later) if later else None
