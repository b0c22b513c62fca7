"""Where things stand in a text that was decoded without line numbers."""

from __future__ import annotations

_MISSES = 50


class Lines:
    """Finds marks in a text one after the other, in the order in which a decoder gave them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._misses = 0

    def find(self, *marks: str) -> int:
        """The line of the first of the marks that follows the last one found.

        The line of the last one when there is none: a place near is better than no place.
        """
        for mark in marks:
            if self._misses > _MISSES:
                break
            at = self._text.find(mark, self._at)
            if at < 0:
                self._misses += 1
                continue
            inside = len(mark) - len(mark.lstrip("\n"))
            self._line += self._text.count("\n", self._at, at) + inside
            self._at = at + inside
            return self._line
        return self._line
