"""JavaScript's functions: what their parameters hold, and those that libraries call back."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.core import Frame
from headgate.scan.flow.javascript_objects import JavaScriptObjects, functions_in
from headgate.scan.flow.program import FunctionRef, free_names
from headgate.scan.flow.sinks import Arguments
from headgate.scan.flow.transfer import Summary
from headgate.scan.flow.values import UNKNOWN, Obj, Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.schema import Propagator


class JavaScriptFunctions(JavaScriptObjects):
    """Functions as values."""

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
        return self.calls_back(function, [], node)

    def calls_back(self, function: Value, args: list[Value], node: Node) -> Value:
        """Call a callback; whether it comes back says nothing of what follows here."""
        refs = functions_in(function)
        if not refs:
            return UNKNOWN
        count = len(refs[0].node[4])
        padded = [*args, *[UNKNOWN] * max(0, count - len(args))]
        result = self.call(function, padded, {}, (ir.CALL, node[1], node[2], node, (), (), False))
        self.dead = False
        return result

    def _propagate(
        self, rule: Propagator, given: Arguments, node: Node, shown: str
    ) -> Value | None:
        recv = given[0]
        if rule.calls is not None:
            return None
        if rule.sources == ("none",) and recv is not None and (recv.taint or recv.ref is not None):
            # A list or text that came in, not a store that is asked.
            return None
        return super()._propagate(rule, given, node, shown)
