"""Operators: of texts, numbers, containers, comparisons and tests."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from headgate.scan.flow.attributes import Attributes
from headgate.scan.flow.containers import MAX_ITEMS
from headgate.scan.flow.findings import Hit
from headgate.scan.flow.sinks import dotted, last_word
from headgate.scan.flow.values import (
    UNKNOWN,
    Obj,
    Value,
    constant,
    merge_taint,
    truth,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.schema import Literal

_FEW = 64
"""Repetitions of a constant text that are written out."""
_ESCAPING = {"markupsafe.Markup": ("xss",)}
"""Texts that make what is formatted into them safe, and for what."""
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda one, other: one / other,
    "//": lambda one, other: one // other,
    "%": operator.mod,
    "&": lambda one, other: one & other,
    "|": lambda one, other: one | other,
    "^": lambda one, other: one ^ other,
    "**": lambda one, other: one**other if abs(other) < 20 and abs(one) < 1000 else 1 / 0,
    "<<": lambda one, other: one << other if other < 64 else 1 / 0,
    ">>": lambda one, other: one >> other,
}


class Operations(Attributes):
    """What operators give."""

    def _build(self, node: Node) -> Value:
        parts = [self.eval(one) for one in node[3]]
        return self.built(parts, node, "it is put into a text")

    def _binary(self, node: Node) -> Value:
        op = node[3]
        left = self.eval(node[4])
        right = self.eval(node[5])
        return self.operate(op, left, right, node)

    def operate(self, op: str, left: Value, right: Value, node: Node) -> Value:
        """`left op right`."""
        if op in ("%", "+") and left.type in _ESCAPING:
            # It escapes what is put into it.
            mask = self.rules.mask(_ESCAPING[left.type])
            taint = merge_taint(left.taint, self.narrowed(self.deep(right), ~7, mask))
            return Value(taint, type=left.type)
        if left.consts is not None and right.consts is not None:
            function = _ARITHMETIC.get(op)
            if op == "%" and isinstance(left.consts[0], (str, bytes)):
                return self.percent(left, right, node)
            if op == "*" and any(
                isinstance(o, (str, bytes)) for o in (*left.consts, *right.consts)
            ):
                short = all(
                    isinstance(o, (str, bytes)) or o <= _FEW
                    for o in (*left.consts, *right.consts)
                    if isinstance(o, (str, bytes, int))
                )
                repeated = self._fold(operator.mul, (left.consts, right.consts)) if short else None
                return repeated or Value(type="str")
            folded = self._fold(function, (left.consts, right.consts)) if function else None
            if folded is not None:
                return folded
        if op == "%" and (left.consts is not None or left.type == "str" or left.text is not None):
            return self.percent(left, right, node)
        one, other = self.obj(left), self.obj(right)
        if op == "-" and one is not None and one.kind == "set":
            # `if set(text) - ALLOWED: …`
            rest = self.bag(self.any_item(one) or UNKNOWN, "set")
            facts = self.contained(left, right)
            return Value(ref=rest.ref, cond=({}, facts)) if facts else rest
        if op in ("+", "|") and (one is not None or other is not None):
            return self._added(op, left, right, node)
        if op == "+":
            if left.type in ("int", "float") or right.type in ("int", "float"):
                return Value(type="int")
            numbers = any(
                value.consts and not isinstance(value.consts[0], (str, bytes))
                for value in (left, right)
            )
            if not numbers:
                return self.built([left, right], node, "it is appended to a text")
        taint = merge_taint(self.deep(left), self.deep(right))
        if op == "/":
            # `folder / name`, and `name / folder`: either makes a path of the other.
            kinds = [left.type, right.type]
            kind = next((one for one in kinds if one.startswith("pathlib.")), left.type)
            if not taint:
                return Value(type=kind if kind.startswith("pathlib.") else "", text="\0")
            parts = [left, constant("/"), right]
            value = self.built(parts, node, "it is joined to a path")
            return Value(value.taint, type=kind, text=value.text)
        if not taint:
            return UNKNOWN
        if op in ("-", "*", "//", "**", "<<", ">>", "&", "^") and op != "*":
            return Value(self.narrowed(taint, ~7))
        return Value(self.moved(taint, f"`{op}` is applied", node, ~7))

    def _added(self, op: str, left: Value, right: Value, node: Node) -> Value:
        one, other = self.obj(left), self.obj(right)
        kind = (one or other or Obj("list", {})).kind
        if kind == "dict":
            value = self.new(Obj("dict", {}))
            self.merge_into(value, left, node)
            self.merge_into(value, right, node)
            return value
        first, second = self.sequence(left, node), self.sequence(right, node)
        if first is not None and second is not None and len(first) + len(second) < MAX_ITEMS:
            return self.make_list(first + second, kind)
        item = self.joiner.values(self.iterate(left, node), self.iterate(right, node), self.env)
        return self.bag(item, kind)

    def _unary(self, node: Node) -> Value:
        value = self.eval(node[4])
        if node[3] == "not":
            return self.negated(value)
        if value.consts is not None and node[3] in ("-", "+", "~"):
            function = {"-": operator.neg, "+": operator.pos, "~": operator.invert}[node[3]]
            folded = self._fold(function, (value.consts,))
            if folded is not None:
                return folded
        return Value(type="int") if node[3] != "await" else value

    def _compare(self, node: Node) -> Value:
        left = self.eval(node[3])
        out: Value | None = None
        before = node[3]
        for op, right_node in node[4]:
            right = self.eval(right_node)
            if op in ("==", "!="):
                self._compare_rules(before, right_node, left, right, node)
            result = self._special(op, left, right, node)
            out = result if out is None else self.both(out, result, result, both=True)
            left, before = right, right_node
        return out or UNKNOWN

    def _special(self, op: str, left: Value, right: Value, node: Node) -> Value:
        for one, other in ((left, right), (right, left)):
            held = self.obj(one)
            if op == "in" or held is None or held.cls is None:
                continue
            method = held.cls.member("__eq__")
            if method is not None and op == "==":
                return self.call(self.bound(method, one, held.cls, node), [other], {}, node)
        return self.compared(op, left, right, node)

    def _compare_rules(self, one: Node, other: Node, left: Value, right: Value, node: Node) -> None:
        for literal in self.rules.named:
            if not literal.compare:
                continue
            if literal.labels:
                self._compares_secret(literal, one, other, left, right, node)
                continue
            for side, against in ((one, right), (other, left)):
                name = side[4] if side[0] == ir.ATTR else side[3] if side[0] == ir.NAME else ""
                if (
                    isinstance(name, str)
                    and self.rules.wanted_name(name)
                    and against.consts is None
                    and self.value_meets(literal.value, against)
                ):
                    self.literal(literal, node, name)
                    return

    def _compares_secret(
        self, literal: Literal, one: Node, other: Node, left: Value, right: Value, node: Node
    ) -> None:
        """Report what comes in and is compared with something that a name calls a secret."""
        if literal.files and not re.search(literal.files, self.frame.module.path):
            return
        for value, mine, against, their in (
            (left, one, right, other),
            (right, other, left, one),
        ):
            if not value.taint or against.consts is not None:
                continue
            if "digest" in literal.labels:
                given = {t: one for t, one in value.taint.items() if t.label == "digest"}
            else:
                given = {} if self.deep(against) else value.taint
            if not given:
                continue
            words = [last_word(mine), last_word(their)]
            words += [token.key.rpartition(".")[2] for token in given]
            if not any(
                re.fullmatch(literal.named, word.replace("-", "_"), re.IGNORECASE) for word in words
            ):
                continue
            for token, (mask, trace) in given.items():
                if mask & self.rules.bits[literal.kind]:
                    continue
                self.report(
                    Hit(
                        literal.kind, token, trace, self.frame.module.path, node[1], node[2],
                        dotted(mine), literal.confidence, literal.severity,
                    )
                )  # fmt: skip
            return

    def _bool(self, node: Node) -> Value:
        op = node[3]
        out: Value | None = None
        saved = self.env.facts
        for one in node[4]:
            if out is not None:
                known = truth(out)
                if op == "??":
                    if out.consts is not None and None not in out.consts:
                        break
                elif known is (op == "or") and known is not None:
                    break
                if op != "??" and not self.assume(out, op == "and"):
                    break
            value = self.eval(one)
            if out is None:
                out = value
                continue
            if self.dead and op != "??":
                # `find() or abort(404)`: it goes on only where the right side was not asked for.
                self.env.facts = saved
                self.dead = not self.assume(out, op == "or")
                return out
            known = truth(out)
            if (op != "??" and known is (op == "and")) or (
                op == "or" and out.consts is not None and not any(out.consts)
            ):
                result = value
            else:
                either = out
                if op == "and":
                    # What is taken for false is empty, or nothing: no data in it does harm.
                    either = Value(consts=out.consts, type=out.type)
                elif op == "or" and out.consts is not None:
                    kept = tuple(c for c in out.consts if c)
                    either = Value(out.taint, kept or None, out.ref, out.type, out.name, out.obj)
                result = self.joiner.values(either, value, self.env)
            out = result if op == "??" else self.both(out, value, result, both=op == "and")
        self.env.facts = saved
        return out or UNKNOWN

    def _cond(self, node: Node) -> Value:
        test = self.eval(node[3])
        known = truth(test)
        if known is not None:
            return self.eval(node[4] if known else node[5])
        start = self.env
        self.env = start.fork()
        then = self._way(node[4], test, truth=True)
        after = self.env
        self.env = start.fork()
        otherwise = self._way(node[5], test, truth=False)
        self.dead = then is None and otherwise is None
        joined = self.joiner.envs(after if then is not None else None, self.env)
        if joined is not None:
            self.env = joined
        if then is None or otherwise is None:
            return then or otherwise or UNKNOWN
        return self.joiner.values(then, otherwise, self.env)

    def _way(self, node: Node, test: Value, *, truth: bool) -> Value | None:
        """The value of one side of a condition; None: it is not reached, or does not come back."""
        value = self.eval(node) if self.assume(test, truth) else None
        gone, self.dead = self.dead, False
        return None if gone else self._cleared_here(value)

    def _cleared_here(self, value: Value | None) -> Value | None:
        """A value with what is known where it is made: the way there is forgotten after."""
        if value is None or not value.taint or not self.env.facts:
            return value
        taint = {
            token: (mask | (self.cleared(token, self.facts_for(token)) & ~7), trace)
            for token, (mask, trace) in value.taint.items()
        }
        return Value(
            taint, value.consts, value.ref, value.type, value.name, value.obj, value.recv,
            value.text,
        )  # fmt: skip
