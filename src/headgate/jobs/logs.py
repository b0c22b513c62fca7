"""The log of a job run: written while it runs, never larger than it may be."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

LOG_LIMIT = 20 << 20
"""Bytes of output that are kept; after them only the end is."""

_TAIL = 64 << 10
_HEAD = 4 << 10


class JobLog:
    """Appends output and notes to a file.

    A full or broken disk does not raise in the middle of a run: `trouble` then says what happened,
    and whoever runs the job ends it.
    """

    def __init__(self, path: Path, limit: int = LOG_LIMIT) -> None:
        """Create or empty the file. OSError when that is not possible."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._left = limit
        self._limit = limit
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._left_out = 0
        self._at_line_start = True
        self.head = b""
        """The first bytes of the output, without our notes."""
        self.trouble = ""

    def write(self, data: bytes) -> None:
        """Append output as it is, whatever bytes it holds."""
        if len(self.head) < _HEAD:
            self.head += data[: _HEAD - len(self.head)]
        if self._left > 0:
            kept = data[: self._left]
            self._left -= len(kept)
            self._append(kept)
            data = data[len(kept) :]
            if not data:
                return
        if self._left_out == 0:
            self.note(f"more than {self._limit} bytes of output: from here only the end is kept")
        self._left_out += len(data)
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size - len(self._tail[0]) >= _TAIL:
            self._tail_size -= len(self._tail.popleft())

    def note(self, text: str) -> None:
        """Add lines of our own, each marked `# headgate:`."""
        start = b"" if self._at_line_start else b"\n"
        # Names from projects may hold line breaks, and must not be able to fake a line.
        lines = (f"# headgate: {printable(line)}\n" for line in text.split("\n"))
        self._append(start + "".join(lines).encode("utf-8", "replace"))

    def close(self) -> None:
        """Write what was kept of the end, and close the file. May be called twice."""
        if self._fd < 0:
            return
        if self._left_out:
            end = b"".join(self._tail)[-_TAIL:]
            skipped = self._left_out - len(end)
            if skipped:
                self.note(f"… {skipped} bytes left out …")
            self._append(end)
            self._left_out = 0
        os.close(self._fd)
        self._fd = -1

    def _append(self, data: bytes) -> None:
        if not data or self.trouble:
            return
        self._at_line_start = data.endswith(b"\n")
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            self.trouble = f"the log cannot be written: {error.strerror}"


def printable(text: str) -> str:
    """Text on one line, with control characters and undecodable bytes shown as escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


def last_lines(path: Path, count: int = 20, limit: int = 8 << 10) -> str:
    """The last lines of a log, at most `limit` bytes; empty when there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])
