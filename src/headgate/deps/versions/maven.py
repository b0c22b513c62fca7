"""Versions of Maven. Source: the POM reference, Version Order; ComparableVersion of Maven 3.9."""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any, Union

from headgate.deps.versions.interface import LONGEST, bad

Item = Union[int, str, "list[Item]"]

_TOKEN = re.compile(r"[0-9]+|[^0-9.-]+|[.-]", re.ASCII)
_QUALIFIERS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_ALIASES = {"ga": "", "final": "", "release": "", "cr": "rc"}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_RELEASE = str(_QUALIFIERS.index(""))


class Maven:
    """Numbers and qualifiers in lists within lists, as Maven itself compares them."""

    def key(self, version: str) -> Any:
        """The list of items; every text without white space is a version. Raises BadVersion."""
        if not version or len(version) > LONGEST or any(c.isspace() for c in version):
            raise bad(version, "Maven")
        return _KEY(_parse(version.lower()))


def _parse(version: str) -> list[Item]:
    top: list[Item] = []
    lists = [top]

    def deeper() -> None:
        inner: list[Item] = []
        lists[-1].append(inner)
        lists.append(inner)

    tokens: list[str] = _TOKEN.findall(version)
    pending = False  # Whether an item was read since the last separator.
    for at, token in enumerate(tokens):
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        if token in ".-":
            if not pending:
                lists[-1].append(0)
            if token == "-":
                deeper()
            pending = False
        elif token[0] in "0123456789":
            lists[-1].append(int(token))
            pending = True
            if following and following not in ".-":
                deeper()
                pending = False
        else:
            digit_follows = following[:1].isdecimal()
            if (digit_follows or not following) and lists[-1]:
                deeper()
            lists[-1].append(_qualifier(token, digit_follows))
            pending = True
            if digit_follows:
                deeper()
    for one in reversed(lists):
        _normalise(one)
    return top


def _qualifier(text: str, digit_follows: bool) -> str:
    if digit_follows:
        text = _SHORT.get(text, text)
    return _ALIASES.get(text, text)


def _normalise(items: list[Item]) -> None:
    """Take off what says nothing at the end, also where lists follow it."""
    at = len(items) - 1
    while at >= 0:
        if items[at] in (0, "", []):
            del items[at]
        elif not isinstance(items[at], list):
            break
        at -= 1


def _place(qualifier: str) -> str:
    if qualifier in _QUALIFIERS:
        return str(_QUALIFIERS.index(qualifier))
    return f"{len(_QUALIFIERS)}-{qualifier}"


def _to_nothing(item: Item) -> int:
    """How an item compares with none at its place."""
    match item:
        case int():
            return int(item != 0)
        case str():
            return (_place(item) > _RELEASE) - (_place(item) < _RELEASE)
        case _:
            return next((order for order in map(_to_nothing, item) if order), 0)


def _compare(a: Item, b: Item) -> int:
    match a, b:
        case int(), int():
            return (a > b) - (a < b)
        case str(), str():
            left, right = _place(a), _place(b)
            return (left > right) - (left < right)
        case list(), list():
            for one, other in zip_longest(a, b):
                if one is None:
                    order = -_to_nothing(other)
                else:
                    order = _to_nothing(one) if other is None else _compare(one, other)
                if order:
                    return order
            return 0
        case _:
            return _rank(a) - _rank(b)


def _rank(item: Item) -> int:
    """Of items of different kinds: a qualifier comes before a list, a list before a number."""
    return 2 if isinstance(item, int) else 0 if isinstance(item, str) else 1


_KEY = cmp_to_key(_compare)
