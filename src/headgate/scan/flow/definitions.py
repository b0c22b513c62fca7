"""Functions as they are defined, their decorators, and the modules they stand in."""

from __future__ import annotations

from typing import Any

from headgate.scan.flow.classes import Classes
from headgate.scan.flow.core import Frame
from headgate.scan.flow.entries import EntryInfo
from headgate.scan.flow.env import Env
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState
from headgate.scan.flow.values import (
    Value,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node


class Definitions(Classes):
    """Definitions, and what decorators make of them."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.entries: list[EntryInfo] = []
        """Functions that a framework calls."""
        self.entry_of: dict[tuple[str, int], EntryInfo] = {}
        self.nested: list[tuple[FunctionRef, ClassRef | None]] = []
        """Functions that were defined in what ran last."""

    def define(self, node: Node) -> Value:
        """`def`, with its decorators."""
        frame = self.frame
        value = self.closure(node)
        ref: FunctionRef = value.obj
        if frame.depth == -2:
            ref.cls = frame.cls
            if frame.closure is not None:
                ref.captured, ref.frame = frame.closure.captured, frame.closure.frame
            else:
                ref.captured = ref.frame = None
        decorators: list[tuple[str, Value, list[Value], dict[str, Value]]] = []
        for one in reversed(node[6]):
            value = self._decorate(one, value, decorators, node)
        if frame.depth >= 0:
            self.nested.append((ref, ref.cls))
        if decorators:
            self.entry(ref, value, decorators)
        return value

    def _decorate(
        self,
        decorator_node: Node,
        value: Value,
        decorators: list[tuple[str, Value, list[Value], dict[str, Value]]],
        node: Node,
    ) -> Value:
        called = decorator_node[0] == ir.CALL
        function = self.eval(decorator_node[3] if called else decorator_node)
        args: list[Value] = []
        keywords: dict[str, Value] = {}
        if called:
            args = [self.eval(one) for one in decorator_node[4]]
            keywords = {name: self.eval(one) for name, one in decorator_node[5] if name}
        if function.obj is None:
            name = self.rules.canonical(function.name)
            kinds = function.recv.type if function.recv is not None else ""
            tail = name.rpartition(".")[2]
            names = [name, *(f"{kind}.{tail}" for kind in self.rules.lineage(kinds) if kinds)]
            for one in dict.fromkeys(names):
                decorators.append((one, function, args, keywords))
            if tail == "setter" and node[3] in self.env.vars:
                self.env.vars[f"{node[3]}="] = value
                return self.env.vars[node[3]]
            return value
        decorators.append((_name_of(function), function, args, keywords))
        if isinstance(function.obj, (FunctionRef, ClassRef)):
            outer = self.call(function, args, keywords, decorator_node) if called else function
            wrapped = self.call(outer, [value], {}, decorator_node)
            self.dead = False
            if wrapped.obj is not None or wrapped.ref is not None:
                return wrapped
        return value

    def entry(
        self,
        ref: FunctionRef,
        value: Value,
        decorators: list[tuple[str, Value, list[Value], dict[str, Value]]],
    ) -> None:
        """Remember a function that decorators make an entry."""
        names = [name for name, _, _, _ in decorators]
        for rule in self.rules.entries:
            wanted = rule.selector.decorator
            for name, _, args, keywords in decorators:
                if name in wanted:
                    info = EntryInfo.of(self.rules, rule, ref, value, names, name, args, keywords)
                    self.register(info)
                    self.entry_of[(ref.module.path, ref.node[1])] = info
                    return

    def register(self, info: EntryInfo) -> None:
        """Remember an entry; what is known of its function first stays."""
        place = (info.ref.module.path, info.ref.node[1])
        self.entries.append(info)
        self.tracker.now.entries.append(place)
        self.tracker.change(("entry", *place))
        self.entry_of.setdefault(place, info)

    def run_module(self, state: ModuleState) -> None:
        if state.done:
            return
        state.done = 1
        module = self.program.module_of(state)
        if module is None:
            state.done = 2
            return
        caller, caller_env, caller_dead = self.frame, self.env, self.dead
        steps, target = self.steps, self.target
        caller.env = caller_env
        self.steps = 0
        self.frame = Frame(state, "the module", -1)
        self.env = Env(state.vars, {}, {})
        self.env.vars["__name__"] = Value(type="str")
        self.env.vars["__file__"] = Value(type="str")
        self.dead = False
        self.target = ""
        try:
            for node in module.body:
                if not self.run((node,)):
                    break
                state.vars = self.env.vars
        except RecursionError:
            self.recorder.cut_off(state.path, "the module")
        finally:
            state.vars = self.env.vars
            self.program.heap.update(self.env.heap)
            state.done = 2
            for hit in self.frame.hits:
                self.report(hit)
            self.frame, self.env, self.dead = caller, caller_env, caller_dead
            self.steps, self.target = steps, target


def _name_of(function: Value) -> str:
    obj = function.obj
    if isinstance(obj, FunctionRef):
        return obj.node[3]
    return obj.name if isinstance(obj, ClassRef) else ""
