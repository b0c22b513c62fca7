"""What blobs were found to say, so that each is read once."""

from __future__ import annotations

import threading
from collections import OrderedDict

from headgate.deps.lockfiles.interface import Parsed

MOST = 100_000
"""Dependencies that are kept, over all files; some 60 MB."""


class Readings:
    """A memo of reading, which is a function of a path and the blob there; the oldest go first.

    The path belongs to it, as it decides the format and stands in every place that is named.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Parsed] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, path: str, blob: str) -> Parsed | None:
        """What was read from this blob at this path; None when it was not, or long ago."""
        with self._lock:
            found = self._kept.get((path, blob))
            if found is not None:
                self._kept.move_to_end((path, blob))
            return found

    def put(self, path: str, blob: str, parsed: Parsed) -> None:
        """Keep what was read."""
        with self._lock:
            if (path, blob) in self._kept:
                return
            self._kept[path, blob] = parsed
            self._weight += _weight(parsed)
            while self._weight > self._most and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._weight -= _weight(gone)


def _weight(parsed: Parsed) -> int:
    return 10 + len(parsed.declared) + len(parsed.facts)


READINGS = Readings()
"""Of this process."""
