"""JavaScript's own ways, over the interpreter that all languages share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.scan.flow.core import Frame
from headgate.scan.flow.javascript_objects import JavaScriptObjects
from headgate.scan.flow.program import FunctionRef, free_names
from headgate.scan.flow.sinks import Arguments
from headgate.scan.flow.transfer import Summary
from headgate.scan.flow.values import (
    NONE,
    UNKNOWN,
    WHOLE,
    Obj,
    Value,
    constant,
    merge_taint,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.schema import Propagator

Method = Callable[["JavaScript", Value, list[Value], Node], Value | None]
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
_WAITING = frozenset({"then", "catch", "finally"})
_TESTING = frozenset({"match", "search", "matchAll"})


class JavaScript(JavaScriptObjects):
    """The interpreter of JavaScript."""

    # Functions and their parameters

    def closure(self, function: Node) -> Value:
        value = super().closure(function)
        ref: FunctionRef = value.obj
        self.nested.append((ref, None))
        self.made.setdefault(ref.module.path, {})[function[1]] = (ref, None)
        return value

    def _summary(self, ref: FunctionRef, frame: Frame, heap_before: dict[Any, Obj]) -> Summary:
        """What functions made here hold is kept: they are called later."""
        summary = super()._summary(ref, frame, heap_before)
        out = frame.out or self.env
        for inner, _ in self.nested:
            if inner.frame is frame and inner.captured is not None:
                inner.captured = out.vars
                for name in free_names(inner.node):
                    held = out.vars.get(name)
                    if held is not None:
                        self.keep(held, out.heap)
        return summary

    def _enter(self, parameter: Node, value: Value | None) -> None:
        if value is None or value is UNKNOWN:
            typed = self.typed_parameter(parameter)
            if typed is not None:
                value = typed
        super()._enter(parameter, value)

    def typed_parameter(self, parameter: Node) -> Value | None:
        """What a parameter with a conventional name holds: `req`, `res`, `ctx`."""
        target = parameter[3]
        if target[0] != ir.NAME:
            return None
        for selector, kind in self.rules.typed_params:
            named = target[3] in selector.named
            if named and not (selector.annotation or selector.default or selector.decorator):
                return Value(type=kind)
        return None

    def callback(self, function: Value, others: list[Value], node: Node) -> Value:
        """A function that a library calls: with what is not known."""
        refs = function.obj if isinstance(function.obj, tuple) else (function.obj,)
        if not any(isinstance(one, FunctionRef) for one in refs):
            return UNKNOWN
        return self.calls_back(function, [], node)

    def calls_back(self, function: Value, args: list[Value], node: Node) -> Value:
        """Call a callback; whether it comes back says nothing of what follows here."""
        refs = function.obj if isinstance(function.obj, tuple) else (function.obj,)
        ref = next((one for one in refs if isinstance(one, FunctionRef)), None)
        if ref is None:
            return UNKNOWN
        count = len(ref.node[4])
        padded = [*args, *[UNKNOWN] * max(0, count - len(args))]
        result = self.call(function, padded, {}, (ir.CALL, node[1], node[2], node, (), (), False))
        self.dead = False
        return result

    def _propagate(
        self, rule: Propagator, given: Arguments, node: Node, shown: str
    ) -> Value | None:
        if rule.calls is not None:
            return None
        return super()._propagate(rule, given, node, shown)

    # Methods

    def method(
        self, recv: Value, name: str, args: list[Value], keywords: dict[str, Value], node: Node
    ) -> Value | None:
        first = args[0] if args else UNKNOWN
        if name in ("call", "apply", "bind") and (recv.name or recv.obj is not None):
            return self._function_method(recv, name, args, node)
        if name in _WAITING and args:
            settled = Value(recv.taint, recv.consts, recv.ref, recv.type)
            results = [
                self.calls_back(one, [settled] if name == "then" else [], node) for one in args
            ]
            return (
                self.joiner.values(results[0], settled, self.env) if name != "then" else results[0]
            )
        if name in _ITERATING and isinstance(first.obj, (FunctionRef, tuple)):
            return self._iterated(recv, name, first, node)
        if name == "reduce" and isinstance(first.obj, (FunctionRef, tuple)):
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
            return Value(type="bool", cond=(self.cond_of(tested)[0], {}))
        if name == "some":
            return Value(type="bool", cond=({}, self.cond_of(tested)[1]))
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

    def _of_text(self, recv: Value, name: str, args: list[Value], node: Node) -> Value | None:
        first = args[0] if args else UNKNOWN
        if name in _TESTING and args:
            pattern = first
            if pattern.type != "re.Pattern" and pattern.consts is not None:
                pattern = Value(type="re.Pattern", text=str(pattern.consts[0]))
            return self.matched(pattern, "search", recv)
        if name in ("replace", "replaceAll") and len(args) > 1:
            return self._replaced(recv, name, first, args[1], node)
        if name == "includes" and args and recv.taint and recv.type != "list":
            return self.compared("in", first, recv, node)
        if name == "indexOf" and args:
            cond = self.compared("in", first, recv, node).cond
            return Value(type="int", name="indexOf", cond=cond)
        if name in ("startsWith",) and args:
            return self.begins(recv, first)
        if name in ("endsWith", "localeCompare", "charCodeAt", "codePointAt", "lastIndexOf"):
            return Value(type="int")
        if name in ("hasOwnProperty", "isPrototypeOf"):
            return Value(type="bool")
        if name == "toFixed":
            return Value(type="int")
        if name == "concat":
            return self.built([recv, *args], node, "it is appended to a text")
        return None

    def _replaced(self, recv: Value, name: str, what: Value, by: Value, node: Node) -> Value | None:
        if isinstance(by.obj, FunctionRef):
            by = self.calls_back(by, [Value(self.narrowed(recv.taint, ~WHOLE))], node)
        if what.type == "re.Pattern":
            every = name == "replaceAll" or "g" in (what.name.partition("/")[2])
            if every and what.text:
                pattern = Value(consts=(what.text,), text=what.text)
                return self.sub([pattern, by, recv], {}, node)
            taint = self.moved(self.deep(recv), "a part of it is replaced", node, ~7)
            return Value(merge_taint(taint, self.narrowed(by.taint, ~7)), type="str")
        if name == "replace" and what.consts is not None:
            # Only the first one is replaced.
            taint = self.moved(self.deep(recv), "a part of it is replaced", node, ~7)
            if recv.consts is None:
                return Value(merge_taint(taint, self.narrowed(by.taint, ~7)), type="str")
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

    def same_text(self, args: list[Value], node: Node) -> Value | None:
        return Value(self.deep(args[0]), args[0].consts, text=args[0].text) if args else None

    def settled(self, args: list[Value], node: Node) -> Value | None:
        return args[0] if args else UNKNOWN

    def listed_all(self, args: list[Value], node: Node) -> Value | None:
        return args[0] if args else None

    def promise(self, args: list[Value], node: Node) -> Value | None:
        """`new Promise((resolve, reject) => …)`: what it is resolved with is not followed."""
        return self.calls_back(args[0], [], node) if args else UNKNOWN

    # Operators

    def _unary(self, node: Node) -> Value:
        if node[3] == "typeof":
            return Value(name="typeof", recv=self.eval(node[4]))
        return super()._unary(node)

    def operate(self, op: str, left: Value, right: Value, node: Node) -> Value:
        if op in ("|", "&", "^", "<<", ">>", ">>>", "-", "*", "/", "%", "**"):
            if left.consts is not None and right.consts is not None and op != ">>>":
                return super().operate(op, left, right, node)
            return Value(type="int")
        if op == "+" and (self.obj(left) is not None or self.obj(right) is not None):
            return self.built([left, right], node, "it is appended to a text")
        return super().operate(op, left, right, node)

    def compared(self, op: str, left: Value, right: Value, node: Node) -> Value:
        if op == "instanceof":
            return self._instance_of(left, right)
        for one, other in ((left, right), (right, left)):
            if one.name == "typeof" and other.consts is not None and op in ("==", "!="):
                kinds = {"number": "all", "boolean": "all", "string": ("nosql-injection",)}
                kind = kinds.get(str(other.consts[0]))
                value = one.recv
                if kind is not None and value is not None:
                    cond: Any = (self.facts_of(value, kind), {})
                    return Value(type="bool", cond=cond if op == "==" else (cond[1], cond[0]))
                return Value(type="bool")
            if one.name == "indexOf" and one.cond is not None and other.consts is not None:
                return self._position(op, one, other.consts[0])
        return super().compared(op, left, right, node)

    def _instance_of(self, left: Value, right: Value) -> Value:
        held, obj = self.obj(left), right.obj
        if held is not None and held.cls is not None:
            cls = self.prototype(obj) if isinstance(obj, FunctionRef) else obj
            if any(one is cls for one in held.cls.lineage()):
                return Value(consts=(True,), type="bool")
        return Value(type="bool")

    def _position(self, op: str, found: Value, number: Any) -> Value:
        """`xs.indexOf(x) !== -1` is a test of membership."""
        assert found.cond is not None
        yes, no = found.cond
        present = (op, number) in ((">", -1), (">=", 0), ("!=", -1))
        absent = (op, number) in (("==", -1), ("<", 0))
        if present:
            return Value(type="bool", cond=(yes, no))
        return Value(type="bool", cond=(no, yes) if absent else None)

    def _regex(self, node: Node) -> Value:
        pattern = node[3].replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!")
        if "m" in node[4]:
            pattern = f"(?m){pattern}"
        return Value(type="re.Pattern", text=pattern, name=f"RegExp/{node[4]}")

    # Items and markup

    def _bind_item(self, target: Node, value: Value, node: Node) -> None:
        rule = self.rules.assigns.get("*[*]")
        if rule is not None and target[3][0] == ir.INDEX:
            outer = self.eval(target[3][4])
            if outer.taint and outer.consts is None:
                for sink in rule.sinks:
                    self.sink(sink, [outer], node, "a computed key")
        super()._bind_item(target, value, node)

    def _markup(self, node: Node) -> Value:
        tag = node[3] if isinstance(node[3], str) else ""
        component = UNKNOWN if tag or not node[3] else self.eval(node[3])
        given = self.new(Obj("dict", {}))
        for name, value_node in node[4]:
            value = self.eval(value_node)
            if name is None:
                self.merge_into(given, value, node)
                continue
            self.set_item(given, constant(name), value)
            if name == "dangerouslySetInnerHTML":
                value = self.attribute(value, "__html", value_node)
            self.assigned(
                [f"jsx.{tag or '*'}[{name}]", f"jsx.*[{name}]"][:: 1 if tag else 2],
                value,
                value_node,
                None,
            )
        for child in node[5]:
            self.eval(child)
        if isinstance(component.obj, FunctionRef):
            self.calls_back(component, [given], node)
        return Value(type="markup")


Function = Callable[[JavaScript, list[Value], Node], Value | None]
_FUNCTIONS: dict[str, Function] = {
    "Object.assign": JavaScript.assign_all,
    "Object.values": JavaScript.values_of,
    "Object.keys": JavaScript.keys_of,
    "Object.entries": JavaScript.entries_of,
    "Object.fromEntries": JavaScript.from_entries,
    "Object.freeze": JavaScript.settled,
    "structuredClone": JavaScript.settled,
    "Map": JavaScript.new_map,
    "Set": JavaScript.new_set,
    "util.promisify": JavaScript.settled,
    "RegExp": JavaScript.new_pattern,
    "String": JavaScript.same_text,
    "decodeURIComponent": JavaScript.same_text,
    "decodeURI": JavaScript.same_text,
    "unescape": JavaScript.same_text,
    "atob": JavaScript.same_text,
    "JSON.parse": JavaScript.settled,
    "Promise": JavaScript.promise,
    "Promise.resolve": JavaScript.settled,
    "Promise.all": JavaScript.listed_all,
    "Promise.allSettled": JavaScript.listed_all,
    "Promise.race": JavaScript.listed_all,
    "Array.from": JavaScript.settled,
}
