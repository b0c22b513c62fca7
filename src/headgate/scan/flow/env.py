"""What holds at one point of a function: its variables, what tests have shown, its objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from headgate.scan.flow.values import (
    UNKNOWN,
    Facts,
    Obj,
    Taint,
    Value,
    merge_consts,
    merge_facts,
    merge_taint,
)

_MAX_DEPTH = 6
_MAX_FUNCTIONS = 16
"""Functions that one value may be: tables of handlers."""


class Env:
    """One state. Forked where ways part, joined where they meet."""

    __slots__ = ("facts", "heap", "vars")

    def __init__(self, variables: dict[str, Value], facts: Facts, heap: dict[Any, Obj]) -> None:
        self.vars = variables
        self.facts = facts
        self.heap = heap

    def fork(self) -> Env:
        return Env(dict(self.vars), dict(self.facts), dict(self.heap))


class Joiner:
    """Joins states and values; `shared` holds the objects of modules."""

    def __init__(self, shared: dict[Any, Obj]) -> None:
        self._shared = shared
        self._next = 0
        self.cleared: Callable[[int], int] = int
        """The kinds that facts about a token clear it of."""

    def fresh(self) -> int:
        """A number for a new object."""
        self._next += 1
        return self._next

    def envs(self, one: Env | None, other: Env | None) -> Env | None:
        """What holds on either way; None is a way that ends before."""
        if one is None or one is other:
            return other
        if other is None:
            return one
        heap = dict(one.heap)
        for number, theirs in other.heap.items():
            mine = heap.get(number)
            if mine is None:
                heap[number] = theirs
            elif mine is not theirs:
                heap[number] = self._objects(mine, theirs, one.heap, other.heap, heap, 0)
        out = dict(one.vars)
        for name, theirs in other.vars.items():
            mine = out.get(name)
            if mine is None:
                out[name] = theirs
            elif mine is not theirs:
                if one.facts != other.facts:
                    # `if not ok(x): x = "/"`: what was checked on one way only stays so in values
                    # that come that way.
                    mine = checked(mine, one.facts, self.cleared)
                    theirs = checked(theirs, other.facts, self.cleared)
                out[name] = self._values(mine, theirs, one.heap, other.heap, heap, 0)
        return Env(out, merge_facts(one.facts, other.facts) or {}, heap)

    def values(self, one: Value, other: Value, env: Env) -> Value:
        """A value that is either, in one state."""
        if one is other:
            return one
        return self._values(one, other, env.heap, env.heap, env.heap, 0)

    def _values(
        self,
        one: Value,
        other: Value,
        mine: dict[Any, Obj],
        theirs: dict[Any, Obj],
        out: dict[Any, Obj],
        depth: int,
    ) -> Value:
        if one is other:
            return one
        ref = one.ref if one.ref is not None else other.ref
        if one.ref is not None and other.ref is not None and one.ref != other.ref:
            left = mine.get(one.ref) or self._shared.get(one.ref)
            right = theirs.get(other.ref) or self._shared.get(other.ref)
            if left is not None and right is not None and depth < _MAX_DEPTH:
                ref = self.fresh()
                out[ref] = self._objects(left, right, mine, theirs, out, depth + 1)
        elif (one.ref is None) is not (other.ref is None):
            unheld = one if one.ref is None else other
            if unheld.consts is None:
                # Something else, of which nothing is known: what is in the object may be missing.
                held = (mine if one.ref is not None else theirs).get(ref) or self._shared.get(ref)
                if held is not None and not held.open and held.kind != "instance":
                    ref = self.fresh()
                    out[ref] = Obj(held.kind, held.items, held.rest, held.cls, True)
        obj = one.obj
        if obj is not other.obj:
            obj = _either(obj, other.obj)
        text = one.text if one.text == other.text else None
        if text is None and one.text and other.text:
            text = _common(one.text, other.text)
        recv = one.recv if one.name and one.name == other.name else None
        return Value(
            merge_taint(one.taint, other.taint),
            merge_consts(one.consts, other.consts),
            ref,
            one.type if one.type == other.type or not other.type else _type(one, other),
            one.name if one.name == other.name else "",
            obj,
            recv,
            text,
        )

    def _objects(
        self,
        one: Obj,
        other: Obj,
        mine: dict[Any, Obj],
        theirs: dict[Any, Obj],
        out: dict[Any, Obj],
        depth: int,
    ) -> Obj:
        items: dict[Any, Value] = {}
        for key, value in one.items.items():
            right = other.items.get(key)
            if right is None or right is value:
                items[key] = value
            else:
                items[key] = self._values(value, right, mine, theirs, out, depth)
        for key, value in other.items.items():
            if key not in items:
                items[key] = value
        rest = one.rest
        if rest is None:
            rest = other.rest
        elif other.rest is not None:
            rest = self._values(rest, other.rest, mine, theirs, out, depth)
        same = one.cls is other.cls
        return Obj(
            one.kind if one.kind == other.kind else "dict",
            items,
            rest,
            one.cls if same else one.cls or other.cls,
            one.open or other.open or one.items.keys() != other.items.keys(),
        )


def checked(value: Value, facts: Facts, cleared: Callable[[int], int] = int) -> Value:
    """The value with what a state knows of where its data comes from. `cleared`: the kinds that
    facts clear something of."""
    if not value.taint or not facts:
        return value
    taint: Taint = {}
    for token, (mask, trace) in value.taint.items():
        known = facts.get(token, 0)
        above = token.parent
        while above is not None:
            known |= facts.get(above, 0)
            above = above.parent
        taint[token] = (mask | (cleared(known) & ~7), trace)
    return Value(
        taint, value.consts, value.ref, value.type, value.name, value.obj, value.recv, value.text,
        value.cond,
    )  # fmt: skip


def _type(one: Value, other: Value) -> str:
    if not one.type or other.consts == (None,):
        return one.type or other.type
    return other.type if one.consts == (None,) else ""


def _either(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one or other
    left = several(one)
    right = several(other)
    both = left + tuple(item for item in right if not any(item is mine for mine in left))
    return both[:_MAX_FUNCTIONS]


def several(obj: Any) -> tuple[Any, ...]:
    """The functions that a value may be."""
    return cast("tuple[Any, ...]", obj) if isinstance(obj, tuple) else (obj,)


def _common(one: str, other: str) -> str:
    """The beginning that two texts share, then an unknown part."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return one[:index] + "\0"
    return min(one, other, key=len) + "\0"


def without_cond(value: Value) -> Value:
    """The value, without what its truth says."""
    if value.cond is None:
        return value
    return Value(
        value.taint, value.consts, value.ref, value.type, value.name, value.obj, value.recv,
        value.text,
    )  # fmt: skip


__all__ = ["UNKNOWN", "Env", "Joiner", "several", "without_cond"]
