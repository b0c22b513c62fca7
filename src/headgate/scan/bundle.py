"""What is kept of many files of a project, in one file.

To open, check and read thousands of small files takes longer than what is in them was worth. The
files of one project are told from those of another by which of their paths comes first in an order
that has nothing to do with their names: nearly every edit leaves it as it is, and where it does not
nothing is found, as in a new project.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from headgate.scan.kept import keep_values, take_values

FEW = 32
"""Fewer files than this are not worth a bundle."""
_SPARE = 256
"""Entries that the last run did not ask for, besides half as many as it did, that stay: those of
other branches and of files before they were edited."""
_DAY = 86_400


class Bundle:
    """Plain values by key. Nothing is written before `keep`, and nothing when nothing is new."""

    def __init__(self, folder: Path, paths: Iterable[str]) -> None:
        """`folder`: of ours, for what has one purpose and comes of one program. `paths`: of all
        files that something is kept of."""
        first = min((_order(path) for path in paths), default=0)
        self._place = folder / f"many-{first:08x}"
        found = take_values(self._place)
        self._before: dict[bytes, Any] = found if isinstance(found, dict) else {}
        self._used: dict[bytes, Any] = {}
        self._new = False

    def get(self, key: bytes) -> Any:
        """What was put there in this run or another one; None: nothing."""
        found = self._used.get(key)
        if found is None and (found := self._before.get(key)) is not None:
            self._used[key] = found
        return found

    def put(self, key: bytes, value: Any) -> None:
        """`value`: as `kept.keep_values` takes it, not None."""
        self._used[key] = value
        self._new = True

    def keep(self) -> bool:
        """Write what is new, at once or not at all; whether there was anything."""
        if not self._new:
            # What is used must not look old.
            with suppress(OSError):
                if self._used and time.time() - self._place.stat().st_mtime > _DAY:
                    os.utime(self._place)
            return False
        used = self._used
        spare = [one for one in self._before.items() if one[0] not in used]
        most = _SPARE + len(used) // 2
        keep_values(self._place, {**dict(spare[max(0, len(spare) - most) :]), **used})
        self._new = False
        return True


def _order(path: str) -> int:
    return zlib.crc32(path.encode("utf-8", "surrogatepass"))
