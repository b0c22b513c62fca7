"""Semgrep's pattern operators, in the words of a rule pack.

By semgrep's published description of its rules (https://semgrep.dev/docs/writing-rules/); none of
its rules are shipped or were read for this.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from headgate.model.errors import BadInput
from headgate.scan.convert.result import Lack
from headgate.scan.packs.expressions import why_endless
from headgate.scan.packs.reading import Table
from headgate.scan.patterns.code import compiled

Items = dict[str, Any]
_POSITIVE = {"pattern": "match", "patterns": "all", "pattern-either": "any"}
_AROUND = {
    "pattern-inside": "inside",
    "pattern-not": "not",
    "pattern-not-inside": "not_inside",
}
_UNKNOWN = {
    "pattern-regex": "matches the text of the file, not its code",
    "pattern-not-regex": "matches the text of the file, not its code",
    "metavariable-comparison": "computes with what stands for a variable",
    "metavariable-pattern": "looks for a pattern within what stands for a variable",
    "metavariable-analysis": "asks an analysis that only semgrep has",
    "metavariable-type": "asks for the type that semgrep infers",
    "label": "sources with labels are not told apart",
    "requires": "sources with labels are not told apart",
    "control": "only data is followed, not control",
    "at-exit": "the end of a function is no sink",
    "not_conflicting": "is deprecated and has no counterpart",
    "as-metavariable": "a place is not remembered as a variable",
}


class Cannot(Exception):
    """Something that cannot be carried."""

    def __init__(self, lack: Lack) -> None:
        super().__init__(lack.why)
        self.lack = lack


def cannot(table: Table, key: str, why: str) -> Cannot:
    return Cannot(Lack(table.lines.get(key, table.line), key, why))


def entry(table: Table, language: str, allowed: Sequence[str]) -> Items:
    """A source, sink, sanitizer or propagator. Raises Cannot."""
    for key in table.values:
        if key not in _POSITIVE and key not in allowed:
            raise cannot(table, key, _UNKNOWN.get(key, "is not known here"))
    return _positive(table, language, [key for key in table.values if key in _POSITIVE])


def flag(table: Table, key: str, default: bool) -> bool:
    value = table.values.get(key, default)
    if not isinstance(value, bool):
        raise cannot(table, key, "has to be true or false")
    return value


def _positive(table: Table, language: str, keys: Sequence[str]) -> Items:
    if len(keys) != 1:
        raise Cannot(
            Lack(
                table.line, "pattern", "exactly one of pattern, patterns, pattern-either is needed"
            )
        )
    (key,) = keys
    if key == "pattern":
        return {"match": _text(table, key, language)}
    items = _tables(table, key)
    if key == "patterns":
        return {"all": _all(items, table, language)}
    return {"any": [_alternative(one, language) for one in items]}


def _tables(table: Table, key: str) -> list[Table]:
    value: Any = table.values[key]
    if not isinstance(value, list) or not value:
        raise cannot(table, key, "has to be a list of patterns")
    for one in cast("list[Any]", value):
        if not isinstance(one, Table):
            raise cannot(table, key, "every item has to be a mapping")
    return cast("list[Table]", value)


def _text(table: Table, key: str, language: str) -> str:
    value = table.values.get(key)
    if not isinstance(value, str):
        raise cannot(table, key, "has to be a text")
    text = value.strip("\n").rstrip()
    try:
        compiled(text, language)
    except BadInput as error:
        raise cannot(table, key, f"the pattern {error.message}") from error
    return text


def _alternative(table: Table, language: str) -> Items:
    """One of several patterns."""
    keys = list(table.values)
    if keys == ["pattern-inside"]:
        return {"all": [_around(table, "pattern-inside", language)]}
    for key in keys:
        if key not in _POSITIVE:
            why = "is no alternative of its own" if key in _AROUND else "is not known here"
            raise cannot(table, key, _UNKNOWN.get(key, why))
    return _positive(table, language, keys)


def _around(table: Table, key: str, language: str) -> Items:
    value = table.values[key]
    if isinstance(value, Table):
        keys = list(value.values)
        for one in keys:
            if one not in _POSITIVE:
                raise cannot(value, one, _UNKNOWN.get(one, "is not known here"))
        return {_AROUND[key]: _positive(value, language, keys)}
    return {_AROUND[key]: _text(table, key, language)}


def _all(items: Sequence[Table], outer: Table, language: str) -> list[Items]:
    out: list[Items] = []
    positive = focused = False
    for one in items:
        keys = list(one.values)
        if len(keys) != 1:
            raise Cannot(Lack(one.line, ", ".join(keys), "exactly one pattern is needed"))
        (key,) = keys
        if key in _POSITIVE:
            positive = True
            out.append(_positive(one, language, keys))
        elif key in _AROUND:
            positive = positive or key == "pattern-inside"
            out.append(_around(one, key, language))
        elif key == "focus-metavariable":
            if focused:
                raise cannot(one, key, "a second one narrows the first one's")
            focused = True
            out.append({"focus": _variables(one, key)})
        elif key == "metavariable-regex":
            out.append(_like(one.table(key), one))
        else:
            raise cannot(one, key, _UNKNOWN.get(key, "is not known here"))
    if not positive:
        raise Cannot(Lack(outer.line, "patterns", "nothing in it says what to look for"))
    return out


def _variables(table: Table, key: str) -> list[str] | str:
    names = table.texts(key)
    return names[0] if len(names) == 1 else list(names)


def _like(table: Table, outer: Table) -> Items:
    for key in table.values:
        if key not in ("metavariable", "regex"):
            raise cannot(table, key, "is not known here")
    name = table.values.get("metavariable")
    regex = table.values.get("regex")
    if not isinstance(name, str) or not isinstance(regex, str):
        raise cannot(outer, "metavariable-regex", "metavariable and regex are needed")
    if name.startswith("$..."):
        raise cannot(table, "metavariable", "several arguments have no one text")
    try:
        why = why_endless(regex)
    except (re.error, OverflowError, RecursionError) as error:
        raise cannot(table, "regex", f"Python does not read this expression: {error}") from error
    if why:
        raise cannot(table, "regex", why)
    return {"where": name, "like": regex}
