"""Python's functions that make containers, and that go through them."""

from __future__ import annotations

from headgate.scan.flow.sinks import Sinks
from headgate.scan.flow.values import (
    UNKNOWN,
    Cond,
    Obj,
    Value,
    add_facts,
    constant,
    merge_facts,
    truth,
)
from headgate.scan.ir.nodes import Node


class Iterables(Sinks):
    """`list`, `zip`, `map`, `any` and those like them."""

    def collection(self, kind: str, args: list[Value], node: Node) -> Value:
        if not args:
            return self.new(Obj(kind, {}))
        ordered = self.sequence(args[0], node)
        if ordered is not None and kind != "set":
            return self.make_list(ordered, kind)
        if ordered is not None:
            return self.make_list(ordered, "set")
        return self.bag(self.iterate(args[0], node), kind)

    def listed(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return self.collection("list", args, node)

    def tupled(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return self.collection("tuple", args, node)

    def set_of(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return self.collection("set", args, node)

    def ordered(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return self.bag(self.iterate(args[0], node)) if args else UNKNOWN

    def reversed_(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        found = self.sequence(args[0], node) if args else None
        return self.make_list(found[::-1]) if found is not None else self.ordered(args, {}, node)

    def dictionary(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        value = self.new(Obj("dict", {}))
        if args:
            pairs = self.sequence(args[0], node)
            if pairs is not None:
                for pair in pairs:
                    both = self.sequence(pair, node)
                    if both is not None and len(both) == 2:
                        self.set_item(value, both[0], both[1])
                    else:
                        self.set_item(value, UNKNOWN, Value(self.deep(pair)))
            else:
                self.merge_into(value, args[0], node)
        for name, item in keywords.items():
            self.set_item(value, constant(name), item)
        return value

    def enumerated(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if not args:
            return UNKNOWN
        ordered = self.sequence(args[0], node)
        if ordered is not None and len(ordered) <= 20:
            pairs = [
                self.make_list([constant(index), one], "tuple") for index, one in enumerate(ordered)
            ]
            return self.make_list(pairs)
        item = self.make_list([Value(type="int"), self.iterate(args[0], node)], "tuple")
        return self.bag(item)

    def zipped(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        sides = [self.sequence(one, node) for one in args]
        known = [one for one in sides if one is not None]
        if len(known) == len(args) and known:
            count = min(len(one) for one in known)
            if count <= 20:
                return self.make_list(
                    [self.make_list([one[i] for one in known], "tuple") for i in range(count)]
                )
        return self.bag(self.make_list([self.iterate(one, node) for one in args], "tuple"))

    def mapped(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if len(args) < 2:
            return UNKNOWN
        ordered = [self.sequence(one, node) for one in args[1:]]
        first = ordered[0]
        if len(args) == 2 and first is not None and len(first) <= 8:
            return self.make_list([self.call(args[0], [one], {}, node) for one in first])
        items = [self.iterate(one, node) for one in args[1:]]
        return self.bag(self.call(args[0], items, {}, node))

    def filtered(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if len(args) < 2:
            return UNKNOWN
        item = self.iterate(args[1], node)
        test = args[0]
        if test.name.startswith("str."):
            tested = self.call(Value(name=test.name, recv=item), [], {}, node)
        elif test.obj is not None:
            tested = self.call(test, [item], {}, node)
        else:
            tested = None
        if tested is not None:
            facts = tested.cond[0] if tested.cond is not None else None
            if facts and item.taint:
                item = Value(
                    {t: (mask | facts.get(t, 0), trace) for t, (mask, trace) in item.taint.items()},
                    item.consts,
                )
        return self.bag(item)

    def next_(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if not args:
            return UNKNOWN
        item = self.iterate(args[0], node)
        return self.joiner.values(item, args[1], self.env) if len(args) > 1 else item

    def same(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return args[0] if args else UNKNOWN

    def most(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if len(args) == 1:
            return self.iterate(args[0], node)
        out = UNKNOWN if not args else args[0]
        for one in args[1:]:
            out = self.joiner.values(out, one, self.env)
        return out

    def any_all(self, args: list[Value], node: Node, *, every: bool) -> Value:
        """`any` and `all` over what a comprehension tests."""
        if not args:
            return UNKNOWN
        ordered = self.sequence(args[0], node)
        if ordered:
            return self._each(ordered, every=every)
        item = self.iterate(args[0], node)
        yes, no = self.cond_of(item)
        cond: Cond = (self.lifted(yes), {}) if every else ({}, self.lifted(no))
        return Value(type="bool", cond=cond)

    def _each(self, values: list[Value], *, every: bool) -> Value:
        """Of tests that are all known."""
        yes, no = self.cond_of(values[0])
        for one in values[1:]:
            other_yes, other_no = self.cond_of(one)
            if every:
                yes, no = add_facts(yes, other_yes), merge_facts(no, other_no)
            else:
                yes, no = merge_facts(yes, other_yes), add_facts(no, other_no)
        truths = [truth(one) for one in values]
        consts: tuple[bool, ...] | None = None
        if None not in truths:
            consts = (all(truths) if every else any(truths),)
        return Value(consts=consts, type="bool", cond=(yes, no))

    def any_(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return self.any_all(args, node, every=False)

    def all_(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        return self.any_all(args, node, every=True)

    def ranged(self, args: list[Value], keywords: dict[str, Value], node: Node) -> Value:
        if len(args) == 1 and args[0].consts and len(args[0].consts) == 1:
            count = args[0].consts[0]
            if isinstance(count, int) and 0 <= count <= 12:
                return self.make_list([constant(index) for index in range(count)])
        return self.bag(Value(type="int"))
