"""Blocking work beside the event loop, never left running behind a cancelled run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run in a thread; when cancelled, wait for the thread to end before raising.

    A thread cannot be stopped, and one that still writes into a work area would undo its removal.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    return await to_the_end(task)


async def to_the_end(task: asyncio.Future[T]) -> T:
    """Wait until a task is done, even while being cancelled; then CancelledError is raised."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not task.cancelled():
            task.exception()  # Looked at, so that the loop does not report it as forgotten.
        raise asyncio.CancelledError
    return task.result()
