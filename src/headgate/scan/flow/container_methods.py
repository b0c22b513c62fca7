"""Methods of lists, dictionaries and sets."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.texts import Texts
from headgate.scan.flow.values import (
    NONE,
    UNKNOWN,
    Obj,
    Value,
    constant,
)
from headgate.scan.ir.nodes import Node


class ContainerMethods(Texts):
    """What the methods of containers do."""

    def method(
        self, recv: Value, name: str, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        """A method of a list, dictionary or text; None when it is none of theirs."""
        obj = self.obj(recv)
        if obj is not None and obj.kind != "instance":
            found = self._container_method(recv, obj, name, args, keywords, node)
            if found is not None:
                return found
        if recv.consts is not None or recv.type == "str" or (recv.taint and obj is None):
            return self._text_method(recv, name, args, keywords, node)
        if name in ("format", "join") and recv.text is not None:
            return self._text_method(recv, name, args, keywords, node)
        return None

    def _container_method(
        self,
        recv: Value,
        obj: Obj,
        name: str,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
    ) -> Value | None:
        first = args[0] if args else None
        if obj.kind in ("list", "tuple", "set"):
            if name in ("append", "add", "push", "appendleft") and first is not None:
                at = 0 if name == "appendleft" else len(obj.items)
                self._insert(recv, obj, at, self.stored(first, node))
                return NONE
            if name == "insert" and len(args) == 2:
                at = args[0].consts[0] if args[0].consts and len(args[0].consts) == 1 else None
                self._insert(recv, obj, at if isinstance(at, int) else None, args[1])
                return NONE
            if name in ("pop", "popleft", "shift"):
                at = -1 if name == "pop" else 0
                if first is not None:
                    if not first.consts or not isinstance(first.consts[0], int):
                        return self.any_item(obj) or UNKNOWN
                    at = first.consts[0]
                return self._take_out(recv, obj, at)
            if name in ("extend", "update", "concat") and first is not None:
                return self._extend(recv, obj, first, node)
            if name == "remove" and first is not None:
                return self._remove(recv, obj, first)
            if name == "unshift" and first is not None:
                self._insert(recv, obj, 0, first)
                return NONE
            if name == "reverse" and obj.kind == "list":
                ordered = self.sequence(recv, node)
                if ordered is not None:
                    self.put(recv, Obj("list", dict(enumerate(reversed(ordered)))))
                return NONE
            if name == "clear":
                self.put(recv, Obj(obj.kind, {}, None, obj.cls))
                return NONE
            if name in ("copy", "slice"):
                return self.new(obj)
            if name in ("sort", "discard"):
                return NONE
            if name in ("index", "count", "isdisjoint", "issubset"):
                return UNKNOWN
            if name in ("union", "intersection", "difference") and first is not None:
                both = self.joiner.values(
                    self.iterate(recv, node), self.iterate(first, node), self.env
                )
                return self.bag(both, "set")
            return None
        if name in ("get", "pop", "setdefault", "__getitem__") and first is not None:
            return self._get(recv, obj, name, args, node)
        if name == "update":
            if first is not None:
                self.merge_into(recv, first, node)
            for key, item in keywords.items():
                self.set_item(recv, constant(key), item)
            return NONE
        if name in ("items", "entries"):
            return self._items(obj, recv)
        if name == "values":
            ordered = list(obj.items.values())
            if obj.rest is None and not obj.open:
                return self.make_list(ordered)
            return self.bag(self.any_item(obj) or UNKNOWN)
        if name == "keys":
            return self.bag(self._keys(obj, recv))
        if name == "copy":
            return self.new(obj)
        if name == "clear":
            self.put(recv, Obj("dict", {}, None, obj.cls))
            return NONE
        if name == "__setitem__" and len(args) == 2:
            self.set_item(recv, args[0], args[1])
            return NONE
        if name == "popitem":
            return self.make_list([UNKNOWN, self.any_item(obj) or UNKNOWN], "tuple")
        return None

    def _get(self, recv: Value, obj: Obj, name: str, args: list[Value], node: Node) -> Value:
        key = args[0]
        default = args[1] if len(args) > 1 else NONE
        found = self._held(obj, key.consts, key)
        if recv.taint:
            found = self.item(recv, key, node)
        missing = found is None
        if not missing and found is UNKNOWN and key.consts is not None:
            missing = not any(_in(one, obj.items) for one in key.consts)
        value = default if missing else found
        if found is not None and not missing and (key.consts is None or obj.open):
            value = self.joiner.values(found, default, self.env)
        if name == "setdefault" and missing:
            self.set_item(recv, key, default)
        if name == "pop":
            self.delete_item(recv, key)
        if missing and (obj.open or recv.taint):
            value = self.joiner.values(UNKNOWN, default, self.env)
        return value or UNKNOWN

    def _items(self, obj: Obj, recv: Value) -> Value:
        if obj.rest is None and not obj.open and len(obj.items) <= 20:
            pairs = [self.make_list([constant(k), v], "tuple") for k, v in obj.items.items()]
            return self.make_list(pairs)
        key = self._keys(obj, recv)
        return self.bag(self.make_list([key, self.any_item(obj) or UNKNOWN], "tuple"))

    def _remove(self, recv: Value, obj: Obj, first: Value) -> Value:
        if first.consts and len(first.consts) == 1 and not obj.open and obj.rest is None:
            for index, item in obj.items.items():
                if item.consts == first.consts and isinstance(index, int):
                    self._take_out(recv, obj, index)
                    return NONE
        return NONE

    def _extend(self, recv: Value, obj: Obj, other: Value, node: Node) -> Value:
        ordered = self.sequence(other, node)
        if ordered is None:
            item = self.iterate(other, node)
            rest = item if obj.rest is None else self.joiner.values(obj.rest, item, self.env)
            self.put(recv, Obj(obj.kind, obj.items, rest, obj.cls, True))
            return NONE
        for item in ordered:
            self._insert(recv, self.obj(recv) or obj, len((self.obj(recv) or obj).items), item)
        return NONE


def _in(one: Any, items: dict[Any, Value]) -> bool:
    try:
        return one in items
    except TypeError:
        return False
