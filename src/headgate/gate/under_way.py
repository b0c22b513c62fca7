"""What goes on in the background of the gate: builds, landings, and what follows from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import structlog

from headgate.model.ids import BuildId, ItemId

K = TypeVar("K")

log = structlog.get_logger()

_RECORD_AGAIN = 1.0
"""Seconds until the outcome of a build is recorded again, when the disk was full, say."""


class BuildsUnderWay(Generic[K]):
    """Builds by what they are for; cut off when the gate ends."""

    def __init__(self) -> None:
        self._current: dict[K, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        """Those that were cancelled and are still ending, too."""
        self._stopping = False

    def stopping(self) -> bool:
        """Whether the gate ends: what is cut off now is nobody's fault."""
        return self._stopping

    def launch(self, keys: Iterable[K], work: Coroutine[Any, Any, None]) -> None:
        """Run a build in the background."""
        keys = tuple(keys)
        task = asyncio.create_task(work)
        self._current.update(dict.fromkeys(keys, task))
        self._tasks.add(task)

        def forget(done: asyncio.Task[None]) -> None:
            self._tasks.discard(done)
            for key in keys:
                if self._current.get(key) is done:
                    del self._current[key]

        task.add_done_callback(forget)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what follows from a build, which nothing but the end cuts off."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self, key: K) -> None:
        """Stop a build; its processes end soon after."""
        task = self._current.pop(key, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Cut every build off, and wait until its processes are gone."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def until_recorded(record: Callable[[], None], build: BuildId) -> None:
    """Record the outcome of a build, again and again until that succeeds."""
    while True:
        try:
            record()
        except Exception:
            log.exception("the outcome of a build could not be recorded", build=build)
            await asyncio.sleep(_RECORD_AGAIN)
        else:
            return


class LandingsUnderWay:
    """Landings that have begun, by their items."""

    def __init__(self) -> None:
        self._landing: dict[ItemId, asyncio.Event] = {}

    @contextmanager
    def of(self, items: Iterable[ItemId]) -> Generator[None]:
        """While these land."""
        items = tuple(items)
        done = asyncio.Event()
        self._landing.update(dict.fromkeys(items, done))
        try:
            yield
        finally:
            done.set()
            for item in items:
                self._landing.pop(item, None)

    async def settled(self, item: ItemId, patience: float) -> None:
        """Wait until no landing of this item is under way, at most `patience` seconds."""
        under_way = self._landing.get(item)
        if under_way is None:
            return
        try:
            async with asyncio.timeout(patience):
                await under_way.wait()
        except TimeoutError:
            return


class Background:
    """What is finished before the gate ends."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin something."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Wait until nothing is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)
