"""The YAML that package managers write: tables in tables, plain or quoted values, one a line.

Read five times as fast as by a whole YAML parser. Whatever goes beyond this is not read here at
all, so that nothing is ever read differently.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache


class Block(dict[str, object]):
    """A table whose keys know their lines; those of a table on one line are not told."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}

    def line(self, key: str) -> int:
        """Where a key stands; 1 when it does not."""
        return self.lines.get(key, 1)


_QUOTED = r"'(?:[^'\n]|'')*'|\"(?:[^\"\\\n]|\\[\"\\/])*\""
_KEY = r"[A-Za-z0-9/._<=+$~^(-][^\s:#'\"{}\[\],&*!|%`]*(?:[:# ][^\s:#'\"{}\[\],&*!|%`]+)*"
_LINE = re.compile(rf"( *)(?:(?:({_QUOTED})|({_KEY})):(?: +(\S.*))?|- +(\S.*))")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_FIRST = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._^~<=+$(-")
_FLOW_ITEM = re.compile(
    rf"\s*(?:({_QUOTED})|([^\s:,'\"{{}}\[\]&*!#|>%`@-][^\s:,'\"{{}}\[\]]*)):\s+"
    rf"(?:({_QUOTED})\s*|([^\s,'\"{{}}\[\]&*!#|>%`@][^,'\"{{}}\[\]]*))(?:,|$)"
)


def plain_block(text: str) -> Block | None:
    """The table; None when the text is anything but the simplest YAML."""
    if _CONTROL.search(text):
        return None
    root = Block()
    # The tables that are open: how far they are indented, themselves, and their last key.
    open_: list[tuple[int, Block]] = [(0, root)]
    pending: tuple[int, Block, str] | None = None  # A key without a value yet.
    items: list[object] | None = None
    for number, raw in enumerate(text.split("\n"), 1):
        if not raw or raw[0] == "#":
            continue
        if raw[-1] == "\r":
            raw = raw[:-1]
            if not raw:
                continue
        found = row(raw)
        if found is None:
            return None
        depth, name, value = found
        if name is None:
            if pending is None or depth < pending[0]:
                return None
            if items is None:
                items = []
                pending[1][pending[2]] = items
            items.append(value)
            continue
        if pending is not None:
            if items is not None:
                if depth > pending[0]:
                    return None
            elif depth > pending[0]:
                inner = Block()
                pending[1][pending[2]] = inner
                open_.append((depth, inner))
            items = None
            pending = None
        while open_[-1][0] > depth:
            open_.pop()
        indent, table = open_[-1]
        if indent != depth:
            return None
        if name in table:
            return None
        table.lines[name] = number
        if value is None:
            table[name] = None
            pending = (depth, table, name)
        else:
            table[name] = value  # What is on one line is shared, and nobody changes it.
    return root


@lru_cache(maxsize=60_000)
def row(raw: str) -> tuple[int, str | None, object] | None:
    """How far a line is indented, its key, and its value; None when it is not simple.

    No key: an item of a list. No value: a table or a list follows. Remembered, as most lines of a
    lockfile stay from one state to the next.
    """
    match = _LINE.fullmatch(raw.rstrip(" "))
    if match is None:
        return None
    spaces, quoted, plain, value, item = match.groups()
    if item is not None:
        scalar = _scalar(item)
        if scalar is None or ": " in item or item.endswith(":"):
            return None
        return len(spaces), None, scalar
    name = _unquoted(quoted) if quoted is not None else plain
    if quoted is None and (" #" in name or name[:3] in ("---", "...") or name[0] == "-"):
        return None
    if name in ("<<", "~", "null"):
        return None
    if value is None:
        return len(spaces), name, None
    found = _flow(value) if value[0] == "{" else _scalar(value)
    return None if found is None else (len(spaces), name, found)


def _scalar(text: str) -> object:
    """A value on the line of its key; None when it is not simple."""
    first = text[0]
    if first in "'\"":
        if re.fullmatch(_QUOTED, text) is None:
            return None
        return _unquoted(text)
    if first == "[":
        return _list(text)
    if text in ("~", "null", "Null", "NULL", "-", "---", "..."):
        return None
    if first not in _FIRST or ": " in text or " #" in text or text[-1] == ":" or "\t" in text:
        return None
    return None if text[:2] == "- " else text


def _list(text: str) -> list[object] | None:
    if text[-1] != "]":
        return None
    inner = text[1:-1].strip()
    if not inner:
        return []
    found: list[object] = []
    for part in inner.split(","):
        word = part.strip()
        if not re.fullmatch(r"[A-Za-z0-9._!<>=^~][\w.<>=^~-]*|'[\w.<>=^~!*-]*'", word) or (
            word[0] == "!"
        ):
            return None
        found.append(word.strip("'"))
    return found


def _flow(text: str) -> Block | None:
    """`{a: b, c: d}` with simple values."""
    if text[-1] != "}":
        return None
    inner = text[1:-1]
    found = Block()
    at = 0
    while at < len(inner):
        match = _FLOW_ITEM.match(inner, at)
        if match is None:
            return None
        key = _unquoted(match[1]) if match[1] else match[2]
        value = _unquoted(match[3]) if match[3] else match[4].rstrip()
        if key in found or key == "<<" or value in ("~", "null", "Null", "NULL"):
            return None
        if not match[3] and (": " in value or " #" in value):
            return None
        found[key] = value
        at = match.end()
    return found


def _unquoted(text: str) -> str:
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    return str(json.loads(text))
