"""What Python's built-in functions, and those like them, do with values."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Callable
from typing import Any

from headgate.scan.flow.iterables import Iterables
from headgate.scan.flow.program import ClassRef, FunctionRef
from headgate.scan.flow.texts import method_of
from headgate.scan.flow.values import (
    NONE,
    RESOLVED,
    UNKNOWN,
    Value,
    constant,
    merge_taint,
)
from headgate.scan.ir.nodes import Node
from headgate.scan.late import late

_FOLDED: dict[str, Callable[..., Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "len": len,
    "bool": bool,
    "abs": abs,
    "ord": ord,
    "chr": chr,
    "hex": hex,
    "max": max,
    "min": min,
    "round": round,
    "repr": repr,
    "bytes": lambda *given: _bytes(*given),
    "bytes.fromhex": bytes.fromhex,
    "os.path.join": lambda *parts: (
        "/".join(parts) if all(isinstance(p, str) for p in parts) else 1 / 0
    ),
    "os.path.basename": posixpath.basename,
    "base64.b64encode": base64.b64encode,
    "base64.b64decode": base64.b64decode,
}
"""Functions that are applied to constants."""
_NUMBERS = {"bool": "bool", "callable": "bool", "hasattr": "bool", "id": "int", "hash": "int"}
_PREFIXED = late(r"[A-Za-z]\w*_")
"""How the name of an attribute begins that can only be one of a family."""
_FAMILY = 64
"""Members of such a family that are followed."""
_PLAIN_TYPES = frozenset({"int", "float", "bool", "complex", "Decimal", "UUID", "date", "datetime"})


def _bytes(given: int | bytes | str, *encoding: str) -> bytes:
    if isinstance(given, str):
        return given.encode(*encoding)
    return bytes(given if isinstance(given, bytes) else min(given, 64))


class Builtins(Iterables):
    """Functions that come with Python."""

    def callback(self, function: Value, others: list[Value], node: Node) -> Value:
        """A function that a library calls with what it was given besides."""
        if not isinstance(function.obj, (FunctionRef, tuple)):
            return UNKNOWN
        args: list[Value] = []
        for one in others:
            obj = self.obj(one)
            if obj is not None and obj.kind in ("list", "tuple", "set"):
                ordered = self.sequence(one, node)
                args += ordered if ordered is not None else [self.any_item(obj) or UNKNOWN]
            elif obj is not None and obj.kind == "dict":
                args += list(obj.items.values())
            else:
                args.append(one)
        return self.call(function, args, {}, node)

    def folded(self, name: str, args: list[Value]) -> Value | None:
        """The result of a function of constants."""
        if not args or any(one.consts is None for one in args):
            return None
        function = _FOLDED.get(name)
        if function is None:
            if not name.startswith("*.") or len(args) != 1:
                return None
            tail = name[2:]
            return self._fold(method_of(tail), (args[0].consts or (),))
        return self._fold(function, tuple(one.consts or () for one in args))

    def builtin(
        self,
        name: str,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value | None:
        """The result of a built-in function; None when it is none."""
        folded = self.folded(name, args) if name in _FOLDED else None
        if folded is not None:
            return folded
        handler = _HANDLERS.get(name)
        if handler is not None:
            return handler(self, args, keywords, node)
        if name in _NUMBERS:
            return Value(type=_NUMBERS[name])
        if name == "os.path.join":
            return self.built_path(args, node)
        return None

    def built_path(self, args: list[Value], node: Node) -> Value:
        parts: list[Value] = []
        for index, one in enumerate(args):
            if index:
                parts.append(constant("/"))
            parts.append(one)
        return self.built(parts, node, "it is joined to a path")

    def text(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if not args:
            return constant("")
        value = args[0]
        if value.ref is not None:
            text = self.text_of(value, node, ("__str__", "__repr__"))
            if text is not value:
                return text
        taint = self.deep(value)
        return Value(taint, type="str", text=value.text)

    def represented(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if not args:
            return UNKNOWN
        text = self.text_of(args[0], node, ("__repr__",)) if args[0].ref is not None else args[0]
        # Line breaks are written as escapes.
        mask = self.rules.mask(("log-injection", "header-injection"))
        return Value(self.narrowed(self.deep(text), -1, mask), type="str", text=text.text)

    def isinstance_(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if len(args) < 2:
            return UNKNOWN
        kinds = self.sequence(args[1], node) or [args[1]]
        names = [one.name.rpartition(".")[2] for one in kinds]
        if args[0].taint and names and all(name in _PLAIN_TYPES for name in names):
            return Value(type="bool", cond=(self.facts_of(args[0], "all"), {}))
        if isinstance(args[0].obj, ClassRef):
            return UNKNOWN
        return Value(type="bool")

    def getattr_(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if len(args) < 2:
            return UNKNOWN
        consts = args[1].consts
        if consts is None or not all(isinstance(one, str) for one in consts):
            if _PREFIXED.match(args[1].text or ""):
                # `getattr(self, "do_" + name)`: one of the members that are named so.
                members = self._members_named(args[0], args[1].text or "", node)
                return Value(self.union(args[:1]), obj=members)
            return Value(self.union(args))
        out: Value | None = None
        for one in consts:
            found = self.attribute(args[0], one, node)
            out = found if out is None else self.joiner.values(out, found, self.env)
        if out is None:
            return UNKNOWN
        if len(args) > 2 and out is UNKNOWN:
            return self.joiner.values(out, args[2], self.env)
        return out

    def _members_named(self, value: Value, pattern: str, node: Node) -> Any:
        """Methods whose names begin as a text does, of classes of the same file: those elsewhere
        may get another one without this place being looked at again."""
        held = self.obj(value)
        cls = held.cls if held is not None else None
        start = pattern.partition("\0")[0]
        if cls is None:
            return None
        names = sorted(
            {
                name
                for one in cls.lineage()
                if one.module is self.frame.module
                for name, member in one.members.items()
                if name.startswith(start) and isinstance(member.obj, FunctionRef)
            }
        )
        found = [self.attribute(value, name, node).obj for name in names[:_FAMILY]]
        methods = tuple(one for one in found if isinstance(one, FunctionRef))
        return methods if len(methods) > 1 else next(iter(methods), None)

    def setattr_(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if len(args) == 3:
            self.set_item(args[0], args[1], self.stored(args[2], node))
        return NONE

    def printed(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return NONE

    def resolved(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if not args:
            return UNKNOWN
        taint = self.moved(self.deep(args[0]), "the path is resolved", node, -1, RESOLVED)
        return Value(taint, args[0].consts, type="str", text=args[0].text)

    def compiled(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if not args:
            return UNKNOWN
        pattern = args[0]
        text = pattern.consts[0] if pattern.consts and len(pattern.consts) == 1 else None
        return Value(
            self.deep(pattern), type="re.Pattern", text=text if isinstance(text, str) else None
        )

    def base_name(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if not args:
            return UNKNOWN
        mask = self.rules.mask(("path-traversal", "archive-extraction"))
        taint = self.moved(self.deep(args[0]), "its last part is taken", node, ~7, mask)
        return Value(taint, type="str")

    def split_ending(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`os.path.splitext(path)`: what stands before the ending, and the ending."""
        if not args:
            return UNKNOWN
        taint = self.moved(self.deep(args[0]), "its ending is split off", node, ~7)
        root = Value(taint, type="str")
        ending = Value(self.portion(taint, "(suffix)", node), type="str")
        return self.make_list([root, ending], "tuple")

    def environment(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return UNKNOWN

    def sub(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        """`re.sub(pattern, by, text)`."""
        from headgate.scan.flow.patterns import kinds_for, removed

        if len(args) < 3:
            return Value(self.union(args))
        consts = args[0].consts or ((args[0].text,) if args[0].text else ())
        by = args[1].consts
        add = 0
        if len(consts) == 1 and isinstance(consts[0], str) and by and isinstance(by[0], str):
            kinds = set(removed(consts[0]))
            allowed = kinds_for(frozenset(by[0]))
            if "all" in kinds:
                kinds = set(allowed)
            elif "all" not in allowed:
                kinds &= set(allowed)
            add = self.rules.mask(kinds)
        taint = self.moved(self.deep(args[2]), "parts of it are replaced", node, ~7, add)
        return Value(merge_taint(taint, self.narrowed(args[1].taint, ~7)), type="str")

    def matching(self, name: str, args: list[Value], keywords: dict[str, Value]) -> Value:
        if len(args) < 2:
            return UNKNOWN
        return self.match_of(args[0], self.matched(args[0], name, args[1]))

    def partial(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if not args:
            return UNKNOWN
        return Value(obj=Partial(args[0], args[1:], keywords))


class Partial:
    """`functools.partial`."""

    __slots__ = ("args", "function", "keywords")

    def __init__(self, function: Value, args: list[Value], keywords: dict[str, Value]) -> None:
        self.function = function
        self.args = args
        self.keywords = keywords


def _match(name: str) -> Callable[[Builtins, list[Value], dict[str, Value], Node], Value]:
    def handler(one: Builtins, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return one.matching(name, args, keywords)

    return handler


_HANDLERS: dict[str, Callable[[Builtins, list[Value], dict[str, Value], Node], Value]] = {
    "str": Builtins.text,
    "repr": Builtins.represented,
    "list": Builtins.listed,
    "tuple": Builtins.tupled,
    "set": Builtins.set_of,
    "frozenset": Builtins.set_of,
    "collections.deque": Builtins.listed,
    "dict": Builtins.dictionary,
    "collections.OrderedDict": Builtins.dictionary,
    "sorted": Builtins.ordered,
    "iter": Builtins.same,
    "reversed": Builtins.reversed_,
    "enumerate": Builtins.enumerated,
    "zip": Builtins.zipped,
    "map": Builtins.mapped,
    "filter": Builtins.filtered,
    "next": Builtins.next_,
    "min": Builtins.most,
    "max": Builtins.most,
    "any": Builtins.any_,
    "all": Builtins.all_,
    "isinstance": Builtins.isinstance_,
    "getattr": Builtins.getattr_,
    "setattr": Builtins.setattr_,
    "range": Builtins.ranged,
    "print": Builtins.printed,
    "copy.copy": Builtins.same,
    "copy.deepcopy": Builtins.same,
    "typing.cast": lambda one, args, keywords, node: args[-1] if args else UNKNOWN,
    "os.path.realpath": Builtins.resolved,
    "os.path.abspath": Builtins.resolved,
    "os.path.normpath": Builtins.resolved,
    "os.path.basename": Builtins.base_name,
    "os.path.splitext": Builtins.split_ending,
    "posixpath.splitext": Builtins.split_ending,
    "re.compile": Builtins.compiled,
    "re.sub": Builtins.sub,
    "re.match": _match("match"),
    "re.fullmatch": _match("fullmatch"),
    "re.search": _match("search"),
    "functools.partial": Builtins.partial,
}
