"""Numbered slots, given out by priority and then by order of arrival."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class Slots:
    """At most `count` holders at once, each with a number of its own."""

    def __init__(self, count: int) -> None:
        """ValueError when there is not even one."""
        if count < 1:
            raise ValueError(f"at least one slot is needed, not {count}")
        self.count = count
        self._free = list(range(count))
        self._waiting: list[tuple[int, int, asyncio.Future[int]]] = []
        self._arrivals = itertools.count()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not future.done() for _, _, future in self._waiting)

    @property
    def taken(self) -> int:
        return self.count - len(self._free)

    async def take(self, priority: int = 0) -> int:
        """Wait for a slot; whoever takes one gives it back with `give`."""
        if self._free and not self.waiting:
            return heapq.heappop(self._free)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._arrivals), future))
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.give(future.result())  # It was handed over in the same moment.
            raise

    def give(self, slot: int) -> None:
        """Hand a slot to the first in line."""
        while self._waiting:
            _, _, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(slot)
                return
        heapq.heappush(self._free, slot)
