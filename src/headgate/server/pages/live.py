"""Live pages: what was shown is rendered again when something happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headgate.server.pages.stream import BEAT, HEARTBEAT, message

if TYPE_CHECKING:
    from collections.abc import Generator

    from headgate.model.event import Event
    from headgate.store.database import Database

DEBOUNCE = 0.1
"""Seconds in which events are gathered before the page is rendered again."""

SHARE = 0.1
"""At most this share of the time goes into rendering for one reader."""


class Pulse:
    """Wakes every live page when events were recorded, whatever thread recorded them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._readers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._unsubscribe: Callable[[], None] | None = None

    @contextmanager
    def reader(self) -> Generator[asyncio.Event]:
        """An event that is set whenever something was recorded."""
        beat = asyncio.Event()
        self._readers[beat] = asyncio.get_running_loop()
        if self._unsubscribe is None:
            self._unsubscribe = self._db.subscribe(self._recorded)
        try:
            yield beat
        finally:
            del self._readers[beat]
            if not self._readers and self._unsubscribe is not None:
                self._unsubscribe()
                self._unsubscribe = None

    @property
    def readers(self) -> int:
        """How many live pages are open."""
        return len(self._readers)

    def _recorded(self, events: tuple[Event, ...]) -> None:
        for beat, loop in list(self._readers.items()):
            loop.call_soon_threadsafe(beat.set)


async def follow(
    pulse: Pulse, render: Callable[[], str], heartbeat: float = HEARTBEAT
) -> AsyncIterator[bytes]:
    """The fragment at once, and again whenever events changed it."""
    shown = ""
    with pulse.reader() as beat:
        while True:
            beat.clear()
            begun = time.perf_counter()
            html = render()
            ended = time.perf_counter()
            next_render = ended + (ended - begun) / SHARE
            if html != shown:
                shown = html
                yield message(html)
            while not beat.is_set():
                try:
                    await asyncio.wait_for(beat.wait(), heartbeat)
                except TimeoutError:
                    yield BEAT
            await asyncio.sleep(max(DEBOUNCE, next_render - time.perf_counter()))


class Shared:
    """Renders a fragment once for all readers who see the same thing at the same moment."""

    def __init__(self, clock: Callable[[], float], fresh: float = 5.0) -> None:
        self._clock = clock
        self._fresh = fresh
        self._kept: dict[object, tuple[int, float, str]] = {}

    def get(self, key: object, event: int, render: Callable[[], str]) -> str:
        """What `render` yields, or yielded since event number `event` and lately."""
        now = self._clock()
        kept = self._kept.get(key)
        if kept is not None and kept[0] == event and now - kept[1] < self._fresh:
            return kept[2]
        if len(self._kept) > 100:
            self._kept.clear()
        html = render()
        self._kept[key] = (event, now, html)
        return html
