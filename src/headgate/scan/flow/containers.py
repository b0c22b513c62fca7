"""Lists, dictionaries and texts: what is put in, and what comes out again."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from headgate.scan.flow.core import Core
from headgate.scan.flow.values import (
    MAX_CONSTANTS,
    MAX_TEXT,
    NONE,
    UNKNOWN,
    WHOLE,
    Obj,
    Taint,
    Value,
    constant,
    merge_taint,
)
from headgate.scan.ir.nodes import Node

MAX_ITEMS = 300
"""Items of a container that are told apart."""
_SAME = frozenset(
    {
        "strip", "lstrip", "rstrip", "lower", "upper", "casefold", "title", "capitalize",
        "swapcase", "encode", "decode", "expandtabs", "trim", "toLowerCase", "toUpperCase",
        "toString", "normalize",
    }
)  # fmt: skip
"""Methods of texts that change nothing that a test of the text would find."""
_TEXT = _SAME | frozenset(
    {
        "replace", "format", "join", "split", "rsplit", "splitlines", "partition", "rpartition",
        "zfill", "ljust", "rjust", "center", "removeprefix", "removesuffix", "translate",
        "format_map", "substring", "slice", "substr", "concat", "replaceAll", "trimStart",
        "trimEnd", "padStart", "padEnd", "charAt", "repeat", "at",
    }
)  # fmt: skip
_LISTS = frozenset({"split", "rsplit", "splitlines", "partition", "rpartition"})
_PURE = _TEXT | frozenset(
    {
        "startswith", "endswith", "find", "index", "count", "isdigit", "isalpha", "isalnum",
        "isupper", "islower", "rfind",
    }
)  # fmt: skip
_DEFANGED = {
    "\n": ("header-injection", "log-injection"),
    "\r": ("header-injection", "log-injection"),
    "\r\n": ("header-injection", "log-injection"),
    "<": ("xss", "stored-xss"),
    "/": ("path-traversal",),
}
"""Characters whose removal makes a text safe for these kinds."""


_TEXT_METHODS = ("__format__", "__str__", "__repr__")


def method_of(name: str) -> Callable[..., Any]:
    """A function that calls the method of its first argument with the others."""

    def call(one: Any, *rest: Any) -> Any:
        return getattr(one, name)(*rest)

    return call


class Containers(Core):
    """Reading and writing of what values hold."""

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
        if consts is None and value.type not in ("str", "list"):
            return self.part(value.taint, f"*{node[1]}", node)
        return self.narrowed(value.taint, ~WHOLE)

    def _held(self, obj: Obj, consts: tuple[Any, ...] | None, key: Value) -> Value | None:
        """What an object holds under a key; None when that is not known at all."""
        if consts is not None:
            out: Value | None = None
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
        if value.consts is not None:
            parts = [c for one in value.consts if isinstance(one, (str, bytes)) for c in one]
            consts = tuple(dict.fromkeys(parts))
            return Value(consts=consts if 0 < len(consts) <= MAX_CONSTANTS else None)
        if value.taint:
            if value.type == "str":
                return Value(self.narrowed(value.taint, ~WHOLE))
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
        if obj is None or obj.kind not in ("list", "tuple") or obj.open or obj.rest is not None:
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

    # Methods

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

    # Texts

    def _text_method(
        self, recv: Value, name: str, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        if name not in _PURE:
            if recv.taint and name in ("getlist", "get_all", "getall") and args:
                return self.bag(self._tainted_get(recv, args[:1], node))
            if recv.taint and name in ("get", "pop") and args:
                return self._tainted_get(recv, args, node)
            if recv.taint and name in ("items", "lists", "entries"):
                part = self.part(recv.taint, "*", node)
                return self.bag(self.make_list([Value(part), Value(part)], "tuple"))
            if recv.taint and name in ("keys", "values", "copy", "to_dict", "dict", "model_dump"):
                return Value(self.moved(recv.taint, f"`{name}` gives it", node))
            return None
        if name == "format":
            return self.formatted(recv, args, keywords, node)
        if name == "join" and args:
            return self._joined(recv, args[0], node)
        if recv.consts is not None and not keywords and all(a.consts is not None for a in args):
            folded = self._fold(
                method_of(name),
                (recv.consts, *[a.consts or () for a in args]),
            )
            if folded is not None:
                return folded
        if name in _PURE and name not in _TEXT:
            return Value(type="bool")
        taint = recv.taint
        if taint is not None:
            keep = -1 if name in _SAME else ~7
            add = 0
            if name in ("replace", "replaceAll") and args and args[0].consts:
                for one in args[0].consts:
                    add |= self.rules.mask(_DEFANGED.get(one, ())) if isinstance(one, str) else 0
            taint = self.moved(taint, f"`{name}` is applied", node, keep, add)
        if name == "replace" and len(args) > 1 and args[1].taint:
            taint = merge_taint(taint, self.narrowed(args[1].taint, ~7))
        if name in _LISTS:
            return self.bag(Value(self.narrowed(taint, ~WHOLE), type="str"))
        text = recv.text if name in _SAME else None
        if name == "rstrip" or name == "removesuffix":
            text = recv.text
        return Value(taint, type="str", text=text)

    def _tainted_get(self, recv: Value, args: list[Value], node: Node) -> Value:
        consts = args[0].consts
        key = f"*{node[1]}"
        if consts is not None and len(consts) == 1 and isinstance(consts[0], str):
            key = consts[0]
        value = Value(self.part(recv.taint, key, node))
        if len(args) > 1:
            value = self.joiner.values(value, args[1], self.env)
        return value

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

    def text_of(self, value: Value, node: Node, names: tuple[str, ...] = _TEXT_METHODS) -> Value:
        """An object as text: what its class makes of it."""
        held = self.obj(value)
        if held is None or held.cls is None:
            return value
        for name in names:
            if held.cls.member(name) is not None:
                args = [constant("")] if name == "__format__" else []
                return self.call(self.attribute(value, name, node), args, {}, node)
        return value

    def built(self, parts: list[Value], node: Node, reason: str) -> Value:
        """Text put together from parts."""
        parts = [self.text_of(part, node) if part.ref is not None else part for part in parts]
        if len(parts) == 1 and parts[0].type == "str":
            return parts[0]
        taint: Taint | None = None
        consts = True
        text: list[str] = []
        for part in parts:
            if part.consts is None:
                consts = False
            given = self.deep(part) if part.ref is not None else part.taint
            if given:
                taint = merge_taint(taint, given)
            if part.text is not None:
                text.append(part.text)
            elif part.consts is not None and len(part.consts) == 1:
                text.append(str(part.consts[0]))
            else:
                text.append("\0")
        if consts:
            folded = self._fold(
                lambda *given: "".join(str(one) for one in given),
                tuple(part.consts or () for part in parts),
            )
            if folded is not None and not taint:
                return folded
        whole = ~7
        if len(parts) == 1:
            whole = -1
        elif taint is not None and all(not part.consts or part.consts == ("",) for part in parts):
            whole = ~7
        moved = self.moved(taint, reason, node, whole) if taint else None
        return Value(moved, type="str", text="".join(text)[:MAX_TEXT])

    def formatted(
        self, template: Value, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value:
        """`template.format(…)`: only what the template names gets in."""
        form = template.consts[0] if template.consts and len(template.consts) == 1 else None
        if not isinstance(form, str):
            everything = [template, *args, *keywords.values()]
            return Value(self.moved(self.union(everything), "it is formatted", node), type="str")
        parts: list[Value] = []
        from string import Formatter

        automatic = 0
        try:
            pieces = list(Formatter().parse(form))
        except ValueError:
            pieces = []
        for literal, field, _, _ in pieces:
            if literal:
                parts.append(constant(literal))
            if field is None:
                continue
            name = field.replace("[", ".").partition(".")[0]
            if name == "":
                name, automatic = str(automatic), automatic + 1
            if name.isdigit():
                at = int(name)
                value = args[at] if at < len(args) else UNKNOWN
            else:
                value = keywords.get(name, UNKNOWN)
            parts.append(Value(self.deep(value)) if "." in field or "[" in field else value)
        return self.built(parts, node, "it is formatted into a text")

    def percent(self, template: Value, given: Value, node: Node) -> Value:
        """`template % given`."""
        form = template.consts[0] if template.consts and len(template.consts) == 1 else None
        values = self.sequence(given, node)
        obj = self.obj(given)
        if values is None or (obj is not None and obj.kind != "tuple"):
            values = [given]
        if not isinstance(form, str):
            return Value(
                self.moved(self.union([template, *values]), "it is formatted", node), type="str"
            )
        parts: list[Value] = []
        at = 0
        rest = form
        while "%" in rest:
            before, _, rest = rest.partition("%")
            parts.append(constant(before))
            if rest.startswith("%"):
                parts.append(constant("%"))
                rest = rest[1:]
                continue
            key = ""
            if rest.startswith("("):
                key, _, rest = rest[1:].partition(")")
            stop = next((i for i, c in enumerate(rest) if c.isalpha()), len(rest) - 1)
            code = rest[stop : stop + 1]
            rest = rest[stop + 1 :]
            if key and obj is not None:
                value = obj.items.get(key) or obj.rest or UNKNOWN
            else:
                value = values[at] if at < len(values) else Value(self.deep(given))
                at += 1
            if code in ("r", "a"):
                # Line breaks are written as escapes.
                mask = self.rules.mask(("log-injection", "header-injection"))
                value = Value(self.narrowed(self.deep(value), -1, mask), type="str")
            parts.append(Value(type="int") if code in "dioxXeEfFgGc" and code else value)
        parts.append(constant(rest))
        return self.built(parts, node, "it is formatted into a text")

    def _joined(self, glue: Value, given: Value, node: Node) -> Value:
        ordered = self.sequence(given, node)
        if ordered is None:
            item = self.iterate(given, node)
            taint = merge_taint(self.narrowed(item.taint, ~7), self.narrowed(glue.taint, ~7))
            if given.taint:
                taint = merge_taint(taint, self.narrowed(given.taint, ~7))
            known = item.consts is not None and glue.consts is not None
            # How many there are is not known, what they can be is.
            return Value(
                self.moved(taint, "it is joined to a text", node),
                type="str",
                text=None if known else "\0",
                consts=None,
            )
        parts: list[Value] = []
        for index, one in enumerate(ordered):
            if index:
                parts.append(glue)
            parts.append(one)
        return self.built(parts, node, "it is joined to a text")


def _in(one: Any, items: dict[Any, Value]) -> bool:
    try:
        return one in items
    except TypeError:
        return False


def _hashable(values: list[Any]) -> bool:
    return all(isinstance(one, (str, bytes, int, float, bool, type(None))) for one in values)
