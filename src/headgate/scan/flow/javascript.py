"""JavaScript's own ways, over the interpreter that all languages share."""

from __future__ import annotations

import re
from typing import Any

from headgate.model.finding import Confidence, Severity
from headgate.scan.flow.javascript_answers import JavaScriptAnswers
from headgate.scan.flow.program import FunctionRef
from headgate.scan.flow.sinks import dotted
from headgate.scan.flow.values import UNKNOWN, WHOLE, Facts, Obj, Taint, Value, constant
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.ir.walking import walk
from headgate.scan.packs.schema import KindName, Literal

_SECRET = re.compile(
    r"(secret|token|api_?key|signature|hmac|digest|hash|otp|passcode)$|(^|_)(pin|sig|mac|key)$",
    re.IGNORECASE,
)
_TIMED = Literal(
    KindName("timing-unsafe-comparison"),
    confidence=Confidence.MEDIUM,
    message="`{sink}` is compared in a time that depends on how much of it is right.",
)
_PROPERTY = Literal(
    KindName("xss"),
    severity=Severity.LOW,
    confidence=Confidence.MEDIUM,
    message="What the component is given becomes markup as it is at `{sink}`.",
)
_ASSERTING = frozenset({"assert", "assert.ok", "invariant"})
_SORTS = frozenset({"name", "code", "type", "errno", "statusCode", "status", "isJoi", "expose"})
"""Attributes that say what sort of error it is."""


class JavaScript(JavaScriptAnswers):
    """The interpreter of JavaScript: operators, computed keys, markup."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._merging: dict[tuple[str, int], frozenset[tuple[str, str]]] = {}

    def _expression(self, node: Node) -> None:
        """`assert(…)` and Koa's `ctx.assert(…, 400)` go on only where it holds."""
        super()._expression(node)
        call = node[3]
        if call[0] == ir.CALL and call[4] and call[4][0][0] != ir.STAR:
            name = dotted(call[3])
            stops = name in _ASSERTING or (name.endswith(".assert") and name != "console.assert")
            if stops and not self.assume(self.eval(call[4][0]), True):
                self.dead = True

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
        result = self._compared(op, left, right, node)
        if op not in ("==", "in") or result.cond is None or not (left.taint or right.taint):
            return result
        yes, no = result.cond
        one, other = (left, right) if left.taint else (right, left)
        if op == "==" or one is left:
            for token in one.taint or ():
                # Who sent a message, and what sort of error it is, tells of all of it.
                tail = token.key.rpartition(".")[2]
                above = token.parent
                if above is None or yes is None or token not in yes:
                    continue
                if tail == "origin" or (tail in _SORTS and token.label == "error"):
                    yes = {**yes, above: yes.get(above, 0) | yes[token]}
            if op == "==" and yes is not None and left.taint and right.taint:
                yes = {**yes, **_unchanged(left.taint, right.taint, yes)}
            if no is not None and self._names_prototypes(other):
                mask = self.rules.mask(("prototype-pollution",))
                no = {**no, **{token: no.get(token, 0) | mask for token in one.taint or ()}}
        return Value(consts=result.consts, type="bool", cond=(yes, no))

    def _compare_rules(self, one: Node, other: Node, left: Value, right: Value, node: Node) -> None:
        super()._compare_rules(one, other, left, right, node)
        for kept, name, sent in ((left, dotted(one), right), (right, dotted(other), left)):
            if (
                not _SECRET.search(name.rpartition(".")[2])
                or _is_sent(kept)
                or kept.consts == ("",)
            ):
                continue
            if _is_sent(sent) or sent.type.endswith(".digest"):
                self.literal(_TIMED, node, name)
                return

    def _names_prototypes(self, value: Value) -> bool:
        """Whether it is `__proto__`, or a list that holds it."""
        if value.consts is not None:
            return "__proto__" in value.consts
        held = self.obj(value)
        return held is not None and any(one.consts == ("__proto__",) for one in held.items.values())

    def _compared(self, op: str, left: Value, right: Value, node: Node) -> Value:
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
        if left.taint and right.name != "Error":
            # An error of the program's own says what it is meant to say.
            return Value(type="bool", cond=(self.facts_of(left, ("error-exposure",)), {}))
        return Value(type="bool")

    def _position(self, op: str, found: Value, number: Any) -> Value:
        """`xs.indexOf(x) !== -1` is a test of membership."""
        assert found.cond is not None
        if number == 0 and op in ("==", "!=") and found.recv is not None:
            # `text.indexOf(prefix) === 0`
            yes, no = found.recv.cond or (None, None)
            return Value(type="bool", cond=(yes, no) if op == "==" else (no, yes))
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
        elif rule is not None and value.taint and self._merges(target):
            key = self.eval(target[4])
            if key.taint and key.consts is None:
                for sink in rule.sinks:
                    self.sink(sink, [key], node, "a computed key")
        super()._bind_item(target, value, node)

    def _merges(self, target: Node) -> bool:
        """`into[key] = …` in a function that calls itself with `into[key]`."""
        if target[3][0] != ir.NAME or target[4][0] != ir.NAME:
            return False
        for function in self.within[-2:]:
            place = (self.frame.module.path, function[1])
            known = self._merging.get(place)
            if known is None:
                known = self._merging[place] = _passed_items(function)
            if (target[3][3], target[4][3]) in known:
                return True
        return False

    def _is_property(self, markup: Node) -> bool:
        """Whether it is `{ __html: … }` of something that a component is given."""
        if markup[0] != ir.MAP or not markup[3] or not self.within:
            return False
        node: Node = markup[3][0][1]
        while node[0] == ir.ATTR:
            node = node[3]
        if node[0] != ir.NAME or not self.within[0][3][:1].isupper():
            return False
        # What a component is given, or one of many.
        given = [function[4][0][3] for function in self.within[:2] if function[4]]
        return any(
            one[0] == ir.NAME and one[3] == node[3] for target in given for one in walk(target)
        )

    def _markup(self, node: Node) -> Value:
        named: str | Node = node[3]
        tag = named if isinstance(named, str) else ""
        component = UNKNOWN if isinstance(named, str) else self.eval(named)
        given = self.new(Obj("dict", {}))
        for name, value_node in node[4]:
            value = self.eval(value_node)
            if name is None:
                self.merge_into(given, value, node)
                continue
            self.set_item(given, constant(name), value)
            if name == "dangerouslySetInnerHTML":
                value = self.attribute(value, "__html", value_node)
                if not value.taint and value.consts is None and self._is_property(value_node):
                    self.literal(_PROPERTY, value_node, name)
            names = [f"jsx.{tag}[{name}]"] if tag else []
            self.assigned([*names, f"jsx.*[{name}]"], value, value_node, None)
        for child in node[5]:
            self.eval(child)
        if isinstance(component.obj, FunctionRef):
            self.calls_back(component, [given], node)
        return Value(type="markup")


def _unchanged(left: Taint, right: Taint, known: Facts) -> Facts:
    """`name === path.basename(name)`: what would be taken out is not in it."""
    out: Facts = {}
    for token, (mask, _) in left.items():
        other = right.get(token)
        if other is not None and (mask | other[0]) & WHOLE:
            out[token] = known.get(token, 0) | ((mask | other[0]) & ~7)
    return out


def _is_sent(value: Value) -> bool:
    """Whether it is what a stranger sends."""
    return any(token.root().label == "web" for token in value.taint or ())


def _passed_items(function: Node) -> frozenset[tuple[str, str]]:
    """The parameters and keys of `f(into[key], …)` in a function `f`."""
    name = function[3]
    parameters = {one[3][3] for one in function[4] if one[3][0] == ir.NAME}
    found: set[tuple[str, str]] = set()
    for call in walk(function[5]) if name else ():
        if call[0] != ir.CALL or dotted(call[3]).rpartition(".")[2] != name:
            continue
        for one in walk(call[4]):
            named = one[0] == ir.INDEX and one[3][0] == ir.NAME and one[4][0] == ir.NAME
            if named and one[3][3] in parameters:
                found.add((one[3][3], one[4][3]))
    return frozenset(found)
