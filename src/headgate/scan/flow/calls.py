"""Calls functions of the project, once for each kind of arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headgate.scan.flow.attributes import SuperRef
from headgate.scan.flow.builtins import Partial
from headgate.scan.flow.core import FEW_CALLS, MAX_CALLS, SMALL, Frame
from headgate.scan.flow.entries import registered_by
from headgate.scan.flow.env import Env, several
from headgate.scan.flow.findings import ASSUMED
from headgate.scan.flow.program import ClassRef, FunctionRef, ModuleState
from headgate.scan.flow.summaries import Summaries
from headgate.scan.flow.transfer import Inward, Summary
from headgate.scan.flow.values import (
    NONE,
    UNKNOWN,
    Obj,
    Value,
)
from headgate.scan.ir import nodes as ir
from headgate.scan.ir.nodes import Node

_NESTED = 2
"""Runs of one function within another of itself that are followed."""
_VARIANTS = 24
"""Analyses of one function with different arguments, before they are made less precise."""
_UNDECORATED = frozenset(
    {
        "property", "staticmethod", "classmethod", "functools.wraps", "functools.lru_cache",
        "functools.cache", "functools.cached_property", "contextlib.contextmanager",
        "contextlib.asynccontextmanager", "abc.abstractmethod", "typing.overload",
    }
)  # fmt: skip


def _nobody(path: str) -> ModuleState | None:
    return None


class Calls(Summaries):
    """Calls."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._running: dict[tuple[str, int], int] = {}
        """How often a function is being run, one within another."""
        self._memo: dict[tuple[str, int], dict[Any, Summary | None]] = {}
        self.called: set[tuple[str, int]] = set()
        """Functions that are called from somewhere."""
        self.reach = MAX_CALLS
        """Calls within calls that are followed at most."""
        self.shallow = False
        """Whether only the function itself is of interest: nothing comes in there."""
        self.first: Callable[[str], ModuleState | None] = _nobody
        """Which module has to run before one runs, for it to find what it found before."""

    def call(
        self,
        function: Value,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None = None,
    ) -> Value:
        obj = function.obj
        if obj is None:
            if not function.name:
                held = self.obj(function)
                if held is not None and held.cls is not None:
                    method = held.cls.member("__call__")
                    if method is not None:
                        bound = self.bound(method, function, held.cls, node)
                        return self.call(bound, args, keywords, node, extra)
                return self._assumed([function, *args, *keywords.values()], node, "it")
            given = (function.recv, args, keywords, extra)
            for info in registered_by(self.rules, function.name, given, self):
                self.register(info)
            return self.library_call(function, given, node, self.target)
        if isinstance(obj, FunctionRef):
            return self.invoke(obj, args, keywords, node, extra)
        if isinstance(obj, ClassRef):
            return self.instantiate(obj, args, keywords, node, extra)
        if isinstance(obj, Partial):
            return self.call(
                obj.function, [*obj.args, *args], {**obj.keywords, **keywords}, node, extra
            )
        if isinstance(obj, SuperRef):
            return UNKNOWN
        if isinstance(obj, tuple):
            return self._call_each(several(obj), args, keywords, node, extra)
        return self._assumed([*args, *keywords.values()], node, "it")

    def begin(self) -> None:
        """Another unit begins. What it finds depends on nothing that others found of functions."""
        self._memo = {}
        self._running = {}

    def run_module(self, state: ModuleState) -> None:
        self.tracker.now.touched.add(state.path)
        if state.done == 1:
            self.tracker.met(state.path)
        if state.done:
            return
        first = self.first(state.path)
        if first is not None:
            self.run_module(first)
            if state.done:
                return
        around = self._memo, self._running, self.shallow, self.reach, self.nested
        self.begin()
        self.shallow, self.reach, self.nested = False, MAX_CALLS, []
        try:
            with self.tracker.module(state.path) as uses:
                super().run_module(state)
            uses.nested = [(ref.module.path, ref.node[1]) for ref, _ in self.nested]
        finally:
            state.nested = self.nested
            self._memo, self._running, self.shallow, self.reach, self.nested = around

    def _call_each(
        self,
        functions: tuple[Any, ...],
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None,
    ) -> Value:
        """One of several functions is called, it is not known which."""
        out: Value | None = None
        start = self.env
        end: Env | None = None
        for one in functions:
            self.env = start.fork()
            result = self.call(Value(obj=one), args, keywords, node, extra)
            alive = not self.dead
            self.dead = False
            if alive:
                end = self.joiner.envs(end, self.env)
                if end is not None and out is not None:
                    end = Env(end.vars, end.facts, {**end.heap, **self.env.heap})
                    self.env = end
                out = result if out is None else self.joiner.values(out, result, self.env)
        if end is None:
            self.env = start
            self.dead = True
            return UNKNOWN
        self.env = end
        return out or UNKNOWN

    def _assumed(self, values: list[Value], node: Node, name: str) -> Value:
        taint = self.union(values)
        if not taint:
            return UNKNOWN
        return Value(self.moved(taint, f"{ASSUMED}pass through `{name}`", node))

    # Functions

    def invoke(
        self,
        ref: FunctionRef,
        args: list[Value],
        keywords: dict[str, Value],
        node: Node,
        extra: Value | None = None,
    ) -> Value:
        """Call a function of the project."""
        function = ref.node
        place = (ref.module.path, function[1])
        now = self.tracker.now
        now.touched.add(place)
        name = function[3] or "a lambda"
        if ref.bound is not None:
            args = [ref.bound, *args]
        if self.frame.depth >= self.reach:
            if self.reach < MAX_CALLS:
                return self._assumed([*args, *keywords.values()], node, name)
            if not self._carries(function, args, keywords, extra):
                # Nothing goes in that could do harm inside, and nothing comes in there.
                return self._unfollowed(ref)
            self.recorder.cut_off(self.frame.module.path, self.frame.name)
            return self._assumed([*args, *keywords.values()], node, name)
        if not self._worth(function, args, keywords, extra, ref):
            return self._unfollowed(ref)
        if self.frame.depth != -3:
            self.called.add(place)
            now.called.add(place)
        variants = self._memo.setdefault(place, {})
        inward = Inward(self.env.heap, self.program.heap, widen=len(variants) > _VARIANTS)
        bound, key = self._parameters(ref, args, keywords, extra, inward, node)
        captured, captured_key = inward.captured(ref)
        whole = (key, captured_key)
        summary = variants.get(whole)
        if summary is None:
            if whole in variants:
                # It calls itself: what goes in comes out.
                return self._assumed([*args, *keywords.values()], node, name)
            running = self._running.get(place, 0)
            if running >= _NESTED:
                # It calls itself with ever other values: what is known of one more is the same.
                return self._assumed([*args, *keywords.values()], node, name)
            variants[whole] = None
            self._running[place] = running + 1
            try:
                summary = self._analyse(ref, bound, captured, inward)
            except BaseException:
                del variants[whole]
                raise
            finally:
                self._running[place] = running
            variants[whole] = summary
        return self._apply(summary, inward, node, name, ref)

    def _worth(
        self,
        function: Node,
        args: list[Value],
        keywords: dict[str, Value],
        extra: Value | None,
        ref: FunctionRef,
    ) -> bool:
        """Whether a call is followed: data goes in, may come out, or it is cheap."""
        depth = self.frame.depth
        if depth == -3:
            return True
        if self.shallow:
            return depth < 1 and function[10] <= SMALL // 4
        if depth < FEW_CALLS and function[10] <= SMALL:
            return True
        return self._carries(function, args, keywords, extra) or any(
            one.obj is not None for one in (*args, *keywords.values())
        )

    def _carries(
        self,
        function: Node,
        args: list[Value],
        keywords: dict[str, Value],
        extra: Value | None,
    ) -> bool:
        """Whether data goes into a call, or may come in within."""
        if not function[11].isdisjoint(self.rules.source_tails):
            return True
        values = [*args, *keywords.values()]
        if extra is not None:
            values.append(extra)
        return any(self.deep(one) for one in values)

    def _unfollowed(self, ref: FunctionRef) -> Value:
        """What is known of the result of a function that is not followed: its type."""
        returns = ref.node[7]
        if returns is None or returns[0] not in (ir.NAME, ir.ATTR):
            return UNKNOWN
        caller = self.frame
        self.frame = Frame(ref.module, "", -3)
        try:
            return self.annotated(returns)
        finally:
            self.frame = caller

    def _parameters(
        self,
        ref: FunctionRef,
        args: list[Value],
        keywords: dict[str, Value],
        extra: Value | None,
        inward: Inward,
        node: Node,
    ) -> tuple[list[tuple[Node, Value | None]], Any]:
        """The parameters with what is passed for them; None: the default."""
        out: list[tuple[Node, Value | None]] = []
        keys: list[Any] = []
        at = 0
        left = dict(keywords)
        for parameter in ref.node[4]:
            target, kind = parameter[3], parameter[6]
            name = target[3] if target[0] == ir.NAME else ""
            value: Value | None = None
            if kind == ir.REST:
                value = self.make_list(args[at:], "tuple")
                at = len(args)
                if extra is not None:
                    value = self.bag(extra, "tuple")
            elif kind == ir.KEYWORDS:
                value = self.new(Obj("dict", dict(left), extra, None, extra is not None))
                left = {}
            elif kind != ir.KEYWORD_ONLY and at < len(args):
                value = args[at]
                at += 1
            elif name in left:
                value = left.pop(name)
            elif extra is not None:
                value = extra
            if value is None:
                out.append((parameter, None))
                keys.append(None)
                continue
            inside, key = inward.value(value)
            out.append((parameter, inside))
            keys.append(key)
        return out, tuple(keys)

    def _analyse(
        self,
        ref: FunctionRef,
        bound: list[tuple[Node, Value | None]],
        captured: dict[str, Value] | None,
        inward: Inward,
    ) -> Summary:
        caller, caller_env, caller_dead = self.frame, self.env, self.dead
        caller_target = self.target
        caller.env = caller_env
        function = ref.node
        frame = Frame(ref.module, function[3] or "a lambda", max(caller.depth, -1) + 1)
        frame.closure = FunctionRef(ref.module, function, ref.cls, captured) if captured else None
        frame.cls = ref.cls
        place = (ref.module.path, function[1])
        frame.entry = self.entry_of.get(place)
        self.tracker.read(("entry", *place))
        self.run_module(ref.module)
        self.frame = frame
        heap = dict(inward.heap)
        self.env = Env({}, {}, heap)
        self.dead = False
        self.target = function[3]
        try:
            for parameter, value in bound:
                self.enter(parameter, value)
            if ref.cls is not None and bound and bound[0][1] is not None:
                frame.self_ref = bound[0][1].ref
            alive = self.run(function[5])
            if alive:
                self.leave(NONE)
            return self._summary(ref, frame, heap_before=inward.heap)
        finally:
            self.frame, self.env, self.dead = caller, caller_env, caller_dead
            self.target = caller_target
            caller.env = None if caller.depth < -2 else caller_env

    def enter(self, parameter: Node, value: Value | None) -> None:
        target, default, annotation = parameter[3], parameter[4], parameter[5]
        if value is None:
            value = self.eval(default) if default is not None else UNKNOWN
        if annotation is not None and parameter[6] not in (ir.REST, ir.KEYWORDS):
            value = self.typed(value, self.annotated(annotation))
        if target[0] == ir.NAME:
            self.env.vars[target[3]] = value
            if value.consts is not None and default is not None:
                self.named(target[3], value, parameter)
        else:
            self.bind(target, value, parameter)

    def returned(self, value: Value, node: Node) -> None:
        """What an entry answers with."""
        values = [value]
        ordered = self.sequence(value, node)
        held = self.obj(value)
        if held is not None and held.kind == "tuple" and ordered:
            values = ordered[:1]
        # It is sent as JSON, not as a page; what must not be told at all is told all the same.
        structured = held is not None and held.kind in ("dict", "list", "set", "instance")
        for sink in self.frame.entry.sinks:
            if not (structured and sink.unless_type):
                self.sink(sink, values, node, "return")
