"""An event loop whose time passes at once: it jumps to the next timer when nothing is under way.

Whatever waits by asyncio (sleeps, timeouts, `call_later`) waits in simulated time and costs none.
What really takes time, programs that run and work in threads, takes none in the simulation: while
any of it is under way the simulated clock stands. So the same program does the same in the same
order, however fast the machine is. The idea is FoundationDB's (Zhou et al., SIGMOD 2021, section
4.1).
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Generator, Mapping
from typing import Any

DAY = 86400.0

LONGEST = 600.0
"""Real seconds that a program may take, or a thread, before it counts as hung."""


class Stalled(RuntimeError):
    """Everything waits for something, and nothing will ever happen."""


class SimulatedLoop(asyncio.SelectorEventLoop):
    """Begins at 0 seconds. Run with `run_until_complete`, which raises Stalled."""

    def __init__(self) -> None:
        self._now = 0.0
        self._under_way = 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Simulated seconds since the beginning."""
        return self._now

    @property
    def busy(self) -> bool:
        """Whether something is under way that takes real time."""
        return self._under_way > 0

    def advance(self, seconds: float) -> None:
        """Let time pass; called by the loop itself when nothing is left to do now."""
        self._now += seconds

    @contextlib.contextmanager
    def working(self) -> Generator[None]:
        """Let the clock stand: what is done within takes real time that the loop cannot see, such
        as a question to a program that lives long."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def subprocess_exec(
        self, protocol_factory: Callable[[], Any], *args: Any, **kwargs: Any
    ) -> tuple[asyncio.SubprocessTransport, Any]:
        """See asyncio. The clock stands until a program has ended, unless it lives long: those
        write their complaints nowhere (see `start_git`), and whoever asks them says `working`."""
        with self.working():
            if kwargs.get("stderr") == DEVNULL:
                return await super().subprocess_exec(protocol_factory, *args, **kwargs)
            self._under_way += 1
            ended = False

            def end() -> None:
                nonlocal ended
                if not ended:
                    ended = True
                    self._under_way -= 1

            def watched() -> Any:
                protocol = protocol_factory()
                told = protocol.process_exited

                def process_exited() -> None:
                    end()  # All that it wrote can be read by now.
                    told()

                protocol.process_exited = process_exited
                return protocol

            try:
                return await super().subprocess_exec(watched, *args, **kwargs)
            except BaseException:
                # It was never begun, or asyncio has killed it and waited for that: whoever is
                # cancelled here is not told that it has ended.
                end()
                raise

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """See asyncio. The clock stands until the thread is done."""
        future = super().run_in_executor(executor, func, *args)
        self._under_way += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _: object) -> None:
        self._under_way -= 1


class _Selector(selectors.BaseSelector):
    """Waits for what is real, or lets the simulated clock jump."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._inner = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return self._inner.select(0)
        if self._loop.busy:
            real = self._inner.select(LONGEST)
            if not real:
                raise Stalled(f"a program has said nothing for {LONGEST:.0f} seconds")
            return real
        ready = self._inner.select(0)
        if ready:
            return ready
        if timeout is None:
            raise Stalled("nothing is under way, and nobody waits for a time")
        self._loop.advance(timeout)
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._inner.get_map()

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._inner.get_key(fileobj)

    def close(self) -> None:
        self._inner.close()
