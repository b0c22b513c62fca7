"""Texts that are put together: formatted, joined, and what methods of texts give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.scan.flow.constraints import NO_TEXT
from headgate.scan.flow.containers import Containers
from headgate.scan.flow.values import (
    MAX_TEXT,
    UNKNOWN,
    WHOLE,
    Taint,
    Value,
    constant,
    merge_taint,
)
from headgate.scan.ir.formats import asks_for_a_number
from headgate.scan.ir.nodes import Node

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
_PIECES = {"partition": 3, "rpartition": 3}
"""Methods that give as many pieces of a text."""
_DEFANGED = {
    "\n": ("header-injection", "log-injection"),
    "\r": ("header-injection", "log-injection"),
    "\r\n": ("header-injection", "log-injection"),
    "<": ("xss", "stored-xss"),
    "/": ("path-traversal",),
}
"""Characters whose removal makes a text safe for these kinds."""


_TEXT_METHODS = ("__format__", "__str__", "__repr__")


def _pieces(name: str, args: list[Value], keywords: dict[str, Value]) -> int:
    """How many pieces `text.split(".", 1)` gives; 0: not known."""
    if name not in ("split", "rsplit"):
        return 0
    most = args[1] if len(args) > 1 else keywords.get("maxsplit")
    return 2 if most is not None and most.consts == (1,) else 0


def method_of(name: str) -> Callable[..., Any]:
    """A function that calls the method of its first argument with the others."""

    def call(one: Any, *rest: Any) -> Any:
        return getattr(one, name)(*rest)

    return call


class Texts(Containers):
    """What texts are made of."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._no_text = self.rules.mask(NO_TEXT)

    def _text_method(
        self, recv: Value, name: str, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        if name not in _PURE:
            if recv.taint and name in ("getlist", "get_all", "getall") and args:
                kind = keywords.get("type") or (args[1] if len(args) > 1 else None)
                return self.bag(self._tainted_get(recv, args[:1], kind, node))
            if recv.taint and name in ("get", "pop") and args:
                kind = keywords.get("type") or (args[2] if len(args) > 2 else None)
                return self._tainted_get(recv, args, kind, node)
            if recv.taint and name in ("items", "lists", "entries"):
                part = self.part(recv.taint, "*", node)
                return self.bag(self.make_list([Value(part), Value(part)], "tuple"))
            if recv.taint and name in ("keys", "values", "copy", "to_dict", "dict", "model_dump"):
                return Value(self.moved(recv.taint, f"`{name}` gives it", node))
            return None
        if name == "format_map" and args:
            held = self.obj(args[0])
            if held is None:
                return Value(merge_taint(recv.taint, self.union(args)), type="str")
            named = {key: one for key, one in held.items.items() if isinstance(key, str)}
            return self.formatted(recv, [], named, node)
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
        count = _PIECES.get(name) or _pieces(name, args, keywords)
        if count and taint:
            pieces = [
                Value(self.portion(taint, f"({name}{at})", node), type="str") for at in range(count)
            ]
            return self.make_list(pieces, "tuple" if name in _PIECES else "list")
        if name in _LISTS:
            return self.bag(Value(self.narrowed(taint, ~WHOLE), type="str"))
        text = recv.text if name in _SAME else None
        if name == "rstrip" or name == "removesuffix":
            text = recv.text
        return Value(taint, type="str", text=text)

    def _tainted_get(self, recv: Value, args: list[Value], kind: Value | None, node: Node) -> Value:
        """What is under a key, turned into another type: `request.args.get("page", type=int)`."""
        consts = args[0].consts
        key = f"*{node[1]}"
        if consts is not None and len(consts) == 1 and isinstance(consts[0], str):
            key = consts[0]
        value = Value(self.part(recv.taint, key, node))
        if kind is not None and kind is not UNKNOWN:
            value = self.call(kind, [value], {}, node)
        if len(args) > 1:
            value = self.joiner.values(value, args[1], self.env)
        return value

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
        moved = self.moved(taint, reason, node, whole, self._no_text) if taint else None
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
        for literal, field, asked, _ in pieces:
            if literal:
                parts.append(constant(literal))
            if field is None:
                continue
            name = field.replace("[", ".").partition(".")[0]
            if name == "":
                name, automatic = str(automatic), automatic + 1
            if asked and asks_for_a_number(asked):
                parts.append(Value(type="int"))
                continue
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
