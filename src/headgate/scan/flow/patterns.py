"""Which defects a text cannot cause that a regular expression has let through."""

from __future__ import annotations

import functools
import re
import warnings
from importlib import import_module
from typing import Any

_parser: Any = import_module("re._parser")
_PRINTABLE = frozenset(chr(code) for code in range(9, 127)) | {"é"}
_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
_DIGITS = frozenset("0123456789")
_SPACES = frozenset(" \t\n\r\f\v")
_DANGEROUS = {
    "sql-injection": "'\"`;() \t\n\r/*=,#\\",
    "command-injection": " ;&|$`<>()[]{}*?!~#'\"\\\n\r\t^",
    "argument-injection": "-",
    "path-traversal": "/\\",
    "archive-extraction": "/\\",
    "xss": "<>\"'&",
    "stored-xss": "<>\"'&",
    "xml-injection": "<>\"'&",
    "ssrf": "/:.@\\",
    "open-redirect": "/:\\",
    "header-injection": "\r\n",
    "log-injection": "\r\n",
    "template-injection": "{}%$<",
    "code-injection": "()[].'\" \n",
    "ldap-injection": "()*\\|&= ",
    "xpath-injection": "'\"()[]/|= ",
    "nosql-injection": "${}'\"[]",
    "nosql-script-injection": "'\"`;(){}=|&",
}
_HARMLESS = _WORD | frozenset("-")


def kinds_for(chars: frozenset[str]) -> tuple[str, ...]:
    """The kinds that a text of these characters only cannot cause; `all` for words."""
    if chars <= _HARMLESS:
        return ("all",)
    return tuple(kind for kind, bad in _DANGEROUS.items() if chars.isdisjoint(bad))


@functools.lru_cache(maxsize=2000)
def checked(pattern: str, *, whole: bool, begins: bool, flags: int = 0) -> tuple[str, ...]:
    """What a text that the pattern matches is safe for.

    `whole`: it has to match from the beginning to the end; `begins`: from the beginning.
    """
    parsed = _parsed(pattern, flags)
    if parsed is None:
        return ()
    items = list(parsed)
    multiline = bool(flags & re.MULTILINE or parsed.state.flags & re.MULTILINE)
    first = bool(items) and str(items[0][0]) == "AT"
    last = bool(items) and str(items[-1][0]) == "AT"
    anchored = whole or (
        (begins or (first and "BEGINNING" in str(items[0][1]) and not multiline))
        and (last and "END" in str(items[-1][1]) and not multiline)
    )
    if not anchored:
        return ()
    chars = _chars(items)
    return () if chars is None else kinds_for(chars)


@functools.lru_cache(maxsize=2000)
def own_path(pattern: str) -> bool:
    """Whether what it matches begins with one `/` and no second: a path of one's own site."""
    parsed = _parsed(pattern, 0)
    items = [(str(op), given) for op, given in parsed or ()]
    if len(items) < 3 or items[0][0] != "AT" or "BEGINNING" not in str(items[0][1]):
        return False
    if items[1] != ("LITERAL", ord("/")) or parsed.state.flags & re.MULTILINE:
        return False
    name, given = items[2]
    if name == "ASSERT_NOT":
        chars = _chars(given[1])
        return chars is not None and chars >= {"/"}
    if name in ("MAX_REPEAT", "MIN_REPEAT") and given[0] < 1 and items[3:4] != [items[-1]]:
        return False
    chars = _chars([parsed[2]])
    return chars is not None and chars.isdisjoint("/\\")


@functools.lru_cache(maxsize=2000)
def of_group(pattern: str, group: int | str) -> tuple[str, ...]:
    """What the text of a group is safe for, wherever the pattern was found."""
    parsed = _parsed(pattern, 0)
    if parsed is None:
        return ()
    number = parsed.state.groupdict.get(group) if isinstance(group, str) else group
    items = list(parsed) if number == 0 else _group(list(parsed), number)
    chars = None if items is None else _chars(items)
    return () if chars is None else kinds_for(chars)


def _group(items: Any, number: int | None) -> Any:
    """What is in the group with a number."""
    for op, given in items:
        name = str(op)
        if name == "SUBPATTERN" and given[0] == number:
            return list(given[3])
        inner: list[Any] = []
        if name == "SUBPATTERN":
            inner = [given[3]]
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            inner = [given[2]]
        elif name == "BRANCH":
            inner = list(given[1])
        elif name == "ATOMIC_GROUP":
            inner = [given]
        for one in inner:
            found = _group(list(one), number)
            if found is not None:
                return found
    return None


@functools.lru_cache(maxsize=2000)
def removed(pattern: str) -> tuple[str, ...]:
    """What a text is safe for once everything that the pattern matches was taken out."""
    parsed = _parsed(pattern, 0)
    if parsed is None or len(parsed) != 1:
        return ()
    op, given = parsed[0]
    if str(op) in ("MAX_REPEAT", "POSSESSIVE_REPEAT") and given[0] <= 1 and len(given[2]) == 1:
        op, given = given[2][0]
    if str(op) == "NOT_LITERAL":
        return kinds_for(frozenset(chr(given)))
    if str(op) == "LITERAL":
        return kinds_for(_PRINTABLE - {chr(given)})
    if str(op) != "IN":
        return ()
    taken = _set(given)
    return kinds_for(_PRINTABLE - taken)


def _parsed(pattern: str, flags: int) -> Any:
    if len(pattern) > 500:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parser.parse(pattern, flags)
    except (re.error, RecursionError, OverflowError, ValueError):
        return None


def _chars(items: Any) -> frozenset[str] | None:
    """The characters that may be in a match; None when it may be any."""
    out: frozenset[str] = frozenset()
    for op, given in items:
        name = str(op)
        inner: frozenset[str] | None = frozenset()
        if name == "LITERAL":
            inner = frozenset(chr(given))
        elif name == "IN":
            inner = _set(given)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            inner = _chars(given[2])
        elif name == "SUBPATTERN":
            inner = _chars(given[3])
        elif name == "BRANCH":
            for branch in given[1]:
                part = _chars(branch)
                inner = None if part is None or inner is None else inner | part
        elif name in ("AT", "ASSERT", "ASSERT_NOT"):
            continue
        elif name == "ATOMIC_GROUP":
            inner = _chars(given)
        else:
            inner = None
        if inner is None:
            return None
        out |= inner
    return out


def _set(items: Any) -> frozenset[str]:
    negated = False
    out: frozenset[str] = frozenset()
    for op, given in items:
        name = str(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            out |= frozenset(chr(given))
        elif name == "RANGE":
            low, high = given
            out |= frozenset(chr(code) for code in range(low, min(high, low + 300) + 1))
        elif name == "CATEGORY":
            out |= _category(str(given))
        else:
            out |= _PRINTABLE
    return _PRINTABLE - out if negated else out


def _category(name: str) -> frozenset[str]:
    known = _WORD if "WORD" in name else _DIGITS if "DIGIT" in name else _SPACES
    return _PRINTABLE - known if "NOT" in name else known
