"""JavaScript's own ways, over the interpreter that all languages share."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.javascript_answers import JavaScriptAnswers
from headgate.scan.flow.program import FunctionRef
from headgate.scan.flow.values import UNKNOWN, Obj, Value, constant
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class JavaScript(JavaScriptAnswers):
    """The interpreter of JavaScript: operators, computed keys, markup."""

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
            names = [f"jsx.{tag}[{name}]"] if tag else []
            self.assigned([*names, f"jsx.*[{name}]"], value, value_node, None)
        for child in node[5]:
            self.eval(child)
        if isinstance(component.obj, FunctionRef):
            self.calls_back(component, [given], node)
        return Value(type="markup")
