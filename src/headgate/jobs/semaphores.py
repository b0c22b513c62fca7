"""Counted semaphores of the whole server, held by job runs."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


@dataclass(order=True, slots=True)
class _Waiter:
    priority: int
    arrival: int
    names: frozenset[str] = field(compare=False)
    granted: asyncio.Future[None] = field(compare=False)


class Semaphores:
    """Names that at most so many may hold at once.

    Whoever waits holds nothing, and gets all that it wants in one step: nobody can wait for each
    other. The line is kept: nobody is given a name that one further ahead waits for, so everyone's
    turn comes.
    """

    def __init__(self, capacity: Callable[[str], int] = lambda _: 1) -> None:
        """`capacity` tells how many may hold a name; less than one counts as one."""
        self._capacity = capacity
        self._held: Counter[str] = Counter()
        self._line: list[_Waiter] = []
        self._arrivals = itertools.count()

    def held(self, name: str) -> int:
        """How many hold it now."""
        return self._held[name]

    async def take(self, names: Iterable[str], priority: int = 0) -> None:
        """Wait until all are free, and hold them; lower priorities first, then by arrival.

        Whoever holds nothing else of this server's but these may take them; `give` them back.
        """
        wanted = frozenset(names)
        if not wanted:
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(priority, next(self._arrivals), wanted, granted)
        heapq.heappush(self._line, waiter)
        self.look_again()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.give(wanted)  # They were handed over in the same moment.
            else:
                self.look_again()
            raise

    def give(self, names: Iterable[str]) -> None:
        """Let go."""
        for name in frozenset(names):
            self._held[name] -= 1
            if not self._held[name]:
                del self._held[name]
        self.look_again()

    def look_again(self) -> None:
        """Serve the line; to be called, too, when capacities have changed."""
        kept: list[_Waiter] = []
        wanted_ahead: set[str] = set()
        for waiter in sorted(self._line):
            if waiter.granted.done():
                continue
            full = any(self._held[n] >= max(1, self._capacity(n)) for n in waiter.names)
            if full or waiter.names & wanted_ahead:
                wanted_ahead |= waiter.names
                kept.append(waiter)
                continue
            self._held.update(waiter.names)
            waiter.granted.set_result(None)
        self._line = kept  # Sorted, and so a heap.
