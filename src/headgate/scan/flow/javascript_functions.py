"""JavaScript's functions: what their parameters hold, and those that libraries call back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headgate.scan.flow.core import Frame
from headgate.scan.flow.javascript_objects import JavaScriptObjects, functions_in
from headgate.scan.flow.program import FunctionRef, free_names
from headgate.scan.flow.sinks import Arguments
from headgate.scan.flow.transfer import Inward, Summary
from headgate.scan.flow.values import UNKNOWN, Obj, Value
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node
from headgate.scan.packs.schema import Propagator

_DEEPEST_MAKER = 6
"""Calls within calls in which functions that make functions are followed."""


class JavaScriptFunctions(JavaScriptObjects):
    """Functions as values."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._makers: dict[tuple[str, int], bool] = {}

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

    def _worth(
        self,
        function: Node,
        args: list[Value],
        keywords: dict[str, Value],
        extra: Value | None,
        ref: FunctionRef,
    ) -> bool:
        if super()._worth(function, args, keywords, extra, ref):
            return True
        if self.shallow:
            return False
        if self.frame.depth < _DEEPEST_MAKER and self._makes(ref):
            return True
        if ref.captured is None:
            return False
        # What comes in may be in a variable around the function.
        frame = ref.frame
        around = ref.captured if frame is None or frame.env is None else frame.env.vars
        held = (around.get(name) for name in free_names(function))
        return any(one is not None and one.taint for one in held)

    def _apply(
        self, summary: Summary, inward: Inward, node: Node, name: str, ref: FunctionRef
    ) -> Value:
        # Objects that everything hangs on are dear to carry in and out: that counts as work.
        for held in (*inward.heap.values(), *summary.changed.values()):
            self.steps += 4 * len(held.items)
        return super()._apply(summary, inward, node, name, ref)

    def _makes(self, ref: FunctionRef) -> bool:
        """Whether what it makes are functions, or an object that has some."""
        place = (ref.module.path, ref.node[1])
        found = self._makers.get(place)
        if found is None:
            found = self._makers[place] = _gives_functions(ref.node[5])
        return found

    def enter(self, parameter: Node, value: Value | None) -> None:
        if value is None or value is UNKNOWN:
            typed = self.typed_parameter(parameter)
            if typed is not None:
                value = typed
        super().enter(parameter, value)

    def typed_parameter(self, parameter: Node) -> Value | None:
        """What a parameter with a conventional name holds: `req`, `res`, `ctx`."""
        target = parameter[3]
        if target[0] != ir.NAME:
            return None
        for selector, kind, _ in self.rules.typed_params:
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


def _gives_functions(body: Sequence[Node]) -> bool:
    """Whether a body returns functions, or puts some on `this`."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        op = node[0]
        if op == ir.RETURN and node[3] is not None:
            if _is_function(node[3]):
                return True
        elif op == ir.ASSIGN and node[4] is not None:
            for target in node[3]:
                on_this = target[0] == ir.ATTR and target[3][0] == ir.NAME
                if on_this and target[3][3] == "this" and _is_function(node[4]):
                    return True
        elif op == ir.IF:
            waiting += (*node[4], *node[5])
        elif op in (ir.BLOCK, ir.TRY):
            waiting += node[3]
    return False


def _is_function(node: Node) -> bool:
    if node[0] == ir.MAP:
        return any(value[0] == ir.LAMBDA for _, value in node[3])
    return node[0] in (ir.LAMBDA, ir.CLASS_EXPR)
