"""Evaluates expressions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from headgate.scan.flow.attributes import SuperRef
from headgate.scan.flow.containers import MAX_ITEMS
from headgate.scan.flow.guards import without_elements
from headgate.scan.flow.operations import Operations
from headgate.scan.flow.program import ClassRef, FunctionRef
from headgate.scan.flow.values import (
    FALSE,
    NONE,
    TRUE,
    UNKNOWN,
    Obj,
    Value,
    constant,
    truth,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Expressions(Operations):
    """Expressions."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._evaluators: dict[int, Callable[[Node], Value]] = {
            ir.CONST: self._const,
            ir.NAME: self._name,
            ir.ATTR: self._attr,
            ir.INDEX: self._index,
            ir.CALL: self._call,
            ir.BUILD: self._build,
            ir.BINARY: self._binary,
            ir.UNARY: self._unary,
            ir.COMPARE: self._compare,
            ir.BOOL: self._bool,
            ir.COND: self._cond,
            ir.SEQ: self._seq,
            ir.MAP: self._map,
            ir.LAMBDA: self._lambda,
            ir.COMPREHENSION: self._comprehension,
            ir.AWAIT: self._await,
            ir.YIELD: self._yield,
            ir.ASSIGNING: self._assigning,
            ir.DEFAULT: self._default,
            ir.STAR: self._star,
            ir.REGEX: self._regex,
            ir.CLASS_EXPR: self._class,
            ir.MARKUP: self._markup,
            ir.OPAQUE: self._opaque,
            ir.COMMA: self._comma,
            ir.SLICE: self._slice,
        }

    def eval(self, node: Node) -> Value:
        return self._evaluators[node[0]](node)

    # Leaves

    def _const(self, node: Node) -> Value:
        value = node[3]
        if value is None:
            return NONE
        if value is True:
            return TRUE
        if value is False:
            return FALSE
        return constant(value)

    def _name(self, node: Node) -> Value:
        return self.lookup(node[3], node)

    def _attr(self, node: Node) -> Value:
        value = self.eval(node[3])
        return self.attribute(value, node[4], node)

    def _index(self, node: Node) -> Value:
        value = self.eval(node[3])
        index = node[4]
        if index[0] == ir.SLICE:
            return self._sliced(value, index, node)
        key = self.eval(index)
        held = self.obj(value)
        if held is not None and held.cls is not None:
            method = held.cls.member("__getitem__")
            if method is not None:
                return self.call(self.bound(method, value, held.cls, node), [key], {}, node)
        if isinstance(value.obj, ClassRef) or (value.name and not value.taint and not value.ref):
            full = f"{value.name}[{key.consts[0]}]" if value.name and key.consts else ""
            stored = self.env.vars.get(full) or self.shared_under(full) if full else None
            if stored is not None:
                return stored
            if isinstance(value.obj, ClassRef):
                return value
        if value.type and value.ref is not None and value.type in self.rules.types:
            return self._typed_item(value, key, node)
        if value.type.startswith("collections.defaultdict"):
            self.defaulted(value, key)
        found = self.item(value, key, node)
        known = self.rules.types.get(value.type) if value.type else None
        kind = known.methods.get("[]", "") if known is not None else ""
        if not kind or found.type == kind:
            return found
        return Value(found.taint, found.consts, found.ref, kind, found.name, found.obj)

    def _typed_item(self, value: Value, key: Value, node: Node) -> Value:
        """`config["section"]["key"]` of a type whose methods take by several keys."""
        held = self.obj(value)
        if held is not None and key.consts is not None and len(key.consts) == 1:
            first = key.consts[0]
            inner: dict[Any, Value] = {
                one[-1]: item
                for one, item in held.items.items()
                if isinstance(one, tuple) and isinstance(first, str) and one[0] == first.lower()
            }
            if inner and first not in held.items:
                return self.new(Obj("dict", inner, held.rest, None, held.open))
        return self.item(value, key, node)

    def _sliced(self, value: Value, index: Node, node: Node) -> Value:
        bounds: list[int | None] = []
        known = True
        for one in index[3:6]:
            if one is None:
                bounds.append(None)
                continue
            got = self.eval(one)
            at = got.consts[0] if got.consts is not None and len(got.consts) == 1 else ""
            if at is None or (isinstance(at, int) and not isinstance(at, bool)):
                bounds.append(at)
            else:
                known = False
        if known and bounds[2] == 0:
            known = False
        if known and value.consts is not None:
            folded = self._fold(operator.getitem, (value.consts, (slice(*bounds),)))
            if folded is not None:
                return folded
        held = self.obj(value)
        if held is not None:
            ordered = self.sequence(value, node)
            if ordered is not None and known:
                return self.make_list(ordered[slice(*bounds)], held.kind)
            return self.bag(self.any_item(held) or UNKNOWN)
        return Value(self.moved(value.taint, "a part of it is taken", node, ~7), type=value.type)

    def _slice(self, node: Node) -> Value:
        for one in node[3:6]:
            if one is not None:
                self.eval(one)
        return UNKNOWN

    # Calls

    def _call(self, node: Node) -> Value:
        function = self.eval(node[3])
        args: list[Value] = []
        keywords: dict[str, Value] = {}
        extra: Value | None = None
        for one in node[4]:
            if one[0] != ir.STAR:
                args.append(self.eval(one))
                continue
            spread = self.eval(one[3])
            ordered = self.sequence(spread, node)
            if ordered is not None:
                args.extend(ordered)
            else:
                item = self.iterate(spread, node)
                extra = item if extra is None else self.joiner.values(extra, item, self.env)
        for name, one in node[5]:
            if name is not None:
                before, self.target = self.target, name
                value = self.eval(one)
                self.target = before
                keywords[name] = value
                self.named(name, value, one)
                continue
            spread = self.eval(one)
            held = self.obj(spread)
            if held is not None:
                keywords.update({k: v for k, v in held.items.items() if isinstance(k, str)})
                if held.rest is not None:
                    extra = held.rest
            elif spread.taint:
                extra = Value(self.part(spread.taint, "*", node))
        if node[3] == (ir.NAME, node[3][1], node[3][2], "super"):
            return self._super(args)
        return self.call(function, args, keywords, node, extra)

    def _super(self, args: list[Value]) -> Value:
        ref = self.frame.self_ref
        cls = self.frame.cls
        if cls is None or ref is None:
            return UNKNOWN
        return Value(ref=ref, obj=SuperRef(cls))

    def _seq(self, node: Node) -> Value:
        items: list[Value] = []
        spread: Value | None = None
        for one in node[4]:
            if one[0] != ir.STAR:
                items.append(self.eval(one))
                continue
            value = self.eval(one[3])
            ordered = self.sequence(value, node)
            if ordered is not None:
                items.extend(ordered)
            else:
                item = self.iterate(value, node)
                spread = item if spread is None else self.joiner.values(spread, item, self.env)
        if spread is not None:
            for item in items:
                spread = self.joiner.values(spread, item, self.env)
            return self.bag(spread, node[3])
        return self.make_list(items, node[3])

    def _map(self, node: Node) -> Value:
        value = self.new(Obj("dict", {}))
        if len(node[3]) > MAX_ITEMS:
            rest: Value = UNKNOWN
            for _, item in node[3]:
                rest = self.joiner.values(rest, self.eval(item), self.env)
            return self.bag(rest, "dict")
        for key_node, item_node in node[3]:
            if key_node is None:
                self.merge_into(value, self.eval(item_node), node)
                continue
            key = self.eval(key_node)
            name = key.consts[0] if key.consts and isinstance(key.consts[0], str) else ""
            before, self.target = self.target, name or self.target
            item = self.eval(item_node)
            self.target = before
            if name:
                self.named(name, item, item_node)
            self.set_item(value, key, self.stored(item, item_node))
        return value

    def _comprehension(self, node: Node) -> Value:
        kind, key_node, element_node, clauses = node[3], node[4], node[5], node[6]
        before = self.env
        self.env = before.fork()
        first = clauses[0] if clauses else None
        if first is not None and len(clauses) == 1:
            items = self.sequence(self.eval(first[1]), node)
            if items is not None and len(items) <= 8 and kind in ("list", "generator"):
                out: list[Value] | None = []
                for item in items:
                    self.bind(first[0], item, node)
                    tests = [truth(self.eval(test)) for test in first[2]]
                    if any(test is False for test in tests):
                        continue
                    if any(test is None for test in tests):
                        out = None
                        break
                    out.append(self.eval(element_node))
                if out is not None:
                    heap = self.env.heap
                    self.env = before
                    self.env.heap.update(heap)
                    return self.make_list(out)
        for target, iterable, tests in clauses:
            self.bind(target, self.iterate(self.eval(iterable), node), node)
            for test in tests:
                self.assume(self.eval(test), True)
        key = self.eval(key_node) if key_node is not None else None
        element = self.eval(element_node)
        if element.cond is None:
            element = self._cleared_here(element) or element
        elif any(tests for _, _, tests in clauses):
            # Of items that are left out nothing is known.
            element = without_elements(element)
        heap = self.env.heap
        self.env = before
        self.env.heap.update(heap)
        if kind == "dict":
            value = self.new(Obj("dict", {}))
            self.set_item(value, key or UNKNOWN, element)
            held = self.obj(value)
            if held is not None:
                self.put(value, Obj("dict", held.items, held.rest, None, True))
            return value
        return self.bag(element, "set" if kind == "set" else "list")

    def _lambda(self, node: Node) -> Value:
        return self.closure(node[3])

    def closure(self, function: Node) -> Value:
        """A function that is defined here."""
        frame = self.frame
        top = frame.depth < 0
        ref = FunctionRef(
            frame.module,
            function,
            None,
            None if top else self.env.vars,
            None if top else frame,
        )
        return Value(obj=ref)

    def _await(self, node: Node) -> Value:
        return self.eval(node[3])

    def _yield(self, node: Node) -> Value:
        value = self.eval(node[3]) if node[3] is not None else NONE
        if node[4]:
            value = self.iterate(value, node)
        frame = self.frame
        if frame.yielded is None:
            frame.yielded = value
        else:
            frame.yielded = self.joiner.values(frame.yielded, value, self.env)
        return UNKNOWN

    def _assigning(self, node: Node) -> Value:
        value = self.eval(node[5])
        if node[4]:
            value = self.operate(node[4], self.eval(node[3]), value, node)
        self.bind(node[3], value, node)
        return value

    def _default(self, node: Node) -> Value:
        # Half-written: a target where no target can be.
        return self.eval(node[4])

    def _star(self, node: Node) -> Value:
        return self.bag(self.iterate(self.eval(node[3]), node))

    def _regex(self, node: Node) -> Value:
        return Value(type="re.Pattern", text=node[3])

    def _class(self, node: Node) -> Value:
        return self.make_class(node[3])

    def _markup(self, node: Node) -> Value:
        values = [self.eval(one) for _, one in node[4]]
        values += [self.eval(one) for one in node[5]]
        return Value(type="markup") if values else UNKNOWN

    def _opaque(self, node: Node) -> Value:
        values = [self.eval(one) for one in node[3]]
        taint = self.union(values)
        return Value(taint) if taint else UNKNOWN

    def _comma(self, node: Node) -> Value:
        out = UNKNOWN
        for one in node[3]:
            out = self.eval(one)
        return out
