"""Typed reading of TOML tables; every error names file, line and key."""

from __future__ import annotations

import contextlib
import datetime
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, cast

from headgate.model import patterns
from headgate.model.errors import BadInput
from headgate.model.toml.lines import Path, key_lines

LARGEST = 1 << 20
"""Bytes of the largest file that is read."""

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SIZE = re.compile(r"(\d+)\s*([KMGT])(?:i?B)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Table:
    """One table of a file, and where it stands.

    Getters take the default for an absent key; `done` raises for keys that nobody asked for.
    """

    def __init__(
        self, file: str, values: Mapping[str, Any], lines: Mapping[Path, int], path: Path = ()
    ) -> None:
        self._file = file
        self._values = values
        self._lines = lines
        self._path = path
        self._known: set[str] = set()

    @property
    def line(self) -> int:
        """Where the table begins."""
        return self._line_of(self._path)

    @property
    def file(self) -> str:
        return self._file

    def place(self, key: str) -> tuple[int, str]:
        """Line and dotted name of a key, for errors that are only found later."""
        path = (*self._path, key) if key else self._path
        return self._line_of(path), _dotted(path)

    def names(self) -> tuple[str, ...]:
        """Every key, as written; for tables whose keys are names that the user gives."""
        self._known.update(self._values)
        return tuple(self._values)

    def has(self, key: str) -> bool:
        return key in self._values

    def fail(self, key: str, what: str, remedy: str = "", index: int | None = None) -> NoReturn:
        """Raise BadInput for a key of this table (or of the table itself, for an empty key)."""
        path = (*self._path, key) if key else self._path
        at = (*path, index) if index is not None else path
        place = f"{self._file}:{self._line_of(at)}"
        name = _dotted(path)
        raise BadInput(f"{place}: {name}: {what}" if name else f"{place}: {what}", remedy)

    def text(self, key: str, default: str = "") -> str:
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self._mistyped(key, "a string", value)
        if not value.strip():
            self.fail(key, "is empty.", "Give a value, or leave the key out.")
        return value

    def choice(self, key: str, words: Iterable[str], default: str) -> str:
        words = tuple(words)
        value = self.text(key, default)
        if value not in words:
            self.fail(key, f"`{value}` is none of {', '.join(words)}.", nearest(value, words))
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._mistyped(key, "true or false", value)
        return value

    def integer(self, key: str, default: int, least: int, most: int) -> int:
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            self._mistyped(key, "a whole number", value)
        if not least <= value <= most:
            self.fail(key, f"{_short(value)} is not between {least} and {most}.")
        return value

    def seconds(self, key: str, default: float, most: float = 86400.0) -> float:
        """A duration: a number of seconds, or text such as "90s", "10m" or "1h"."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
            value = float(match[1]) * _SECONDS[match[2]]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._mistyped(key, 'a number of seconds, or text such as "90s", "10m", "1h"', value)
        if not 0 < value <= most:
            self.fail(key, f"{_short(value)} seconds is not more than 0 and at most {most:.0f}.")
        return float(value)

    def number(self, key: str, default: float, least: float, most: float) -> float:
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._mistyped(key, "a number", value)
        if not least <= value <= most:
            self.fail(key, f"{_short(value)} is not between {least:g} and {most:g}.")
        return float(value)

    def day(self, key: str) -> float | None:
        """The beginning of a day in UTC, in seconds since the epoch; None when it is not given."""
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = datetime.date.fromisoformat(value)
        if isinstance(value, datetime.datetime) or not isinstance(value, datetime.date):
            self._mistyped(key, "a day such as 2026-12-31", value)
        begin = datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
        return begin.timestamp()

    def size(self, key: str, default: int, least: int) -> int:
        """A number of bytes, or text such as "512M" or "2G"."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
            value = int(match[1]) * _BYTES[match[2]]
        if isinstance(value, bool) or not isinstance(value, int):
            self._mistyped(key, 'a number of bytes, or text such as "512M" or "2G"', value)
        if not least <= value <= 1 << 44:
            self.fail(key, f"must be at least {least >> 20}M and at most 16T.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; a single string is taken as a list of one."""
        value = self._take(key)
        if value is None:
            return ()
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            self._mistyped(key, "a list of strings", value)
        items = cast("list[object]", value)
        for index, item in enumerate(items):
            if not isinstance(item, str):
                self.fail(key, f"expected strings, found {_kind(item)}.", index=index)
            if not item.strip():
                self.fail(key, "has an empty string.", "Take it out.", index)
        return tuple(cast("list[str]", items))

    def patterns(self, key: str) -> tuple[str, ...]:
        """A list of path patterns."""
        found = self.texts(key)
        for index, pattern in enumerate(found):
            if why := patterns.problem(pattern):
                self.fail(key, f"the pattern `{pattern}` cannot be used: {why}.", index=index)
        return found

    def paths(self, key: str) -> tuple[str, ...]:
        """A list of paths below the project's root."""
        found = self.texts(key)
        for index, path in enumerate(found):
            if why := outside(path):
                self.fail(key, f"`{path}` {why}.", "Name it from the project's root.", index)
        return found

    def mapping(self, key: str) -> Mapping[str, str]:
        """A table of strings."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._mistyped(key, "a table of strings", value)
        values = cast("Mapping[str, object]", value)
        found: dict[str, str] = {}
        for name, text in values.items():
            if not isinstance(text, str):
                self.fail(key, f"{name}: expected a string, found {_kind(text)}.")
            found[name] = text
        return found

    def table(self, key: str) -> Table | None:
        """The table under a key; None when there is none."""
        value = self._take(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._mistyped(key, "a table", value)
        values = cast("Mapping[str, Any]", value)
        return Table(self._file, values, self._lines, (*self._path, key))

    def tables(self, key: str) -> tuple[Table, ...]:
        """An array of tables, `[[key]]`."""
        value = self._take(key)
        if value is None:
            return ()
        items = cast("list[object]", value) if isinstance(value, list) else [value]
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in items):
            self.fail(key, "expected tables.", f"Write [[{_dotted((*self._path, key))}]].")
        return tuple(
            Table(
                self._file, cast("Mapping[str, Any]", item), self._lines, (*self._path, key, index)
            )
            for index, item in enumerate(items)
        )

    def done(self) -> None:
        """Raise BadInput for the first key that no getter asked for."""
        for key in self._values:
            if key not in self._known:
                where = _dotted(self._path)
                place = f" in [{where}]" if where else ""
                known = ", ".join(sorted(self._known))
                remedy = nearest(key, self._known) or f"Known keys{place}: {known}."
                self.fail(key, "unknown key.", remedy)

    def is_table(self, key: str) -> bool:
        return isinstance(self._values.get(key), dict)

    def is_text(self, key: str) -> bool:
        return isinstance(self._values.get(key), str)

    def is_false(self, key: str) -> bool:
        return self._values.get(key) is False

    def _take(self, key: str) -> Any:
        self._known.add(key)
        return self._values.get(key)

    def _mistyped(self, key: str, wanted: str, value: object) -> NoReturn:
        self.fail(key, f"expected {wanted}, found {_kind(value)}.")

    def _line_of(self, path: Path) -> int:
        while path not in self._lines and path:
            path = path[:-1]
        return self._lines.get(path, 1)


def read(text: str, file: str) -> Table:
    """The root table of TOML text. Raises BadInput naming the line of a syntax error."""
    if len(text) > LARGEST:
        raise BadInput(f"{file}:1: is larger than 1 MB.", "Keep configuration in it, not data.")
    try:
        values = tomllib.loads(text)
        return Table(file, values, key_lines(text))
    except RecursionError:
        raise BadInput(f"{file}:1: nests too deeply to be read.", "Flatten it.") from None
    except ValueError as error:
        message = str(error)
        match = _PLACE.search(message)
        line = text.count("\n") + 1
        where = " at the end of the file"
        if match and match[1]:
            line, where = int(match[1]), f" at column {match[2]}"
        what = (message[: match.start()] if match else message).rstrip(".")
        raise BadInput(
            f"{file}:{line}: this is not TOML{where}: {what[:1].lower()}{what[1:]}.",
            "See https://toml.io for the syntax.",
        ) from None


def outside(path: str) -> str:
    """Why a path is not one below the project's root; empty when it is."""
    if path.startswith(("/", "~")) or "\\" in path:
        return "is not a relative path with forward slashes"
    if ".." in path.split("/"):
        return "leads out of the project"
    return "contains a character that no path holds" if "\0" in path else ""


def nearest(word: str, words: Iterable[str]) -> str:
    """A sentence proposing what was probably meant; empty when nothing is near."""
    near = difflib.get_close_matches(word, sorted(words), n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else ""


def _dotted(path: Path) -> str:
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w-]+", part) else f'"{part}"'
            shown += f".{name}" if shown else name
    return shown


def _kind(value: object) -> str:
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case int() | float():
            return f"the number {_short(value)}"
        case str():
            return f"the string `{value[:40]}`"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _short(value: float) -> str:
    try:
        shown = str(value)
    except ValueError:  # An integer too long to be written in decimals.
        return "a very large number"
    return shown if len(shown) <= 24 else f"{shown[:21]}…"
