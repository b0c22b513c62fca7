"""Offsets in a text as lines and columns."""

from __future__ import annotations

import bisect

from headgate.model.finding import Span


class Places:
    """Turns offsets in characters into lines and columns, both from 1."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        starts = [0]
        at = text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = text.find("\n", at + 1)
        self._starts = starts

    def place(self, offset: int) -> tuple[int, int]:
        index = bisect.bisect_right(self._starts, offset) - 1
        return index + 1, offset - self._starts[index] + 1

    def span(self, start: int, end: int) -> Span:
        """The span of the characters from `start` up to `end`, in no file yet."""
        return Span("", *self.place(start), *self.place(end))
