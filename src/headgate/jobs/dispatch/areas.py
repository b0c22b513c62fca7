"""Work areas by the dozen: made ahead and removed afterwards, beside the runs that use them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

from headgate.jobs.dispatch.area import make_area, remove
from headgate.jobs.dispatch.threads import in_thread

_PARTS = ("work/home", "work/tmp", "work/artifacts", "work/src")


class WorkAreas:
    """Directories for runs, each used once.

    A spare that was made while an earlier area went costs the next run one rename, and what a
    run leaves behind keeps nobody waiting unless removals fall behind.
    """

    def __init__(self, root: Path, count: int) -> None:
        """Keep areas in `root`/work, and spares (at most `count`) and what goes beside it.

        What an earlier process left is removed in the background. OSError when the directories
        cannot be made.
        """
        self._used = fresh_directory(root, "work")
        self._spare = fresh_directory(root, "spare")
        self._count = count
        self._spares: list[Path] = []
        self._cleaning: set[asyncio.Task[None]] = set()

    def take(self, name: str) -> Path:
        """An empty area, with a name that starts like this. OSError."""
        if not self._spares:
            return make_area(self._used, name, _PARTS)
        spare = self._spares.pop()
        area = self._used / f"{name}-{spare.name.rpartition('-')[2]}"
        spare.rename(area)
        return area

    def put_away(self, area: Path, done: Callable[[], None]) -> None:
        """Remove an area in the background. `done` is called when another may be taken: at once,
        but at the end of the removal when many are still going."""
        behind = len(self._cleaning) >= self._count
        if not behind:
            done()
        task = asyncio.create_task(self._clean(area, done if behind else None))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    async def close(self) -> None:
        """Wait until everything is removed."""
        while self._cleaning:
            await asyncio.wait(self._cleaning)
        self._count = 0
        while self._spares:
            await in_thread(remove, self._spares.pop())

    async def _clean(self, area: Path, done: Callable[[], None] | None) -> None:
        try:
            await in_thread(remove, area)
        finally:
            if done is not None:
                done()
        if len(self._spares) < self._count:
            self._spares.append(await in_thread(make_area, self._spare, "spare", _PARTS))


def fresh_directory(root: Path, name: str) -> Path:
    """An empty directory that others may pass through; what was there goes in the background."""
    place = root / name
    if place.exists():
        place.rename(root / f".old-{name}-{time.time_ns()}")
    place.mkdir()
    place.chmod(0o711)
    for old in root.glob(f".old-{name}-*"):
        threading.Thread(target=remove, args=(old,), name="headgate-clean", daemon=True).start()
    return place
