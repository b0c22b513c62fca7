"""Watching output for lines that mean failure, whatever the exit code will be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

_LONGEST_LINE = 64 << 10
"""Bytes of a line that are looked at; what is behind them is as if it were not there."""


class UnusableExpression(ValueError):
    """A regular expression that the engine does not take."""


class OutputWatch:
    """Looks at each line once. The engine (RE2) takes time in proportion to the line, whatever the
    expression is."""

    def __init__(self, expressions: Sequence[str]) -> None:
        """Raises UnusableExpression."""
        self._expressions = _compiled(expressions) if expressions else []
        self._line = b""
        self.expression = ""
        """The expression that was found; empty while none was."""
        self.line = ""
        """The line that it was found in."""

    def feed(self, data: bytes) -> bool:
        """Take more output; whether a line matched, now or before."""
        if self.expression or not self._expressions:
            return bool(self.expression)
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._add(part)
            if self._look():
                return True
            self._line = b""
        self._add(rest)
        return False

    def end(self) -> bool:
        """Look at a last line without a line break; whether anything matched."""
        return bool(self.expression) or bool(self._line and self._look())

    def _add(self, part: bytes) -> None:
        room = _LONGEST_LINE - len(self._line)
        self._line += part[:room]

    def _look(self) -> bool:
        text = self._line.rstrip(b"\r").decode("utf-8", "replace")
        for expression, compiled in self._expressions:
            if compiled.search(text) is not None:
                self.expression, self.line = expression, text
                return True
        return False


def _compiled(expressions: Sequence[str]) -> list[tuple[str, Any]]:
    # Imported here: it costs memory that a server without such jobs never needs.
    import re2  # pyright: ignore[reportMissingTypeStubs]

    engine = cast("Any", re2)
    options = engine.Options()
    options.log_errors = False
    found: list[tuple[str, Any]] = []
    for text in expressions:
        try:
            found.append((text, engine.compile(text, options)))
        except engine.error as error:
            raise UnusableExpression(f"`{text[:60]}` cannot be used: {error}") from None
    return found
