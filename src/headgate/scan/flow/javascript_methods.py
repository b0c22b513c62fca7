"""What the methods of JavaScript's texts, lists and maps do, and its own functions."""

from __future__ import annotations

from collections.abc import Callable

from headgate.scan.flow.javascript_objects import functions_in
from headgate.scan.flow.javascript_texts import JavaScriptTexts
from headgate.scan.flow.program import FunctionRef
from headgate.scan.flow.rules import CallRule
from headgate.scan.flow.sinks import Arguments
from headgate.scan.flow.values import NONE, UNKNOWN, WHOLE, Obj, Value, constant
from headgate.scan.ir.nodes import Node

_ITERATING = frozenset(
    {
        "map",
        "forEach",
        "filter",
        "find",
        "findLast",
        "some",
        "every",
        "flatMap",
        "findIndex",
        "sort",
    }
)
_RESOLVE = "resolve()"
"""What a promise is resolved by."""
_WAITING = frozenset({"then", "catch", "finally"})


class JavaScriptMethods(JavaScriptTexts):
    """Methods and functions of the language."""

    def method(
        self, recv: Value, name: str, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        first = args[0] if args else UNKNOWN
        if name == _RESOLVE:
            held = self.obj(recv)
            if held is not None and args:
                self._insert(recv, held, None, self.stored(first, node))
            return NONE
        if name in ("call", "apply", "bind") and (recv.name or recv.obj is not None):
            return self._function_method(recv, name, args, node)
        if name in _WAITING and args:
            settled = Value(recv.taint, recv.consts, recv.ref, recv.type)
            results: list[Value] = []
            for at, one in enumerate(args):
                given: list[Value] = []
                if name == "then" and not at:
                    given = [settled]
                elif name != "finally":
                    given = [self.error(node, ref.node) for ref in functions_in(one)[:1]]
                results.append(self.calls_back(one, given, node))
            return (
                self.joiner.values(results[0], settled, self.env) if name != "then" else results[0]
            )
        if name in _ITERATING and functions_in(first):
            return self._iterated(recv, name, first, node)
        if name in ("map", "flatMap") and first.name and first.recv is None:
            # `names.map(encodeURIComponent)`
            ordered = self.sequence(recv, node)
            if ordered is not None and len(ordered) <= 8:
                return self.make_list([self.call(first, [one], {}, node) for one in ordered])
            return self.bag(self.call(first, [self.iterate(recv, node)], {}, node))
        if name == "reduce" and functions_in(first):
            item = self.iterate(recv, node)
            start = args[1] if len(args) > 1 else item
            once = self.calls_back(first, [start, item], node)
            return self.joiner.values(start, once, self.env)
        if recv.type == "re.Pattern" and name in ("test", "exec"):
            return self.matched(recv, "search", first)
        held = self.obj(recv)
        if held is not None and held.kind in ("list", "tuple"):
            found = self._list_method(recv, held, name, args, node)
            if found is not None:
                return found
        if recv.taint or recv.type == "str" or recv.consts is not None or recv.text is not None:
            found = self._of_text(recv, name, args, node)
            if found is not None:
                return found
        if held is not None and recv.type in ("Map", "Set"):
            return self._of_map(recv, name, args, node)
        if name == "indexOf" and args and held is None:
            return Value(type="int", name=name, cond=self.compared("in", first, recv, node).cond)
        return super().method(recv, name, args, keywords, node)

    def _function_method(
        self, recv: Value, name: str, args: list[Value], node: Node
    ) -> Value | None:
        ref = recv.obj
        if isinstance(ref, FunctionRef):
            function = Value(obj=self.method_of(ref, args[0] if args else UNKNOWN))
        elif recv.name:
            function = Value(name=recv.name, recv=recv.recv)
        else:
            return None
        if name == "bind":
            return function
        if name == "call":
            return self.call(function, args[1:], {}, node)
        if name == "apply":
            given = self.sequence(args[1], node) if len(args) > 1 else []
            return self.call(function, given or [], {}, node)
        return None

    def _iterated(self, recv: Value, name: str, function: Value, node: Node) -> Value:
        ordered = self.sequence(recv, node)
        if ordered is not None and len(ordered) <= 8 and name in ("map", "forEach"):
            results = [
                self.calls_back(function, [one, constant(at)], node)
                for at, one in enumerate(ordered)
            ]
            return self.make_list(results) if name == "map" else NONE
        item = self.iterate(recv, node)
        tested = self.calls_back(function, [item], node)
        if name == "map":
            return self.bag(tested)
        if name == "flatMap":
            return self.bag(self.iterate(tested, node))
        if name in ("filter", "find", "findLast"):
            facts = tested.cond[0] if tested.cond is not None else None
            if facts and item.taint:
                taint = {
                    token: (mask | facts.get(token, 0), trace)
                    for token, (mask, trace) in item.taint.items()
                }
                item = Value(taint, item.consts, item.ref, item.type)
            return self.bag(item) if name == "filter" else item
        if name == "every":
            return Value(type="bool", cond=(self.lifted(self.cond_of(tested)[0]), {}))
        if name == "some":
            return Value(type="bool", cond=({}, self.lifted(self.cond_of(tested)[1])))
        return recv if name == "sort" else NONE

    def _list_method(
        self, recv: Value, held: Obj, name: str, args: list[Value], node: Node
    ) -> Value | None:
        if name == "push":
            for one in args:
                self._insert(recv, self.obj(recv) or held, len(held.items), self.stored(one, node))
                held = self.obj(recv) or held
            return Value(type="int")
        if name == "join":
            return self._joined(args[0] if args else constant(","), recv, node)
        if name == "concat":
            out = self.new(held)
            for one in args:
                if self.obj(one) is not None:
                    self._extend(out, self.obj(out) or held, one, node)
                else:
                    self._insert(out, self.obj(out) or held, len(held.items), one)
            return out
        if name in ("slice", "reverse", "flat", "fill", "sort", "toSorted", "toReversed", "with"):
            ordered = self.sequence(recv, node)
            bounds = [
                one.consts[0] if one.consts and len(one.consts) == 1 else None for one in args
            ]
            if name == "slice" and ordered is not None and all(isinstance(b, int) for b in bounds):
                return self.make_list(
                    ordered[slice(*bounds[:2])]
                    if len(bounds) > 1
                    else ordered[bounds[0] if bounds else 0 :]
                )
            if name == "slice" and not args:
                return self.new(held)
            return self.bag(self.any_item(held) or UNKNOWN)
        if name in ("values", "entries", "at"):
            return self.any_item(held) or UNKNOWN
        if name == "includes" and args:
            return self.compared("in", args[0], recv, node)
        if name == "indexOf" and args:
            return Value(
                type="int", name="indexOf", cond=self.compared("in", args[0], recv, node).cond
            )
        return None

    def _of_map(self, recv: Value, name: str, args: list[Value], node: Node) -> Value | None:
        held = self.obj(recv)
        if held is None:
            return None
        if name == "set" and len(args) > 1:
            self.set_item(recv, args[0], self.stored(args[1], node))
            return recv
        if name == "get" and args:
            return self.item(recv, args[0], node)
        if name == "add" and args:
            self._insert(recv, held, len(held.items), self.stored(args[0], node))
            return recv
        if name == "has" and args:
            return self.compared("in", args[0], recv, node)
        if name == "values":
            return self.bag(self.any_item(held) or UNKNOWN)
        return None

    # Functions of the language

    def builtin(
        self,
        name: str,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value | None:
        handler = _FUNCTIONS.get(name)
        return None if handler is None else handler(self, args, node)

    def assign_all(self, args: list[Value], node: Node) -> Value | None:
        if not args or self.obj(args[0]) is None:
            return Value(self.union(args)) if args else None
        for one in args[1:]:
            self.merge_into(args[0], one, node)
        return args[0]

    def values_of(self, args: list[Value], node: Node) -> Value | None:
        held = self.obj(args[0]) if args else None
        if held is None:
            return self.bag(self.iterate(args[0], node)) if args else None
        if not held.open and held.rest is None:
            return self.make_list(list(held.items.values()))
        return self.bag(self.any_item(held) or UNKNOWN)

    def keys_of(self, args: list[Value], node: Node) -> Value | None:
        if not args:
            return None
        held = self.obj(args[0])
        if held is not None and not held.open and held.rest is None and not args[0].taint:
            return self.make_list([constant(one) for one in held.items])
        return self.bag(Value(self.narrowed(self.deep(args[0]), ~WHOLE)))

    def entries_of(self, args: list[Value], node: Node) -> Value | None:
        if not args:
            return None
        held = self.obj(args[0])
        if held is not None and not held.open and held.rest is None:
            pairs = [self.make_list([constant(key), one]) for key, one in held.items.items()]
            return self.make_list(pairs)
        key = Value(self.narrowed(self.deep(args[0]), ~WHOLE))
        item = (self.any_item(held) if held is not None else None) or self.iterate(args[0], node)
        return self.bag(self.make_list([key, item]))

    def from_entries(self, args: list[Value], node: Node) -> Value | None:
        if args and args[0].taint and self.obj(args[0]) is None:
            # What an address or a form holds, by its names.
            return Value(self.part(args[0].taint, "*", node))
        value = self.new(Obj("dict", {}))
        for pair in (self.sequence(args[0], node) or []) if args else []:
            both = self.sequence(pair, node)
            if both is not None and len(both) == 2:
                self.set_item(value, both[0], both[1])
        return value

    def new_map(self, args: list[Value], node: Node) -> Value | None:
        value = self.from_entries(args, node) or UNKNOWN
        return Value(value.taint, None, value.ref, "Map")

    def new_set(self, args: list[Value], node: Node) -> Value | None:
        made = self.set_of(args, {}, node) if args else self.new(Obj("set", {}))
        return Value(made.taint, None, made.ref, "Set")

    def new_pattern(self, args: list[Value], node: Node) -> Value | None:
        if not args:
            return None
        text = args[0].consts[0] if args[0].consts and len(args[0].consts) == 1 else None
        flags = args[1].consts[0] if len(args) > 1 and args[1].consts else ""
        shown = text if isinstance(text, str) else None
        return Value(self.deep(args[0]), type="re.Pattern", text=shown, name=f"RegExp/{flags}")

    def _typed(self, function: Value, rules: list[tuple[CallRule, bool]], value: Value) -> Value:
        value = super()._typed(function, rules, value)
        if not value.type and value.obj is None and not value.name:
            for rule, _ in rules:
                if rule.created:
                    # `db.collection("x")`, whatever `db` is.
                    return Value(value.taint, value.consts, value.ref, rule.created)
        return value

    def _known_result(
        self,
        function: Value,
        rules: list[tuple[CallRule, bool]],
        given: Arguments,
        node: Node,
        shown: str,
    ) -> Value | None:
        if function.name != "String" or len(given[1]) != 1:
            return super()._known_result(function, rules, given, node, shown)
        # The same text: what is found out of it later holds of what came in.
        one = given[1][0]
        mask = 0
        for rule, _ in rules:
            for sanitizer in rule.sanitizers:
                mask |= self.rules.mask(sanitizer.safe_for)
        return Value(self.narrowed(self.deep(one), -1, mask), one.consts, type="str", text=one.text)

    def same_text(self, args: list[Value], node: Node) -> Value | None:
        return Value(self.deep(args[0]), args[0].consts, text=args[0].text) if args else None

    def folder(self, args: list[Value], node: Node) -> Value | None:
        """`path.dirname`: that of a path without `..` has none."""
        return Value(self.narrowed(self.deep(args[0]), ~WHOLE)) if args else None

    def settled(self, args: list[Value], node: Node) -> Value | None:
        return args[0] if args else UNKNOWN

    def listed_all(self, args: list[Value], node: Node) -> Value | None:
        return args[0] if args else None

    def promise(self, args: list[Value], node: Node) -> Value | None:
        """`new Promise((resolve, reject) => …)`: what it is resolved with comes out."""
        if not args:
            return UNKNOWN
        held = self.bag(UNKNOWN)
        self.calls_back(args[0], [Value(name=f"*.{_RESOLVE}", recv=held)], node)
        obj = self.obj(held)
        return (None if obj is None else self.any_item(obj)) or UNKNOWN


Function = Callable[[JavaScriptMethods, list[Value], Node], Value | None]
_FUNCTIONS: dict[str, Function] = {
    "Object.assign": JavaScriptMethods.assign_all,
    "Object.values": JavaScriptMethods.values_of,
    "Object.keys": JavaScriptMethods.keys_of,
    "Object.entries": JavaScriptMethods.entries_of,
    "Object.fromEntries": JavaScriptMethods.from_entries,
    "Object.freeze": JavaScriptMethods.settled,
    "structuredClone": JavaScriptMethods.settled,
    "Map": JavaScriptMethods.new_map,
    "Set": JavaScriptMethods.new_set,
    "util.promisify": JavaScriptMethods.settled,
    "RegExp": JavaScriptMethods.new_pattern,
    "String": JavaScriptMethods.same_text,
    "decodeURIComponent": JavaScriptMethods.same_text,
    "decodeURI": JavaScriptMethods.same_text,
    "unescape": JavaScriptMethods.same_text,
    "atob": JavaScriptMethods.same_text,
    "JSON.parse": JavaScriptMethods.settled,
    "Promise": JavaScriptMethods.promise,
    "Promise.resolve": JavaScriptMethods.settled,
    "Promise.all": JavaScriptMethods.listed_all,
    "Promise.allSettled": JavaScriptMethods.listed_all,
    "Promise.race": JavaScriptMethods.listed_all,
    "Array.from": JavaScriptMethods.settled,
    "path.dirname": JavaScriptMethods.folder,
}
