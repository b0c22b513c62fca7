"""Regular expressions of strangers: which of them may take longer than anybody waits.

Python's matcher goes back. Where a repetition without an end has another one in it, and nothing
tells where one round of the outer one ends, every way to share out a text is tried, and there are
exponentially many: `(a+)+$`. See CWE-1333.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

MAX_LENGTH = 2000
"""Characters of an expression."""
_CATEGORIES = {"WORD": r"\w", "DIGIT": r"\d", "SPACE": r"\s"}
_ANY = frozenset(range(257))
"""Codes of Latin-1, and one for everything else."""
_ELSE = 256
_MANY = 16
"""Rounds from which a repetition counts as one without an end."""


def why_endless(pattern: str) -> str:
    """Why an expression may take exponential time, or is too long to tell; empty when neither is
    to be seen. Raises
    re.error, OverflowError and RecursionError for what is none."""
    if len(pattern) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    re.compile(pattern)
    parser: Any = import_module("re._parser")
    for most, body in _repetitions(parser.parse(pattern)):
        if most >= _MANY and any(_ambiguous(one, []) for one in _alternatives(body)):
            return "it repeats what repeats, so that some texts take exponential time"
    return ""


@functools.lru_cache(maxsize=2000)
def takes_exponential_time(pattern: str, *, whole: bool = False) -> bool:
    """Whether some text takes a program exponential time to match: a round of a repetition may end
    in several places, and something after it (`whole`: the end of the text) may not fit."""
    try:
        if len(pattern) > MAX_LENGTH:
            return False
        re.compile(pattern)
        parser: Any = import_module("re._parser")
        return _may_fail_after(list(parser.parse(pattern)), after=whole)
    except (re.error, OverflowError, RecursionError, ValueError):
        return False


def _may_fail_after(items: list[tuple[Any, Any]], *, after: bool) -> bool:
    for index, (op, value) in enumerate(items):
        name = str(op)
        follows = after or any(_demands(one) for one in items[index + 1 :])
        many = name in ("MAX_REPEAT", "MIN_REPEAT") and int(value[1]) >= _MANY
        if many and follows and any(_ambiguous(one, []) for one in _alternatives(value[2])):
            return True
        for inner in _inside(name, value):
            if _may_fail_after(list(inner), after=follows):
                return True
    return False


def _demands(item: tuple[Any, Any]) -> bool:
    """Whether an item may fail to match: the end of the text, or at least one letter."""
    return str(item[0]) in ("AT", "ASSERT", "ASSERT_NOT") or _least((str(item[0]), item[1]))


def _repetitions(items: Any) -> Iterator[tuple[int, Any]]:
    for op, value in items:
        if str(op) in ("MAX_REPEAT", "MIN_REPEAT"):
            yield int(value[1]), value[2]
        for inner in _inside(str(op), value):
            yield from _repetitions(inner)


def _inside(name: str, value: Any) -> Iterator[Any]:
    if name == "SUBPATTERN":
        yield value[3]
    elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        yield value[2]
    elif name in ("ASSERT", "ASSERT_NOT"):
        yield value[1]
    elif name == "ATOMIC_GROUP":
        yield value
    elif name == "BRANCH":
        yield from value[1]
    elif name == "GROUPREF_EXISTS":
        yield from (one for one in value[1:] if one is not None)


def _alternatives(items: Any) -> Iterator[list[tuple[str, Any]]]:
    """The sequences that a body may be, without the brackets round them."""
    flat = [(str(op), value) for op, value in items]
    if len(flat) == 1 and flat[0][0] == "SUBPATTERN":
        yield from _alternatives(flat[0][1][3])
    elif len(flat) == 1 and flat[0][0] == "BRANCH":
        for one in flat[0][1][1]:
            yield from _alternatives(one)
    else:
        yield flat


def _ambiguous(items: list[tuple[str, Any]], beside: list[tuple[str, Any]]) -> bool:
    """Whether a round holds a repetition, and nothing that tells where the round ends. `beside`:
    what else is in a round."""
    for index, (name, value) in enumerate(items):
        others = [*items[:index], *items[index + 1 :], *beside]
        if name == "SUBPATTERN":
            if any(_ambiguous(one, others) for one in _alternatives(value[3])):
                return True
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and int(value[1]) >= _MANY:
            letters = _letters(value[2])
            if not any(_least(one) and letters.isdisjoint(_letters([one])) for one in others):
                return True
    return False


def _least(item: tuple[str, Any]) -> bool:
    """Whether an item stands for at least one letter."""
    name, value = item
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return value[0] > 0 and any(_least((str(op), one)) for op, one in value[2])
    if name == "SUBPATTERN":
        return any(_least((str(op), one)) for op, one in value[3])
    if name == "ATOMIC_GROUP":
        return any(_least((str(op), one)) for op, one in value)
    if name == "BRANCH":
        return all(any(_least((str(op), one)) for op, one in branch) for branch in value[1])
    return name in ("LITERAL", "NOT_LITERAL", "ANY", "IN")


def _letters(items: Any) -> frozenset[int]:
    """The letters that items may be made of, either case of each."""
    out: set[int] = set()
    for op, value in items:
        name = str(op)
        if name == "IN":
            out |= _class(value)
        elif name == "LITERAL":
            out |= _cases(value)
        elif name == "NOT_LITERAL":
            out |= _ANY - {value}
        elif name in ("ANY", "GROUPREF"):
            out |= _ANY
        else:
            for inner in _inside(name, value):
                if not name.startswith("ASSERT"):
                    out |= _letters(inner)
    return frozenset(out)


def _cases(code: int) -> set[int]:
    text = chr(code)
    return {min(ord(one), _ELSE) for one in (*text.lower(), *text.upper())}


def _class(members: Any) -> frozenset[int]:
    out: set[int] = set()
    negated = False
    for op, value in members:
        name = str(op)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            out |= {min(value, _ELSE)} if negated else _cases(value)
        elif name == "RANGE":
            codes = {min(one, _ELSE) for one in range(value[0], min(value[1], _ELSE) + 1)}
            codes |= {_ELSE} if value[1] >= _ELSE else set()
            out |= codes if negated else {c for one in codes for c in _cases(one)}
        else:
            out |= _category(str(value))
    if not negated:
        return frozenset(out)
    # Of what is beyond Latin-1 only some is left out.
    return _ANY - frozenset(out) | {_ELSE}


def _category(name: str) -> set[int]:
    word = name.rpartition("_")[2]
    pattern = _CATEGORIES[word].upper() if "NOT" in name else _CATEGORIES[word]
    found = {one for one in range(256) if re.match(pattern, chr(one))}
    return found | {_ELSE}
