"""Lists, dictionaries and sets: what is put in, and what comes out again."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from headgate.scan.flow.core import Core
from headgate.scan.flow.values import (
    MAX_CONSTANTS,
    MAX_TEXT,
    UNKNOWN,
    WHOLE,
    Obj,
    Taint,
    Token,
    Value,
    constant,
    merge_taint,
)
from headgate.scan.ir.nodes import Node

MAX_ITEMS = 300
"""Items of a container that are told apart."""


class Containers(Core):
    """Reading and writing of what values hold."""

    # What later parts provide.

    def cleared(self, token: Token, facts: int) -> int:
        """The kinds that the facts about a token clear it of."""
        raise NotImplementedError

    # Reading

    def item(self, value: Value, key: Value, node: Node) -> Value:
        """`value[key]`."""
        consts = key.consts
        obj = self.obj(value)
        if obj is not None:
            found = self._held(obj, consts, key)
            if found is not None:
                if value.taint:
                    extra = self._part_of(value, consts, node)
                    taint = merge_taint(found.taint, extra)
                    return Value(taint, found.consts, found.ref, found.type, found.name, found.obj)
                return found
        if value.consts is not None and consts is not None:
            folded = self._fold(operator.getitem, (value.consts, consts))
            if folded is not None:
                return folded
        taint = self._part_of(value, consts, node)
        return Value(taint) if taint else UNKNOWN

    def _part_of(self, value: Value, consts: tuple[Any, ...] | None, node: Node) -> Taint | None:
        if not value.taint:
            return None
        if consts is not None and len(consts) == 1 and isinstance(consts[0], str):
            return self.part(value.taint, consts[0], node)
        if consts is not None and value.type == "" and len(consts) == 1:
            return self.part(value.taint, str(consts[0]), node)
        if consts is None and value.type not in ("str", "list"):
            return self.part(value.taint, f"*{node[1]}", node)
        return self.narrowed(value.taint, ~WHOLE)

    def _held(self, obj: Obj, consts: tuple[Any, ...] | None, key: Value) -> Value | None:
        """What an object holds under a key; None when that is not known at all."""
        if consts is not None:
            out: Value | None = None
            if obj.cls is not None and obj.cls.is_tuple:
                names = list(obj.cls.field_names())
                consts = tuple(
                    names[one] if isinstance(one, int) and -len(names) <= one < len(names) else one
                    for one in consts
                )
            for one in consts:
                if obj.kind in ("list", "tuple") and isinstance(one, int) and one < 0:
                    one = len(obj.items) + one if not obj.open and obj.rest is None else one
                try:
                    found = obj.items.get(one)
                except TypeError:
                    found = None
                if found is None:
                    found = obj.rest
                elif obj.rest is not None and obj.open:
                    found = self.joiner.values(found, obj.rest, self.env)
                if found is not None:
                    out = found if out is None else self.joiner.values(out, found, self.env)
            if out is None and not obj.open and obj.kind != "instance":
                return UNKNOWN
            return out
        return self.any_item(obj)

    def any_item(self, obj: Obj) -> Value | None:
        """Any of the items."""
        out = obj.rest
        for item in obj.items.values():
            out = item if out is None else self.joiner.values(out, item, self.env)
        return out

    def iterate(self, value: Value, node: Node) -> Value:
        """What a loop over the value gives, one after another."""
        obj = self.obj(value)
        if obj is not None:
            if obj.kind == "dict":
                return self._keys(obj, value)
            if obj.kind == "instance":
                method = self.attribute(value, "__iter__", node)
                if method.obj is not None:
                    inner = self.call(method, [], {}, node)
                    held = self.obj(inner)
                    if held is None or held.kind != "instance":
                        return self.iterate(inner, node)
                    following = self.attribute(inner, "__next__", node)
                    if following.obj is not None:
                        return self.call(following, [], {}, node)
                return Value(self.deep(value))
            found = self.any_item(obj)
            if value.taint:
                extra = self.narrowed(value.taint, ~WHOLE)
                found = Value(merge_taint(found.taint if found else None, extra))
            return found or UNKNOWN
        known = self.rules.types.get(value.type) if value.type else None
        if known is not None and "__iter__" in known.methods:
            return Value(type=known.methods["__iter__"])
        if value.consts is not None:
            parts = [c for one in value.consts if isinstance(one, (str, bytes)) for c in one]
            consts = tuple(dict.fromkeys(parts))
            return Value(consts=consts if 0 < len(consts) <= MAX_CONSTANTS else None)
        if value.taint:
            return Value(self.part(value.taint, "*", node))
        return UNKNOWN

    def _keys(self, obj: Obj, value: Value) -> Value:
        keys = tuple(obj.items)
        known = obj.rest is None and not obj.open and not value.taint
        if known and 0 < len(keys) <= MAX_CONSTANTS:
            return Value(consts=keys)
        taint = merge_taint(value.taint, obj.rest.taint if obj.rest is not None else None)
        return Value(self.narrowed(taint, ~WHOLE)) if taint else UNKNOWN

    def sequence(self, value: Value, node: Node) -> list[Value] | None:
        """The items in order, when all of them are known."""
        obj = self.obj(value)
        if obj is None or obj.open or obj.rest is not None:
            return None
        if obj.kind == "instance" and obj.cls is not None and obj.cls.is_tuple:
            return [obj.items.get(name, UNKNOWN) for name in obj.cls.field_names()]
        if obj.kind not in ("list", "tuple"):
            return None
        count = len(obj.items)
        items = [obj.items.get(index) for index in range(count)]
        return None if any(one is None for one in items) else [one for one in items if one]

    def make_list(self, items: Iterable[Value], kind: str = "list") -> Value:
        """A new list, tuple or set."""
        numbered = dict(enumerate(items))
        if len(numbered) > MAX_ITEMS:
            rest: Value = UNKNOWN
            for one in numbered.values():
                rest = self.joiner.values(rest, one, self.env)
            return self.new(Obj(kind, {}, rest, open_=True))
        return self.new(Obj(kind, numbered))

    def bag(self, item: Value, kind: str = "list") -> Value:
        """A container of any number of such items."""
        return self.new(Obj(kind, {}, item, open_=True))

    # Writing

    def set_item(self, value: Value, key: Value, item: Value) -> None:
        """`value[key] = item`."""
        obj = self.obj(value)
        if obj is None:
            return
        consts = key.consts
        if consts is not None and len(consts) == 1 and len(obj.items) < MAX_ITEMS:
            try:
                items = {**obj.items, consts[0]: item}
            except TypeError:
                return
            self.put(value, Obj(obj.kind, items, obj.rest, obj.cls, obj.open))
            return
        rest = item if obj.rest is None else self.joiner.values(obj.rest, item, self.env)
        if key.taint:
            taint = merge_taint(rest.taint, self.narrowed(key.taint, ~WHOLE))
            rest = Value(taint, None, rest.ref, rest.type)
        self.put(value, Obj(obj.kind, obj.items, rest, obj.cls, True))

    def delete_item(self, value: Value, key: Value) -> None:
        obj = self.obj(value)
        if obj is None or key.consts is None or len(key.consts) != 1:
            return
        items = dict(obj.items)
        at = key.consts[0]
        if obj.kind == "list" and isinstance(at, int):
            self._take_out(value, obj, at)
            return
        if isinstance(at, (str, int, bytes, bool, float, type(None))):
            items.pop(at, None)
        self.put(value, Obj(obj.kind, items, obj.rest, obj.cls, obj.open))

    def _take_out(self, value: Value, obj: Obj, at: int) -> Value:
        """`pop`: those behind it move up."""
        count = len(obj.items)
        if obj.open or obj.rest is not None or set(obj.items) != set(range(count)):
            return self.any_item(obj) or UNKNOWN
        at = at + count if at < 0 else at
        if not 0 <= at < count:
            return UNKNOWN
        ordered = [obj.items[index] for index in range(count)]
        taken = ordered.pop(at)
        self.put(value, Obj(obj.kind, dict(enumerate(ordered)), None, obj.cls))
        return taken

    def _insert(self, value: Value, obj: Obj, at: int | None, item: Value) -> None:
        count = len(obj.items)
        known = not obj.open and obj.rest is None and set(obj.items) == set(range(count))
        if not known or at is None or count >= MAX_ITEMS or obj.kind not in ("list", "tuple"):
            rest = item if obj.rest is None else self.joiner.values(obj.rest, item, self.env)
            self.put(value, Obj(obj.kind, obj.items, rest, obj.cls, True))
            return
        ordered = [obj.items[index] for index in range(count)]
        ordered.insert(at, item)
        self.put(value, Obj(obj.kind, dict(enumerate(ordered)), None, obj.cls))

    def merge_into(self, recv: Value, other: Value, node: Node) -> None:
        """`dict.update`, and `**other` in a literal."""
        obj, source = self.obj(recv), self.obj(other)
        if obj is None:
            return
        if source is None:
            taint = self.deep(other)
            item = Value(self.part(taint, "*", node)) if taint else UNKNOWN
            rest = item if obj.rest is None else self.joiner.values(obj.rest, item, self.env)
            self.put(recv, Obj(obj.kind, obj.items, rest, obj.cls, True))
            return
        items = {**obj.items, **source.items} if source.kind != "list" else obj.items
        rest = obj.rest
        if source.rest is not None:
            rest = source.rest if rest is None else self.joiner.values(rest, source.rest, self.env)
        self.put(recv, Obj(obj.kind, items, rest, obj.cls, obj.open or source.open))

    def stored(self, value: Value, node: Node) -> Value:
        """A value that is put into something."""
        if not value.taint:
            return value
        taint = self.moved(value.taint, "it is stored", node)
        if self.env.facts and taint:
            # What was checked here stays so in what holds it.
            taint = {
                token: (mask | (self.cleared(token, self.facts_for(token)) & ~7), trace)
                for token, (mask, trace) in taint.items()
            }
        return Value(
            taint,
            value.consts,
            value.ref,
            value.type,
            value.name,
            value.obj,
            value.recv,
            value.text,
        )

    def _fold(
        self, function: Callable[..., Any], choices: tuple[tuple[Any, ...], ...]
    ) -> Value | None:
        """Apply a function to constants; None when it fails or there are too many."""
        count = 1
        for one in choices:
            count *= len(one)
        if not 0 < count <= MAX_CONSTANTS:
            return None
        out: list[Any] = []
        for given in product(*choices):
            if sum(len(one) for one in given if isinstance(one, (str, bytes))) > 20_000:
                return None
            if any(isinstance(one, int) and abs(one) > 10_000 for one in given[1:]):
                return None
            try:
                out.append(function(*given))
            except Exception:
                return None
        if all(isinstance(one, (list, tuple)) for one in out):
            return self.plain(out[0]) if len(out) == 1 else None
        consts = tuple(dict.fromkeys(out)) if _hashable(out) else None
        if consts is None:
            return None
        text = consts[0][:MAX_TEXT] if len(consts) == 1 and isinstance(consts[0], str) else None
        return Value(consts=consts, text=text)

    def plain(self, value: Any) -> Value:
        """A Python value that is known."""
        if isinstance(value, (list, tuple)):
            return self.make_list([self.plain(one) for one in value], type(value).__name__)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return constant(value)


def _hashable(values: list[Any]) -> bool:
    return all(isinstance(one, (str, bytes, int, float, bool, type(None))) for one in values)
