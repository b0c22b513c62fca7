"""TOML lockfiles: tables of packages, read one by one so that what is unchanged is read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import tomli

from headgate.deps.lockfiles.builder import Builder, decoded
from headgate.deps.lockfiles.interface import Parsed

_LINE = re.compile(r"at line (\d+)")
_LONGEST = 20_000
"""Characters of a table that is remembered."""


def toml_table(data: bytes, builder: Builder) -> tuple[str, Mapping[str, Any]] | None:
    """The text and its tables; None, with a problem noted, when it is not TOML."""
    text = decoded(data, builder)
    if text is None:
        return None
    try:
        return text, tomli.loads(text)
    except (ValueError, RecursionError) as error:
        _not_toml(builder, error)
        return None


def toml_packages(
    data: bytes, builder: Builder, table: str
) -> tuple[Mapping[str, Any], list[tuple[int, Mapping[str, Any]]]] | None:
    """The head and foot of a lockfile, and the tables `[[table]]` in it with their lines.

    None, with a problem noted, when it is not TOML. The text is cut before each `[[table]]` line.
    That is sound: a cut inside a string or an array leaves a piece that is not TOML by itself,
    and the whole is read in one then.
    """
    text = decoded(data, builder)
    if text is None:
        return None
    pieces = _pieces(text, f"[[{table}]]")
    try:
        head = dict(tomli.loads(pieces[0][1]))
        found: list[tuple[int, Mapping[str, Any]]] = []
        for line, piece in pieces[1:]:
            values = read_piece(piece) if len(piece) <= _LONGEST else tomli.loads(piece)
            if len(values) > 1:
                head.update({k: v for k, v in values.items() if k != table})
            entries = cast("list[Mapping[str, Any]]", values[table])
            found.append((line, entries[0]))
        if table not in head:
            return head, found
    except (ValueError, RecursionError):
        pass  # A cut in the wrong place, or a fault that the whole will tell.
    return _whole(text, builder, table)


def _whole(
    text: str, builder: Builder, table: str
) -> tuple[Mapping[str, Any], list[tuple[int, Mapping[str, Any]]]] | None:
    try:
        values = tomli.loads(text)
    except (ValueError, RecursionError) as error:
        _not_toml(builder, error)
        return None
    entries = builder.sequence(values.get(table), table, 1)
    return values, [(1, builder.mapping(entry, table, 1)) for entry in entries]


@lru_cache(maxsize=20_000)
def read_piece(piece: str) -> Mapping[str, Any]:
    """The tables of a piece. Remembered, as from one state to the next most pieces stay."""
    return tomli.loads(piece)


def _pieces(text: str, header: str) -> list[tuple[int, str]]:
    """The text cut before each line that is `header`, with the lines where pieces begin."""
    pieces: list[tuple[int, str]] = []
    start, line = 0, 1
    for at in _headers(text, header):
        pieces.append((line, text[start:at]))
        line += text.count("\n", start, at)
        start = at
    pieces.append((line, text[start:]))
    return pieces


def _headers(text: str, header: str) -> Iterator[int]:
    at = text.find(header)
    while at >= 0:
        if at == 0 or text[at - 1] == "\n":
            yield at
        at = text.find(header, at + 1)


def _not_toml(builder: Builder, error: Exception) -> None:
    match = _LINE.search(str(error))
    builder.problem("this is not TOML", int(match[1]) if match else 1)


Read = Callable[[Builder, str, Mapping[str, Any]], None]
"""Tells a builder what a text and the tables in it say."""


def read_table(path: str, data: bytes, read: Read) -> Parsed:
    """What `read` tells of a file, or the problem that kept it from being read."""
    builder = Builder(path)
    if (found := toml_table(data, builder)) is not None:
        read(builder, *found)
    return builder.done()
