"""Line numbers of keys in TOML text, which the standard library's reader does not give."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""Keys from the root; a number is an index into an array."""


def key_lines(text: str) -> Mapping[Path, int]:
    """Where each key, table and array element is first written, counted from 1.

    The text must have been accepted by `tomllib`; the lines of anything else are arbitrary.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


class _Scanner:
    """Walks over valid TOML once, noting where keys stand."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line = 1
        self._arrays: dict[Path, int] = {}
        self.found: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while True:
            self._blank()
            if self._at >= len(self._text):
                return
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line = self._line
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        path = self._resolve((), self._key(), line)
        self._at += 2 if array else 1
        if array:
            index = self._arrays.get(path, -1) + 1
            self._arrays[path] = index
            self._note(path, line)
            path = (*path, index)
        # A header is a better place for its table than an earlier header of a table inside it.
        self.found[path] = line
        return path

    def _pair(self, table: Path) -> None:
        line = self._line
        path = self._resolve(table, self._key(), line)
        self._at += 1  # The equals sign.
        self._note(path, line)
        self._value(path)

    def _resolve(self, start: Path, keys: list[str], line: int) -> Path:
        """The path of a dotted key; a key inside an array of tables means its last element."""
        path = start
        for position, key in enumerate(keys):
            path = (*path, key)
            last = position == len(keys) - 1
            if not last:
                self._note(path, line)
                if path in self._arrays:
                    path = (*path, self._arrays[path])
        return path

    def _value(self, path: Path) -> None:
        self._space()
        mark = self._peek()
        if mark in "\"'":
            self._string()
        elif mark == "[":
            self._array(path)
        elif mark == "{":
            self._inline(path)
        else:
            while self._at < len(self._text) and self._peek() not in ",]}#\n":
                self._at += 1

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while True:
            self._blank()
            if self._peek() in ("]", ""):
                self._at += 1
                return
            if self._peek() == ",":
                self._at += 1
                continue
            self._note((*path, index), self._line)
            self._value((*path, index))
            index += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            self._blank()
            if self._peek() in ("}", ""):
                self._at += 1
                return
            if self._peek() == ",":
                self._at += 1
                continue
            self._pair(path)

    def _key(self) -> list[str]:
        """A dotted key; leaves the position on what follows it."""
        parts: list[str] = []
        while True:
            self._space()
            if self._peek() in ('"', "'"):
                parts.append(self._string())
            else:
                start = self._at
                while self._peek() and self._peek() not in " \t.=]\n":
                    self._at += 1
                parts.append(self._text[start : self._at])
            self._space()
            if self._peek() != ".":
                return parts
            self._at += 1

    def _string(self) -> str:
        """Passes over a string, and gives its value."""
        start, quote = self._at, self._peek()
        fence = quote * 3 if self._text.startswith(quote * 3, start) else quote
        at = start + len(fence)
        while at < len(self._text) and not self._text.startswith(fence, at):
            at += 2 if quote == '"' and self._text[at] == "\\" else 1
        at += len(fence)
        while len(fence) == 3 and self._text.startswith(quote, at):
            at += 1  # Up to two quotes may stand right before the closing fence.
        raw = self._text[start:at]
        self._at = at
        self._line += raw.count("\n")
        return str(tomllib.loads(f"v = {raw}")["v"])

    def _note(self, path: Path, line: int) -> None:
        self.found.setdefault(path, line)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _space(self) -> None:
        while self._peek() in (" ", "\t"):
            self._at += 1

    def _blank(self) -> None:
        """Passes over spaces, newlines and comments."""
        while self._at < len(self._text):
            mark = self._peek()
            if mark == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif mark == "\n":
                self._line += 1
                self._at += 1
            elif mark in " \t":
                self._at += 1
            else:
                return
